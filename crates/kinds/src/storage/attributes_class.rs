//! VolumeAttributesClasses.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::storage_class::{validate_parameters, validate_provisioner};
use crate::meta::View;
use crate::naming::subdomain;
use crate::strategy::Strategy;

pub(crate) const VOLUME_ATTRIBUTES_CLASS: Strategy = Strategy {
    validate,
    validate_update: |class, old| {
        let mut errors = Vec::new();
        for field in ["driverName", "parameters"] {
            if class.child(field) != old.child(field) {
                let text = format!("updates to {field} are forbidden.");
                errors.push(FieldError::forbidden(&At::ROOT.field(field), text));
            }
        }
        errors.extend(validate(class));
        errors
    },
    name: subdomain,
    ..Strategy::plain("storage.k8s.io", "VolumeAttributesClass", &["v1"])
};

fn validate(class: &Value) -> Vec<FieldError> {
    let (mut errors, mut late) = (Vec::new(), Vec::new());
    validate_provisioner((&mut errors, &mut late), &At::ROOT.field("driverName"), class.text("driverName"));
    errors.append(&mut late);
    let at = At::ROOT.field("parameters");
    validate_parameters(&mut errors, &at, class);
    if class.entries("parameters").next().is_none() {
        errors.push(FieldError::required(&at, "must contain at least one key/value pair"));
    }
    errors
}
