//! Label selectors.

use lockstep_core::{LabelSelector, Value};
use schema::{At, FieldError};

use super::names::{label_value, qualified_name};
use super::number::invalid_each;
use super::object_meta::validate_labels;
use super::view::View;

/// What is wrong with a `LabelSelector`.
pub(crate) fn validate_selector(errors: &mut Vec<FieldError>, at: &At, selector: &Value) {
    validate_labels(errors, &at.field("matchLabels"), selector.child("matchLabels"));
    let list = at.field("matchExpressions");
    for (index, expression) in selector.items("matchExpressions").iter().enumerate() {
        validate_requirement(errors, &list.index(index), expression);
    }
}

fn validate_requirement(errors: &mut Vec<FieldError>, at: &At, requirement: &Value) {
    let (values_at, values) = (at.field("values"), requirement.items("values"));
    match requirement.text("operator") {
        "In" | "NotIn" if values.is_empty() => {
            errors.push(FieldError::required(
                &values_at,
                "must be specified when `operator` is 'In' or 'NotIn'",
            ));
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => errors.push(FieldError::forbidden(
            &values_at,
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        )),
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        other => {
            errors.push(FieldError::invalid(&at.field("operator"), other, "not a valid selector operator"))
        }
    }
    let key = requirement.text("key");
    invalid_each(errors, &at.field("key"), &key.into(), qualified_name(key));
    for (index, value) in values.iter().enumerate() {
        let wrong = label_value(value.as_str().unwrap_or_default());
        invalid_each(errors, &values_at.index(index), value, wrong);
    }
}

/// A selector that can be asked.
#[derive(Clone, Copy)]
pub(crate) struct Selector<'v>(&'v Value);

impl<'v> Selector<'v> {
    /// `None` where the selector cannot be used, so that the server says no more about it.
    pub(crate) fn of(selector: &'v Value) -> Option<Self> {
        let mut errors = Vec::new();
        validate_selector(&mut errors, &At::ROOT, selector);
        errors.is_empty().then_some(Self(selector))
    }

    /// Whether it selects everything by saying nothing.
    pub(crate) fn is_empty(self) -> bool {
        self.0.entries("matchLabels").next().is_none() && self.0.items("matchExpressions").is_empty()
    }

    /// Whether it selects what has these labels. An absent selector selects nothing, an empty one everything.
    pub(crate) fn matches(self, labels: &Value) -> bool {
        let label = |key: &str| labels.get(key).and_then(Value::as_str);
        !matches!(self.0, Value::Null) && LabelSelector(self.0).selects(label)
    }
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    #[test]
    fn selectors_select_by_labels_and_expressions() {
        let check = |selector: &str, labels: &str, expected: bool| {
            let (selector, labels) =
                (from_json(selector.as_bytes()).unwrap(), from_json(labels.as_bytes()).unwrap());
            assert_eq!(Selector::of(&selector).unwrap().matches(&labels), expected);
        };
        check(r#"{"matchLabels":{"a":"b"}}"#, r#"{"a":"b","c":"d"}"#, true);
        check(r#"{"matchLabels":{"a":"b"}}"#, r#"{"a":"c"}"#, false);
        check(r#"{"matchExpressions":[{"key":"a","operator":"NotIn","values":["b"]}]}"#, "{}", true);
        check(r#"{"matchExpressions":[{"key":"a","operator":"Exists"}]}"#, "{}", false);
        check("{}", "{}", true);
        check("null", "{}", false);
    }
}
