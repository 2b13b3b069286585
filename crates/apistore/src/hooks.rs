//! What the server does with single kinds around their storage: the allocation of addresses and ports.

use lockstep_core::Value;

use crate::call::Call;
use crate::failure::Failure;
use crate::state::State;

/// Before a new object is validated.
pub(crate) fn before_create(
    _state: &State,
    _call: &mut Call<'_>,
    _object: &mut Value,
) -> Result<(), Failure> {
    Ok(())
}

/// Before a changed object is validated.
pub(crate) fn before_update(
    _state: &State,
    _call: &mut Call<'_>,
    _object: &mut Value,
    _old: &Value,
) -> Result<(), Failure> {
    Ok(())
}
