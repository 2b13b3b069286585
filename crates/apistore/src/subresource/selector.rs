//! Label selectors as objects have them: `matchLabels` and `matchExpressions`.

use lockstep_core::Value;

/// A selector as text, as Go prints it: `a=b,c in (d,e)`.
pub(super) fn text(selector: &Value) -> String {
    let mut terms: Vec<(String, String)> = Vec::new();
    for (key, value) in selector.get("matchLabels").and_then(Value::as_map).into_iter().flatten() {
        terms.push((key.to_string(), format!("{key}={}", value.as_str().unwrap_or_default())));
    }
    for expression in selector.get("matchExpressions").and_then(Value::as_list).unwrap_or_default() {
        let key = expression.str_at(&["key"]).unwrap_or_default();
        let mut values: Vec<&str> = values(expression);
        values.sort_unstable();
        let list = values.join(",");
        let term = match expression.str_at(&["operator"]).unwrap_or_default() {
            "In" => format!("{key} in ({list})"),
            "NotIn" => format!("{key} notin ({list})"),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        };
        terms.push((key.to_owned(), term));
    }
    terms.sort_by(|a, b| a.0.cmp(&b.0));
    terms.into_iter().map(|(_, term)| term).collect::<Vec<_>>().join(",")
}

fn values(expression: &Value) -> Vec<&str> {
    let values = expression.get("values").and_then(Value::as_list).unwrap_or_default();
    values.iter().filter_map(Value::as_str).collect()
}

/// Whether labels, looked up one by one, are as a selector wants them. An empty selector wants nothing, none at all matches
/// nothing.
pub(super) fn matches<'l>(selector: Option<&Value>, label: impl Fn(&str) -> Option<&'l str>) -> bool {
    let Some(selector) = selector else { return false };
    let labels = selector.get("matchLabels").and_then(Value::as_map).into_iter().flatten();
    let expressions = selector.get("matchExpressions").and_then(Value::as_list).unwrap_or_default();
    labels.into_iter().all(|(key, value)| label(key) == value.as_str())
        && expressions.iter().all(|expression| {
            let found = label(expression.str_at(&["key"]).unwrap_or_default());
            let listed = found.is_some_and(|found| values(expression).contains(&found));
            match expression.str_at(&["operator"]).unwrap_or_default() {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => found.is_some(),
                _ => found.is_none(),
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::from_json;

    #[test]
    fn selectors_match_and_are_printed() {
        let json = br#"{"matchLabels":{"b":"1"},"matchExpressions":[{"key":"a","operator":"In","values":["y","x"]},{"key":"c","operator":"DoesNotExist"}]}"#;
        let selector = from_json(json).unwrap();
        assert_eq!(text(&selector), "a in (x,y),b=1,!c");
        let check = |labels: &[(&str, &'static str)]| {
            matches(Some(&selector), |key| {
                labels.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
            })
        };
        assert!(check(&[("a", "x"), ("b", "1")]));
        assert!(!check(&[("a", "z"), ("b", "1")]));
        assert!(!check(&[("a", "x"), ("b", "1"), ("c", "")]));
        assert!(!matches(None, |_| None));
    }
}
