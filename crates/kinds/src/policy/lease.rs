//! Leases.

use lockstep_core::Value;
use schema::{At, FieldError};

use crate::meta::View;
use crate::naming::subdomain;
use crate::strategy::Strategy;

pub(crate) const LEASE: Strategy = Strategy {
    prepare_create: |lease| {
        lease.remove(&["spec", "strategy"]);
        lease.remove(&["spec", "preferredHolder"]);
    },
    prepare_update: |lease, old| {
        for field in ["strategy", "preferredHolder"] {
            if !old.child("spec").has(field) {
                lease.remove(&["spec", field]);
            }
        }
    },
    validate,
    validate_update: |lease, _| validate(lease),
    name: subdomain,
    create_on_update: true,
    unconditional_update: false,
    ..Strategy::plain("coordination.k8s.io", "Lease", &["v1"])
};

fn validate(lease: &Value) -> Vec<FieldError> {
    let (mut errors, spec) = (Vec::new(), lease.child("spec"));
    let at = At::ROOT.field("spec");
    if let Some(seconds) = spec.int("leaseDurationSeconds").filter(|seconds| *seconds <= 0) {
        let at = at.field("leaseDurationSeconds");
        errors.push(FieldError::invalid(&at, seconds, "must be greater than 0"));
    }
    if let Some(count) = spec.int("leaseTransitions").filter(|count| *count < 0) {
        let at = at.field("leaseTransitions");
        errors.push(FieldError::invalid(&at, count, "must be greater than or equal to 0"));
    }
    errors
}
