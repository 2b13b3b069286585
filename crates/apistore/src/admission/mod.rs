//! Admission: what may change a request's object, or refuse it, after the request was authorized.

use lockstep_core::Value;

use crate::answers::Ask;
use crate::authorizer::{Asked, What, check_escalation, require};
use crate::call::Call;
use crate::failure::{Failure, Halt};
use crate::info::Verb;
use crate::options::WriteOptions;
use crate::state::State;

/// What is done to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

/// What admission sees of a request.
#[derive(Clone, Copy)]
pub(crate) struct Attributes<'a> {
    pub(crate) ask: Ask<'a>,
    pub(crate) operation: Operation,
    /// Empty where it is generated, or a collection is deleted.
    pub(crate) name: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) dry_run: bool,
    /// The options of the request, as an object.
    pub(crate) options: &'a Value,
}

/// The object as mutating admission leaves it; both objects are in the version of the request. Nothing is asked of what is
/// only read. `object` is null where an object is deleted.
pub(crate) fn mutate(
    call: &mut Call<'_>,
    attributes: Attributes<'_>,
    object: Value,
    old: Option<&Value>,
) -> Result<Value, Halt> {
    if matches!(attributes.operation, Operation::Create | Operation::Update)
        && attributes.subresource.is_empty()
    {
        check_escalation(attributes.ask.state, call, &object, old)?;
    }
    Ok(object)
}

/// Whether validating admission lets the object pass, as it is about to be stored.
pub(crate) fn validate(
    call: &mut Call<'_>,
    attributes: Attributes<'_>,
    _object: Option<&Value>,
    _old: Option<&Value>,
) -> Result<(), Halt> {
    if attributes.operation == Operation::Create && call.info.verb != Verb::Create {
        may_create(attributes.ask.state, call)?;
    }
    Ok(())
}

/// Who creates by an update or patch must be allowed to create.
fn may_create(state: &State, call: &Call<'_>) -> Result<(), Failure> {
    let info = call.info;
    let asked = Asked {
        group: &info.group,
        resource: &info.resource,
        subresource: &info.subresource,
        namespace: &info.namespace,
        name: &info.name,
    };
    require(state, &call.user, "create", &What::Resource(asked))
}

/// The options of a write as admission sees them.
pub(crate) fn options_value(options: &WriteOptions, operation: Operation) -> Value {
    options.value(match operation {
        Operation::Create => crate::options::WriteKind::Create,
        _ => crate::options::WriteKind::Update,
    })
}
