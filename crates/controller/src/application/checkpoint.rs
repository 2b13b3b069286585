//! What is written is recorded while the rest is still under way, so that a process which ends in the middle of a long sync, or is
//! told to, leaves no more than the last moments to be found out by the next one.

use std::time::Duration;

use ::apply::Outcome;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, Interval, interval_at};

/// How often. Most syncs are over before and are recorded once; an orderly stop waits longer than this for steps that hang.
const EVERY: Duration = Duration::from_secs(4);

/// The outcomes of a plan that is being executed.
pub(super) struct Gathering {
    outcomes: UnboundedReceiver<Outcome>,
    gathered: Vec<Outcome>,
    recorded: usize,
    ticks: Interval,
}

impl Gathering {
    /// From now on.
    pub(super) fn new(outcomes: UnboundedReceiver<Outcome>) -> Self {
        let ticks = interval_at(Instant::now() + EVERY, EVERY);
        Self { outcomes, gathered: Vec::new(), recorded: 0, ticks }
    }

    /// Takes outcomes in until some should be recorded. `false`: there are no more.
    pub(super) async fn is_due(&mut self) -> bool {
        loop {
            tokio::select! {
                // Not by lot; and however many outcomes come, they are recorded in time.
                biased;
                _ = self.ticks.tick() => {
                    if self.gathered.len() > self.recorded {
                        return true;
                    }
                }
                outcome = self.outcomes.recv() => match outcome {
                    Some(outcome) => self.gathered.push(outcome),
                    None => return false,
                },
            }
        }
    }

    /// Those that are not recorded.
    pub(super) fn unrecorded(&self) -> &[Outcome] {
        &self.gathered[self.recorded..]
    }

    /// All of them are recorded.
    pub(super) fn set_recorded(&mut self) {
        self.recorded = self.gathered.len();
    }

    /// All of them.
    pub(super) fn finish(self) -> Vec<Outcome> {
        self.gathered
    }
}

#[cfg(test)]
mod tests {
    use ::apply::Done;
    use lockstep_core::ObjectKey;
    use tokio::sync::mpsc;

    use super::*;

    fn outcome(name: &str) -> Outcome {
        Outcome { key: ObjectKey::new("", "ConfigMap", "n", name), result: Ok(Done::Deleted) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_sync_is_recorded_on_its_way_and_a_short_one_only_at_its_end() {
        let (sender, receiver) = mpsc::unbounded_channel();
        let steps = async move {
            for (name, seconds) in [("a", 0), ("b", 1), ("c", 4), ("d", 8), ("e", 1)] {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                sender.send(outcome(name)).unwrap();
            }
        };
        let mut records: Vec<(u64, String)> = Vec::new();
        let start = Instant::now();
        let mut gathering = Gathering::new(receiver);
        let gather = async {
            while gathering.is_due().await {
                let names: Vec<_> = gathering.unrecorded().iter().map(|outcome| &*outcome.key.name).collect();
                records.push((start.elapsed().as_secs(), names.concat()));
                // The second one fails.
                if records.len() != 2 {
                    gathering.set_recorded();
                }
            }
            gathering.finish()
        };
        let (all, ()) = tokio::join!(gather, steps);
        assert_eq!(all.len(), 5);
        let told: Vec<_> = records.iter().map(|(at, names)| (*at, names.as_str())).collect();
        assert_eq!(told, [(4, "ab"), (8, "c"), (12, "c")], "d and e are left for the end");
    }
}
