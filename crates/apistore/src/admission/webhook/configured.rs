//! The webhooks of a cluster.

use std::sync::Arc;

use lockstep_core::Value;
use rules::Expression;

use super::super::named::Named;

const SHELF: &str = "admissionregistration.k8s.io";

/// How long a webhook is waited for where it does not say, in seconds.
const TIMEOUT: i64 = 10;

/// The webhooks that a cluster has, read and compiled when their configurations are written and not when they are asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Webhooks {
    pub(super) mutating: Named<Vec<Arc<Webhook>>>,
    pub(super) validating: Named<Vec<Arc<Webhook>>>,
}

impl Webhooks {
    /// Follows a change of a shelf: `object` is what is now there.
    pub(crate) fn follow(&mut self, shelf: &str, key: &str, object: Option<&Value>) {
        let list = match shelf.strip_prefix(SHELF).unwrap_or_default() {
            "/mutatingwebhookconfigurations" => &mut self.mutating,
            "/validatingwebhookconfigurations" => &mut self.validating,
            _ => return,
        };
        list.put(key, object.map(|object| read(key, object)));
    }
}

fn read(name: &str, configuration: &Value) -> Vec<Arc<Webhook>> {
    let webhooks = configuration.get("webhooks").and_then(Value::as_list).unwrap_or_default();
    let webhook = |(index, value): (usize, &Value)| Arc::new(Webhook::new(format!("{name}/{index}"), value));
    webhooks.iter().enumerate().map(webhook).collect()
}

/// A webhook and where it is written down.
#[derive(Debug)]
pub(super) struct Webhook {
    /// Tells it from all others.
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) conditions: Vec<Condition>,
}

/// What must hold of a request; why the text is no expression, if it is none.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) text: String,
    pub(super) expression: Result<Expression, String>,
}

impl Webhook {
    fn new(key: String, value: &Value) -> Self {
        let conditions = value.get("matchConditions").and_then(Value::as_list).unwrap_or_default();
        let condition = |condition: &Value| {
            let text = condition.str_at(&["expression"]).unwrap_or_default();
            let expression = Expression::new(text).map_err(|error| error.to_string());
            Condition { text: text.to_owned(), expression }
        };
        Self { key, value: value.clone(), conditions: conditions.iter().map(condition).collect() }
    }

    pub(super) fn name(&self) -> &str {
        self.value.str_at(&["name"]).unwrap_or_default()
    }

    pub(super) fn ignores_failure(&self) -> bool {
        self.value.str_at(&["failurePolicy"]) == Some("Ignore")
    }

    pub(super) fn timeout(&self) -> i64 {
        self.value.int_at(&["timeoutSeconds"]).unwrap_or(TIMEOUT)
    }

    pub(super) fn is_called_again(&self) -> bool {
        self.value.str_at(&["reinvocationPolicy"]) == Some("IfNeeded")
    }
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    #[test]
    fn webhooks_are_those_that_are_written_down_last() {
        let mut webhooks = Webhooks::default();
        let mut check = |key: &str, object: Option<&str>, expected: &[(&str, bool)]| {
            let object = object.map(|text| from_json(text.as_bytes()).unwrap());
            let shelf = "admissionregistration.k8s.io/validatingwebhookconfigurations";
            webhooks.follow(shelf, key, object.as_ref());
            let compiled = |hook: &Arc<Webhook>| {
                let good = hook.conditions.iter().all(|condition| condition.expression.is_ok());
                (hook.key.clone(), good)
            };
            let all: Vec<_> = webhooks.validating.values.iter().flatten().map(compiled).collect();
            let all: Vec<_> = all.iter().map(|(key, good)| (&**key, *good)).collect();
            assert_eq!(all, expected);
        };
        let two =
            r#"{"webhooks":[{"name":"x"},{"name":"y","matchConditions":[{"name":"c","expression":"no("}]}]}"#;
        check("b", Some(two), &[("b/0", true), ("b/1", false)]);
        let one = r#"{"webhooks":[{"name":"x","matchConditions":[{"name":"c","expression":"true"}]}]}"#;
        check("a", Some(one), &[("a/0", true), ("b/0", true), ("b/1", false)]);
        check("b", Some(one), &[("a/0", true), ("b/0", true)]);
        check("b", None, &[("a/0", true)]);
    }
}
