//! ResourceQuotas.

use std::collections::BTreeSet;

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use super::resource_name::{amount_of, is_quota_resource, quota_resource_name, validate_amount};
use crate::address::texts;
use crate::meta::{Edit, View, invalid_each};
use crate::naming::subdomain;
use crate::reset::V1;
use crate::strategy::{Status, Strategy};

type Errors = Vec<FieldError>;

const SCOPES: &[&str] = &[
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "VolumeAttributesClass",
    "CrossNamespacePodAffinity",
];

pub(crate) const RESOURCE_QUOTA: Strategy = Strategy {
    default: |quota| round(quota, &[("spec", "hard"), ("status", "hard"), ("status", "used")]),
    prepare_create: |quota| quota.set(&["status"], Value::map(Map::new())),
    prepare_update: |quota, old| quota.take_from(old, &["status"]),
    validate: |quota| {
        let mut errors = Vec::new();
        validate_spec(&mut errors, quota.child("spec"));
        validate_amounts(&mut errors, quota, &[("status", "hard"), ("status", "used")]);
        errors
    },
    validate_update: |quota, old| {
        let mut errors = Vec::new();
        validate_spec(&mut errors, quota.child("spec"));
        let scopes = |quota: &Value| -> BTreeSet<String> {
            texts(quota.child("spec").items("scopes")).into_iter().map(str::to_owned).collect()
        };
        if scopes(quota) != scopes(old) {
            let at = At::ROOT.field("spec");
            let value = quota.child("spec").child("scopes").clone();
            errors.push(FieldError::invalid(&at.field("scopes"), value, "field is immutable"));
        }
        errors
    },
    status: Some(Status {
        validate_update: |quota, _| {
            let mut errors = Vec::new();
            validate_amounts(&mut errors, quota, &[("status", "hard"), ("status", "used")]);
            errors
        },
        ..Status::PLAIN
    }),
    warnings: |quota, old| if old.is_some() { Vec::new() } else { warnings(quota) },
    name: subdomain,
    reset: V1,
    ..Strategy::plain("", "ResourceQuota", &["v1"])
};

/// Amounts are rounded up to thousandths.
pub(crate) fn round_amounts(amounts: &mut Value) {
    for (name, value) in amounts.clone().as_map().into_iter().flatten() {
        let rounded = amount_of(value).rounded_to_milli();
        if rounded != amount_of(value) {
            amounts.set(&[name], rounded.to_string().into());
        }
    }
}

fn round(quota: &mut Value, fields: &[(&str, &str)]) {
    for (outer, inner) in fields {
        if let Some(amounts) = quota.child_mut(outer).and_then(|outer| outer.child_mut(inner)) {
            round_amounts(amounts);
        }
    }
}

fn validate_amounts(errors: &mut Errors, quota: &Value, fields: &[(&str, &str)]) {
    for (outer, inner) in fields {
        let at = At::ROOT.field(outer);
        let at = at.field(inner);
        for (name, amount) in quota.child(outer).entries(inner) {
            invalid_each(errors, &at.key(name), &name.into(), quota_resource_name(name));
            validate_amount(errors, &at.key(name), (name, amount));
        }
    }
}

fn validate_spec(errors: &mut Errors, spec: &Value) {
    let mut quota = Value::Null;
    quota.set(&["spec"], spec.clone());
    validate_amounts(errors, &quota, &[("spec", "hard")]);
    let at = At::ROOT.field("spec");
    let scopes = texts(spec.items("scopes"));
    let wrong = |text: &str| FieldError::invalid(&at.field("scopes"), spec.child("scopes").clone(), text);
    for scope in &scopes {
        if !SCOPES.contains(scope) {
            errors.push(wrong("unsupported scope"));
        }
        let unfit = spec.entries("hard").filter(|(name, _)| is_quota_resource(name) && !fits(scope, name));
        errors.extend(unfit.map(|_| wrong("unsupported scope applied to resource")));
    }
    errors.extend((0..conflicts(&scopes)).map(|_| wrong("conflicting scopes")));
    if spec.has("scopeSelector") {
        validate_selector(errors, &at, spec);
    }
}

fn conflicts(scopes: &[&str]) -> usize {
    let both = |a: &str, b: &str| usize::from(scopes.contains(&a) && scopes.contains(&b));
    both("BestEffort", "NotBestEffort") + both("Terminating", "NotTerminating")
}

fn fits(scope: &str, resource: &str) -> bool {
    const COMPUTE: &[&str] =
        &["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];
    match scope {
        "BestEffort" => resource == "pods",
        "VolumeAttributesClass" => ["persistentvolumeclaims", "requests.storage"].contains(&resource),
        scope if SCOPES.contains(&scope) => resource == "pods" || COMPUTE.contains(&resource),
        _ => true,
    }
}

fn validate_selector(errors: &mut Errors, at: &At, spec: &Value) {
    let selector = spec.child("scopeSelector");
    let selector_at = at.field("scopeSelector");
    let list = selector_at.field("matchExpressions");
    let mut scopes = Vec::new();
    for requirement in selector.items("matchExpressions") {
        let scope = requirement.text("scopeName");
        if !SCOPES.contains(&scope) {
            errors.push(FieldError::invalid(&list.field("scopeName"), scope, "unsupported scope"));
        }
        let unfit = spec.entries("hard").filter(|(name, _)| is_quota_resource(name) && !fits(scope, name));
        errors.extend(unfit.map(|_| unfit_selector(&list, selector)));
        validate_operator(errors, &list, requirement);
        scopes.push(scope);
    }
    let shown = spec.child("scopes");
    let conflict = || FieldError::invalid(&list, shown.clone(), "conflicting scopes");
    errors.extend((0..conflicts(&scopes)).map(|_| conflict()));
}

/// The server shows its own type.
fn unfit_selector(at: &At, selector: &Value) -> FieldError {
    let shown: Vec<String> = selector
        .items("matchExpressions")
        .iter()
        .map(|requirement| {
            let values = requirement.get("values").map_or("null".into(), |values| {
                String::from_utf8_lossy(&lockstep_core::to_json(values)).into_owned()
            });
            format!(
                "{{\"ScopeName\":\"{}\",\"Operator\":\"{}\",\"Values\":{values}}}",
                requirement.text("scopeName"),
                requirement.text("operator")
            )
        })
        .collect();
    let text =
        format!("{{\"MatchExpressions\":[{}]}}: unsupported scope applied to resource", shown.join(","));
    FieldError::new(schema::Mistake::Invalid, at, None, text)
}

fn validate_operator(errors: &mut Errors, at: &At, requirement: &Value) {
    const ALWAYS: &str = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
    let (scope, operator) = (requirement.text("scopeName"), requirement.text("operator"));
    let operator_at = at.field("operator");
    let only_exists =
        ["Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "CrossNamespacePodAffinity"];
    if only_exists.contains(&scope) && operator != "Exists" {
        errors.push(FieldError::invalid(&operator_at, operator, ALWAYS));
    }
    let none = requirement.items("values").is_empty();
    match operator {
        "In" | "NotIn" if none => errors.push(FieldError::required(
            &at.field("values"),
            "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
        )),
        "Exists" | "DoesNotExist" if !none => errors.push(FieldError::invalid(
            &at.field("values"),
            requirement.child("values").clone(),
            "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
        )),
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        other => errors.push(FieldError::invalid(&operator_at, other, "not a valid selector operator")),
    }
}

fn warnings(quota: &Value) -> Vec<String> {
    let hard = quota.child("spec").child("hard");
    let mut warnings = Vec::new();
    for resource in ["cpu", "memory", "storage", "ephemeral-storage"] {
        let (request, limit) = (format!("requests.{resource}"), format!("limits.{resource}"));
        let request = match hard.has(&request) {
            false if ["cpu", "memory"].contains(&resource) => resource.to_owned(),
            _ => request,
        };
        if let (Some(asked), Some(limited)) = (hard.get(&request), hard.get(&limit))
            && amount_of(asked) > amount_of(limited)
        {
            warnings.push(format!(
                "ResourceQuota {request} ({}) should be less than {limit} ({})",
                amount_of(asked),
                amount_of(limited)
            ));
        }
    }
    warnings
}
