use std::sync::Arc;

use lockstep_core::{Map, Value, from_json};
use lockstep_rules::{
    Attributes, Authorizer, Check, Decision, Equivalents, MutatingPolicy, Params, Resource, Surroundings,
    ValidatingPolicy, mutate, validate,
};

struct ConfigMaps(Vec<Value>);

impl Params for ConfigMaps {
    fn is_namespaced(&self, _: &str, kind: &str) -> Option<bool> {
        (kind == "ConfigMap").then_some(true)
    }

    fn list(&self, _: &str, _: &str, _: &str) -> Vec<Value> {
        self.0.clone()
    }
}

/// The user of the recording may do everything.
struct Everything;

impl Authorizer for Everything {
    fn check(&self, _: &Check) -> Decision {
        Decision { allowed: true, ..Decision::default() }
    }
}

/// Every kind here has one version.
struct OneVersion;

impl Equivalents for OneVersion {
    fn others(&self) -> Vec<Resource> {
        Vec::new()
    }

    fn convert(&self, object: &Value, _: &Resource) -> Result<Value, String> {
        Ok(object.clone())
    }

    fn convert_back(&self, object: &Value) -> Result<Value, String> {
        Ok(object.clone())
    }
}

/// Mappings into each other, lists of named items by their names: enough for the objects here. The real one is structured merge.
fn merge(live: &Value, patch: &Value) -> Result<Value, String> {
    match (live, patch) {
        (Value::Map(live), Value::Map(patch)) => {
            let mut merged: Map = (**live).clone();
            for (key, value) in patch.iter() {
                let old = merged.get(key).cloned().unwrap_or_default();
                merged.insert(key.clone(), merge(&old, value)?);
            }
            Ok(Value::map(merged))
        }
        _ => Ok(patch.clone()),
    }
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_list).unwrap_or_default()
}

/// What the server has written into an object besides the policies.
fn plain(object: &Value) -> Value {
    let mut object = object.clone();
    for key in ["uid", "creationTimestamp", "managedFields", "generation", "resourceVersion"] {
        object.remove(&["metadata", key]);
    }
    object
}

fn answer(row: &Value, group: &Value) -> (String, Vec<String>, Option<Value>) {
    // Policies see objects as the server's types write them.
    let mut typed = row.get("new").unwrap().clone();
    if typed.get("data").is_some_and(Value::is_empty_container) {
        typed.remove(&["data"]);
    }
    let new = &typed;
    let deployment = new.str_at(&["kind"]) == Some("Deployment");
    let operation = row.str_at(&["operation"]).unwrap();
    let namespace = row.get("namespace").unwrap();
    let user =
        from_json(br#"{"username":"kubernetes-admin","groups":["system:masters"],"extra":{}}"#).unwrap();
    let request = Attributes {
        group: if deployment { "apps" } else { "" },
        version: "v1",
        kind: new.str_at(&["kind"]).unwrap(),
        resource: if deployment { "deployments" } else { "configmaps" },
        subresource: "",
        name: new.str_at(&["metadata", "name"]).unwrap(),
        namespace: new.str_at(&["metadata", "namespace"]).unwrap(),
        operation,
        dry_run: true,
        user: &user,
        options: &Value::Null,
        object: (operation != "DELETE").then_some(new),
        old_object: row.get("old"),
        namespace_object: Some(namespace),
        asked: None,
    };
    let params = ConfigMaps(list(group, "params").to_vec());
    let around = Surroundings { params: &params, authorizer: Some(&Everything), equivalents: &OneVersion };
    let (policies, bindings) = (list(group, "policies"), list(group, "bindings"));
    let resource = if deployment { "deployments.apps" } else { "configmaps" };
    if policies[0].at(&["spec", "mutations"]).is_some() {
        let compiled: Vec<_> = policies.iter().map(MutatingPolicy::new).collect();
        let mutated = mutate(&compiled, bindings, &request, (around, &merge));
        let denied = mutated.denied.map(|denial| denial.message).unwrap_or_default();
        return (denied, Vec::new(), mutated.object);
    }
    let compiled: Vec<_> = policies.iter().map(ValidatingPolicy::new).collect();
    let verdict = validate(&compiled, bindings, &request, around);
    let denied = verdict
        .denied
        .map(|denial| {
            format!(
                "{resource} {:?} is forbidden: {} [{} {}]",
                request.name,
                denial.message,
                denial.reason,
                denial.code()
            )
        })
        .unwrap_or_default();
    (denied, verdict.warnings, None)
}

#[test]
fn policies_say_what_the_server_says() {
    let text = include_str!("../../../../tests/conformance/policy/answers.json");
    let recorded = from_json(text.as_bytes()).unwrap();
    let groups = list(&recorded, "groups");
    let mut wrong = Vec::new();
    for row in list(&recorded, "rows") {
        let group = &groups[usize::try_from(row.int_at(&["group"]).unwrap()).unwrap()];
        let (denied, warnings, object) = answer(row, group);
        let mutating = object.is_some();
        let want = match row.str_at(&["message"]) {
            None => String::new(),
            Some(message) if mutating => message.to_owned(),
            Some(message) => {
                format!(
                    "{message} [{} {}]",
                    row.str_at(&["reason"]).unwrap(),
                    row.int_at(&["status"]).unwrap()
                )
            }
        };
        let want_warnings: Vec<String> =
            list(row, "warnings").iter().map(|warning| warning.as_str().unwrap().to_owned()).collect();
        let name = group.get("policies").unwrap().as_list().unwrap()[0].get("spec").unwrap();
        if denied != want || warnings != want_warnings {
            wrong.push(format!(
                "{name:?}\n  {:?}\n  got  {denied} {warnings:?}\n  want {want} {want_warnings:?}",
                row.get("new")
            ));
        }
        // A Deployment comes back with defaults; of others the whole object is compared.
        if let (Some(object), Some(want)) = (object, row.get("object"))
            && want.str_at(&["kind"]) == Some("ConfigMap")
            && plain(&object) != plain(want)
        {
            wrong.push(format!("{name:?}\n  got  {object:?}\n  want {want:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(list(&recorded, "rows").len() >= 60);
}

#[test]
fn an_expression_has_its_value() {
    let object = from_json(br#"{"spec":{"replicas":4}}"#).unwrap();
    let inputs = lockstep_rules::Inputs { object: Some(&object), ..Default::default() };
    let value = |source: &str| lockstep_rules::Expression::new(source).unwrap().evaluate(&inputs);
    assert_eq!(value("object.spec.replicas / 2").unwrap(), Value::Int(2));
    assert_eq!(value("type(object.spec.replicas) == int").unwrap(), Value::Bool(true));
    assert_eq!(value("{'a': [1, 2].map(x, x + object.spec.replicas)}").unwrap(), {
        let list = Value::list(vec![5.into(), 6.into()]);
        Value::map(Map::from([(Arc::from("a"), list)]))
    });
    assert_eq!(value("object.spec.absent").unwrap_err().to_string(), "no such key: absent");
    assert!(
        value("[1, 2, 3].all(a, lists.range(1000).all(b, lists.range(1000).all(c, a + b + c >= 0)))")
            .is_err()
    );
}
