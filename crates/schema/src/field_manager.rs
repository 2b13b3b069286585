//! `managedFields` of whole objects: what every write leaves in them.

use std::sync::{Arc, LazyLock};

use lockstep_core::{FieldPath, Gvk, Timestamp, Value};

use crate::conflict::ApplyError;
use crate::definitions::Schema;
use crate::field_set::FieldSet;
use crate::last_applied;
use crate::managers::{Manager, Managers, Operation, Owned};
use crate::ownership::{Change, Convert, Force, IgnoredFields, Ownership};
use crate::typed::{Duplicates, Typed};

/// Keeps `managedFields` for one endpoint of one kind in one version.
#[derive(Clone, Copy)]
pub struct FieldManager<'a> {
    /// The kind, in the version of the request.
    pub kind: &'a Gvk,
    /// Which subresource is written; empty for the object itself.
    pub subresource: &'a str,
    /// The other versions.
    pub convert: &'a dyn Convert,
    /// What this endpoint does not let be set.
    pub ignored: &'a IgnoredFields,
    /// An object of the kind of which nothing is set: for built-in kinds [`Schema::zero`], else only `apiVersion` and `kind`.
    pub empty: &'a Value,
}

/// Who writes, and when.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// The name of the field manager; empty for none.
    pub manager: &'a str,
    /// The time that a changed entry gets.
    pub now: Timestamp,
}

/// How many updaters an object keeps apart; beyond, the oldest are merged.
const UPDATERS: usize = 10;
/// Who owns what was there before the first apply of an object without managers.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";
/// Under which name the oldest updaters are merged.
const ANCIENT: &str = "ancient-changes";

/// What identifies an object or is the server's own: nobody owns it.
static UNOWNED: LazyLock<FieldSet> = LazyLock::new(|| {
    let mut set = FieldSet::default();
    for field in ["apiVersion", "kind", "metadata"] {
        set.insert(&FieldPath::fields(&[field]).0);
    }
    for field in [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ] {
        set.insert(&FieldPath::fields(&["metadata", field]).0);
    }
    set
});

impl FieldManager<'_> {
    /// Applies `patch` to the live object, which must be in the version of the request ([`FieldManager::empty`] where there
    /// is none yet), and returns the new object with its `managedFields`. It is not defaulted, and equal to the live one in
    /// all but `managedFields` where nothing changes.
    ///
    /// What kubectl applied from the client before, it may take over without force.
    pub fn apply(
        &self,
        live: &Value,
        patch: &Value,
        write: Write<'_>,
        force: Force,
    ) -> Result<Value, ApplyError> {
        let applied = self.apply_as_told(live, patch, write, force);
        if write.manager != last_applied::KUBECTL {
            return applied;
        }
        let applied = match applied {
            Err(ApplyError::Conflicts(mut conflicts)) => {
                let schema = self.convert.schema(&self.version());
                let own =
                    schema.and_then(|schema| last_applied::still_applied(live, &schema)).unwrap_or_default();
                conflicts.retain(|conflict| !own.contains(&conflict.path.0));
                match conflicts.is_empty() {
                    true => self.apply_as_told(live, patch, write, Force::Yes),
                    false => Err(ApplyError::Conflicts(conflicts)),
                }
            }
            other => other,
        };
        applied.map(|object| last_applied::renew(object, patch))
    }

    fn apply_as_told(
        &self,
        live: &Value,
        patch: &Value,
        write: Write<'_>,
        force: Force,
    ) -> Result<Value, ApplyError> {
        let mut managers = Managers::decode(managed_fields(live)).map_err(ApplyError::Managers)?;
        self.check(patch)?;
        let live = without_managed_fields(live);
        let typed = |value: Value, duplicates, what: &str| {
            let name = self.name_of(&value);
            self.typed(value, duplicates).map_err(|error| {
                ApplyError::Failed(format!("failed to create typed {what} object ({name}): {error}"))
            })
        };
        if managers.0.is_empty() {
            let before = Write { manager: BEFORE_FIRST_APPLY, ..write };
            managers = self.tracked(&live, (self.empty, managers), before).map_err(|error| {
                ApplyError::Failed(format!("failed to create manager for existing fields: {error}"))
            })?;
        }
        let config = typed(patch.clone(), Duplicates::Refused, "patch")?;
        let typed_live = typed(live.clone(), Duplicates::Allowed, "live")?;
        let manager = self.manager(write.manager, Operation::Apply);
        let version = self.version();
        let change = Change { live: &typed_live, version: &version };
        let new = self.ownership().apply(&change, &config, &mut managers, (&manager, force))?;
        strip(&mut managers, &manager);
        if new.is_some()
            && let Some(owned) = managers.0.get_mut(&manager)
        {
            owned.time = Some(write.now);
        }
        Ok(with_managed_fields(new.map_or(live, Typed::into_value), &managers))
    }

    /// The new object of any other write, with its `managedFields`. `new` is what is about to be stored, in the version of
    /// the request; its own `managedFields` count where the object itself is written, as clients may edit them.
    pub fn update(&self, live: Option<&Value>, new: &Value, write: Write<'_>) -> Value {
        let live = live.unwrap_or(self.empty);
        let managers = self.managers_of(live, new);
        let exists = live.str_at(&["metadata", "uid"]).is_some_and(|uid| !uid.is_empty());
        let new = without_managed_fields(new);
        if managers.0.is_empty() && exists {
            // Whoever removed all managers does not want any; the next apply starts anew.
            return new;
        }
        match self.tracked(&new, (live, managers), write) {
            Ok(managers) => with_managed_fields(new, &capped(managers)),
            Err(_) => {
                let mut new = new;
                if let entries @ Value::List(_) = managed_fields(live) {
                    new.set(&["metadata", "managedFields"], entries.clone());
                }
                new
            }
        }
    }

    /// The managers after an update from `live` to `new`.
    fn tracked(
        &self,
        new: &Value,
        (live, mut managers): (&Value, Managers),
        write: Write<'_>,
    ) -> Result<Managers, ApplyError> {
        let typed = |value: Value, what: &str| {
            let name = self.name_of(&value);
            self.typed(value, Duplicates::Allowed).map_err(|error| {
                ApplyError::Failed(format!("failed to convert {what} object ({name}) to smd typed: {error}"))
            })
        };
        let new = typed(new.clone(), "new")?;
        let live = typed(without_managed_fields(live), "live")?;
        let version = self.version();
        let change = Change { live: &live, version: &version };
        let fields = self.ownership().update(&change, &new, &mut managers)?.difference(&UNOWNED);
        if !fields.is_empty() {
            let manager = self.manager(write.manager, Operation::Update);
            let before = managers.0.get(&manager).map(|owned| owned.fields.union(&fields));
            let fields = before.unwrap_or(fields);
            managers.0.insert(manager, Owned { fields, api_version: version, time: Some(write.now) });
        }
        Ok(managers)
    }

    fn check(&self, patch: &Value) -> Result<(), ApplyError> {
        let text = |key| patch.str_at(&[key]).unwrap_or_default();
        if text("apiVersion") != &*self.version() || text("kind") != &*self.kind.kind {
            let (group, version) = text("apiVersion").split_once('/').unwrap_or(("", text("apiVersion")));
            let kind = text("kind");
            return Err(ApplyError::BadRequest(format!(
                "invalid object type: {group}/{version}, Kind={kind}"
            )));
        }
        match managed_fields(patch) {
            Value::Null => Ok(()),
            _ => Err(ApplyError::BadRequest("metadata.managedFields must be nil".into())),
        }
    }

    fn managers_of(&self, live: &Value, new: &Value) -> Managers {
        let of_live = || Managers::decode(managed_fields(live)).unwrap_or_default();
        if !self.subresource.is_empty() {
            return of_live();
        }
        let entries = managed_fields(new);
        if let Some(entries) = entries.as_list()
            && entries.iter().all(|entry| entry.as_map().is_some_and(|entry| entry.is_empty()))
            && entries.len() < 2
        {
            return Managers::default();
        }
        // Clients that do not know of managers must not lose them.
        Managers::decode(entries).ok().filter(|managers| !managers.0.is_empty()).unwrap_or_else(of_live)
    }

    fn ownership(&self) -> Ownership<'_> {
        Ownership { convert: self.convert, ignored: self.ignored }
    }

    fn manager(&self, name: &str, operation: Operation) -> Manager {
        Manager::new(name, operation, &self.version(), self.subresource)
    }

    fn version(&self) -> Arc<str> {
        self.kind.api.to_string().into()
    }

    fn typed(&self, value: Value, duplicates: Duplicates) -> Result<Typed, String> {
        let schema: Option<Schema> = self.convert.schema(&self.version());
        let schema = schema.ok_or_else(|| format!("no corresponding type for {}", self.kind_text()))?;
        schema.typed(value, duplicates).map_err(|errors| errors.to_string())
    }

    fn kind_text(&self) -> String {
        format!("{}/{}, Kind={}", self.kind.api.group, self.kind.api.version, self.kind.kind)
    }

    fn name_of(&self, object: &Value) -> String {
        let text = |key| object.str_at(&["metadata", key]).unwrap_or_default();
        format!("{}/{}; {}", text("namespace"), text("name"), self.kind_text())
    }
}

fn managed_fields(object: &Value) -> &Value {
    static NONE: Value = Value::Null;
    object.at(&["metadata", "managedFields"]).unwrap_or(&NONE)
}

fn without_managed_fields(object: &Value) -> Value {
    let mut object = object.clone();
    object.remove(&["metadata", "managedFields"]);
    object
}

fn with_managed_fields(mut object: Value, managers: &Managers) -> Value {
    if let Some(entries) = managers.encode() {
        object.set(&["metadata", "managedFields"], entries);
    }
    object
}

fn strip(managers: &mut Managers, manager: &Manager) {
    if let Some(owned) = managers.0.get_mut(manager) {
        owned.fields = owned.fields.difference(&UNOWNED);
    }
    managers.0.retain(|_, owned| !owned.fields.is_empty());
}

/// Merges the oldest updaters of a version until there are few enough.
fn capped(mut managers: Managers) -> Managers {
    let updaters = managers.0.iter().filter(|(manager, _)| manager.operation == Operation::Update);
    let mut oldest: Vec<(Option<Timestamp>, Manager)> =
        updaters.map(|(manager, owned)| (owned.time, manager.clone())).collect();
    let mut left = oldest.len();
    oldest.sort();
    let mut firsts: Vec<(Arc<str>, Manager)> = Vec::new();
    for (_, manager) in oldest {
        if left <= UPDATERS {
            break;
        }
        let bucket = Manager { name: ANCIENT.into(), subresource: "".into(), ..manager.clone() };
        let Some(first) = firsts.iter().find(|(version, _)| *version == manager.api_version) else {
            firsts.push((manager.api_version.clone(), manager));
            continue;
        };
        if !managers.0.contains_key(&bucket)
            && let Some(owned) = managers.0.remove(&first.1)
        {
            managers.0.insert(bucket.clone(), owned);
        }
        if let Some(owned) = managers.0.remove(&manager) {
            let fields = managers.0.get(&bucket).map(|into| into.fields.union(&owned.fields));
            let fields = fields.unwrap_or_else(|| owned.fields.clone());
            managers.0.insert(bucket, Owned { fields, ..owned });
            left -= 1;
        }
    }
    managers
}

/// The new object with the times of the live one where nothing but times differs, so that such a write changes nothing.
pub fn keep_times(live: &Value, new: Value) -> Value {
    let timeless = |object: &Value| {
        let entries = managed_fields(object).as_list().unwrap_or_default().iter().cloned();
        let entries = entries.map(|mut entry| {
            entry.remove(&["time"]);
            entry
        });
        Value::list(entries.collect())
    };
    let same =
        timeless(live) == timeless(&new) && without_managed_fields(live) == without_managed_fields(&new);
    if same { live.clone() } else { new }
}
