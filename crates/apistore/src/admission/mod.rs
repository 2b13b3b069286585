//! Admission: what may change a request's object, or refuse it, after the request was authorized.

use lockstep_core::Value;

use crate::answers::Ask;
use crate::call::Call;
use crate::failure::Halt;
use crate::options::WriteOptions;

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
    _call: &mut Call<'_>,
    _attributes: Attributes<'_>,
    object: Value,
    _old: Option<&Value>,
) -> Result<Value, Halt> {
    Ok(object)
}

/// Whether validating admission lets the object pass, as it is about to be stored.
pub(crate) fn validate(
    _call: &mut Call<'_>,
    _attributes: Attributes<'_>,
    _object: Option<&Value>,
    _old: Option<&Value>,
) -> Result<(), Halt> {
    Ok(())
}

/// The options of a write as admission sees them.
pub(crate) fn options_value(options: &WriteOptions, operation: Operation) -> Value {
    options.value(match operation {
        Operation::Create => crate::options::WriteKind::Create,
        _ => crate::options::WriteKind::Update,
    })
}
