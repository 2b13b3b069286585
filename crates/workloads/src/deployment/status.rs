//! What a Deployment says of itself.

use std::time::Duration;

use lockstep_core::Value;

use super::Rollout;
use super::replicas::available;
use crate::client::{Context, Refused};
use crate::condition;
use crate::controller::Due;
use crate::kind::Kind;
use crate::object::{items, name, number, put, seconds, text, time};

/// Sets a condition unless it says the same already; it moves to the end, with the time at which it was last told.
pub(super) fn set(deployment: &mut Value, mut new: Value, now: &str) -> bool {
    let kind = text(&new, &["type"]).to_owned();
    let known = condition::find(deployment, &kind).cloned();
    let told = |known: &Value| ["status", "reason"].iter().all(|key| known.get(key) == new.get(key));
    if known.as_ref().is_some_and(told) {
        return false;
    }
    let since = known.filter(|known| known.get("status") == new.get("status"));
    let since =
        since.map_or_else(|| now.to_owned(), |known| text(&known, &["lastTransitionTime"]).to_owned());
    new.set(&["lastUpdateTime"], now.into());
    new.set(&["lastTransitionTime"], since.into());
    append(deployment, &kind, new);
    true
}

fn append(deployment: &mut Value, kind: &str, new: Value) {
    condition::remove(deployment, kind);
    let mut list = items(deployment, &["status", "conditions"]).to_vec();
    list.push(new);
    deployment.set(&["status", "conditions"], Value::list(list));
}

/// Whether all that `deployment` wants is there, by the status of `told`.
pub(super) fn is_complete(deployment: &Value, told: &Value) -> bool {
    let wanted = number(deployment, &["spec", "replicas"]);
    let all = ["updatedReplicas", "replicas", "availableReplicas"];
    all.iter().all(|key| number(told, &["status", key]) == wanted)
        && number(told, &["status", "observedGeneration"]) >= number(deployment, &["metadata", "generation"])
}

impl Rollout {
    pub(super) fn has_deadline(&self) -> bool {
        self.deployment
            .int_at(&["spec", "progressDeadlineSeconds"])
            .is_some_and(|seconds| seconds != i64::from(i32::MAX))
    }

    /// Tells how far it is, without judging progress.
    pub(super) fn report(&mut self, cx: &mut Context<'_>) -> Result<(), Refused> {
        let after = self.counted(cx);
        if after.get("status") != self.deployment.get("status") {
            self.deployment = cx.update_status(Kind::DEPLOYMENTS, &after)?;
        }
        Ok(())
    }

    /// The Deployment with the numbers of its ReplicaSets.
    fn counted(&self, cx: &Context<'_>) -> Value {
        let sum = |key: &str| self.sets().map(|set| number(set, &["status", key])).sum::<i64>();
        let some = |number: i64| (number > 0).then(|| number.into());
        let mut after = self.deployment.clone();
        let updated = self.new.as_ref().map_or(0, |set| number(set, &["status", "replicas"]));
        let working: i64 = self.sets().map(available).sum();
        after.set(&["status", "observedGeneration"], number(&after, &["metadata", "generation"]).into());
        for (key, number) in [
            ("replicas", sum("replicas")),
            ("updatedReplicas", updated),
            ("readyReplicas", sum("readyReplicas")),
            ("availableReplicas", working),
            ("unavailableReplicas", (self.sets().map(super::replicas::wants).sum::<i64>() - working).max(0)),
        ] {
            put(&mut after, &["status", key], some(number));
        }
        after.set(&["status", "terminatingReplicas"], sum("terminatingReplicas").into());
        let enough = working >= self.wanted() - self.max_unavailable();
        let (status, reason, message) = match enough {
            true => ("True", "MinimumReplicasAvailable", "Deployment has minimum availability."),
            false => {
                ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
            }
        };
        set(&mut after, condition::condition("Available", status, reason, message), &cx.stamp());
        after
    }

    /// Tells how far it is, and whether that is progress. Returns when its deadline is to be looked at.
    pub(super) fn progress(&mut self, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let mut after = self.counted(cx);
        if !self.has_deadline() {
            condition::remove(&mut after, "Progressing");
        }
        let known = condition::find(&self.deployment, "Progressing").cloned();
        let same = number(&after, &["status", "replicas"]) == number(&after, &["status", "updatedReplicas"]);
        let was_complete =
            same && known.as_ref().is_some_and(|known| text(known, &["reason"]) == "NewReplicaSetAvailable");
        if self.has_deadline() && !was_complete {
            self.judge(&mut after, known.as_ref(), cx);
        }
        self.pass_failures(&mut after, cx);
        if after.get("status") != self.deployment.get("status") {
            self.deployment = cx.update_status(Kind::DEPLOYMENTS, &after)?;
        }
        Ok(self.deadline(&self.deployment).filter(|at| *at > cx.now))
    }

    fn judge(&self, after: &mut Value, known: Option<&Value>, cx: &Context<'_>) {
        let (subject, title) = match &self.new {
            Some(set) => (name(set), "ReplicaSet"),
            None => (name(&self.deployment), "Deployment"),
        };
        let now = cx.stamp();
        let told = |status, reason, what: &str| {
            condition::condition("Progressing", status, reason, &format!("{title} \"{subject}\" {what}"))
        };
        if is_complete(&self.deployment, after) {
            set(after, told("True", "NewReplicaSetAvailable", "has successfully progressed."), &now);
        } else if self.has_progressed(after) {
            let mut condition = told("True", "ReplicaSetUpdated", "is progressing.");
            let since = known.filter(|known| text(known, &["status"]) == "True");
            let since = since.map_or(&*now, |known| text(known, &["lastTransitionTime"])).to_owned();
            condition.set(&["lastUpdateTime"], now.into());
            condition.set(&["lastTransitionTime"], since.into());
            append(after, "Progressing", condition);
        } else if self.deadline(after).is_some_and(|at| at <= cx.now) {
            set(after, told("False", "ProgressDeadlineExceeded", "has timed out progressing."), &now);
        }
    }

    fn has_progressed(&self, after: &Value) -> bool {
        let before = &self.deployment;
        let at = |object: &Value, key: &str| number(object, &["status", key]);
        let old = |object: &Value| at(object, "replicas") - at(object, "updatedReplicas");
        at(after, "updatedReplicas") > at(before, "updatedReplicas")
            || old(after) < old(before)
            || at(after, "readyReplicas") > at(before, "readyReplicas")
            || at(after, "availableReplicas") > at(before, "availableReplicas")
    }

    /// When a rollout that does not move on has failed; `None` where none is under way.
    fn deadline(&self, told: &Value) -> Due {
        let progressing = condition::find(told, "Progressing").filter(|_| self.has_deadline())?;
        let reason = text(progressing, &["reason"]);
        if matches!(reason, "NewReplicaSetAvailable" | "ProgressDeadlineExceeded" | "DeploymentPaused") {
            return None;
        }
        let since = time(progressing, &["lastUpdateTime"])?;
        // Times of objects have no parts of seconds: one more, so that the deadline has passed whatever they were.
        Some(
            since + seconds(&self.deployment, &["spec", "progressDeadlineSeconds"])? + Duration::from_secs(1),
        )
    }

    /// A ReplicaSet that cannot make its pods is told of.
    fn pass_failures(&self, after: &mut Value, cx: &Context<'_>) {
        let sets = self.new.iter().chain(self.old.iter().rev());
        let failure = sets.filter_map(|set| condition::find(set, "ReplicaFailure")).next();
        match failure {
            None => condition::remove(after, "ReplicaFailure"),
            Some(found) => {
                let field = |key| text(found, &[key]);
                let condition = condition::condition(
                    "ReplicaFailure",
                    field("status"),
                    field("reason"),
                    field("message"),
                );
                set(after, condition, &cx.stamp());
            }
        }
    }
}
