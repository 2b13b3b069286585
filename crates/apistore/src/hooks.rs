//! What the server does with single kinds around their storage: the allocation of addresses and ports.

use lockstep_core::Value;

use crate::addresses::FAMILIES;
use crate::call::Call;
use crate::failure::{Failure, GroupResource};
use crate::state::State;

/// Before anything else is done with a new object.
pub(crate) fn before_create(state: &State, call: &mut Call<'_>, object: &mut Value) -> Result<(), Failure> {
    allocate(state, call, object, None)
}

/// Before anything else is done with a changed object.
pub(crate) fn before_update(
    state: &State,
    call: &mut Call<'_>,
    object: &mut Value,
    old: &Value,
) -> Result<(), Failure> {
    allocate(state, call, object, Some(old))
}

/// Gives a Service its addresses and ports.
fn allocate(
    state: &State,
    call: &mut Call<'_>,
    object: &mut Value,
    old: Option<&Value>,
) -> Result<(), Failure> {
    if !call.served.is("", "services") {
        return Ok(());
    }
    let wanted = kinds::wanted(object, old, &FAMILIES).map_err(|errors| {
        let name = object.str_at(&["metadata", "name"]).unwrap_or_default();
        Failure::invalid(&GroupResource::new("", "Service"), name, &errors)
    })?;
    let given = state.addresses.give(&wanted, object, &mut call.chance)?;
    wanted.put(object, &given);
    Ok(())
}
