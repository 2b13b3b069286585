//! Creating objects.

use lockstep_core::Value;

use super::{only_shown, settle_namespace, stored, wipe_system_fields, writer};
use crate::admission::{self, Attributes, Operation};
use crate::answers::Ask;
use crate::body;
use crate::call::{Call, Outcome};
use crate::convert::convert;
use crate::failure::{Failure, Halt};
use crate::options::{WriteKind, WriteOptions};
use crate::owners::{Moment, dedup};
use crate::served::Rules;
use crate::shelf::key;
use crate::state::State;

/// How often a name is generated anew where it is taken.
const NAME_ATTEMPTS: usize = 8;

/// Creates the object of the body.
pub(crate) fn create(state: &State, call: &mut Call<'_>) -> Result<Outcome, Halt> {
    body::format(call)?;
    body::check_size(&call.request.body)?;
    let options = WriteOptions::read(call.request, WriteKind::Create)?;
    let mut object = body::object(call, options.field_validation)?;
    wipe_system_fields(&mut object);
    settle_namespace(&mut object, call.namespace())?;
    dedup(call, &mut object, Moment::Request);
    let ask = Ask { state, answers: call.answers };
    let served = call.served.clone();
    let object = writer(ask, &served, "", (&options, call.time())).update(None, &object)?;
    let sets_version =
        object.str_at(&["metadata", "resourceVersion"]).is_some_and(|version| !version.is_empty());
    let object = admit(state, call, object, &options)?;
    let outcome = finish(state, call, object, &options)?;
    if sets_version && !options.dry_run {
        return Err(Failure::unknown("resourceVersion should not be set on objects to be created").into());
    }
    Ok(outcome)
}

/// Mutating admission of a new object.
pub(super) fn admit(
    state: &State,
    call: &mut Call<'_>,
    object: Value,
    options: &WriteOptions,
) -> Result<Value, Halt> {
    let name = object.str_at(&["metadata", "name"]).unwrap_or_default().to_owned();
    let value = admission::options_value(options, Operation::Create);
    let attributes = attributes(state, call, (&name, &value), options);
    let mut object = admission::mutate(call, attributes, object, None)?;
    dedup(call, &mut object, Moment::AfterAdmission);
    Ok(object)
}

fn attributes<'a>(
    state: &'a State,
    call: &Call<'a>,
    (name, options_value): (&'a str, &'a Value),
    options: &WriteOptions,
) -> Attributes<'a> {
    Attributes {
        ask: Ask { state, answers: call.answers },
        operation: Operation::Create,
        name,
        subresource: &call.info.subresource,
        dry_run: options.dry_run,
        options: options_value,
    }
}

/// What is left to do with a new object after mutating admission; it is in the version of the request.
pub(super) fn finish(
    state: &State,
    call: &mut Call<'_>,
    object: Value,
    options: &WriteOptions,
) -> Result<Outcome, Halt> {
    let ask = Ask { state, answers: call.answers };
    let served = call.served.clone();
    let mut object = convert(&served, ask, object, served.working_version())?;
    let generated = generate_name(state, call, &mut object);
    prepare_metadata(call, &mut object);
    settle_namespace(&mut object, call.namespace())?;
    crate::hooks::before_create(state, call, &mut object)?;
    let strategy = served.strategy();
    (strategy.prepare_create)(&mut object);
    crate::hooks::after_create(call, &mut object);
    if strategy.generation.is_some() {
        object.set(&["metadata", "generation"], 1.into());
    }
    let name = object.str_at(&["metadata", "name"]).unwrap_or_default().to_owned();
    let errors = crate::validate::on_create(&served, &object);
    if !errors.is_empty() {
        return Err(Failure::invalid(&served.group_kind_of(&object), &name, &errors).into());
    }
    (strategy.warnings)(&object, None).into_iter().for_each(|warning| call.warn(warning));
    call.raw |= crate::wire::tidy(&served, &mut object);
    let value = admission::options_value(options, Operation::Create);
    let attributes = attributes(state, call, (&name, &value), options);
    admission::validate(call, attributes, Some(&object), None)?;
    refuse_terminating(call, &name)?;
    refuse_taken(state, call, &name, generated)?;
    object.remove(&["metadata", "resourceVersion"]);
    match options.dry_run {
        true => only_shown(state, call, object, 201),
        false => {
            let key = key(call.namespace(), &name);
            stored(state, call, object, (key, 201))
        }
    }
}

/// The uid and the time of a new object.
pub(crate) fn prepare_metadata(call: &mut Call<'_>, object: &mut Value) {
    wipe_system_fields(object);
    let uid = call.chance.uid();
    object.set(&["metadata", "uid"], uid.into());
    object.set(&["metadata", "creationTimestamp"], call.time().to_string().into());
}

/// Makes a name where only its beginning is given; whether it did.
fn generate_name(state: &State, call: &mut Call<'_>, object: &mut Value) -> bool {
    let text = |key| object.str_at(&["metadata", key]).unwrap_or_default();
    let base = text("generateName").to_owned();
    if base.is_empty() || !text("name").is_empty() {
        return false;
    }
    let mut name = String::new();
    for _ in 0..NAME_ATTEMPTS {
        name = call.chance.name(&base);
        if state.entry(&call.served, call.namespace(), &name).is_none() {
            break;
        }
    }
    object.set(&["metadata", "name"], name.into());
    true
}

/// Of what is going away no new objects are made.
fn refuse_terminating(call: &Call<'_>, name: &str) -> Result<(), Failure> {
    match &call.served.rules {
        Rules::Custom(custom) if custom.terminating => Err(Failure::forbidden(
            &call.resource(),
            name,
            "create not allowed while custom resource definition is terminating",
        )),
        _ => Ok(()),
    }
}

fn refuse_taken(state: &State, call: &Call<'_>, name: &str, generated: bool) -> Result<(), Failure> {
    let Some(entry) = state.entry(&call.served, call.namespace(), name) else { return Ok(()) };
    let resource = call.resource();
    if generated {
        return Err(Failure::no_free_name(&resource, name));
    }
    let failure = Failure::already_exists(&resource, name);
    let deleting = entry.value().at(&["metadata", "deletionTimestamp"]).is_some();
    Err(match deleting {
        true => failure.reworded(|text| format!("object is being deleted: {text}")),
        false => failure,
    })
}
