//! Deployments: one ReplicaSet for each template, and the way from one to the next.

mod replicas;
mod revision;
mod rollout;
mod status;

pub(crate) use replicas::{Rounding, portion};

use lockstep_core::Value;

use crate::claim::claim;
use crate::client::{Actor, Context, Refused};
use crate::condition;
use crate::controller::{Controller, Due};
use crate::kind::Kind;
use crate::object::{controller, flag, is_deleting, number, text};
use crate::replica_set::owners_of;
use crate::view::{Change, Id, View};

/// Moves Deployments to their templates.
#[derive(Clone, Debug)]
pub(crate) struct Deployments;

/// A Deployment and its ReplicaSets, while it is looked at.
#[derive(Debug)]
pub(crate) struct Rollout {
    pub(crate) deployment: Value,
    /// The one of the present template, if there is one.
    pub(crate) new: Option<Value>,
    /// The others, the oldest first.
    pub(crate) old: Vec<Value>,
}

impl Controller for Deployments {
    fn actor(&self) -> Actor<'static> {
        Actor::Controller("deployment-controller")
    }

    fn touched(&mut self, change: &Change, view: &View) -> Vec<Id> {
        match change.id.kind {
            Kind::DEPLOYMENTS => vec![change.id.clone()],
            Kind::REPLICA_SETS => owners_of(change, view, "Deployment", Kind::DEPLOYMENTS),
            // Who replaces all pods at once waits until the last of the old ones has gone.
            Kind::PODS if change.new.is_none() => {
                let pod = change.object();
                let set = controller(pod).filter(|owner| text(owner, &["kind"]) == "ReplicaSet");
                let set = set.and_then(|owner| {
                    view.find(Kind::REPLICA_SETS, &change.id.key.namespace, text(owner, &["name"]))
                });
                let owner = set.and_then(controller);
                let id = owner.map(|owner| {
                    Id::new(Kind::DEPLOYMENTS, &change.id.key.namespace, text(owner, &["name"]))
                });
                id.into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let Some(deployment) = cx.view.get(Kind::DEPLOYMENTS, &id.key).cloned() else { return Ok(None) };
        let sets = claim(cx, Kind::REPLICA_SETS, &deployment)?;
        let mut rollout = Rollout::new(deployment, sets);
        if is_deleting(&rollout.deployment) {
            rollout.revise(cx)?;
            return rollout.report(cx).map(|()| None);
        }
        rollout.note_pause(cx)?;
        if rollout.is_paused() || rollout.is_scaling() {
            rollout.revise(cx)?;
            rollout.scale(cx)?;
            return rollout.report(cx).map(|()| None);
        }
        match text(&rollout.deployment, &["spec", "strategy", "type"]) {
            "Recreate" => rollout.recreate(cx),
            _ => rollout.roll(cx),
        }
    }
}

impl Rollout {
    fn new(deployment: Value, mut sets: Vec<Value>) -> Self {
        sets.sort_by_key(|set| {
            let text = |key| text(set, &["metadata", key]).to_owned();
            (text("creationTimestamp"), text("name"))
        });
        let template = deployment.at(&["spec", "template"]).cloned().unwrap_or_default();
        let is_new = |set: &Value| {
            let other = set.at(&["spec", "template"]).cloned().unwrap_or_default();
            crate::pod::same_template(&other, &template, revision::HASH)
        };
        let place = sets.iter().position(is_new);
        let new = place.map(|place| sets.remove(place));
        Self { deployment, new, old: sets }
    }

    /// All ReplicaSets.
    pub(crate) fn sets(&self) -> impl Iterator<Item = &Value> {
        self.old.iter().chain(self.new.iter())
    }

    pub(crate) fn wanted(&self) -> i64 {
        number(&self.deployment, &["spec", "replicas"])
    }

    pub(crate) fn is_paused(&self) -> bool {
        flag(&self.deployment, &["spec", "paused"])
    }

    /// Whether someone else has changed how many are wanted since the ReplicaSets were told.
    fn is_scaling(&self) -> bool {
        let active = self.sets().filter(|set| number(set, &["spec", "replicas"]) > 0);
        let told = active.filter_map(revision::desired);
        told.into_iter().any(|desired| desired != self.wanted())
    }

    /// Pauses are told as progress, so that no deadline passes in them.
    fn note_pause(&mut self, cx: &mut Context<'_>) -> Result<(), Refused> {
        if !self.has_deadline() {
            return Ok(());
        }
        let reason = condition::find(&self.deployment, "Progressing").map(|known| text(known, &["reason"]));
        let (reason, message) = match (self.is_paused(), reason.unwrap_or_default()) {
            (_, "ProgressDeadlineExceeded") => return Ok(()),
            (true, known) if known != "DeploymentPaused" => ("DeploymentPaused", "Deployment is paused"),
            (false, "DeploymentPaused") => ("DeploymentResumed", "Deployment is resumed"),
            _ => return Ok(()),
        };
        let condition = condition::condition("Progressing", "Unknown", reason, message);
        status::set(&mut self.deployment, condition, &cx.stamp());
        self.deployment = cx.update_status(Kind::DEPLOYMENTS, &self.deployment)?;
        Ok(())
    }
}
