//! CustomResourceDefinitions that a real API server accepted or refused.

use lockstep_core::{Value, from_json};
use lockstep_kinds::{accept_names, strategy};

/// The server shows its own structure of a value here; that text is not made.
fn normal(line: &str) -> String {
    for start in ["spec.versions: Invalid value: [{", "openAPIV3Schema: Invalid value: {\"ID\""] {
        if let Some(at) = line.find(start) {
            let field = &line[..at + start.find(": ").unwrap()];
            let detail = line
                .rsplit("}]: ")
                .next()
                .filter(|_| line.contains("}]: "))
                .unwrap_or_else(|| line.rsplit("}: ").next().unwrap());
            return format!("{field}: Invalid value: {detail}");
        }
    }
    line.to_owned()
}

fn recorded(row: &Value) -> Vec<String> {
    let causes = row.get("causes").and_then(Value::as_list).unwrap().iter();
    let line = |cause: &Value| {
        format!("{}: {}", cause.str_at(&["field"]).unwrap_or_default(), cause.str_at(&["message"]).unwrap())
    };
    let mut lines: Vec<String> = causes.map(line).map(|line| normal(&line)).collect();
    lines.sort();
    lines
}

/// Whether the rules of a schema are what is wrong: another room says so.
fn is_about_rules(line: &str) -> bool {
    ["compilation failed", "estimated rule cost", "must evaluate to a", "oldSelf"]
        .iter()
        .any(|words| line.contains(words))
}

#[test]
fn definitions_are_accepted_or_refused_as_by_the_server() {
    let rows = from_json(include_bytes!("../../../../tests/conformance/crd/definitions.json")).unwrap();
    let rules = strategy("apiextensions.k8s.io", "CustomResourceDefinition").unwrap();
    let mut wrong = Vec::new();
    for (index, row) in rows.as_list().unwrap().iter().enumerate() {
        let mut new = row.get("new").unwrap().clone();
        (rules.default)(&mut new);
        let errors = match row.get("old") {
            None => {
                (rules.prepare_create)(&mut new);
                (rules.validate)(&new)
            }
            Some(old) => {
                (rules.prepare_update)(&mut new, old);
                (rules.validate_update)(&new, old)
            }
        };
        let want: Vec<String> = recorded(row).into_iter().filter(|line| !is_about_rules(line)).collect();
        let mut got: Vec<String> = errors.iter().map(ToString::to_string).collect();
        got.sort();
        if got != want {
            wrong.push(format!(
                "{index}: {}\n  got  {got:#?}\n  want {want:#?}",
                String::from_utf8_lossy(&lockstep_core::to_json(row.get("new").unwrap()))
            ));
        }
        if let Some(spec) = row.get("spec").filter(|spec| new.get("spec") != Some(spec)) {
            wrong.push(format!("{index} spec\n  got  {:?}\n  want {spec:?}", new.get("spec")));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(rows.as_list().unwrap().len() >= 100);
}

#[test]
fn the_status_is_the_one_that_the_server_gives() {
    let rows = from_json(include_bytes!("../../../../tests/conformance/crd/definitions.json")).unwrap();
    let mut seen = 0;
    for old in rows.as_list().unwrap().iter().filter_map(|row| row.get("old")) {
        let mut fresh = old.clone();
        fresh.set(&["status"], Value::default());
        fresh.set(&["status", "storedVersions"], Value::list(vec!["v1".into()]));
        let mut want = old.get("status").unwrap().clone();
        let mut conditions = want.get("conditions").and_then(Value::as_list).unwrap().to_vec();
        for condition in &mut conditions {
            condition.set(&["lastTransitionTime"], "now".into());
            condition.remove(&["observedGeneration"]);
        }
        want.set(&["conditions"], Value::list(conditions));
        assert_eq!(accept_names(&fresh, &[], "now"), want);
        seen += 1;
    }
    assert!(seen >= 8);
}
