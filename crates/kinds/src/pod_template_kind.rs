//! PodTemplates.

use lockstep_core::Value;
use schema::{At, FieldError};

use crate::meta::{View, dns_subdomain, named};
use crate::pod::pod_warnings;
use crate::pod_template::{default_template, drop_disabled_fields, validate_template};
use crate::strategy::Strategy;

/// The rules of PodTemplates.
pub(crate) const POD_TEMPLATE: Strategy = Strategy {
    default: |object| default_template(object, "template"),
    prepare_create: |object| {
        object.set(&["metadata", "generation"], 1.into());
        drop_disabled_fields(object);
    },
    prepare_update: |object, _| drop_disabled_fields(object),
    validate: validate_object,
    validate_update: |object, _| validate_object(object),
    warnings: |object, old| match old.is_some_and(|old| !changed(object, old)) {
        true => Vec::new(),
        false => pod_warnings(&At::ROOT.field("template"), object.child("template")),
    },
    name: |name| named(dns_subdomain(name)),
    generation: Some(changed),
    ..Strategy::plain("", "PodTemplate", &["v1"])
};

fn changed(object: &Value, old: &Value) -> bool {
    object.child("template") != old.child("template")
}

fn validate_object(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    validate_template(&mut errors, &At::ROOT.field("template"), object.child("template"));
    errors
}
