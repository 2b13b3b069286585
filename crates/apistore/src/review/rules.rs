//! What may who asks do in a namespace?

use lockstep_core::{Map, Value};

use super::list;
use crate::authorizer::MissingRole;
use crate::call::Call;
use crate::failure::Failure;
use crate::state::State;

/// The rules that hold for who asks.
pub(super) fn answer(state: &State, call: &Call<'_>, object: &Value) -> Result<Value, Failure> {
    let namespace = object.str_at(&["spec", "namespace"]).unwrap_or_default();
    if namespace.is_empty() {
        return Err(Failure::bad_request("no namespace on request"));
    }
    let (rules, errors) =
        state.rights.rules(&call.user, namespace, |missing: MissingRole<'_>| missing.text());
    let mut answer = Value::default();
    answer.set(&["kind"], "SelfSubjectRulesReview".into());
    answer.set(&["apiVersion"], call.served.api_version.clone().into());
    answer.set(&["metadata"], Value::map(Map::new()));
    answer.set(&["spec"], Value::map(Map::new()));
    let resources = rules.iter().filter(|rule| !rule.resources.is_empty()).map(|rule| {
        shown(&[
            ("verbs", &rule.verbs),
            ("apiGroups", &rule.groups),
            ("resources", &rule.resources),
            ("resourceNames", &rule.names),
        ])
    });
    answer.set(&["status", "resourceRules"], Value::list(resources.collect()));
    let paths = rules.iter().filter(|rule| !rule.paths.is_empty());
    let paths = paths.map(|rule| shown(&[("verbs", &rule.verbs), ("nonResourceURLs", &rule.paths)]));
    answer.set(&["status", "nonResourceRules"], Value::list(paths.collect()));
    answer.set(&["status", "incomplete"], false.into());
    if let Some(errors) = errors {
        answer.set(&["status", "evaluationError"], errors.into());
    }
    Ok(answer)
}

fn shown(parts: &[(&str, &Vec<String>)]) -> Value {
    let mut value = Value::map(Map::new());
    for (key, texts) in parts.iter().filter(|(key, texts)| !texts.is_empty() || *key == "verbs") {
        value.set(&[key], list(texts.iter()));
    }
    value
}
