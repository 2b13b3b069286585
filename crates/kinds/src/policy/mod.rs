//! The kinds that limit, rank and reserve.

mod disruption_budget;
mod lease;
mod limit_range;
mod priority_class;
mod quota;
mod resource_name;
mod runtime_class;

use schema::{At, FieldError};

pub(crate) use disruption_budget::POD_DISRUPTION_BUDGET;
pub(crate) use lease::LEASE;
pub(crate) use limit_range::LIMIT_RANGE;
pub(crate) use priority_class::PRIORITY_CLASS;
pub(crate) use quota::{RESOURCE_QUOTA, round_amounts};
pub(crate) use resource_name::{
    amount_of, container_resource_name, may_overcommit, resource_name, validate_amount,
};
pub(crate) use runtime_class::RUNTIME_CLASS;

/// What a taint does.
pub(crate) fn validate_taint_effect(errors: &mut Vec<FieldError>, at: &At, effect: &str) {
    const EFFECTS: &[&str] = &["NoSchedule", "PreferNoSchedule", "NoExecute"];
    match effect {
        "" => errors.push(FieldError::required(at, "")),
        known if EFFECTS.contains(&known) => {}
        other => errors.push(FieldError::not_supported(at, other, EFFECTS)),
    }
}
