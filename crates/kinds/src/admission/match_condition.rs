//! Conditions in CEL, and names of things in it.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::Errors;
use crate::meta::{View, invalid_each, qualified_name};

const RESERVED: &[&str] = &[
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

pub(super) fn validate_conditions(errors: &mut Errors, at: &At, conditions: &[Value]) {
    if conditions.len() > 64 {
        errors.push(FieldError::too_many(at, conditions.len(), 64));
    }
    for (index, condition) in conditions.iter().enumerate() {
        let (place, name) = (at.index(index), condition.text("name"));
        if condition.text("expression").trim().is_empty() {
            errors.push(FieldError::required(&place.field("expression"), ""));
        }
        match name.is_empty() {
            true => errors.push(FieldError::required(&place.field("name"), "")),
            false => invalid_each(errors, &place.field("name"), &name.into(), qualified_name(name)),
        }
        if !name.is_empty() && conditions[..index].iter().any(|other| other.text("name") == name) {
            errors.push(FieldError::duplicate(&place.field("name"), name));
        }
    }
}

pub(super) fn validate_variables(errors: &mut Errors, at: &At, variables: &[Value]) {
    for (index, variable) in variables.iter().enumerate() {
        let (at, name) = (at.index(index), variable.text("name"));
        if name.trim().is_empty() {
            errors.push(FieldError::required(&at.field("name"), "name is not specified"));
        } else if !is_identifier(name) {
            errors.push(FieldError::invalid(&at.field("name"), name, "must be a valid CEL identifier"));
        }
        if variable.text("expression").trim().is_empty() {
            errors.push(FieldError::required(&at.field("expression"), "expression is not specified"));
        }
    }
}

fn is_identifier(name: &str) -> bool {
    let fine = |char: char| char.is_ascii_alphanumeric() || char == '_';
    !name.starts_with(|first: char| first.is_ascii_digit())
        && name.chars().all(fine)
        && !RESERVED.contains(&name)
}
