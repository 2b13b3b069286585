//! CSIStorageCapacities.

use std::cmp::Ordering;

use lockstep_core::Value;
use schema::{At, FieldError};

use super::IMMUTABLE;
use crate::meta::{View, dns_subdomain, invalid_each, validate_selector};
use crate::naming::subdomain;
use crate::policy::amount_of;
use crate::strategy::Strategy;

pub(crate) const CSI_STORAGE_CAPACITY: Strategy = Strategy {
    validate,
    validate_update: |capacity, old| {
        let mut errors = validate(capacity);
        for field in ["nodeTopology", "storageClassName"] {
            if capacity.child(field) != old.child(field) {
                let value = capacity.child(field).clone();
                errors.push(FieldError::invalid(&At::ROOT.field(field), value, IMMUTABLE));
            }
        }
        errors
    },
    name: subdomain,
    unconditional_update: false,
    ..Strategy::plain("storage.k8s.io", "CSIStorageCapacity", &["v1"])
};

fn validate(capacity: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    validate_selector(&mut errors, &At::ROOT.field("nodeTopology"), capacity.child("nodeTopology"));
    let class = capacity.text("storageClassName");
    invalid_each(&mut errors, &At::ROOT.field("storageClassName"), &class.into(), dns_subdomain(class));
    let amount = amount_of(capacity.child("capacity"));
    if amount.sign() == Ordering::Less {
        let at = At::ROOT.field("capacity");
        errors.push(FieldError::invalid(&at, amount.to_string(), "must be greater than or equal to 0"));
    }
    errors
}
