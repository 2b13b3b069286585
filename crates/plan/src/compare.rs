//! Questions to `diff`, in this room's words.

use std::sync::Arc;

use diff::{DriftedField, Extra};
use lockstep_core::{
    ApiVersion, DesiredObject, FieldPath, Gvk, LiveObject, OWNER_ANNOTATION, ObjectRecord, Owner, Value,
};

use crate::input::Input;
use crate::live::Serving;
use crate::report::Drift;
use crate::step::{Handover, Rewrite};

/// How a live object compares with its record.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    pub(crate) drift: Option<Drift>,
    pub(crate) extras: Arc<[Extra]>,
}

/// Compares a live object with its record; `none` is the empty list of extras to share.
pub(crate) fn compare(
    input: &Input<'_>,
    record: &ObjectRecord,
    desired: &DesiredObject,
    live: &LiveObject,
    none: &Arc<[Extra]>,
) -> Comparison {
    let drift = match diff::drift(record, Some(desired), live, input.instance, input.key) {
        diff::Verdict::InSync => None,
        diff::Verdict::Drifted(drift) if drift.recreated => Some(Drift::Replaced),
        diff::Verdict::Drifted(drift) => Some(Drift::Fields(drift.fields)),
        diff::Verdict::DryRunDecides(_) => Some(Drift::Undecided),
    };
    let lost = match &drift {
        Some(Drift::Fields(fields)) => &fields[..],
        Some(Drift::Deleted | Drift::Replaced | Drift::Undecided) | None => &[],
    };
    let extras = extras(input, live, lost);
    Comparison { drift, extras: if extras.is_empty() { none.clone() } else { extras.into() } }
}

/// The fields that others added, without those that they took from us.
fn extras(input: &Input<'_>, live: &LiveObject, lost: &[DriftedField]) -> Vec<Extra> {
    let mut extras = diff::extras(live, input.instance);
    for extra in &mut extras {
        extra.paths.retain(|path| !lost.iter().any(|field| path.0.starts_with(&field.path.0)));
    }
    extras.retain(|extra| !extra.paths.is_empty());
    extras
}

/// The record of an apply that was not recorded, if the live object proves it.
pub(crate) fn recover(
    input: &Input<'_>,
    desired: &DesiredObject,
    live: &LiveObject,
) -> Option<Box<ObjectRecord>> {
    diff::recover(desired, live, input.instance, input.key, &desired.commit).map(Box::new)
}

/// The owner that a live object names, if the annotation was written for it.
pub(crate) fn owner(live: &LiveObject) -> Option<Owner> {
    Owner::of(&live.key, live.annotation(OWNER_ANNOTATION)?)
}

/// What managedFields have to become before an apply: without versions that are gone, and, where the object is adopted, with the
/// entries of the tools that wrote it so far merged into ours.
pub(crate) fn rewrite(
    input: &Input<'_>,
    desired: &DesiredObject,
    live: &LiveObject,
    adopts: Adopts,
) -> Option<Rewrite> {
    let mended = diff::stale_versions(live, &served_versions(input, live));
    let mut live = std::borrow::Cow::Borrowed(live);
    if let Some(fields) = &mended {
        live.to_mut().value.set(&["metadata", "managedFields"], fields.clone());
    }
    let from = adopted(input, &live, adopts);
    let version = desired.gvk.api.to_string();
    let managers: Vec<&str> = from.iter().map(|manager| &**manager).collect();
    let merged = diff::adoption(&live, &managers, input.instance, &version);
    let managed_fields = merged.or(mended)?;
    Some(Rewrite { managed_fields, from })
}

/// Whether a rewrite takes over other tools' entries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Adopts {
    /// Those of the tools of the installation's list.
    Yes,
    /// Those of everybody.
    All,
    No,
}

/// The managers whose entries an adoption merges into ours.
pub(crate) fn adopted(input: &Input<'_>, live: &LiveObject, adopts: Adopts) -> Vec<Arc<str>> {
    let entries = live.managed_entries().into_iter();
    let taken = entries.filter(|entry| {
        let ours = &*entry.manager == input.instance && &*entry.operation == "Apply";
        let is_taken = match adopts {
            Adopts::Yes => input.adopted_managers.contains(&&*entry.manager),
            // What an autoscaler has stays its own.
            Adopts::All => &*entry.manager != diff::HANDOVER_MANAGER,
            Adopts::No => false,
        };
        entry.subresource.is_empty() && !ours && is_taken
    });
    let mut managers: Vec<Arc<str>> = taken.map(|entry| entry.manager).collect();
    managers.sort();
    managers.dedup();
    managers
}

fn served_versions(input: &Input<'_>, live: &LiveObject) -> Vec<ApiVersion> {
    let mut versions: Vec<ApiVersion> = Vec::new();
    for entry in live.managed_entries() {
        let Some(version) = ApiVersion::parse(&entry.api_version) else { continue };
        if versions.contains(&version) {
            continue;
        }
        let gvk = Gvk { api: version.clone(), kind: live.gvk.kind.clone() };
        // Only a definite answer counts: entries of a group that cannot be told now are left as they are.
        match input.kinds.serving(&gvk) {
            Serving::Served | Serving::GroupFailing(_) => versions.push(version),
            Serving::OtherVersion(_) | Serving::NotServed => {}
        }
    }
    versions
}

/// The part of a workload that an autoscaler writes.
pub(crate) fn names_replicas(value: &Value) -> bool {
    value.get("spec").is_some_and(|spec| spec.get("replicas").is_some())
}

/// An object without `spec.replicas`.
pub(crate) fn without_replicas(value: &Value) -> Value {
    diff::without(value, &FieldPath::fields(&["spec", "replicas"]))
}

/// The apply that keeps `spec.replicas` when ours lets go of it; `None` where we, or the tools that are adopted, do not hold it.
pub(crate) fn handover(input: &Input<'_>, live: &LiveObject, rewrite: Option<&Rewrite>) -> Option<Handover> {
    let adopted = rewrite.map(|rewrite| &*rewrite.from).unwrap_or_default();
    let held = live.managed_entries().into_iter().any(|entry| {
        let ours = &*entry.manager == input.instance || adopted.contains(&entry.manager);
        ours && entry.subresource.is_empty() && entry.fields.at(&["f:spec", "f:replicas"]).is_some()
    });
    let body = held.then(|| diff::handover(live, &FieldPath::fields(&["spec", "replicas"])))??;
    Some(Handover { manager: diff::HANDOVER_MANAGER, body })
}
