//! What is to be done, in order.

use std::sync::Arc;

use lockstep_core::{
    AppKey, CommitId, DesiredObject, Digest, Gvk, ObjectKey, ObjectRecord, Propagation, Value,
};

use crate::report::{Drift, KeptBecause};

/// The steps that make live equal desired. Immutable: a newer plan replaces it, never edits it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The Application.
    pub app: AppKey,
    /// The generation of its spec that was planned for.
    pub generation: i64,
    /// The revision that was planned for; `None` where nothing was rendered.
    pub revision: Option<CommitId>,
    /// One after the other, without empty ones. A failed step ends neither its stage nor the plan.
    pub stages: Vec<Stage>,
}

impl Plan {
    /// All steps in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.stages.iter().flat_map(|stage| &stage.steps)
    }

    /// Nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// A digest of what is to be done, for `status.sync.plan` and logs. Public: it holds keyed digests and names only.
    pub fn digest(&self) -> Digest {
        let revision = self.revision.as_ref().map_or("", CommitId::as_str);
        let mut text = format!("{}\n{}\n{revision}\n", self.app, self.generation);
        for step in self.steps() {
            text.push_str(&step.to_string());
            text.push('\n');
        }
        Digest::of(text.as_bytes())
    }
}

/// Steps that do not depend on each other: they may run at the same time, and are started in this order.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Its name in logs and reports.
    pub name: &'static str,
    /// At least one.
    pub steps: Vec<Step>,
}

/// One thing to do to one object.
#[derive(Clone, Debug)]
pub struct Step {
    /// The object.
    pub key: ObjectKey,
    /// What to do.
    pub action: Action,
}

/// What to do to an object.
#[derive(Clone, Debug)]
pub enum Action {
    /// Server-side apply, then record what the server returned.
    Apply(Box<Apply>),
    /// Delete, wait for it to be gone, apply, record.
    Recreate(Box<Recreate>),
    /// Only record: the live object shows that it was applied and that the record was lost.
    Record(Box<ObjectRecord>),
    /// Delete; the record goes when the object is gone, or the API server accepted its deletion.
    Prune(Prune),
    /// Only drop the record and leave the object, if there is one.
    Abandon(KeptBecause),
    /// Only drop the record: the object is gone and nobody wants it back.
    Forget,
}

/// A server-side apply.
#[derive(Clone, Debug)]
pub struct Apply {
    /// What Git wants, as it is sent and recorded: without `spec.replicas` where an autoscaler has it.
    pub desired: Arc<DesiredObject>,
    /// Why.
    pub why: Why,
    /// Sent first where entries of managedFields must change before an apply can succeed or be complete.
    pub rewrite: Option<Rewrite>,
    /// Whether to ask who owns the fields first.
    pub ownership: Ownership,
    /// Sent after `rewrite` and before the object itself.
    pub handover: Option<Handover>,
    /// The live object that this was decided on; `None` where there was none. A heal whose apply returns the same resourceVersion
    /// was no drift: re-record it and report nothing.
    pub seen: Option<Seen>,
}

/// The identity and version of a live object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `metadata.uid`.
    pub uid: Arc<str>,
    /// `metadata.resourceVersion`.
    pub resource_version: Arc<str>,
}

/// Why an object is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It does not exist.
    Create,
    /// Git changed it.
    Change,
    /// The cluster changed it.
    Heal(Drift),
    /// It exists and has no record.
    Adopt,
}

/// How conflicts with other managers are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// Take the fields.
    Force,
    /// Apply without force first: the conflicts (409) name the owners for the report. Then force.
    AskFirst,
}

/// New managedFields for a live object, patched in with its resourceVersion as precondition.
#[derive(Clone, Debug, PartialEq)]
pub struct Rewrite {
    /// The whole new `metadata.managedFields`.
    pub managed_fields: Value,
    /// The managers whose entries were merged into ours.
    pub from: Vec<Arc<str>>,
}

/// A forced apply by another manager, which keeps a field's live value when ours lets go of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Handover {
    /// The field manager to apply as.
    pub manager: &'static str,
    /// What is sent: the object's identity and the field with its live value.
    pub body: Value,
}

/// A deletion followed by an apply. Counts as a deletion for the budget.
#[derive(Clone, Debug)]
pub struct Recreate {
    /// The deletion.
    pub delete: Prune,
    /// The apply, once the object is gone.
    pub apply: Apply,
}

/// A deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prune {
    /// The kind, in a version that is served.
    pub gvk: Gvk,
    /// The precondition: only the object with this uid.
    pub uid: Arc<str>,
    /// How its dependents are treated.
    pub propagation: Propagation,
}

/// One line a step, stable for equal steps.
impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = self.key.to_reference();
        match &self.action {
            Action::Apply(apply) => {
                let why = match apply.why {
                    Why::Create => "create",
                    Why::Change => "change",
                    Why::Heal(_) => "heal",
                    Why::Adopt => "adopt",
                };
                write!(f, "{why} {key} {}", apply.desired.digest.short())
            }
            Action::Recreate(recreate) => {
                write!(f, "recreate {key} {} {}", recreate.delete.uid, recreate.apply.desired.digest.short())
            }
            Action::Record(record) => write!(f, "record {key} {}", record.uid),
            Action::Prune(prune) => write!(f, "prune {key} {}", prune.uid),
            Action::Abandon(_) => write!(f, "abandon {key}"),
            Action::Forget => write!(f, "forget {key}"),
        }
    }
}
