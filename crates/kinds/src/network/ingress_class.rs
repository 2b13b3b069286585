//! IngressClasses.

use lockstep_core::Value;
use schema::{At, FieldError};

use crate::meta::{Edit, View, Wrong, dns_label, dns_subdomain, invalid_each, path_segment};
use crate::naming::subdomain;
use crate::strategy::Strategy;

type Errors = Vec<FieldError>;

const SCOPES: &[&str] = &["Cluster", "Namespace"];

pub(crate) const INGRESS_CLASS: Strategy = Strategy {
    default: |class| {
        if let Some(parameters) = class.child_mut("spec").and_then(|spec| spec.child_mut("parameters")) {
            parameters.default_to("scope", "Cluster");
        }
    },
    validate,
    validate_update: |class, old| {
        let mut errors = Vec::new();
        let controller = class.child("spec").text("controller");
        if controller != old.child("spec").text("controller") {
            let at = At::ROOT.field("spec");
            errors.push(FieldError::invalid(&at.field("controller"), controller, "field is immutable"));
        }
        errors.extend(validate(class));
        errors
    },
    name: subdomain,
    generation: Some(crate::pod_template::spec_changed),
    ..Strategy::plain("networking.k8s.io", "IngressClass", &["v1"])
};

fn validate(class: &Value) -> Errors {
    let (mut errors, mut late, spec) = (Vec::new(), Vec::new(), class.child("spec"));
    let at = At::ROOT.field("spec");
    let (controller_at, controller) = (at.field("controller"), spec.text("controller"));
    if controller.len() > 250 {
        errors.push(FieldError::too_long(&controller_at, 250));
    }
    match controller.is_empty() {
        true => errors.push(FieldError::required(&controller_at, "")),
        false => invalid_each(&mut errors, &controller_at, &controller.into(), prefixed_path(controller)),
    }
    if spec.has("parameters") {
        validate_parameters((&mut errors, &mut late), &at.field("parameters"), spec.child("parameters"));
    }
    errors.extend(late);
    errors
}

/// A domain with a path behind it.
fn prefixed_path(path: &str) -> Wrong {
    let Some((domain, rest)) =
        path.split_once('/').filter(|(domain, rest)| !domain.is_empty() && !rest.is_empty())
    else {
        return vec!["must be a domain-prefixed path (such as \"acme.io/foo\")".into()];
    };
    let mut wrong: Wrong =
        dns_subdomain(domain).into_iter().map(|text| format!("prefix part {text}")).collect();
    let fine = |char: char| char.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@%/".contains(char);
    if !rest.chars().all(fine) {
        wrong.push(crate::meta::form_error(
            "must be a valid path",
            "^[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+$",
            &[],
        ));
    }
    wrong
}

fn validate_parameters((errors, late): (&mut Errors, &mut Errors), at: &At, parameters: &Value) {
    if parameters.has("apiGroup") {
        let group = parameters.text("apiGroup");
        invalid_each(errors, &at.field("apiGroup"), &group.into(), dns_subdomain(group));
    }
    for field in ["kind", "name"] {
        match parameters.text(field) {
            "" => late.push(FieldError::required(&at.field(field), "")),
            text => invalid_each(errors, &at.field(field), &text.into(), path_segment(text)),
        }
    }
    let (namespace_at, namespace) = (at.field("namespace"), parameters.text("namespace"));
    match (parameters.text("scope"), parameters.has("namespace")) {
        _ if !parameters.has("scope") => errors.push(FieldError::required(&at.field("scope"), "")),
        ("Namespace", false) => {
            errors.push(FieldError::required(&namespace_at, "`parameters.scope` is set to 'Namespace'"));
        }
        ("Namespace", true) => invalid_each(errors, &namespace_at, &namespace.into(), dns_label(namespace)),
        ("Cluster", true) => {
            errors.push(FieldError::forbidden(&namespace_at, "`parameters.scope` is set to 'Cluster'"));
        }
        ("Cluster", false) => {}
        (other, _) => errors.push(FieldError::not_supported(&at.field("scope"), other, SCOPES)),
    }
}
