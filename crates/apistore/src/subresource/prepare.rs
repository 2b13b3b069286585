//! What writers of the smaller endpoints may set.

use kinds::Strategy;
use lockstep_core::Value;
use schema::FieldError;

/// Takes all but what the endpoint is for from the object as it was; what is wrong with the rest.
pub(crate) fn prepare(subresource: &str, object: &mut Value, old: &Value) -> Vec<FieldError> {
    match subresource {
        "finalize" => return kinds::finalize_namespace(object, old),
        "ephemeralcontainers" => kinds::prepare_ephemeral_update(object, old),
        "approval" => kinds::prepare_approval(object, old),
        "resize" => kinds::prepare_resize(object, old),
        _ => {}
    }
    Vec::new()
}

/// The rules of a kind as they are for one of its endpoints, where those are not the rules of its status.
pub(crate) fn rules_of(subresource: &str, strategy: &Strategy) -> Option<Strategy> {
    let validate_update = match subresource {
        "" | "scale" => strategy.validate_update,
        "ephemeralcontainers" => kinds::validate_ephemeral_update,
        "approval" => kinds::validate_approval,
        "resize" => kinds::validate_resize,
        _ => return None,
    };
    Some(Strategy { validate_update, ..*strategy })
}
