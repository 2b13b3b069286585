//! The status as others read it: written only where it differs from what was told.

use std::time::Duration;

use api::Status;
use tokio::time::Instant;

use super::dereference::Found;
use crate::context::Context;
use crate::queue::Cause;

/// A state that is on its way to another is not told before it has lasted this long: most do not.
const SETTLE: Duration = Duration::from_secs(2);

/// Writes the status if it differs from what is told, at once where it says something final.
pub(super) async fn tell(context: &Context, found: &mut Found, status: Status) {
    context.telemetry.set_standing(&found.key, &status);
    let Some(patch) = status.patch(&found.resource) else {
        found.state.untold = None;
        found.state.ended.clear();
        return;
    };
    if is_passing(&status, &found.told) {
        let since = *found.state.untold.get_or_insert_with(Instant::now);
        if since.elapsed() < SETTLE {
            context.queue.wake_at(&found.key, since + SETTLE);
            return;
        }
    }
    match context.patch_application_status(&found.key, patch).await {
        Ok(resource) => {
            context.events.tell(&found.resource, &found.told, &status).await;
            found.resource = resource;
            if found.told.run != status.run {
                context.mark(&found.key, Cause::Resume);
            }
            found.told = status;
            found.state.untold = None;
            found.state.ended.clear();
        }
        Err(error) => {
            tracing::warn!(app = %found.key, %error, "The status could not be written");
            context.retry(&found.key);
        }
    }
}

/// Whether this is a state that is about to be left: everything under way, nothing wrong, and no answer that somebody waits for.
fn is_passing(status: &Status, told: &Status) -> bool {
    if status.run != told.run {
        // Hooks wait for it.
        return false;
    }
    let passing = {
        use api::Reason::{Missing, Progressing, Syncing, Unknown};
        // Most watches that break off stand again before anybody could read of it.
        [Syncing, Progressing, Missing, Unknown].map(api::Reason::as_str)
    };
    let ready = status.condition(api::ConditionType::Ready);
    let moving = ready.is_some_and(|ready| !ready.holds && passing.contains(&ready.reason.as_str()))
        || is_reworded(status, told);
    // Most deletions are over before anybody could read of them.
    let leaving = ready.is_some_and(|ready| ready.reason == api::Reason::Deleting.as_str());
    leaving
        || moving && status.handled == told.handled && status.observed_generation == told.observed_generation
        || moving && told.conditions.is_empty()
}

/// Whether it says no more than why something is Degraded that was Degraded before: pods that crash change their minds often,
/// and after a restart they are heard of later than their workload.
fn is_reworded(status: &Status, told: &Status) -> bool {
    let degraded = |status: &Status| {
        let ready = status.condition(api::ConditionType::Ready);
        ready.is_some_and(|ready| ready.reason == api::Reason::Degraded.as_str())
    };
    degraded(status) && degraded(told) && status.sync == told.sync && status.operation == told.operation
}

#[cfg(test)]
mod tests {
    use api::{Condition, ConditionType, Reason};
    use lockstep_core::Timestamp;

    use super::*;

    fn status(reason: Reason, message: &str) -> Status {
        let condition = Condition {
            kind: ConditionType::Ready,
            holds: reason == Reason::Ready,
            reason: reason.as_str().to_owned(),
            message: message.to_owned(),
            since: Timestamp(0),
            observed_generation: 1,
        };
        Status { conditions: vec![condition], ..Status::default() }
    }

    #[test]
    fn what_is_about_to_change_waits_and_what_is_final_does_not() {
        use Reason::{Degraded, Progressing, Ready, Unknown};
        for (told, now, waits) in [
            (Ready, Unknown, true),
            (Ready, Progressing, true),
            (Progressing, Progressing, true),
            (Progressing, Ready, false),
            (Progressing, Degraded, false),
            (Degraded, Degraded, true),
            (Degraded, Ready, false),
        ] {
            let (told, now) = (status(told, "x"), status(now, "y"));
            assert_eq!(is_passing(&now, &told), waits, "{told:?} {now:?}");
        }
        // Somebody waits for the answer.
        let mut answered = status(Degraded, "y");
        answered.handled.refresh = Some("now".to_owned());
        assert!(!is_passing(&answered, &status(Degraded, "x")));
        let mut spoken = status(Degraded, "y");
        spoken.sync.plan = Some("plan".to_owned());
        assert!(!is_passing(&spoken, &status(Degraded, "x")), "a sync is told at once");
    }
}
