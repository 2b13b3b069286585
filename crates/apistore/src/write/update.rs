//! Changing objects.

use std::sync::Arc;

use lockstep_core::Value;
use schema::keep_times;

use super::{create, only_shown, settle_namespace, stored, writer};
use crate::admission::{self, Attributes, Operation};
use crate::answers::Ask;
use crate::body;
use crate::call::{Call, Outcome, Shown};
use crate::convert::{convert, decode};
use crate::entry::{Entry, kind_first};
use crate::failure::{Failure, Halt};
use crate::options::{WriteKind as OptionsKind, WriteOptions};
use crate::owners::{Moment, dedup};
use crate::served::Served;
use crate::shelf::key;
use crate::state::{State, Write, WriteKind};
use crate::wire;

/// What is to become of one object.
pub(crate) struct Rewrite<'c> {
    pub(crate) options: &'c WriteOptions,
    /// The uid that the object must have.
    pub(crate) uid: Option<&'c str>,
    /// Whether it is created where it is not there, whatever its kind says.
    pub(crate) creates: bool,
    /// The new object, in the version of the request, from the live one, if there is one.
    pub(crate) make: Make<'c>,
    /// What admission sees in its place, where that is not the object.
    pub(crate) view: Option<View>,
}

/// A part of an object that is an object of its own: its Scale.
#[derive(Clone, Copy)]
pub(crate) struct View {
    pub(crate) of: fn(&Served, &Value) -> Value,
    /// The object with the part as admission leaves it.
    pub(crate) put: fn(&Served, &Value, &Value) -> Value,
}

/// Makes the new object.
pub(crate) type Make<'c> = &'c dyn Fn(&mut Call<'_>, Option<&Value>) -> Result<Value, Halt>;

/// Replaces an object by that of the body.
pub(crate) fn update(state: &State, call: &mut Call<'_>) -> Result<Outcome, Halt> {
    body::check_size(&call.request.body)?;
    let options = WriteOptions::read(call.request, OptionsKind::Update)?;
    let mut object = body::object(call, options.field_validation)?;
    settle_namespace(&mut object, expected_namespace(call))?;
    check_name(call, &object)?;
    dedup(call, &mut object, Moment::Request);
    let served = call.served.clone();
    let uid = object.str_at(&["metadata", "uid"]).unwrap_or_default().to_owned();
    let ask = Ask { state, answers: call.answers };
    let make = |call: &mut Call<'_>, live: Option<&Value>| {
        let subresource = call.info.subresource.as_str();
        writer(ask, &served, subresource, (&options, call.time())).update(live, &object)
    };
    let uid = Some(&*uid).filter(|uid| !uid.is_empty());
    rewrite(state, call, &Rewrite { options: &options, uid, creates: false, make: &make, view: None })
}

/// The namespace that an object must name: namespaces themselves name none.
pub(super) fn expected_namespace<'a>(call: &Call<'a>) -> &'a str {
    call.namespace()
}

/// The object must have the name of the path.
pub(crate) fn check_name(call: &Call<'_>, object: &Value) -> Result<(), Failure> {
    let (name, wanted) = (object.str_at(&["metadata", "name"]).unwrap_or_default(), &*call.info.name);
    if name.is_empty() {
        return Err(Failure::bad_request(format!(
            "the name of the object ({wanted} based on URL) was undeterminable: name must be provided"
        )));
    }
    match name == wanted {
        true => Ok(()),
        false => Err(Failure::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({wanted})"
        ))),
    }
}

/// Rewrites an object, with all that the server does around it.
pub(crate) fn rewrite(state: &State, call: &mut Call<'_>, change: &Rewrite<'_>) -> Result<Outcome, Halt> {
    let ask = Ask { state, answers: call.answers };
    let served = call.served.clone();
    let entry = state.entry(&served, call.namespace(), &call.info.name).cloned();
    let creates = change.creates || served.strategy().create_on_update;
    let may_create = creates && call.info.subresource.is_empty();
    if entry.is_none() && !may_create {
        return Err(call.not_found().into());
    }
    let found = entry.as_ref().map_or("", |entry| &*entry.uid);
    if let Some(wanted) = change.uid.filter(|uid| *uid != found) {
        return Err(other_uid(call, wanted, found).into());
    }
    let live = entry.as_ref().map(|entry| decode(&served, ask, entry)).transpose()?;
    let object = (change.make)(call, live.as_ref())?;
    match (entry, live) {
        (Some(entry), Some(live)) => replace(state, call, (object, change), (&entry, &live)),
        _ => {
            let object = create::admit(state, call, object, change.options)?;
            create::finish(state, call, object, change.options)
        }
    }
}

fn other_uid(call: &Call<'_>, wanted: &str, found: &str) -> Failure {
    let key = key(call.namespace(), &call.info.name);
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: {}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}",
        call.served.storage_path(&key)
    );
    Failure::conflict(&call.resource(), &call.info.name, &why)
}

/// The object that is there is replaced.
fn replace(
    state: &State,
    call: &mut Call<'_>,
    (object, change): (Value, &Rewrite<'_>),
    (entry, live): (&Arc<Entry>, &Value),
) -> Result<Outcome, Halt> {
    let options = change.options;
    let ask = Ask { state, answers: call.answers };
    let served = call.served.clone();
    let value = admission::options_value(options, Operation::Update);
    let attributes = Attributes {
        ask,
        operation: Operation::Update,
        name: &call.info.name,
        subresource: &call.info.subresource,
        dry_run: options.dry_run,
        options: &value,
    };
    let seen = |object: &Value| match change.view {
        Some(view) => (view.of)(&served, object),
        None => object.clone(),
    };
    let admitted = admission::mutate(call, attributes, seen(&object), Some(&seen(live)))?;
    let mut object = match change.view {
        Some(view) => (view.put)(&served, &object, &admitted),
        None => admitted,
    };
    dedup(call, &mut object, Moment::AfterAdmission);
    check_version(call, &mut object, entry.revision)?;
    let mut object = convert(&served, ask, object, served.working_version())?;
    let old = match served.api_version == *served.working_version() {
        true => live.clone(),
        false => convert(&served, ask, entry.value(), served.working_version())?,
    };
    settle_namespace(&mut object, call.namespace())?;
    prepare(state, call, &mut object, &old)?;
    call.raw |= wire::tidy(&served, &mut object);
    // What is not read as it is stored differs from it, and is written with its new time.
    let object = if call.raw { object } else { keep_times(&old, object) };
    admission::validate(call, attributes, Some(&seen(&object)), Some(&seen(&old)))?;
    if is_finished(&object, &old) {
        return finalized(state, call, object, (entry, options));
    }
    if options.dry_run {
        return only_shown(state, call, object, 200);
    }
    store_changed(state, call, object, (entry, &old))
}

/// A changed object is stored, if it differs from what is there.
fn store_changed(
    state: &State,
    call: &Call<'_>,
    object: Value,
    (entry, old): (&Arc<Entry>, &Value),
) -> Result<Outcome, Halt> {
    let served = &call.served;
    let key = key(call.namespace(), &call.info.name);
    if *served.working_version() == served.stored_version {
        // What only the definition has changed is written now.
        let same = object == *old && (!served.is_custom() || *kind_first(&object) == *entry.object);
        if !same || call.raw != entry.raw {
            return stored(state, call, object, (key, 200));
        }
    } else {
        let outcome = stored(state, call, object.clone(), (key, 200))?;
        let same = |write: &Write| write.change.put().is_some_and(|new| *kind_first(new) == *entry.object);
        if call.raw != entry.raw || !outcome.writes.iter().all(same) {
            return Ok(outcome);
        }
    }
    match served.api_version == served.stored_version {
        true => Ok(Outcome::read(Shown::Json(entry.object.clone()))),
        false => only_shown(state, call, object, 200),
    }
}

/// The version that the writer has read must be the current one, where it names one or its kind wants it.
fn check_version(call: &Call<'_>, object: &mut Value, current: u64) -> Result<(), Failure> {
    let text = object.str_at(&["metadata", "resourceVersion"]).unwrap_or_default().to_owned();
    let version = match &*text {
        "" => 0,
        text => text.parse::<u64>().map_err(|_| {
            let text = crate::failure::quoted(text);
            Failure::unknown(format!("strconv.ParseUint: parsing {text}: invalid syntax"))
        })?,
    };
    if version == 0 && call.served.strategy().unconditional_update {
        object.set(&["metadata", "resourceVersion"], current.to_string().into());
        return Ok(());
    }
    if version == 0 {
        let at = schema::At::ROOT.field("metadata");
        let error = schema::FieldError::invalid(
            &at.field("resourceVersion"),
            0i64,
            "must be specified for an update",
        );
        return Err(Failure::invalid(&call.resource(), &call.info.name, &[error]));
    }
    match version == current {
        true => Ok(()),
        false => Err(Failure::modified(&call.resource(), &call.info.name)),
    }
}

/// What a writer may not set is reset; what is left is validated.
fn prepare(state: &State, call: &mut Call<'_>, object: &mut Value, old: &Value) -> Result<(), Halt> {
    let served = call.served.clone();
    let strategy = served.strategy();
    let mut errors = Vec::new();
    keep(object, old, "generation");
    match call.info.subresource.as_str() {
        "status" => {
            if let Some(status) = strategy.status {
                (status.prepare_update)(object, old);
            }
        }
        "" | "scale" => {
            crate::hooks::before_update(state, call, object, old)?;
            keep(object, old, "generation");
            (strategy.prepare_update)(object, old);
        }
        other => errors.extend(crate::subresource::prepare(other, object, old)),
    }
    crate::hooks::after_update(call, object, old);
    // What is observed is no wish: a status never raises the generation.
    let wish = call.info.subresource != "status";
    if wish && strategy.generation.is_some_and(|raises| raises(object, old)) {
        let generation = old.int_at(&["metadata", "generation"]).unwrap_or(0);
        object.set(&["metadata", "generation"], (generation + 1).into());
    }
    keep_system_fields(object, old);
    errors.splice(0..0, crate::validate::on_update(&served, &call.info.subresource, object, old));
    if !errors.is_empty() {
        let name = object.str_at(&["metadata", "name"]).unwrap_or_default();
        return Err(Failure::invalid(&served.group_kind_of(object), name, &errors).into());
    }
    let warnings = match (call.info.subresource.as_str(), strategy.status) {
        ("", _) => (strategy.warnings)(object, Some(old)),
        ("status", Some(status)) => (status.warnings)(object),
        _ => Vec::new(),
    };
    warnings.into_iter().for_each(|warning| call.warn(warning));
    Ok(())
}

fn keep(object: &mut Value, old: &Value, field: &str) {
    crate::fallback::take(object, old, &["metadata", field]);
}

fn keep_system_fields(object: &mut Value, old: &Value) {
    let missing = |object: &Value, field: &str| object.str_at(&["metadata", field]).is_none_or(str::is_empty);
    if missing(object, "uid") {
        keep(object, old, "uid");
    }
    if !missing(old, "creationTimestamp") {
        keep(object, old, "creationTimestamp");
    }
    if !missing(old, "deletionTimestamp") {
        keep(object, old, "deletionTimestamp");
    }
    let grace = |value: &Value| value.int_at(&["metadata", "deletionGracePeriodSeconds"]).is_some();
    if grace(old) && !grace(object) {
        keep(object, old, "deletionGracePeriodSeconds");
    }
}

/// Whether nothing holds an object any more that is being deleted.
pub(crate) fn is_finished(object: &Value, old: &Value) -> bool {
    let finalizers = object.at(&["metadata", "finalizers"]).and_then(Value::as_list).unwrap_or_default();
    finalizers.is_empty()
        && old.at(&["metadata", "deletionTimestamp"]).is_some()
        && old.int_at(&["metadata", "deletionGracePeriodSeconds"]).unwrap_or(0) == 0
        && object.at(&["spec", "finalizers"]).and_then(Value::as_list).unwrap_or_default().is_empty()
}

/// What deletes an object by taking its last finalizer away shows the object as it would have become.
pub(crate) fn finalized(
    state: &State,
    call: &Call<'_>,
    object: Value,
    (entry, options): (&Arc<Entry>, &WriteOptions),
) -> Result<Outcome, Halt> {
    let mut outcome = only_shown(state, call, object, 200)?;
    if !options.dry_run {
        outcome.writes.push(Write {
            shelf: call.served.shelf.clone(),
            key: key(call.namespace(), &call.info.name),
            change: WriteKind::Remove(entry.value()),
        });
    }
    Ok(outcome)
}
