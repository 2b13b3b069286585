//! Every recorded write, decided again: the same managers, the same object, the same refusal as the real server's.

use std::collections::BTreeMap;

use lockstep_core::{FieldPath, Gvk, Timestamp, Value};
use lockstep_schema::{
    ApplyError, Convert, ConvertError, FieldManager, FieldSet, Force, IgnoredFields, PatchError, Schema,
    Structural, Write, json_patch, keep_times, merge_patch, strategic_merge_patch,
};

use crate::fixture::{DEFINITIONS, text, value};

const ANSWERS: &str = include_str!("../../../../tests/conformance/schema/answers.json");
const PATCHES: &str = include_str!("../../../../tests/conformance/schema/patches.json");

/// The versions of one recorded kind; between them only the name differs.
struct Served {
    kind: String,
}

impl Convert for Served {
    fn schema(&self, api_version: &str) -> Option<Schema> {
        DEFINITIONS.kind(&gvk(api_version, &self.kind))
    }

    fn convert(&self, object: &Value, api_version: &str) -> Result<Value, ConvertError> {
        let mut object = object.clone();
        object.set(&["apiVersion"], api_version.into());
        Ok(object)
    }
}

fn gvk(api_version: &str, kind: &str) -> Gvk {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    Gvk::new(group, version, kind)
}

fn ignored(kind: &str, subresource: &str) -> IgnoredFields {
    let set = |fields: &[&str]| {
        let mut set = FieldSet::default();
        fields.iter().for_each(|field| set.insert(&FieldPath::fields(&[field]).0));
        set
    };
    let versions: &[&str] = match kind {
        "Widget" => &["example.com/v1", "example.com/v2"],
        "Deployment" => &["apps/v1"],
        "Service" => &["v1"],
        _ => &[],
    };
    let fields = if subresource == "status" { set(&["metadata", "spec"]) } else { set(&["status"]) };
    versions.iter().map(|version| ((*version).into(), fields.clone())).collect()
}

/// One recorded step.
struct Step<'a> {
    record: &'a Value,
    live: Option<Value>,
}

impl Step<'_> {
    fn text(&self, key: &str) -> &str {
        self.record.str_at(&[key]).unwrap_or_default()
    }

    fn body(&self) -> &Value {
        self.record.get("body").unwrap()
    }

    fn object(&self) -> Option<&Value> {
        self.record.get("object")
    }

    /// The time of the write: the latest in the answer.
    fn now(&self) -> Timestamp {
        let times = self.object().into_iter().flat_map(|object| managers(object).to_vec());
        times.filter_map(|entry| Timestamp::parse(entry.str_at(&["time"])?)).max().unwrap_or_default()
    }

    fn with_manager<T>(&self, decide: impl FnOnce(FieldManager<'_>, Write<'_>) -> T) -> T {
        let kind = gvk(self.text("version"), self.text("kind"));
        let convert = Served { kind: kind.kind.to_string() };
        let ignored = ignored(&kind.kind, self.text("sub"));
        let empty = match self.text("version") {
            "v1" | "apps/v1" => DEFINITIONS.kind(&kind).unwrap().zero(&kind),
            version => value(&format!(r#"{{"apiVersion":"{version}","kind":"{}"}}"#, kind.kind)),
        };
        let manager = FieldManager {
            kind: &kind,
            subresource: self.text("sub"),
            convert: &convert,
            ignored: &ignored,
            empty: &empty,
        };
        decide(manager, Write { manager: self.text("manager"), now: self.now() })
    }

    fn apply(&self) -> Result<Value, ApplyError> {
        let force = if self.record.get("force").is_some() { Force::Yes } else { Force::No };
        self.with_manager(|manager, write| {
            let live = self.live.as_ref().unwrap_or(manager.empty);
            let new = manager.apply(live, self.body(), write, force)?;
            Ok(keep_times(live, new))
        })
    }

    /// What the server stored, with the managers that the request itself brought.
    fn update(&self) -> Value {
        let mut new = self.object().unwrap().clone();
        new.remove(&["metadata", "managedFields"]);
        let of_live = self.live.as_ref().and_then(|live| live.at(&["metadata", "managedFields"]));
        let of_body = self.body().at(&["metadata", "managedFields"]);
        let patched = !matches!(self.text("verb"), "put" | "post");
        if let Some(entries) = of_body.or(if patched { of_live } else { None }) {
            new.set(&["metadata", "managedFields"], entries.clone());
        }
        self.with_manager(|manager, write| {
            let updated = manager.update(self.live.as_ref(), &new, write);
            self.live.as_ref().map_or(updated.clone(), |live| keep_times(live, updated))
        })
    }
}

fn managers(object: &Value) -> &[Value] {
    object.at(&["metadata", "managedFields"]).and_then(Value::as_list).unwrap_or_default()
}

fn each_step(json: &str, mut check: impl FnMut(&Step<'_>)) {
    let records = value(json);
    let mut last: BTreeMap<String, Value> = BTreeMap::new();
    for record in records.as_list().unwrap() {
        let script = record.str_at(&["script"]).unwrap().to_owned();
        let live = record.get("live").or_else(|| last.get(&script)).cloned();
        let step = Step { record, live };
        check(&step);
        if let Some(object) = step.object().or(step.live.as_ref()) {
            last.insert(script, object.clone());
        }
    }
}

/// Whether all of `ours` is in `theirs`, which also holds what the server filled in.
fn is_within(ours: &Value, theirs: Option<&Value>) -> bool {
    match (ours, theirs) {
        (ours, None) => ours.is_empty_container(),
        (Value::Map(ours), Some(Value::Map(theirs))) => {
            ours.iter().all(|(name, value)| is_within(value, theirs.get(name)))
        }
        (Value::List(ours), Some(Value::List(theirs))) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs.iter()).all(|(a, b)| is_within(a, Some(b)))
        }
        (ours, Some(theirs)) => ours == theirs,
    }
}

fn assert_managers(step: &Step<'_>, got: &Value) {
    let want = managers(step.object().unwrap());
    let lines = |entries: &[Value]| entries.iter().map(text).collect::<Vec<_>>().join("\n");
    assert_eq!(lines(managers(got)), lines(want), "{}", text(step.record));
}

fn check_applied(step: &Step<'_>, got: &Value) {
    assert_managers(step, got);
    let mut ours = got.clone();
    // What an endpoint does not let be set stays as it was.
    let reset = if step.text("sub") == "status" { "spec" } else { "status" };
    ours.remove(&[reset]);
    if let Some(before) = step.live.as_ref().and_then(|live| live.get(reset)) {
        ours.set(&[reset], before.clone());
    }
    for field in ["managedFields", "resourceVersion", "generation"] {
        ours.remove(&["metadata", field]);
    }
    if step.text("kind") == "Widget" {
        let schema = widget_definition(step.text("version"));
        assert_eq!(Structural(&schema).prune(&mut ours), [""; 0]);
        Structural(&schema).default(&mut ours);
        // The answer is what was stored, read back: nulls are dropped there.
        Structural(&schema).drop_nulls(&mut ours);
        Structural(&schema).default(&mut ours);
        // Metadata is of a type in Go, which writes nothing for what is empty.
        for part in ["spec", "status"] {
            let part = |object: &Value| object.get(part).map(text);
            assert_eq!(part(&ours), part(step.object().unwrap()), "{}", text(step.record));
        }
    }
    assert!(is_within(&ours, step.object()), "{}\n{}", text(&ours), text(step.record));
}

/// The structural schema of the recorded CRD, which its published definition holds whole.
fn widget_definition(api_version: &str) -> Value {
    let version = api_version.rsplit('/').next().unwrap();
    let document = value(include_str!("../../../../tests/conformance/schema/openapi.json"));
    document.get(&format!("com.example.{version}.Widget")).unwrap().clone()
}

fn check_refused(step: &Step<'_>, error: &ApplyError) {
    assert_eq!(error.to_string(), step.text("message"), "{}", text(step.record));
    let ApplyError::Conflicts(conflicts) = error else { return };
    let ours = conflicts.iter().map(|conflict| (conflict.message(), conflict.field()));
    let mut ours: Vec<_> = ours.collect();
    let causes = step.record.get("causes").and_then(Value::as_list).unwrap();
    let text = |cause: &Value, key| cause.str_at(&[key]).unwrap().to_owned();
    let mut theirs: Vec<_> =
        causes.iter().map(|cause| (text(cause, "message"), text(cause, "field"))).collect();
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
}

#[test]
fn writes_are_decided_as_the_server_decided_them() {
    let (mut applied, mut refused, mut updated) = (0, 0, 0);
    each_step(ANSWERS, |step| match (step.text("verb"), step.record.int_at(&["status"]).unwrap()) {
        ("apply", 200..300) => {
            let got = step.apply().unwrap_or_else(|error| panic!("{error}\n{}", text(step.record)));
            check_applied(step, &got);
            applied += 1;
        }
        // What is merged is validated only then.
        ("apply", 422) => assert!(step.apply().is_ok(), "{}", text(step.record)),
        ("apply", _) => {
            check_refused(step, &step.apply().unwrap_err());
            refused += 1;
        }
        (_, 200..300) => {
            assert_managers(step, &step.update());
            updated += 1;
        }
        (verb, status) => panic!("unexpected {verb} {status}"),
    });
    assert!(applied > 400 && refused > 150 && updated > 100, "{applied} {refused} {updated}");
}

#[test]
fn patches_change_the_managers_as_on_the_server() {
    each_step(PATCHES, |step| {
        if step.object().is_some() {
            assert_managers(step, &step.update());
        }
    });
}

/// What the patch makes of the live object; the server then drops unknown fields and fills in defaults.
fn patched(step: &Step<'_>) -> Result<Value, PatchError> {
    let live = step.live.as_ref().unwrap();
    match step.text("verb") {
        "merge" => merge_patch(live, step.body()),
        "json" => json_patch(live, step.body()),
        _ => strategic_merge_patch(live, step.body(), &DEFINITIONS.kind(&gvk("v1", "PodTemplate")).unwrap()),
    }
}

#[test]
fn patches_change_the_object_as_on_the_server() {
    let mut patches = 0;
    each_step(PATCHES, |step| {
        if step.text("verb") == "post" {
            return;
        }
        patches += 1;
        match (step.record.int_at(&["status"]).unwrap(), patched(step)) {
            (200, Ok(mut ours)) => {
                for field in ["managedFields", "resourceVersion", "generation"] {
                    ours.remove(&["metadata", field]);
                }
                ours.remove(&["template", "nope"]);
                assert!(is_within(&ours, step.object()), "{}\n{}", text(&ours), text(step.record));
                let theirs = step.object().unwrap();
                for lost in [&["template", "spec"][..], &["template", "metadata"]] {
                    let set = |part: &Value| {
                        part.as_map().unwrap().values().filter(|v| !v.is_empty_container()).count()
                    };
                    let keys = |object: &Value| object.at(lost).map(set);
                    assert_eq!(keys(&ours), keys(theirs), "{}", text(step.record));
                }
            }
            (422, Err(PatchError::Unprocessable(_))) => {}
            (500, Err(PatchError::Failed(message))) => assert_eq!(message, step.text("message")),
            (status, ours) => panic!("{status} {ours:?}\n{}", text(step.record)),
        }
    });
    assert!(patches > 25, "{patches}");
}
