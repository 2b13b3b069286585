//! ResourceClaims, and the templates that they are made of.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use super::{Errors, GROUP, validate_config, validate_selectors};
use crate::meta::{
    Edit, View, dns_label, dns_subdomain, immutable, invalid_each, validate_annotations, validate_labels,
};
use crate::naming::subdomain;
use crate::reset::{V1_STATUS_ONLY, keep_all_but_status};
use crate::strategy::{Status, Strategy};

pub(crate) const RESOURCE_CLAIM: Strategy = Strategy {
    default: |claim| {
        claim.default_to("spec", Map::new());
        claim.child_mut("spec").into_iter().for_each(default_spec);
    },
    prepare_create: |claim| claim.set(&["status"], Value::map(Map::new())),
    prepare_update: |claim, old| claim.take_from(old, &["status"]),
    validate: |claim| validate_spec(&At::ROOT.field("spec"), claim.child("spec")),
    validate_update: |claim, old| match claim.child("spec") == old.child("spec") {
        true => Vec::new(),
        // The real server shows nothing of it.
        false => vec![FieldError::invalid(&At::ROOT.field("spec"), Value::Null, "field is immutable")],
    },
    status: Some(Status {
        prepare_update: keep_all_but_status,
        validate_update: |_, _| Vec::new(),
        warnings: |_| Vec::new(),
    }),
    name: subdomain,
    reset: V1_STATUS_ONLY,
    ..Strategy::plain(GROUP, "ResourceClaim", &["v1"])
};

pub(crate) const RESOURCE_CLAIM_TEMPLATE: Strategy = Strategy {
    kind: "ResourceClaimTemplate",
    default: |template| {
        template.default_to("spec", Map::new());
        let Some(spec) = template.child_mut("spec") else { return };
        spec.default_to("spec", Map::new());
        spec.child_mut("spec").into_iter().for_each(default_spec);
    },
    prepare_create: |_| {},
    prepare_update: |_, _| {},
    validate: |template| {
        let (mut errors, spec) = (Vec::new(), template.child("spec"));
        let at = At::ROOT.field("spec");
        let (meta_at, meta) = (at.field("metadata"), spec.child("metadata"));
        validate_annotations(&mut errors, &meta_at.field("annotations"), meta.child("annotations"));
        validate_labels(&mut errors, &meta_at.field("labels"), meta.child("labels"));
        errors.extend(validate_spec(&at.field("spec"), spec.child("spec")));
        errors
    },
    validate_update: |template, old| {
        let mut errors = Vec::new();
        let specs = [template.child("spec"), old.child("spec")];
        immutable(&mut errors, &At::ROOT.field("spec"), "resource.ResourceClaimTemplateSpec", specs);
        errors
    },
    status: None,
    reset: &[],
    ..RESOURCE_CLAIM
};

fn default_spec(spec: &mut Value) {
    spec.default_to("devices", Map::new());
    let Some(devices) = spec.child_mut("devices") else { return };
    for request in devices.items_mut("requests") {
        request.child_mut("exactly").into_iter().for_each(default_request);
        request.items_mut("firstAvailable").iter_mut().for_each(default_request);
    }
}

fn default_request(request: &mut Value) {
    request.default_to("allocationMode", "ExactCount");
    if request.text("allocationMode") == "ExactCount" && request.number("count") == 0 {
        request.set(&["count"], 1.into());
    }
}

fn validate_spec(at: &At, spec: &Value) -> Errors {
    let (mut errors, devices) = (Vec::new(), spec.child("devices"));
    let at = at.field("devices");
    let (list, requests) = (at.field("requests"), devices.items("requests"));
    if requests.len() > 32 {
        errors.push(FieldError::too_many(&list, requests.len(), 32));
    }
    for (index, request) in requests.iter().enumerate() {
        let place = list.index(index);
        validate_request(&mut errors, &place, request);
        if requests[..index].iter().any(|other| other.text("name") == request.text("name")) {
            errors.push(FieldError::duplicate(&place, request.clone()));
        }
    }
    let list = at.field("config");
    for (index, config) in devices.items("config").iter().enumerate() {
        validate_config(&mut errors, &list.index(index), config);
    }
    errors
}

fn validate_request(errors: &mut Errors, at: &At, request: &Value) {
    const ONE: &str = "exactly one of `exactly` or `firstAvailable` is required";
    let name = request.text("name");
    invalid_each(errors, &at.field("name"), &name.into(), dns_label(name));
    let alternatives = request.items("firstAvailable");
    match (request.has("exactly"), alternatives.is_empty()) {
        (true, true) => validate_wish(errors, &at.field("exactly"), request.child("exactly")),
        (false, false) => {
            let list = at.field("firstAvailable");
            for (index, wish) in alternatives.iter().enumerate() {
                let (place, name) = (list.index(index), wish.text("name"));
                invalid_each(errors, &place.field("name"), &name.into(), dns_label(name));
                validate_wish(errors, &place, wish);
            }
        }
        (true, false) => errors.push(FieldError::invalid(at, Value::Null, ONE)),
        (false, true) => errors.push(FieldError::required(at, ONE)),
    }
}

/// What is asked of a class.
fn validate_wish(errors: &mut Errors, at: &At, wish: &Value) {
    let (class_at, class) = (at.field("deviceClassName"), wish.text("deviceClassName"));
    match class.is_empty() {
        true => errors.push(FieldError::required(&class_at, "")),
        false => invalid_each(errors, &class_at, &class.into(), dns_subdomain(class)),
    }
    validate_selectors(errors, &at.field("selectors"), wish.items("selectors"));
    let (count_at, count) = (at.field("count"), wish.number("count"));
    match wish.text("allocationMode") {
        "All" if count != 0 => {
            let text = "must not be specified when allocationMode is 'All'";
            errors.push(FieldError::invalid(&count_at, count, text));
        }
        "ExactCount" if count <= 0 => {
            errors.push(FieldError::invalid(&count_at, count, "must be greater than zero"));
        }
        "All" | "ExactCount" => {}
        other => {
            let at = at.field("allocationMode");
            errors.push(FieldError::not_supported(&at, other, &["All", "ExactCount"]));
        }
    }
}
