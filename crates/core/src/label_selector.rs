//! Label selectors as objects hold them: `matchLabels` and `matchExpressions`.

use std::fmt;

use crate::value::Value;

/// A `LabelSelector` that was validated. `Display` is the text of k8s.io/apimachinery: `a=b,c in (d,e),!f`, in the order of
/// keys; empty for one that selects everything.
#[derive(Clone, Copy, Debug)]
pub struct LabelSelector<'a>(pub &'a Value);

impl<'a> LabelSelector<'a> {
    /// Whether it selects what has these labels, which are looked up one by one. An empty one selects everything.
    pub fn selects<'l>(self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.exact().all(|(key, value)| value.is_some_and(|value| label(key) == Some(value)))
            && self.expressions().iter().all(|expression| {
                let found = label(key(expression));
                let listed = found.is_some_and(|found| values(expression).any(|value| value == found));
                match operator(expression) {
                    "In" => listed,
                    "NotIn" => !listed,
                    "Exists" => found.is_some(),
                    _ => found.is_none(),
                }
            })
    }

    fn exact(self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        let labels = self.0.get("matchLabels").and_then(Value::as_map).into_iter().flatten();
        labels.map(|(key, value)| (&**key, value.as_str()))
    }

    fn expressions(self) -> &'a [Value] {
        self.0.get("matchExpressions").and_then(Value::as_list).unwrap_or_default()
    }
}

impl fmt::Display for LabelSelector<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = self.exact().map(|(key, value)| (key, format!("{key}={}", value.unwrap_or_default())));
        let expressions = self.expressions().iter().map(|expression| {
            let key = key(expression);
            let mut values: Vec<&str> = values(expression).collect();
            values.sort_unstable();
            let values = values.join(",");
            let text = match operator(expression) {
                "In" => format!("{key} in ({values})"),
                "NotIn" => format!("{key} notin ({values})"),
                "Exists" => key.to_owned(),
                _ => format!("!{key}"),
            };
            (key, text)
        });
        let mut terms: Vec<(&str, String)> = exact.chain(expressions).collect();
        terms.sort_by_key(|(key, _)| *key);
        let terms: Vec<String> = terms.into_iter().map(|(_, text)| text).collect();
        f.write_str(&terms.join(","))
    }
}

fn key(expression: &Value) -> &str {
    expression.str_at(&["key"]).unwrap_or_default()
}

fn operator(expression: &Value) -> &str {
    expression.str_at(&["operator"]).unwrap_or_default()
}

fn values(expression: &Value) -> impl Iterator<Item = &str> {
    let values = expression.get("values").and_then(Value::as_list).unwrap_or_default();
    values.iter().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_json;

    #[test]
    fn selectors_select_and_are_printed() {
        let json = br#"{"matchLabels":{"b":"1"},"matchExpressions":[{"key":"a","operator":"In","values":["y","x"]},{"key":"c","operator":"DoesNotExist"}]}"#;
        let value = from_json(json).unwrap();
        let selector = LabelSelector(&value);
        assert_eq!(selector.to_string(), "a in (x,y),b=1,!c");
        let check = |labels: &[(&str, &'static str)], expected: bool| {
            let label = |key: &str| labels.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
            assert_eq!(selector.selects(label), expected, "{labels:?}");
        };
        check(&[("a", "x"), ("b", "1")], true);
        check(&[("a", "z"), ("b", "1")], false);
        check(&[("a", "x"), ("b", "1"), ("c", "")], false);
        check(&[("a", "x")], false);
    }
}
