//! What holds for every sequence of applies, on random specs of a kind with all sorts of lists and mappings.

use std::collections::BTreeMap;

use lockstep_core::{Gvk, Map, Timestamp, Value};
use lockstep_schema::{
    ApplyError, Convert, ConvertError, FieldManager, Force, IgnoredFields, Managers, Schema, Write,
};

use crate::fixture::{kind, text, value};

/// SplitMix64: a seed names a case for ever.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn pick(&mut self, json: &[&str]) -> Value {
        let index = usize::try_from(self.below(json.len() as u64)).unwrap();
        value(json[index])
    }

    /// Each name with even chances.
    fn entries(&mut self, names: &[&str], mut make: impl FnMut(&mut Self, &str) -> Value) -> Value {
        let chosen: Vec<&&str> = names.iter().filter(|_| self.below(2) == 0).collect();
        Value::map(chosen.into_iter().map(|name| ((*name).into(), make(self, name))).collect())
    }

    /// Some of the items, in any order.
    fn items(&mut self, json: &[&str]) -> Value {
        let mut items: Vec<(u64, Value)> = json.iter().map(|item| (self.next(), value(item))).collect();
        items.retain(|(chance, _)| chance & 1 == 0);
        items.sort();
        Value::list(items.into_iter().map(|(_, item)| item).collect())
    }

    fn ports(&mut self) -> Value {
        let keys = self.items(&[
            r#"{"port":1}"#,
            r#"{"port":1,"protocol":"UDP"}"#,
            r#"{"port":2,"protocol":"TCP"}"#,
            r#"{"port":3}"#,
        ]);
        let port = |key: &Value| {
            let mut port = key.as_map().unwrap().clone();
            port.extend(
                self.entries(&["name", "note"], |random, _| random.pick(&["\"0\"", "\"1\""]))
                    .as_map()
                    .unwrap()
                    .clone(),
            );
            Value::map(port)
        };
        Value::list(keys.as_list().unwrap().iter().map(port).collect())
    }

    fn field(&mut self, name: &str) -> Value {
        const TEXT: [&str; 2] = ["\"0\"", "\"1\""];
        match name {
            "replicas" => self.pick(&["0", "1"]),
            "mode" => self.pick(&["null", "\"m\""]),
            "ports" => self.ports(),
            "tags" => self.items(&["\"a\"", "\"b\"", "\"c\"", "\"d\""]),
            "nums" => self.items(&["1", "2", "10"]),
            "args" => self.items(&["\"a\"", "\"b\""]),
            "selector" | "opts" => self.entries(&["a", "b"], |random, _| random.pick(&TEXT)),
            "target" => self.pick(&["1", "\"1\""]),
            "nested" => self.entries(&["a"], |random, _| random.pick(&TEXT)),
            _ => self.entries(&["f", "h"], |random, name| match name {
                "f" => random.pick(&["1", "[2]"]),
                _ => random.entries(&["k", "l"], |random, _| random.pick(&TEXT)),
            }),
        }
    }

    fn spec(&mut self) -> Value {
        let fields = [
            "replicas", "mode", "ports", "tags", "nums", "args", "selector", "opts", "target", "nested",
            "free",
        ];
        self.entries(&fields, Self::field)
    }
}

struct OneVersion;

impl Convert for OneVersion {
    fn schema(&self, api_version: &str) -> Option<Schema> {
        (api_version == "example.com/v1").then(|| kind("example.com/v1", "Widget"))
    }

    fn convert(&self, _: &Value, _: &str) -> Result<Value, ConvertError> {
        Err(ConvertError::MissingVersion)
    }
}

fn empty() -> Value {
    value(r#"{"apiVersion":"example.com/v1","kind":"Widget"}"#)
}

fn apply(live: &Value, spec: &Value, manager: &str, force: Force) -> Result<Value, ApplyError> {
    let mut patch = empty();
    patch.set(&["spec"], spec.clone());
    let fields = FieldManager {
        kind: &Gvk::new("example.com", "v1", "Widget"),
        subresource: "",
        convert: &OneVersion,
        ignored: &IgnoredFields::new(),
        empty: &empty(),
    };
    fields.apply(live, &patch, Write { manager, now: Timestamp(7) }, force)
}

/// The spec with sets and keyed lists sorted and without what is empty: order and empty containers are no one's.
fn essence(value: &Value, name: &str) -> Option<Value> {
    match value {
        Value::Map(entries) => {
            let kept: Map = entries
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), essence(value, name)?)))
                .collect();
            (!kept.is_empty()).then(|| Value::map(kept))
        }
        Value::List(items) => {
            let mut items: Vec<Value> = items.iter().filter_map(|item| essence(item, "")).collect();
            if name != "args" {
                items.sort();
            }
            (!items.is_empty()).then(|| Value::list(items))
        }
        Value::Null => None,
        scalar => Some(scalar.clone()),
    }
}

fn spec_of(object: &Value) -> Option<Value> {
    essence(object.get("spec")?, "spec")
}

fn managers_of(object: &Value) -> BTreeMap<String, String> {
    let managers =
        Managers::decode(object.at(&["metadata", "managedFields"]).unwrap_or(&Value::Null)).unwrap();
    managers.0.iter().map(|(manager, owned)| (manager.to_string(), owned.fields.to_json())).collect()
}

/// Some managers' applies, one after another and forced.
fn history(random: &mut Random) -> Value {
    (0..random.below(4)).fold(empty(), |live, _| {
        let manager = ["a", "b"][usize::try_from(random.below(2)).unwrap()];
        apply(&live, &random.spec(), manager, Force::Yes).unwrap()
    })
}

const SEEDS: u64 = 400;

#[test]
fn applying_twice_is_applying_once() {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let (live, spec) = (history(&mut random), random.spec());
        let once = apply(&live, &spec, "c", Force::Yes).unwrap();
        let twice = apply(&once, &spec, "c", Force::No).unwrap();
        assert_eq!(text(&twice), text(&once), "seed {seed}");
    }
}

#[test]
fn applies_without_conflict_may_come_in_any_order() {
    let mut compared = 0;
    for seed in 0..SEEDS * 4 {
        let mut random = Random(seed);
        let (a, b) = (random.spec(), random.spec());
        let in_order = |first: (&Value, &str), second: (&Value, &str)| {
            let live = apply(&empty(), first.0, first.1, Force::No)?;
            apply(&live, second.0, second.1, Force::No)
        };
        let (Ok(ab), Ok(ba)) = (in_order((&a, "a"), (&b, "b")), in_order((&b, "b"), (&a, "a"))) else {
            continue;
        };
        assert_eq!(spec_of(&ab), spec_of(&ba), "seed {seed}");
        assert_eq!(managers_of(&ab), managers_of(&ba), "seed {seed}");
        compared += 1;
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn what_is_no_longer_applied_goes_unless_others_own_it() {
    let mut compared = 0;
    for seed in 0..SEEDS * 2 {
        let mut random = Random(seed);
        let before = history(&mut random);
        let Ok(with) = apply(&before, &random.spec(), "c", Force::No) else { continue };
        let without = apply(&with, &value("{}"), "c", Force::No).unwrap();
        assert_eq!(spec_of(&without), spec_of(&before), "seed {seed}");
        compared += 1;
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn a_conflict_names_what_force_takes() {
    let mut refused = 0;
    for seed in 0..SEEDS * 2 {
        let mut random = Random(seed);
        let (live, spec) = (history(&mut random), random.spec());
        let forced = apply(&live, &spec, "c", Force::Yes).unwrap();
        let owners = |object: &Value| {
            let entries = object.at(&["metadata", "managedFields"]).cloned().unwrap_or_default();
            Managers::decode(&entries).unwrap().0
        };
        let (before, after) = (owners(&live), owners(&forced));
        match apply(&live, &spec, "c", Force::No) {
            Ok(applied) => assert_eq!(text(&applied), text(&forced), "seed {seed}"),
            Err(ApplyError::Conflicts(conflicts)) => {
                refused += 1;
                for conflict in conflicts {
                    let has = |owners: &BTreeMap<_, lockstep_schema::Owned>| {
                        owners
                            .get(&conflict.manager)
                            .is_some_and(|owned| owned.fields.contains(&conflict.path.0))
                    };
                    assert!(has(&before) && !has(&after), "seed {seed}: {conflict:?}");
                }
            }
            Err(other) => panic!("seed {seed}: {other}"),
        }
    }
    assert!(refused > 100, "{refused}");
}

/// kubectl takes over from the client side what is still as it applied it.
#[test]
fn kubectl_takes_over_what_it_applied_from_the_client() {
    let annotated = |spec: &str, last: &str| {
        let last = format!(r#"{{"apiVersion":"example.com/v1","kind":"Widget","spec":{last}}}"#);
        let mut object = empty();
        object.set(&["spec"], value(spec));
        let annotation = ["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"];
        object.set(&annotation, last.into());
        object
    };
    let fields = FieldManager {
        kind: &Gvk::new("example.com", "v1", "Widget"),
        subresource: "",
        convert: &OneVersion,
        ignored: &IgnoredFields::new(),
        empty: &empty(),
    };
    let live = annotated(r#"{"replicas":1,"opts":{"a":"1"}}"#, r#"{"replicas":1,"opts":{"a":"0"}}"#);
    let live = fields.update(None, &live, Write { manager: "kubectl-client-side-apply", now: Timestamp(1) });
    let error = |manager, spec: &str| match apply(&live, &value(spec), manager, Force::No) {
        Ok(_) => "applied".to_owned(),
        Err(error) => error.to_string(),
    };
    let by_client = r#"conflict with "kubectl-client-side-apply" using example.com/v1"#;
    assert_eq!(error("kubectl", r#"{"replicas":2}"#), "applied");
    assert_eq!(
        error("other", r#"{"replicas":2}"#),
        format!("Apply failed with 1 conflict: {by_client}: .spec.replicas")
    );
    assert_eq!(
        error("kubectl", r#"{"replicas":2,"opts":{"a":"2"}}"#),
        format!("Apply failed with 1 conflict: {by_client}: .spec.opts.a")
    );
}
