//! Every recorded case of the kinds that are no workloads: accepted or refused as by the real server, in the same words, with
//! the same object as the result.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use lockstep_core::{Gvk, Value, from_json, to_json};
use lockstep_kinds::{
    Family, Given, Scope, Strategy, as_read, invalid_on_create, invalid_on_status_update, invalid_on_update,
    resources, strategy, wanted,
};
use schema::Wire;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/kinds/rest");

/// What differs with a reason: `case<TAB>reason`, a case being `file/name`. Where only the order of mistakes differs, the
/// reason begins with `order:`.
fn exclusions() -> (BTreeSet<String>, BTreeSet<String>) {
    let text = fs::read_to_string(format!("{FOLDER}/exclusions.tsv")).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once('\t'));
    let (order, all): (Vec<_>, Vec<_>) = lines.partition(|(_, reason)| reason.starts_with("order:"));
    let names = |lines: Vec<(&str, &str)>| lines.into_iter().map(|(name, _)| name.to_owned()).collect();
    (names(all), names(order))
}

/// A sentence without the order of its parts.
fn pieces(sentence: &str) -> Vec<String> {
    let sentence = sentence.replacen(": ", ", ", 1);
    let mut pieces: Vec<_> = sentence.replace(['[', ']'], "").split(", ").map(str::to_owned).collect();
    pieces.sort();
    pieces
}

struct Case {
    name: String,
    line: Value,
    scope: Scope,
}

impl Case {
    fn read(file: &Path) -> Vec<Self> {
        let text = fs::read_to_string(file).unwrap();
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let mut lines = text.lines().map(|line| from_json(line.as_bytes()).unwrap());
        let head = lines.next().unwrap();
        let namespaced = head.str_at(&["path"]).unwrap().contains("/namespaces/");
        let scope = if namespaced { Scope::Namespaced } else { Scope::Cluster };
        let name = |line: &Value| format!("{stem}/{}", line.str_at(&["name"]).unwrap());
        lines.map(|line| Self { name: name(&line), line, scope }).collect()
    }

    fn part(&self, key: &str) -> Value {
        self.line.get(key).cloned().unwrap_or_default()
    }

    fn code(&self) -> i64 {
        self.line.int_at(&["code"]).unwrap()
    }

    /// What the kind makes of it: the object with what it warns of, or the server's sentence.
    fn play(&self) -> Result<(Value, Vec<String>), String> {
        let mut object = read(self.part("object"));
        let (version, kind) = (object.str_at(&["apiVersion"]).unwrap(), object.str_at(&["kind"]).unwrap());
        let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
        let Some(rules) = strategy(group, kind) else { return Err(format!("no rules for {kind}.{group}")) };
        let version = version.to_owned();
        object.set(&["metadata", "resourceVersion"], "1".into());
        if self.scope == Scope::Namespaced {
            object.set(&["metadata", "namespace"], "recorded".into());
        }
        (rules.default)(&mut object);
        let stored = rules.versions[0];
        let mut object = if version == stored { object } else { (rules.convert)(object, stored) };
        let mut old = self.part("old");
        if old != Value::Null {
            old = read(old);
            old.set(&["metadata", "resourceVersion"], "1".into());
        }
        if version != stored && old != Value::Null {
            old = (rules.convert)(old, stored);
        }
        let errors = match self.line.str_at(&["op"]).unwrap() {
            "create" => self.create(rules, &mut object),
            "update" => self.update(rules, &mut object, &old),
            _ => {
                (rules.status.unwrap().prepare_update)(&mut object, &old);
                invalid_on_status_update(rules, &object, &old, self.scope)
            }
        };
        let warnings = match self.line.str_at(&["op"]).unwrap() {
            "status" => (rules.status.unwrap().warnings)(&object),
            _ => (rules.warnings)(&object, Some(&old).filter(|old| **old != Value::Null)),
        };
        if errors.is_empty() {
            let mut object = if version == stored { object } else { (rules.convert)(object, &version) };
            // What is stored without a default has it when it is read.
            (rules.default)(&mut object);
            if kind_of(&object) == "Service" {
                as_read(&mut object);
            }
            return Ok((object, warnings));
        }
        Err(sentence(rules, &object, &errors.iter().map(ToString::to_string).collect::<Vec<_>>()))
    }

    fn create(&self, rules: &Strategy, object: &mut Value) -> Vec<schema::FieldError> {
        if let Err(errors) = self.allocate(rules, object, None) {
            return errors;
        }
        (rules.prepare_create)(object);
        if rules.generation.is_some() {
            object.set(&["metadata", "generation"], 1.into());
        }
        invalid_on_create(rules, object, self.scope)
    }

    fn update(&self, rules: &Strategy, object: &mut Value, old: &Value) -> Vec<schema::FieldError> {
        if let Err(errors) = self.allocate(rules, object, Some(old)) {
            return errors;
        }
        (rules.prepare_update)(object, old);
        let before = old.int_at(&["metadata", "generation"]).unwrap_or_default();
        if rules.generation.is_some_and(|raises| raises(object, old)) {
            object.set(&["metadata", "generation"], (before + 1).into());
        }
        invalid_on_update(rules, object, old, self.scope)
    }

    /// Gives a Service what the real server gave it.
    fn allocate(
        &self,
        rules: &Strategy,
        object: &mut Value,
        old: Option<&Value>,
    ) -> Result<(), Vec<schema::FieldError>> {
        if rules.kind != "Service" {
            return Ok(());
        }
        let wants = wanted(object, old, &[Family::V4])?;
        let answer = self.part("answer");
        let spec = answer.get("spec").cloned().unwrap_or_default();
        let list = |key: &str| spec.get(key).and_then(Value::as_list).unwrap_or_default().to_vec();
        let (ips, ports) = (list("clusterIPs"), list("ports"));
        let ip = |index: usize| ips.get(index).and_then(Value::as_str).unwrap_or("10.0.0.1").to_owned();
        let port =
            |index: usize| ports.get(index).and_then(|port| port.int_at(&["nodePort"])).unwrap_or(30000);
        let given = Given {
            addresses: wants.addresses.iter().map(|want| want.ip.clone().unwrap_or(ip(want.index))).collect(),
            node_ports: wants
                .node_ports
                .iter()
                .map(|want| want.number.unwrap_or(port(want.ports[0])))
                .collect(),
            health_check: Some(spec.int_at(&["healthCheckNodePort"]).unwrap_or(30001)),
        };
        wants.put(object, &given);
        Ok(())
    }
}

fn kind_of(object: &Value) -> &str {
    object.str_at(&["kind"]).unwrap_or_default()
}

fn sentence(rules: &Strategy, object: &Value, errors: &[String]) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for error in errors {
        if !lines.contains(&&**error) {
            lines.push(error);
        }
    }
    let name = object.str_at(&["metadata", "name"]).unwrap_or_default();
    let kind = match rules.group {
        "" | "events.k8s.io" => rules.kind.to_owned(),
        group => format!("{}.{group}", rules.kind),
    };
    let text = if let [only] = *lines { only.to_owned() } else { format!("[{}]", lines.join(", ")) };
    format!("{kind} {name:?} is invalid: {text}")
}

/// Without what differs from run to run, and what the admission plugins of the server add.
fn normal(object: Value) -> Value {
    let mut object = read(object);
    for changing in [&["metadata", "resourceVersion"][..], &["status", "lastPhaseTransitionTime"]] {
        object.remove(changing);
    }
    if kind_of(&object) == "CertificateSigningRequest" {
        for asking in ["username", "uid", "groups", "extra"] {
            object.remove(&["spec", asking]);
        }
    }
    let protection: [Value; 3] = ["pv-protection", "pvc-protection", "vac-protection"]
        .map(|name| format!("kubernetes.io/{name}").into());
    if let Some(finalizers) = object.at(&["metadata", "finalizers"]).and_then(Value::as_list) {
        let own: Vec<Value> = finalizers.iter().filter(|item| !protection.contains(item)).cloned().collect();
        match own.is_empty() {
            true => drop(object.remove(&["metadata", "finalizers"])),
            false => object.set(&["metadata", "finalizers"], own.into()),
        }
    }
    object
}

/// As the server's own types read and write it.
fn read(object: Value) -> Value {
    let version = object.str_at(&["apiVersion"]).unwrap();
    let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
    let kind = Gvk::new(group, version, kind_of(&object));
    Wire::of(&kind).unwrap().read(object).unwrap().value
}

fn text(value: &Value) -> String {
    String::from_utf8(to_json(value)).unwrap()
}

#[test]
fn kinds_answer_as_the_real_server_does() {
    let mut files: Vec<_> =
        fs::read_dir(format!("{FOLDER}/recorded")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let ((mut excluded, mut unordered), mut wrong, mut total) = (exclusions(), Vec::new(), 0);
    for case in files.iter().flat_map(|file| Case::read(file)) {
        total += 1;
        if excluded.remove(&case.name) {
            continue;
        }
        let answer = case.part("answer");
        let expected = match case.code() {
            200..300 => {
                let warnings = case.part("warnings");
                Ok((normal(answer), warnings.as_list().unwrap().to_vec()))
            }
            _ => Err(answer.str_at(&["message"]).unwrap().to_owned()),
        };
        let actual = case.play().map(|(object, warnings)| {
            (normal(object), warnings.into_iter().map(Value::from).collect::<Vec<_>>())
        });
        let same = match (&actual, &expected) {
            (Err(actual), Err(expected)) if unordered.remove(&case.name) => {
                pieces(actual) == pieces(expected)
            }
            _ => actual == expected,
        };
        if !same {
            let show = |result: &Result<(Value, Vec<Value>), String>| match result {
                Ok((object, warnings)) => format!("{} warned of {warnings:?}", text(object)),
                Err(message) => message.clone(),
            };
            wrong.push(format!("{}\n  is      {}\n  must be {}", case.name, show(&actual), show(&expected)));
        }
    }
    assert!(wrong.is_empty(), "{} of {total} differ\n{}", wrong.len(), wrong.join("\n"));
    assert!(excluded.is_empty() && unordered.is_empty(), "no such cases: {excluded:?} {unordered:?}");
}

#[test]
fn what_is_served_has_rules_or_is_excluded() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/exclusions.tsv")).unwrap();
    let excluded: BTreeSet<_> =
        text.lines().filter_map(|line| line.split('\t').next()).map(str::to_owned).collect();
    let served = resources().iter().filter(|resource| resource.verbs.iter().any(|verb| verb == "update"));
    let ruleless: BTreeSet<String> = served
        .filter(|resource| strategy(&resource.group, &resource.kind).is_none())
        .map(|resource| match &*resource.group {
            "" => resource.kind.clone(),
            group => format!("{}.{group}", resource.kind),
        })
        .collect();
    assert_eq!(ruleless, excluded);
}
