//! Whether the API server can be reached. It cannot as long as one of the watches that the controller cannot do without fails, or
//! as long as nothing at all comes from it: a server that hangs is noticed by that long before its watches count as failed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ::cluster::Silence;
use parking_lot::Mutex;
use runtime::Readiness;
use tokio::time::Instant;

use crate::context::Context;
use crate::follow::Own;

/// So long may it last before the process says that it is not ready: most interruptions are shorter (docs/operation.md).
const PATIENCE: Duration = Duration::from_secs(30);

/// How often that is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// So long may an answer to the question take whether the API server still answers.
const PROBE: Duration = Duration::from_secs(5);

/// What is followed, and where.
type Followed = (Own, Option<Arc<str>>);

#[derive(Debug)]
struct Loss {
    since: Instant,
    /// The newest reason.
    reason: String,
}

/// The watches that fail.
#[derive(Debug, Default)]
pub(crate) struct Reach(Mutex<BTreeMap<Followed, Loss>>);

impl Reach {
    /// A watch fails, or still does.
    pub(crate) fn lost(&self, followed: &Followed, reason: String, now: Instant) {
        let mut losses = self.0.lock();
        losses.entry(followed.clone()).or_insert_with(|| Loss { since: now, reason: String::new() }).reason =
            reason;
    }

    /// A watch stands. Returns whether it had failed.
    pub(crate) fn found(&self, followed: &Followed) -> bool {
        self.0.lock().remove(followed).is_some()
    }

    /// What does not come, where that lasts too long.
    fn obstacle(&self, silence: Option<&Silence>, now: Instant) -> Option<String> {
        let losses = self.0.lock();
        let losses =
            losses.iter().map(|((kind, _), loss)| (loss.since, format!("word of {kind:?}"), &*loss.reason));
        let silence = silence.map(|silence| (silence.since, "answer".to_owned(), &*silence.reason));
        let (since, what, reason) = losses.chain(silence).min()?;
        let lasts = now.duration_since(since);
        (lasts >= PATIENCE).then(|| format!("the API server: no {what} for {} s: {reason}", lasts.as_secs()))
    }

    /// Takes the readiness of a process that was ready away, and gives it back. `told` is what this returned the last time: whether
    /// it has been taken away.
    fn tell(&self, readiness: &Readiness, silence: Option<&Silence>, told: bool) -> bool {
        match self.obstacle(silence, Instant::now()) {
            Some(what) => {
                if !told {
                    tracing::error!(waits_for = what, "Not ready any more");
                }
                readiness.wait_for(what);
                true
            }
            None => {
                if told {
                    tracing::info!("Ready again");
                    readiness.set_ready();
                }
                false
            }
        }
    }
}

/// Keeps the readiness of a process true to whether the API server can be reached, for ever. The start has its own words for that.
pub(crate) async fn follow(context: Arc<Context>, readiness: Readiness) {
    let connection = context.cluster.writer.connection();
    let mut told = false;
    loop {
        tokio::time::sleep(LOOK).await;
        if connection.silence().is_some() {
            // One request that was cut off says little. The answer to this one ends the silence, if there is one.
            let _ = tokio::time::timeout(PROBE, connection.version()).await;
            if connection.silence().is_none() {
                context.retry_now();
            }
        }
        if context.is_started() {
            told = context.reach.tell(&readiness, connection.silence().as_ref(), told);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_what_lasts_takes_readiness_away_and_its_end_gives_it_back() {
        let (reach, readiness) = (Reach::default(), Readiness::waiting_for("the start"));
        let start = Instant::now();
        let pass = async |seconds| tokio::time::sleep_until(start + Duration::from_secs(seconds)).await;
        let (apps, projects) = ((Own::Applications, None), (Own::Projects, None));
        assert!(!reach.tell(&readiness, None, false) && !readiness.is_ready(), "it was never ready");
        readiness.set_ready();
        reach.lost(&apps, "refused".to_owned(), start);
        pass(10).await;
        reach.lost(&projects, "refused".to_owned(), Instant::now());
        pass(29).await;
        assert!(!reach.tell(&readiness, None, false) && readiness.is_ready());
        reach.lost(&apps, "no route".to_owned(), Instant::now());
        pass(31).await;
        let what = reach.obstacle(None, Instant::now()).unwrap();
        assert_eq!(what, "the API server: no word of Applications for 31 s: no route");
        assert!(reach.tell(&readiness, None, false) && !readiness.is_ready());
        assert!(reach.found(&apps) && !reach.found(&apps));
        pass(40).await;
        assert!(reach.tell(&readiness, None, true) && !readiness.is_ready(), "the other one still fails");
        assert!(reach.found(&projects));
        assert!(!reach.tell(&readiness, None, true) && readiness.is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_hangs_is_not_reached() {
        let (reach, readiness) = (Reach::default(), Readiness::waiting_for("the start"));
        readiness.set_ready();
        let silence = Silence { since: Instant::now(), reason: "timed out".into() };
        assert!(!reach.tell(&readiness, Some(&silence), false) && readiness.is_ready());
        tokio::time::sleep(PATIENCE).await;
        let what = reach.obstacle(Some(&silence), Instant::now()).unwrap();
        assert_eq!(what, "the API server: no answer for 30 s: timed out");
        assert!(reach.tell(&readiness, Some(&silence), false) && !readiness.is_ready());
        assert!(!reach.tell(&readiness, None, true) && readiness.is_ready());
    }
}
