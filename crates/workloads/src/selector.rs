//! Label selectors, as objects hold them.

use lockstep_core::Value;

use crate::object::{items, text};

/// Whether a `LabelSelector` chooses these labels. One that is not there chooses nothing, an empty one everything.
pub(crate) fn selects(selector: Option<&Value>, labels: Option<&Value>) -> bool {
    let Some(selector) = selector.filter(|selector| selector.as_map().is_some()) else { return false };
    has_all(selector.get("matchLabels"), labels)
        && items(selector, &["matchExpressions"]).iter().all(|expression| matches(expression, labels))
}

/// Whether labels hold all of `wanted`.
pub(crate) fn has_all(wanted: Option<&Value>, labels: Option<&Value>) -> bool {
    let wanted = wanted.and_then(Value::as_map).into_iter().flatten();
    wanted.into_iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
}

/// Whether one expression holds: of a label selector, or of a node selector.
pub(crate) fn matches(expression: &Value, labels: Option<&Value>) -> bool {
    let label = labels.and_then(|labels| labels.get(text(expression, &["key"]))).and_then(Value::as_str);
    let values = items(expression, &["values"]);
    let among = |label: &str| values.iter().any(|value| value.as_str() == Some(label));
    let compared = |wanted: std::cmp::Ordering| {
        let limit = values.first().and_then(Value::as_str).and_then(|value| value.parse::<i64>().ok());
        let have = label.and_then(|label| label.parse::<i64>().ok());
        have.zip(limit).is_some_and(|(have, limit)| have.cmp(&limit) == wanted)
    };
    match text(expression, &["operator"]) {
        "In" => label.is_some_and(among),
        "NotIn" => !label.is_some_and(among),
        "Exists" => label.is_some(),
        "DoesNotExist" => label.is_none(),
        "Gt" => compared(std::cmp::Ordering::Greater),
        "Lt" => compared(std::cmp::Ordering::Less),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    #[test]
    fn selectors_choose_labels() {
        let check = |selector: &str, labels: &str, want: bool| {
            let value = |json: &str| from_json(json.as_bytes()).unwrap();
            assert_eq!(selects(Some(&value(selector)), Some(&value(labels))), want, "{selector} {labels}");
        };
        check("{}", "{}", true);
        check(r#"{"matchLabels":{"a":"1"}}"#, r#"{"a":"1","b":"2"}"#, true);
        check(r#"{"matchLabels":{"a":"1"}}"#, r#"{"a":"2"}"#, false);
        let expression = |operator: &str, values: &str| {
            format!(r#"{{"matchExpressions":[{{"key":"a","operator":"{operator}","values":{values}}}]}}"#)
        };
        check(&expression("In", r#"["1","2"]"#), r#"{"a":"2"}"#, true);
        check(&expression("NotIn", r#"["1"]"#), "{}", true);
        check(&expression("NotIn", r#"["1"]"#), r#"{"a":"1"}"#, false);
        check(&expression("Exists", "[]"), "{}", false);
        check(&expression("DoesNotExist", "[]"), "{}", true);
        check(&expression("Gt", r#"["3"]"#), r#"{"a":"4"}"#, true);
        check(&expression("Lt", r#"["3"]"#), r#"{"a":"4"}"#, false);
        assert!(!selects(None, None));
    }
}
