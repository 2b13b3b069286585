//! Every recorded case of Pods and of the kinds that make them: accepted or refused as by the real server, in the same words,
//! with the same object as the result.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use lockstep_core::{Gvk, Value, from_json, to_json};
use lockstep_kinds::{
    Scope, Strategy, invalid_on_create, invalid_on_status_update, invalid_on_update, mount_token,
    prepare_ephemeral_update, strategy, token_volume, tolerate_lost_nodes, validate_ephemeral_update,
};
use schema::{FieldError, Wire};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/kinds/workloads");
/// What the recorder writes for every uid.
const UID: &str = "00000000-0000-0000-0000-000000000001";
/// What stands for the five characters by chance in the name of a token's volume.
const SUFFIX: &str = "xxxxx";

/// What differs with a reason: `case<TAB>reason`, a case being `file/name`.
fn exclusions() -> BTreeSet<String> {
    let text = fs::read_to_string(format!("{FOLDER}/exclusions.tsv")).unwrap();
    text.lines().filter_map(|line| Some(line.split_once('\t')?.0.to_owned())).collect()
}

struct Case {
    name: String,
    line: Value,
}

/// What the server says: the object with its warnings, or the lines of its causes and its sentence.
type Answer = Result<(Value, Vec<String>), (Vec<String>, String)>;

impl Case {
    fn read(file: &Path) -> Vec<Self> {
        let text = fs::read_to_string(file).unwrap();
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let name = |line: &Value| format!("{stem}/{}", line.str_at(&["name"]).unwrap());
        let lines = text.lines().skip(1).map(|line| from_json(line.as_bytes()).unwrap());
        lines.map(|line| Self { name: name(&line), line }).collect()
    }

    fn part(&self, key: &str) -> Value {
        self.line.get(key).cloned().unwrap_or_default()
    }

    fn expected(&self) -> Answer {
        let answer = self.part("answer");
        if (200..300).contains(&self.line.int_at(&["code"]).unwrap()) {
            let warnings = self.part("warnings");
            let warnings = warnings.as_list().unwrap().iter().map(|text| text.as_str().unwrap().to_owned());
            return Ok((normal(answer), warnings.collect()));
        }
        let causes = answer.at(&["details", "causes"]).and_then(Value::as_list).unwrap_or_default();
        let line = |cause: &Value| {
            let part = |key: &str| cause.str_at(&[key]).unwrap_or_default();
            format!("{}: {}", part("field"), part("message"))
        };
        Err((causes.iter().map(line).collect(), answer.str_at(&["message"]).unwrap().to_owned()))
    }

    fn play(&self) -> Answer {
        let mut object = prepared(self.part("object"));
        let rules = rules_of(&object);
        (rules.default)(&mut object);
        let old = self.line.get("old").map(|old| prepared(old.clone()));
        let errors = match (self.line.str_at(&["op"]).unwrap(), &old) {
            ("update", Some(old)) => update(rules, &mut object, old),
            ("ephemeralcontainers", Some(old)) => {
                prepare_ephemeral_update(&mut object, old);
                let rules = Strategy { validate_update: validate_ephemeral_update, ..*rules };
                let changed = object.get("spec") != old.get("spec");
                object.set(&["metadata", "generation"], (generation(old) + i64::from(changed)).into());
                invalid_on_update(&rules, &object, old, Scope::Namespaced)
            }
            ("status", Some(old)) => {
                object.set(&["metadata", "generation"], generation(old).into());
                (rules.status.unwrap().prepare_update)(&mut object, old);
                invalid_on_status_update(rules, &object, old, Scope::Namespaced)
            }
            _ => create(rules, &mut object),
        };
        if !errors.is_empty() {
            return Err((
                errors.iter().map(ToString::to_string).collect(),
                sentence(rules, &object, &errors),
            ));
        }
        let warnings = match self.line.str_at(&["op"]).unwrap() {
            "status" => (rules.status.unwrap().warnings)(&object),
            "ephemeralcontainers" => Vec::new(),
            _ => (rules.warnings)(&object, old.as_ref()),
        };
        // What is stored without a default has it when it is read.
        (rules.default)(&mut object);
        Ok((normal(object), warnings))
    }
}

fn rules_of(object: &Value) -> &'static Strategy {
    let version = object.str_at(&["apiVersion"]).unwrap();
    let (group, _) = version.rsplit_once('/').unwrap_or(("", version));
    strategy(group, object.str_at(&["kind"]).unwrap()).unwrap()
}

fn generation(old: &Value) -> i64 {
    old.int_at(&["metadata", "generation"]).unwrap_or_default()
}

/// What admission makes of a pod of the service account `default`, whose token is mounted.
fn admit(pod: &mut Value) {
    if pod.str_at(&["spec", "serviceAccountName"]).is_none() {
        pod.set(&["spec", "serviceAccountName"], "default".into());
    }
    let account = pod.at(&["spec", "serviceAccountName"]).cloned().unwrap();
    pod.set(&["spec", "serviceAccount"], account);
    let wanted = pod.at(&["spec", "automountServiceAccountToken"]).and_then(Value::as_bool) != Some(false);
    let volume = format!("kube-api-access-{SUFFIX}");
    if wanted && mount_token(pod, &volume) {
        let mut volumes = pod.at(&["spec", "volumes"]).and_then(Value::as_list).unwrap_or_default().to_vec();
        volumes.push(token_volume(&volume));
        pod.set(&["spec", "volumes"], Value::list(volumes));
    }
    let priority = match pod.str_at(&["spec", "priorityClassName"]) {
        None | Some("") => Some(0),
        Some("system-cluster-critical") => Some(2_000_000_000),
        Some("system-node-critical") => Some(2_000_001_000),
        Some(_) => None,
    };
    for (field, value) in priority.into_iter().flat_map(|priority| {
        [("priority", Value::from(priority)), ("preemptionPolicy", "PreemptLowerPriority".into())]
    }) {
        if pod.at(&["spec", field]).is_none() {
            pod.set(&["spec", field], value);
        }
    }
    tolerate_lost_nodes(pod);
}

fn create(rules: &Strategy, object: &mut Value) -> Vec<FieldError> {
    if rules.kind == "Pod" {
        admit(object);
    }
    (rules.prepare_create)(object);
    invalid_on_create(rules, object, Scope::Namespaced)
}

fn update(rules: &Strategy, object: &mut Value, old: &Value) -> Vec<FieldError> {
    if rules.kind == "Pod" {
        tolerate_lost_nodes(object);
    }
    object.set(&["metadata", "generation"], generation(old).into());
    (rules.prepare_update)(object, old);
    if rules.generation.is_some_and(|raises| raises(object, old)) {
        object.set(&["metadata", "generation"], (generation(old) + 1).into());
    }
    invalid_on_update(rules, object, old, Scope::Namespaced)
}

fn sentence(rules: &Strategy, object: &Value, errors: &[FieldError]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in errors.iter().map(ToString::to_string) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let name = object.str_at(&["metadata", "name"]).unwrap_or_default();
    let kind = match rules.group {
        "" => rules.kind.to_owned(),
        group => format!("{}.{group}", rules.kind),
    };
    let text = if let [only] = &*lines { only.clone() } else { format!("[{}]", lines.join(", ")) };
    format!("{kind} {name:?} is invalid: {text}")
}

/// As the store has it before a kind sees it.
fn prepared(object: Value) -> Value {
    let mut object = read(object);
    object.set(&["metadata", "resourceVersion"], "1".into());
    object.set(&["metadata", "uid"], UID.into());
    object.set(&["metadata", "namespace"], "recorded-workloads".into());
    object
}

/// Without what the recorder left out, and with what is made by chance made the same.
fn normal(object: Value) -> Value {
    let text = text(&object);
    let text = match text.find("kube-api-access-") {
        Some(at) => text.replace(&text[at..at + 21], &format!("kube-api-access-{SUFFIX}")),
        None => text,
    };
    let mut object = read(from_json(text.as_bytes()).unwrap());
    if let Some(conditions) = object.at(&["status", "conditions"]).and_then(Value::as_list) {
        let timeless = conditions.iter().cloned().map(|mut condition| {
            condition.set(&["lastTransitionTime"], Value::Null);
            condition
        });
        let timeless = timeless.collect::<Vec<_>>();
        object.set(&["status", "conditions"], timeless.into());
    }
    for key in ["resourceVersion", "uid"] {
        object.remove(&["metadata", key]);
    }
    object
}

/// As the server's own types read and write it.
fn read(object: Value) -> Value {
    let version = object.str_at(&["apiVersion"]).unwrap();
    let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
    let kind = Gvk::new(group, version, object.str_at(&["kind"]).unwrap());
    Wire::of(&kind).unwrap().read(object).unwrap().value
}

fn text(value: &Value) -> String {
    String::from_utf8(to_json(value)).unwrap()
}

fn show(answer: &Answer) -> String {
    match answer {
        Ok((object, warnings)) => format!("{} warned of {warnings:?}", text(object)),
        Err((causes, message)) => format!("{message} because of {causes:?}"),
    }
}

#[test]
fn workloads_answer_as_on_the_real_server() {
    let folder = fs::read_dir(format!("{FOLDER}/recorded")).unwrap();
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut excluded, mut wrong, mut total) = (exclusions(), Vec::new(), 0);
    for case in files.iter().flat_map(|file| Case::read(file)) {
        total += 1;
        if excluded.remove(&case.name) {
            continue;
        }
        let (is, must) = (case.play(), case.expected());
        if is != must {
            wrong.push(format!("{}\n  is      {}\n  must be {}", case.name, show(&is), show(&must)));
        }
    }
    assert!(wrong.is_empty(), "{} of {total} differ\n{}", wrong.len(), wrong.join("\n"));
    assert!(excluded.is_empty(), "no such cases: {excluded:?}");
    assert!(total >= 250, "{total} cases");
}
