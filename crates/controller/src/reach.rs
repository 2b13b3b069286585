//! Whether the API server can be reached: as long as one of the watches that the controller cannot do without fails, it cannot.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use runtime::Readiness;
use tokio::time::Instant;

use crate::follow::Own;

/// So long may it last before the process says that it is not ready: most interruptions are shorter (docs/operation.md).
const PATIENCE: Duration = Duration::from_secs(30);

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
    fn obstacle(&self, now: Instant) -> Option<String> {
        let losses = self.0.lock();
        let ((kind, _), loss) = losses.iter().min_by_key(|(_, loss)| loss.since)?;
        let lasts = now.duration_since(loss.since);
        let told =
            || format!("the API server: no word of {kind:?} for {} s: {}", lasts.as_secs(), loss.reason);
        (lasts >= PATIENCE).then(told)
    }

    /// Takes the readiness of a process that was ready away, and gives it back. `told` is what this returned the last time: whether
    /// it has been taken away.
    pub(crate) fn tell(&self, readiness: &Readiness, told: bool, now: Instant) -> bool {
        match self.obstacle(now) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lasts_takes_readiness_away_and_its_end_gives_it_back() {
        let (reach, readiness) = (Reach::default(), Readiness::waiting_for("the start"));
        let start = Instant::now();
        let (apps, projects) = ((Own::Applications, None), (Own::Projects, None));
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!reach.tell(&readiness, false, start) && !readiness.is_ready(), "it was never ready");
        readiness.set_ready();
        reach.lost(&apps, "refused".to_owned(), start);
        reach.lost(&projects, "refused".to_owned(), at(10));
        assert!(!reach.tell(&readiness, false, at(29)) && readiness.is_ready());
        reach.lost(&apps, "no route".to_owned(), at(29));
        let what = reach.obstacle(at(31)).unwrap();
        assert_eq!(what, "the API server: no word of Applications for 31 s: no route");
        assert!(reach.tell(&readiness, false, at(31)) && !readiness.is_ready());
        assert!(reach.found(&apps) && !reach.found(&apps));
        assert!(reach.tell(&readiness, true, at(40)) && !readiness.is_ready(), "the other one still fails");
        assert!(reach.found(&projects));
        assert!(!reach.tell(&readiness, true, at(41)) && readiness.is_ready());
    }
}
