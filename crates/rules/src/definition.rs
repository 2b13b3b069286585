//! Whether the rules of a definition compile.

use lockstep_core::{Value, to_json};
use schema::{At, FieldError, Mistake};

use crate::rule::{Rule, Uncompiled};
use crate::rules::embedded;
use crate::types::Type;

/// What is wrong with the rules of a schema of a definition (its `openAPIV3Schema`, at `at`). The schema itself must be valid: the
/// server says nothing about rules before. The estimate of what rules may cost at most is not made.
pub fn definition_errors(schema: &Value, at: &At) -> Vec<FieldError> {
    let mut errors = Vec::new();
    visit(schema, (at, None), Type::declared(schema, true, "selfType").as_ref(), &mut errors);
    errors
}

/// A place, and the first around it whose old state cannot be found for every part.
type Place<'a> = (&'a At<'a>, Option<&'a str>);

fn visit(schema: &Value, (at, lost): Place<'_>, of: Option<&Type>, errors: &mut Vec<FieldError>) {
    let of_item = match of {
        Some(Type::List(item) | Type::Map(_, item)) => Some((**item).clone()),
        _ => None,
    };
    let own = |schema: &Value| Type::declared(schema, embedded(schema), "selfType");
    let here = at.to_string();
    if let Some(inner) = schema.get("additionalProperties").filter(|inner| inner.as_map().is_some()) {
        visit(
            inner,
            (&at.field("additionalProperties"), lost),
            of_item.or_else(|| own(inner)).as_ref(),
            errors,
        );
    } else if let Some(inner) = schema.get("items") {
        let keyed = schema.str_at(&["x-kubernetes-list-type"]) == Some("map");
        let lost = lost.or((!keyed).then_some(&*here));
        visit(inner, (&at.field("items"), lost), of_item.or_else(|| own(inner)).as_ref(), errors);
    }
    let properties = at.field("properties");
    for (name, inner) in schema.get("properties").and_then(Value::as_map).into_iter().flatten() {
        visit(inner, (&properties.key(name), lost), own(inner).as_ref(), errors);
    }
    let rules = schema.get("x-kubernetes-validations").and_then(Value::as_list).unwrap_or_default();
    let Some(of) = of else { return };
    let list = at.field("x-kubernetes-validations");
    for (index, rule) in rules.iter().enumerate() {
        check(rule, of, schema, (&list.index(index), lost), errors);
    }
}

fn check(rule: &Value, of: &Type, schema: &Value, (at, lost): Place<'_>, errors: &mut Vec<FieldError>) {
    match Rule::new(rule, of, schema) {
        Ok(None) => {}
        Ok(Some(compiled)) if compiled.uses_old => {
            if let Some(lost) = lost {
                let text = format!(
                    "oldSelf cannot be used on the uncorrelatable portion of the schema within {lost}"
                );
                let source = rule.get("rule").cloned().unwrap_or_default();
                errors.push(FieldError::invalid(&at.field("rule"), source, text));
            }
        }
        Ok(Some(_)) => {
            if let Some(flag) = rule.get("optionalOldSelf") {
                let text = "may not be set if oldSelf is not used in rule";
                errors.push(FieldError::invalid(&at.field("optionalOldSelf"), flag.clone(), text));
            }
        }
        Err(found) => errors.extend(found.into_iter().map(|error| match error {
            Uncompiled::Rule(text) => refused(&at.field("rule"), rule, &text),
            Uncompiled::Message(text) => refused(&at.field("messageExpression"), rule, &text),
        })),
    }
}

/// A mistake in a rule that is shown as the server's own structure, whose fields are not sorted: it is part of the detail.
fn refused(at: &At, rule: &Value, text: &str) -> FieldError {
    let json = |value: Value| String::from_utf8_lossy(&to_json(&value)).into_owned();
    let string = |key: &str| json(rule.get(key).cloned().unwrap_or_else(|| "".into()));
    let maybe = |key: &str| json(rule.get(key).cloned().unwrap_or_default());
    let shown = format!(
        "{{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{},\"FieldPath\":{},\"OptionalOldSelf\":{}}}",
        string("rule"),
        string("message"),
        string("messageExpression"),
        maybe("reason"),
        string("fieldPath"),
        maybe("optionalOldSelf"),
    );
    let shown = shown.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e");
    FieldError::new(Mistake::Invalid, at, None, format!("{shown}: {text}"))
}
