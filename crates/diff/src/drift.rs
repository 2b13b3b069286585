//! Whether an object still is what was recorded when it was applied.

use std::fmt;
use std::sync::Arc;

use lockstep_core::{DesiredObject, FieldPath, Key, LiveObject, ObjectRecord, Timestamp, Value};
use schema::{FieldSet, Found, find};

use crate::managed;
use crate::projection::project;
use crate::quantity::is_same_amount;
use crate::redaction::Redaction;

/// What comparing an object with its record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The object is as recorded.
    InSync,
    /// It is not.
    Drifted(Drift),
    /// Only the server can tell: one dry run decides, for this digest and this resourceVersion.
    DryRunDecides(Doubt),
}

/// Why only the server can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The object was watched in another version than the record is of.
    OtherVersion,
    /// Several items of a list have the key that is recorded for one.
    Duplicates(FieldPath),
    /// The record's field set cannot be read.
    Unreadable,
}

/// How an object differs from its record, redacted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// It is another object of the same name: the recorded one was deleted.
    pub recreated: bool,
    /// The fields that differ, as far as can be told. May be empty: that a value changed is sure, which one is not where
    /// what is desired is unknown.
    pub fields: Vec<DriftedField>,
}

/// One field that is not as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftedField {
    /// Where it is.
    pub path: FieldPath,
    /// What happened.
    pub change: Change,
    /// Who did, where managedFields tell. A removal leaves no trace.
    pub by: Option<Actor>,
    /// The desired value, redacted, where it is known.
    pub want: Option<Value>,
    /// The live value, redacted, where there is one.
    pub have: Option<Value>,
}

/// What happened to a recorded field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is no longer there.
    Removed,
    /// It is no longer ours: somebody else set it.
    Taken,
    /// It is no longer ours, and nobody else's: managedFields were edited.
    Disowned,
    /// It is still ours, but its value differs: admission, conversion or a default.
    Changed,
    /// It was not recorded and is ours: somebody applied under our name.
    Added,
}

/// Who wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The field manager.
    pub manager: Arc<str>,
    /// `Apply` or `Update`.
    pub operation: Arc<str>,
    /// `scale`, `status` or empty.
    pub subresource: Arc<str>,
    /// When, where the entry says so.
    pub time: Option<Timestamp>,
}

/// Compares a live object with what was recorded when it was applied.
///
/// Two things show drift: the field set of our Apply entry is no longer the recorded one, or a live value at a recorded path
/// differs. The object is projected onto the *recorded* set: after a foreign write we no longer own what it took, and
/// would see nothing through today's set. `desired` serves the explanation only.
pub fn drift(
    record: &ObjectRecord,
    desired: Option<&DesiredObject>,
    live: &LiveObject,
    manager: &str,
    key: &Key,
) -> Verdict {
    if live.uid != record.uid {
        return Verdict::Drifted(Drift { recreated: true, fields: Vec::new() });
    }
    if live.gvk != record.gvk {
        return Verdict::DryRunDecides(Doubt::OtherVersion);
    }
    let sets = (FieldSet::parse(&record.fields), FieldSet::parse(&record.presence));
    let (Ok(recorded), Ok(presence)) = sets else { return Verdict::DryRunDecides(Doubt::Unreadable) };
    let entry = managed::applied_entry(&live.value, manager);
    let same_set = entry.is_some_and(|entry| is_recorded_set(entry, record, &recorded));
    let projection = project(&recorded, &presence, &live.value, key);
    if same_set && projection.digest == record.live {
        return Verdict::InSync;
    }
    if let Some(path) = projection.ambiguous {
        let redaction = Redaction::of(&live.key, None, Some(&live.value));
        return Verdict::DryRunDecides(Doubt::Duplicates(redaction.path(path)));
    }
    let owned = entry.and_then(managed::fields_of).unwrap_or_default();
    let explanation = Explanation::new((&recorded, &presence), desired, live, manager);
    Verdict::Drifted(Drift { recreated: false, fields: explanation.fields(&owned) })
}

fn is_recorded_set(entry: &Value, record: &ObjectRecord, recorded: &FieldSet) -> bool {
    let fields = entry.get("fieldsV1");
    managed::text(entry, "apiVersion") == record.gvk.api.to_string()
        && (fields == Some(&record.fields) || managed::fields_of(entry).as_ref() == Some(recorded))
}

/// What it takes to say which fields drifted.
struct Explanation<'a> {
    recorded: &'a FieldSet,
    presence: &'a FieldSet,
    desired: Option<&'a Value>,
    live: &'a LiveObject,
    others: Vec<(Actor, FieldSet)>,
    redaction: Redaction<'a>,
}

impl<'a> Explanation<'a> {
    fn new(
        (recorded, presence): (&'a FieldSet, &'a FieldSet),
        desired: Option<&'a DesiredObject>,
        live: &'a LiveObject,
        manager: &str,
    ) -> Self {
        let desired = desired.map(|desired| &desired.value);
        let others = managed::entries(&live.value).iter();
        let others = others.filter(|entry| !managed::is_applied_by(entry, manager));
        let others = others.filter_map(|entry| Some((actor(entry), managed::fields_of(entry)?))).collect();
        let redaction = Redaction::of(&live.key, desired, Some(&live.value));
        Self { recorded, presence, desired, live, others, redaction }
    }

    fn fields(&self, owned: &FieldSet) -> Vec<DriftedField> {
        let mut fields: Vec<DriftedField> = Vec::new();
        for path in self.recorded.difference(owned).leaves() {
            let field = self.lost(path);
            // The parts of an item that is gone are gone with it.
            if fields.last().is_none_or(|last| last.path != field.path) {
                fields.push(field);
            }
        }
        let added = owned.difference(self.recorded).leaves().into_iter();
        fields.extend(added.map(|path| self.field(path, Change::Added)));
        if fields.is_empty() {
            // Only where ownership explains nothing: what the server made of a value on the first apply already (a default,
            // an admission) would be named as well.
            fields.extend(self.recorded.leaves().into_iter().filter_map(|path| self.changed(path)));
        }
        fields
    }

    fn lost(&self, path: FieldPath) -> DriftedField {
        let is_absent = |end: &usize| find(&self.live.value, &path.0[..*end]) == Found::Absent;
        match (1..=path.0.len()).find(is_absent) {
            Some(end) => self.field(FieldPath(path.0[..end].to_vec()), Change::Removed),
            None => self.field(path, Change::Taken),
        }
    }

    /// A field that is ours as before and has another value than the desired one.
    fn changed(&self, path: FieldPath) -> Option<DriftedField> {
        let want = find(self.desired?, &path.0).one()?;
        let have = find(&self.live.value, &path.0);
        let same = have.one().is_some_and(|have| have == want || is_same_amount(have, want));
        if same || self.presence.contains(&path.0) {
            return None;
        }
        Some(self.field(path, if have == Found::Absent { Change::Removed } else { Change::Changed }))
    }

    fn field(&self, path: FieldPath, change: Change) -> DriftedField {
        let want = self.desired.and_then(|desired| find(desired, &path.0).one());
        let have = find(&self.live.value, &path.0).one();
        let (want, have) = self.redaction.pair(&path.0, want, have);
        let by = if change == Change::Taken { self.taker(&path) } else { None };
        // Whoever changes a value owns it afterwards.
        let change = if change == Change::Taken && by.is_none() { Change::Disowned } else { change };
        DriftedField { path: self.redaction.path(path), change, by, want, have }
    }

    /// The newest of the others that own this field or a part of it.
    fn taker(&self, path: &FieldPath) -> Option<Actor> {
        let owns = |fields: &FieldSet| fields.at(&path.0).is_some() || fields.covers(&path.0);
        let takers = self.others.iter().filter(|(_, fields)| owns(fields));
        takers.map(|(actor, _)| actor).max_by_key(|actor| actor.time).cloned()
    }
}

fn actor(entry: &Value) -> Actor {
    Actor {
        manager: managed::text(entry, "manager").into(),
        operation: managed::text(entry, "operation").into(),
        subresource: managed::text(entry, "subresource").into(),
        time: Timestamp::parse(managed::text(entry, "time")),
    }
}

/// `kubectl-patch`, `kubectl (scale)`.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.subresource {
            "" => f.write_str(&self.manager),
            subresource => write!(f, "{} ({subresource})", self.manager),
        }
    }
}

/// `.spec.replicas changed by kubectl (scale)`.
impl fmt::Display for DriftedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.change {
            Change::Removed => "removed",
            Change::Taken => "changed",
            Change::Disowned => "no longer ours",
            Change::Changed => "changed on the way in",
            Change::Added => "added under our name",
        };
        write!(f, "{} {verb}", self.path)?;
        match &self.by {
            Some(actor) => write!(f, " by {actor}"),
            None => Ok(()),
        }
    }
}

/// One field a line.
impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.recreated, self.fields.as_slice()) {
            (true, _) => f.write_str("deleted and created again"),
            (false, []) => f.write_str("a recorded value changed"),
            (false, [first, rest @ ..]) => {
                write!(f, "{first}")?;
                rest.iter().try_for_each(|field| write!(f, "\n{field}"))
            }
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherVersion => f.write_str("watched in another version than recorded"),
            Self::Duplicates(path) => write!(f, "several items at {path}"),
            Self::Unreadable => f.write_str("the record's field set cannot be read"),
        }
    }
}
