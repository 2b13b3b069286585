//! What is wrong with the expressions of policies, and of the conditions of webhooks, before they are stored.

use lockstep_core::Value;
use schema::{At, FieldError, Mistake};

use super::conditions::{compile, of_conditions, of_messages, of_policy, variable};
use super::mutating::{form, of_mutations};
use crate::expression::{CompileError, Declared, Extra, declared};
use crate::types::Type;

/// The mistakes in the expressions of a policy or of the webhooks of a configuration, among all others that it has: those are in
/// the server's order, and so is what comes back. Nothing is added to an object of another kind.
pub fn expression_errors(object: &Value, others: Vec<FieldError>) -> Vec<FieldError> {
    let mut errors = others;
    for found in mistakes(object) {
        let rank = rank(&found);
        let at = errors.iter().position(|other| self::rank(other) > rank).unwrap_or(errors.len());
        errors.insert(at, found);
    }
    errors
}

fn mistakes(object: &Value) -> Vec<FieldError> {
    let mut found = Vec::new();
    match object.str_at(&["kind"]) {
        Some("ValidatingAdmissionPolicy") => validating(&mut found, object),
        Some("MutatingAdmissionPolicy") => mutating(&mut found, object),
        Some("ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration") => {
            let at = At::ROOT.field("webhooks");
            for (index, webhook) in items(object, "webhooks").iter().enumerate() {
                let place = at.index(index);
                conditions(&mut found, &place, webhook, &declared(&[Extra::Authorizer]));
            }
        }
        _ => {}
    }
    found
}

fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_list).unwrap_or_default()
}

/// An expression that is there, as the server shows it.
fn given<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.str_at(&[key]).filter(|text| !text.trim().is_empty())
}

fn refused(at: &At, shown: &str, error: &CompileError) -> FieldError {
    FieldError::invalid(at, shown, error.to_string())
}

fn conditions(found: &mut Vec<FieldError>, at: &At, of: &Value, seen: &Declared) {
    let list = at.field("matchConditions");
    for (index, condition) in items(of, "matchConditions").iter().enumerate() {
        let Some(text) = given(condition, "expression").map(str::trim) else { continue };
        if let Err(error) = compile(text, seen, &[Type::Bool]) {
            found.push(refused(&list.index(index).field("expression"), text, &error));
        }
    }
}

/// Conditions and variables; what the expressions behind them see.
fn common(found: &mut Vec<FieldError>, at: &At, spec: &Value) -> Declared {
    conditions(found, at, spec, &of_conditions(spec));
    let (list, mut seen) = (at.field("variables"), of_policy(spec));
    for (index, one) in items(spec, "variables").iter().enumerate() {
        let Some(text) = given(one, "expression") else { continue };
        if let (_, Err(error)) = variable(one, &mut seen) {
            found.push(refused(&list.index(index).field("expression"), text, &error));
        }
    }
    seen
}

fn validating(found: &mut Vec<FieldError>, policy: &Value) {
    let Some(spec) = policy.get("spec") else { return };
    let at = At::ROOT.field("spec");
    let seen = common(found, &at, spec);
    let (list, messages) = (at.field("validations"), of_messages(&seen));
    for (index, validation) in items(spec, "validations").iter().enumerate() {
        let expressions = [("expression", &seen, Type::Bool), ("messageExpression", &messages, Type::String)];
        for (key, seen, gives) in expressions {
            let Some(text) = given(validation, key) else { continue };
            if let Err(error) = compile(text, seen, &[gives]) {
                found.push(refused(&list.index(index).field(key), text, &error));
            }
        }
    }
    let list = at.field("auditAnnotations");
    for (index, annotation) in items(spec, "auditAnnotations").iter().enumerate() {
        let text = given(annotation, "valueExpression").filter(|text| text.trim().len() <= LONGEST);
        let Some(text) = text else { continue };
        if let Err(error) = compile(text.trim(), &seen, &[Type::String, Type::Null]) {
            found.push(refused(&list.index(index).field("valueExpression"), text, &error));
        }
    }
}

/// Bytes of an expression for the audit log; a longer one is refused for that alone.
const LONGEST: usize = 5 * 1024;

fn mutating(found: &mut Vec<FieldError>, policy: &Value) {
    let Some(spec) = policy.get("spec") else { return };
    let at = At::ROOT.field("spec");
    let seen = of_mutations(&common(found, &at, spec));
    let list = at.field("mutations");
    for (index, mutation) in items(spec, "mutations").iter().enumerate() {
        let known = matches!(mutation.str_at(&["patchType"]), Some("JSONPatch" | "ApplyConfiguration"));
        let (key, gives) = form(mutation);
        let text = mutation.get(key).and_then(|patch| given(patch, "expression")).filter(|_| known);
        let Some(text) = text.map(str::trim) else { continue };
        if let Err(error) = compile(text, &seen, &[gives]) {
            found.push(refused(&list.index(index).field(key).field("expression"), text, &error));
        }
    }
}

/// The order in which the server looks at fields; of what is not here it looks at first.
const ORDER: [&str; 17] = [
    "failurePolicy",
    "paramKind",
    "matchConstraints",
    "matchConditions",
    "variables",
    "validations",
    "auditAnnotations",
    "mutations",
    "reinvocationPolicy",
    "expression",
    "messageExpression",
    "message",
    "reason",
    "key",
    "valueExpression",
    "admissionReviewVersions",
    "name",
];

/// Where a mistake comes among others, field by field.
fn rank(error: &FieldError) -> Vec<usize> {
    let mut parts: Vec<usize> = Vec::new();
    let mut parent = "";
    for name in error.field.split(['.', '[']) {
        let place = match name.trim_end_matches(']').parse::<usize>() {
            Ok(index) => index,
            Err(_) => field_rank(parent, name, error),
        };
        parts.push(place);
        parent = if name.ends_with(']') { parent } else { name };
    }
    parts
}

fn field_rank(parent: &str, name: &str, error: &FieldError) -> usize {
    // That a name is there twice is seen once all else of its item is.
    let twice = error.mistake == Mistake::Duplicate;
    match (parent, name) {
        ("webhooks" | "auditAnnotations", "name" | "key") if twice => ORDER.len() + 1,
        ("webhooks" | "variables", "name") => 0,
        // Of a mutation, what must not be there comes last.
        ("mutations", _) if error.mistake == Mistake::Invalid && !error.field.ends_with("expression") => 1,
        ("mutations", _) => 0,
        _ => ORDER.iter().position(|known| *known == name).map_or(0, |at| at + 1),
    }
}
