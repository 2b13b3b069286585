//! What is wrong with an object.

use kinds::{invalid_on_create, invalid_on_status_update, invalid_on_update};
use lockstep_core::Value;
use schema::{At, FieldError};

use crate::custom::{Custom, CustomVersion};
use crate::served::{Rules, Served};

/// With a new one.
pub(crate) fn on_create(served: &Served, object: &Value) -> Vec<FieldError> {
    let mut errors = invalid_on_create(served.strategy(), object, served.scope());
    if let Some((custom, version)) = custom(served) {
        errors.splice(0..0, type_errors(served, object));
        errors.extend(custom.invalid(version, object, None));
    }
    if errors.is_empty() && is_definition(served) {
        errors.extend(rule_errors(object, None));
    }
    with_expressions(served, object, errors)
}

/// With what is wrong in the expressions of policies and webhooks.
fn with_expressions(served: &Served, object: &Value, errors: Vec<FieldError>) -> Vec<FieldError> {
    match &*served.resource.group {
        "admissionregistration.k8s.io" => rules::expression_errors(object, errors),
        _ => errors,
    }
}

fn is_definition(served: &Served) -> bool {
    served.is("apiextensions.k8s.io", "customresourcedefinitions")
}

/// What is wrong with the rules in the schemas of a definition; those that were there before are let through.
fn rule_errors(definition: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let Some(spec) = definition.get("spec") else { return Vec::new() };
    let before: Vec<&Value> = old
        .and_then(|old| old.get("spec"))
        .map(kinds::schemas)
        .unwrap_or_default()
        .into_iter()
        .map(|(_, schema)| schema)
        .collect();
    let new = kinds::schemas(spec).into_iter().filter(|(_, schema)| !before.contains(schema));
    new.flat_map(|(place, schema)| rules::definition_errors(schema, &At::ROOT.field(&place))).collect()
}

/// With a changed one, by the endpoint that changes it.
pub(crate) fn on_update(served: &Served, subresource: &str, object: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = match crate::subresource::rules_of(subresource, served.strategy()) {
        Some(strategy) => invalid_on_update(&strategy, object, old, served.scope()),
        None => invalid_on_status_update(served.strategy(), object, old, served.scope()),
    };
    if let Some((custom, version)) = custom(served) {
        errors.splice(0..0, type_errors(served, object));
        errors.extend(match subresource {
            "status" => custom.invalid_status(version, object, old),
            _ => custom.invalid(version, object, Some(old)),
        });
    }
    if errors.is_empty() && is_definition(served) {
        errors.extend(rule_errors(object, Some(old)));
    }
    match subresource {
        "" => with_expressions(served, object, errors),
        _ => errors,
    }
}

fn custom(served: &Served) -> Option<(&Custom, &CustomVersion)> {
    match &served.rules {
        Rules::BuiltIn(_) => None,
        Rules::Custom(custom) => Some((custom, custom.version(&served.resource.version)?)),
    }
}

/// What is wrong with `kind` and `apiVersion` of a custom resource: a patch can change them.
fn type_errors(served: &Served, object: &Value) -> Vec<FieldError> {
    let wrong = |field: &str, wanted: &str| {
        let text = object.str_at(&[field]).unwrap_or_default();
        let error = || FieldError::invalid(&At::ROOT.field(field), text, format!("must be {wanted}"));
        (text != wanted).then(error)
    };
    [("kind", &*served.gvk.kind), ("apiVersion", &*served.api_version)]
        .into_iter()
        .filter_map(|(field, wanted)| wrong(field, wanted))
        .collect()
}
