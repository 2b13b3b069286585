//! Revisions: which ReplicaSet is of which, and what it is told of its Deployment.

use lockstep_core::Value;

use super::{Rollout, status};
use crate::client::{Context, Refused};
use crate::condition;
use crate::kind::Kind;
use crate::object::{annotation, controlled_by, is_deleting, name, namespace, number, object, uid};
use crate::pod;

pub(super) const HASH: &str = "pod-template-hash";
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";
/// What a ReplicaSet does not inherit.
const OWN: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MAX,
    "deprecated.deployment.rollback.to",
];
/// So long a history of revisions is at most.
const HISTORY_LENGTH: usize = 2000;

pub(super) fn of(object: &Value) -> i64 {
    annotation(object, REVISION).and_then(|revision| revision.parse().ok()).unwrap_or(0)
}

/// How many replicas the Deployment wanted when the ReplicaSet was told.
pub(super) fn desired(set: &Value) -> Option<i64> {
    annotation(set, DESIRED)?.parse().ok()
}

/// How many replicas all ReplicaSets were to have at most.
pub(super) fn maximum(set: &Value) -> Option<i64> {
    annotation(set, MAX)?.parse().ok()
}

/// Tells a ReplicaSet how many replicas are wanted; whether that is news.
pub(super) fn tell_size(set: &mut Value, desired: i64, max: i64) -> bool {
    let mut news = false;
    for (key, number) in [(DESIRED, desired), (MAX, max)] {
        let text = number.to_string();
        if annotation(set, key) != Some(&text) {
            set.set(&["metadata", "annotations", key], text.into());
            news = true;
        }
    }
    news
}

impl Rollout {
    /// The number that the present template has or gets.
    fn next_revision(&self) -> i64 {
        self.old.iter().map(of).max().unwrap_or(0) + 1
    }

    /// Gives the ReplicaSet of the present template its number and what it inherits.
    pub(super) fn revise(&mut self, cx: &mut Context<'_>) -> Result<(), Refused> {
        let revision = self.next_revision();
        let Some(mut set) = self.new.clone() else { return Ok(()) };
        let mut news = inherit(&self.deployment, &mut set, revision);
        let min_ready = number(&self.deployment, &["spec", "minReadySeconds"]);
        if number(&set, &["spec", "minReadySeconds"]) != min_ready {
            set.set(&["spec", "minReadySeconds"], min_ready.into());
            news = true;
        }
        if news {
            self.new = Some(cx.update(Kind::REPLICA_SETS, &set)?);
        } else {
            self.new = Some(set);
        }
        self.note_new("FoundNewReplicaSet", "Found new replica set", cx)
    }

    /// Tells the Deployment which revision it is at.
    fn note_new(&mut self, reason: &str, text: &str, cx: &mut Context<'_>) -> Result<(), Refused> {
        let Some(set) = &self.new else { return Ok(()) };
        let revision = annotation(set, REVISION).unwrap_or_default().to_owned();
        let mut after = self.deployment.clone();
        let mut news = annotation(&after, REVISION) != Some(&revision);
        after.set(&["metadata", "annotations", REVISION], revision.into());
        let made = reason == "NewReplicaSetCreated";
        if self.has_deadline() && (made || condition::find(&after, "Progressing").is_none()) {
            let message = format!("{text} \"{}\"", name(set));
            let condition = condition::condition("Progressing", "True", reason, &message);
            news |= status::set(&mut after, condition, &cx.stamp());
        }
        if news {
            self.deployment = cx.update_status(Kind::DEPLOYMENTS, &after)?;
        }
        Ok(())
    }

    /// Makes the ReplicaSet of the present template, where there is none.
    pub(super) fn make_new(&mut self, cx: &mut Context<'_>) -> Result<(), Refused> {
        if self.new.is_some() {
            return self.revise(cx);
        }
        let collisions = self.deployment.int_at(&["status", "collisionCount"]);
        let template = self.deployment.at(&["spec", "template"]).cloned().unwrap_or_default();
        let hash = pod::hash(&template, collisions);
        let set = self.replica_set(template, &hash);
        let made = match cx.create(Kind::REPLICA_SETS, &set) {
            Err(Refused::Exists) => return self.collide(&set, cx),
            other => other,
        };
        let made = match made {
            Err(Refused::Other(why)) => return self.note_failure(&why, cx),
            other => other?,
        };
        let size = number(&made, &["spec", "replicas"]);
        if size > 0 {
            let message = format!("Scaled up replica set {} from 0 to {size}", name(&made));
            cx.normal(&self.deployment, "ScalingReplicaSet", &message);
        }
        self.new = Some(made);
        self.note_new("NewReplicaSetCreated", "Created new replica set", cx)
    }

    fn replica_set(&self, mut template: Value, hash: &str) -> Value {
        let deployment = &self.deployment;
        template.set(&["metadata", "labels", HASH], hash.into());
        let mut selector = deployment.at(&["spec", "selector"]).cloned().unwrap_or_default();
        selector.set(&["matchLabels", HASH], hash.into());
        let labels = template.at(&["metadata", "labels"]).cloned().unwrap_or_default();
        let mut set = object! {
            "metadata": object! {
                "name": format!("{}-{hash}", name(deployment)),
                "namespace": namespace(deployment),
                "labels": labels,
                "ownerReferences": vec![controlled_by(deployment)],
            },
            "spec": object! {"replicas": self.new_size(), "selector": selector, "template": template},
        };
        if let Some(min_ready) = deployment.at(&["spec", "minReadySeconds"]) {
            set.set(&["spec", "minReadySeconds"], min_ready.clone());
        }
        inherit(deployment, &mut set, self.next_revision());
        tell_size(&mut set, self.wanted(), self.wanted() + self.max_surge());
        set
    }

    /// The name is taken: by another template with the same hash, or because what was read is stale.
    fn collide(&mut self, set: &Value, cx: &mut Context<'_>) -> Result<(), Refused> {
        let taken = cx.store.object("apps", "replicasets", namespace(set), name(set)).unwrap_or_default();
        let ours = crate::object::controller_uid(&taken) == uid(&self.deployment);
        if ours || is_deleting(&taken) {
            return Err(Refused::Exists);
        }
        let collisions = number(&self.deployment, &["status", "collisionCount"]) + 1;
        self.deployment.set(&["status", "collisionCount"], collisions.into());
        cx.update_status(Kind::DEPLOYMENTS, &self.deployment)?;
        Err(Refused::Conflict)
    }

    fn note_failure(&mut self, why: &str, cx: &mut Context<'_>) -> Result<(), Refused> {
        let message = format!("Failed to create new replica set: {why}");
        cx.warning(&self.deployment, "ReplicaSetCreateError", &message);
        if self.has_deadline() {
            let condition = condition::condition("Progressing", "False", "ReplicaSetCreateError", &message);
            if status::set(&mut self.deployment, condition, &cx.stamp()) {
                self.deployment = cx.update_status(Kind::DEPLOYMENTS, &self.deployment)?;
            }
        }
        Err(Refused::Other(why.to_owned()))
    }
}

/// Annotations of the Deployment, and the number of the revision; whether that is news.
fn inherit(deployment: &Value, set: &mut Value, revision: i64) -> bool {
    let mut news = false;
    let annotations = deployment.at(&["metadata", "annotations"]).and_then(Value::as_map);
    for (key, value) in annotations.into_iter().flatten().filter(|(key, _)| !OWN.contains(&&***key)) {
        if set.at(&["metadata", "annotations", key]) != Some(value) {
            set.set(&["metadata", "annotations", key], value.clone());
            news = true;
        }
    }
    let before = annotation(set, REVISION).map(str::to_owned);
    if of(set) < revision {
        set.set(&["metadata", "annotations", REVISION], revision.to_string().into());
        if let Some(before) = before {
            let history =
                annotation(set, HISTORY).map(|history| format!("{history},{before}")).unwrap_or(before);
            let cut = history.len().saturating_sub(HISTORY_LENGTH);
            let from =
                if cut == 0 { 0 } else { history[cut..].find(',').map_or(history.len(), |at| cut + at + 1) };
            set.set(&["metadata", "annotations", HISTORY], history[from..].into());
        }
        news = true;
    }
    news
}
