//! IPAddresses.

use lockstep_core::Value;
use schema::{At, FieldError};

use crate::meta::{View, dns_subdomain, invalid_each, is_canonical_ip, path_segment};
use crate::strategy::Strategy;

type Errors = Vec<FieldError>;

pub(crate) const IP_ADDRESS: Strategy = Strategy {
    validate,
    validate_update: |address, old| {
        let mut errors = validate(address);
        if address.child("spec").child("parentRef") != old.child("spec").child("parentRef") {
            let at = At::ROOT.field("spec");
            errors.push(FieldError::invalid(&at.field("parentRef"), Value::Null, "field is immutable"));
        }
        errors
    },
    name: |name| match is_canonical_ip(name) {
        wrong if wrong.is_empty() => Ok(()),
        wrong => Err(wrong),
    },
    selectable: |address| {
        let parent = address.child("spec").child("parentRef");
        let text = |field: &str| parent.text(field).to_owned();
        vec![
            ("spec.parentRef.group", text("group")),
            ("spec.parentRef.resource", text("resource")),
            ("spec.parentRef.namespace", text("namespace")),
            ("spec.parentRef.name", text("name")),
        ]
    },
    ..Strategy::plain("networking.k8s.io", "IPAddress", &["v1"])
};

fn validate(address: &Value) -> Errors {
    let (mut errors, mut late, spec) = (Vec::new(), Vec::new(), address.child("spec"));
    let at = At::ROOT.field("spec");
    let at = at.field("parentRef");
    if !spec.has("parentRef") {
        return vec![FieldError::required(&at, "")];
    }
    let parent = spec.child("parentRef");
    let group = parent.text("group");
    if !group.is_empty() {
        invalid_each(&mut errors, &at.field("group"), &group.into(), dns_subdomain(group));
    }
    for field in ["resource", "name", "namespace"] {
        match parent.text(field) {
            "" if field == "namespace" => {}
            "" => late.push(FieldError::required(&at.field(field), "")),
            text => invalid_each(&mut errors, &at.field(field), &text.into(), path_segment(text)),
        }
    }
    errors.extend(late);
    errors
}
