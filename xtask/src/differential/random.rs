//! Random sequences of writes by several field managers, over kinds with maps, granular and atomic, and lists of all sorts.
use anyhow::Result;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Map, Value, json};

use super::compare::Exclusions;
use super::script::{Script, Step};
use super::server::Server;

/// How many sequences are played at a time.
const AT_ONCE: usize = 8;
const MANAGERS: [&str; 3] = ["one", "two", "three"];

/// A kind, and the parts of it that a writer may want.
struct Kind {
    /// Its path in a namespace, around the namespace.
    path: [&'static str; 2],
    api_version: &'static str,
    kind: &'static str,
    /// What is beside metadata.
    part: fn(&mut Chance) -> Value,
}

const KINDS: [Kind; 4] = [
    Kind {
        path: ["/api/v1/namespaces/", "/configmaps"],
        api_version: "v1",
        kind: "ConfigMap",
        part: config_map,
    },
    Kind { path: ["/api/v1/namespaces/", "/services"], api_version: "v1", kind: "Service", part: service },
    Kind {
        path: ["/apis/apps/v1/namespaces/", "/deployments"],
        api_version: "apps/v1",
        kind: "Deployment",
        part: deployment,
    },
    Kind {
        path: ["/apis/random.example.com/v1/namespaces/", "/widgets"],
        api_version: "random.example.com/v1",
        kind: "Widget",
        part: widget,
    },
];

/// Plays `count` sequences with the seeds from `seed` on, in a namespace of this run. `false`: something was answered
/// differently.
pub(super) async fn compare(
    servers: (&Server, &Server),
    run: &str,
    (seed, count): (u64, u64),
) -> Result<bool> {
    let namespace = format!("random-{run}");
    let setup = script("setup", setup(&namespace));
    servers.0.play(&setup).await?;
    servers.1.play(&setup).await?;
    let played = stream::iter(seed..seed + count).map(async |seed| {
        // A real server's first try of a write may see an older object than there is, and leaves its warnings in the answer: what
        // differs is played once more.
        let told = match play(servers, &sequence(&namespace, seed, "")).await? {
            told if told.is_empty() => told,
            _ => play(servers, &sequence(&namespace, seed, "-again")).await?,
        };
        told.iter().for_each(|line| println!("{line}"));
        anyhow::Ok(told.is_empty())
    });
    let same: Vec<bool> = played.buffered(AT_ONCE).try_collect().await?;
    let equal = same.iter().filter(|same| **same).count();
    println!("{} random sequences from seed {seed} on, {equal} equal", same.len());
    Ok(equal == same.len())
}

/// What was answered differently, some of it, and the steps that led there.
async fn play(servers: (&Server, &Server), script: &Script) -> Result<Vec<String>> {
    let (real, embedded) = tokio::try_join!(servers.0.play(script), servers.1.play(script))?;
    let mut told = Exclusions::none().differences(&script.name, &real, &embedded);
    let step = told.first().and_then(|line| line.split([':', ' ']).nth(1)?.parse::<usize>().ok());
    told.truncate(3);
    let steps = script.steps.iter().take(step.unwrap_or(0));
    told.extend(steps.map(|step| format!("    {}", Value::Object(step.clone()))));
    Ok(told)
}

fn script(name: &str, steps: Vec<Step>) -> Script {
    Script { name: name.to_owned(), header: None, steps }
}

fn step(value: Value) -> Step {
    value.as_object().cloned().unwrap_or_default()
}

fn setup(namespace: &str) -> Vec<Step> {
    let list =
        |kind: &str, items: Value| json!({"type": "array", "x-kubernetes-list-type": kind, "items": items});
    let text = || json!({"type": "string"});
    let texts = || json!({"type": "object", "additionalProperties": {"type": "string"}});
    let mut keyed = list(
        "map",
        json!({"type": "object", "required": ["name"], "properties": {
            "name": text(), "zone": {"type": "string", "default": "here"}, "size": {"type": "integer"},
            "tags": list("set", text()), "more": texts()}}),
    );
    keyed["x-kubernetes-list-map-keys"] = json!(["name", "zone"]);
    let mut whole = texts();
    whole["x-kubernetes-map-type"] = "atomic".into();
    let spec = json!({"type": "object", "properties": {
        "keyed": keyed, "set": list("set", text()), "numbers": list("set", json!({"type": "integer"})),
        "plain": {"type": "array", "items": text()}, "open": texts(), "whole": whole,
        "deep": {"type": "object", "properties": {"a": text(), "b": {"type": "object", "properties": {"c": text(), "d": list("set", text())}}}},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}, "size": {"type": "integer"}}});
    let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}});
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.random.example.com"},
        "spec": {"group": "random.example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}]}});
    vec![
        step(
            json!({"method": "POST", "path": "/api/v1/namespaces", "body": {"metadata": {"name": namespace}}}),
        ),
        step(
            json!({"method": "POST", "path": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "body": definition,
            "wait": "/apis/random.example.com/v1/widgets", "pause": 1.0}),
        ),
    ]
}

/// Some applies by several managers, forced or not, with updates and patches between them, and a look at the end.
fn sequence(namespace: &str, seed: u64, suffix: &str) -> Script {
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d);
    let kind = &KINDS[chance.below(KINDS.len())];
    let name = format!("r{seed}{suffix}");
    let [before, after] = kind.path;
    let object_path = format!("{before}{namespace}{after}/{name}");
    let mut steps = Vec::new();
    for _ in 0..4 + chance.below(5) {
        let manager = MANAGERS[chance.below(3)];
        let mut body = (kind.part)(&mut chance);
        let object = body.as_object_mut().map(std::mem::take).unwrap_or_default();
        let mut metadata = json!({"name": name});
        meta(&mut chance, &mut metadata);
        let mut whole = Map::new();
        whole.insert("apiVersion".into(), kind.api_version.into());
        whole.insert("kind".into(), kind.kind.into());
        whole.insert("metadata".into(), metadata);
        whole.extend(object);
        steps.push(step(match chance.below(10) {
            0 if !steps.is_empty() => {
                whole.remove("apiVersion");
                json!({"method": "PATCH", "path": object_path, "query": format!("fieldManager={manager}"),
                    "content_type": "application/merge-patch+json", "body": whole})
            }
            1 if !steps.is_empty() => {
                json!({"method": "PUT", "path": object_path, "query": format!("fieldManager={manager}"), "body": whole})
            }
            number => {
                let force = if number < 7 { "true" } else { "false" };
                json!({"method": "PATCH", "path": object_path, "query": format!("fieldManager={manager}&force={force}"),
                    "content_type": "application/apply-patch+yaml", "body": whole})
            }
        }));
    }
    steps.push(step(json!({"method": "GET", "path": object_path})));
    script(&name, steps)
}

fn meta(chance: &mut Chance, metadata: &mut Value) {
    for key in ["labels", "annotations"] {
        if chance.one_in(3) {
            metadata[key] = chance.entries(&["a", "b", "c/d"]);
        }
    }
    if chance.one_in(6) {
        metadata["finalizers"] = chance.some(&["example.com/x", "example.com/y", "example.com/z"]);
    }
}

fn config_map(chance: &mut Chance) -> Value {
    let mut object = json!({});
    if chance.one_in(2) || chance.one_in(2) {
        object["data"] = chance.entries(&["a", "b", "c", "d"]);
    }
    if chance.one_in(4) {
        object["binaryData"] =
            chance.some(&["x", "y"]).as_array().into_iter().flatten().fold(json!({}), |mut all, key| {
                all[key.as_str().unwrap_or_default()] = "QUI=".into();
                all
            });
    }
    object
}

fn service(chance: &mut Chance) -> Value {
    let mut spec = json!({});
    if chance.one_in(2) {
        spec["selector"] = chance.entries(&["app", "tier"]);
    }
    let mut ports = Vec::new();
    for (name, port) in [("http", 80), ("https", 443), ("dns", 53)] {
        if chance.one_in(2) || (name == "http" && chance.one_in(2)) {
            let mut entry = json!({"name": name, "port": port});
            if chance.one_in(3) {
                entry["protocol"] = if chance.one_in(3) { "UDP" } else { "TCP" }.into();
            }
            if chance.one_in(2) {
                entry["targetPort"] = match chance.below(3) {
                    0 => "web".into(),
                    number => (8000 + number).into(),
                };
            }
            ports.push(entry);
        }
    }
    spec["ports"] = ports.into();
    if chance.one_in(5) {
        spec["externalIPs"] = chance.some(&["1.2.3.4", "5.6.7.8"]);
    }
    if chance.one_in(5) {
        spec["sessionAffinity"] = "ClientIP".into();
    }
    json!({"spec": spec})
}

fn deployment(chance: &mut Chance) -> Value {
    let mut containers = Vec::new();
    for name in ["main", "side"] {
        if name == "main" || chance.one_in(3) {
            containers.push(container(chance, name));
        }
    }
    let mut pod = json!({"containers": containers});
    if chance.one_in(4) {
        pod["volumes"] =
            json!([{"name": "v", "emptyDir": {}}, {"name": "w", "configMap": {"name": chance.word()}}]);
    }
    if chance.one_in(4) {
        pod["tolerations"] = json!([{"key": chance.word(), "operator": "Exists"}]);
    }
    if chance.one_in(4) {
        pod["nodeSelector"] = chance.entries(&["disk", "zone"]);
    }
    if chance.one_in(6) {
        pod["imagePullSecrets"] = json!([{"name": chance.word()}]);
    }
    let mut labels = json!({"app": "x"});
    if chance.one_in(3) {
        labels["more"] = chance.word().into();
    }
    let mut spec = json!({"selector": {"matchLabels": {"app": "x"}},
        "template": {"metadata": {"labels": labels}, "spec": pod}});
    if chance.one_in(2) {
        spec["replicas"] = chance.below(4).into();
    }
    if chance.one_in(4) {
        spec["strategy"] = match chance.below(2) {
            0 => json!({"type": "Recreate"}),
            _ => json!({"rollingUpdate": {"maxSurge": chance.below(3)}}),
        };
    }
    if chance.one_in(5) {
        spec["paused"] = true.into();
    }
    json!({"spec": spec})
}

fn container(chance: &mut Chance, name: &str) -> Value {
    let mut container = json!({"name": name, "image": format!("r/{}:1", chance.word())});
    if chance.one_in(2) {
        let keys = ["A", "B", "C"].into_iter().filter(|_| chance.one_in(2)).collect::<Vec<_>>();
        container["env"] = keys
            .into_iter()
            .map(|key| match chance.below(4) {
                0 => json!({"name": key, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}),
                _ => json!({"name": key, "value": chance.word()}),
            })
            .collect();
    }
    if chance.one_in(3) {
        container["ports"] = [8080, 9090, 53]
            .into_iter()
            .filter(|_| chance.one_in(2))
            .map(|port| json!({"containerPort": port}))
            .collect::<Vec<_>>()
            .into();
    }
    if chance.one_in(3) {
        container["args"] = chance.some(&["a", "b", "c"]);
    }
    if chance.one_in(3) {
        let amount = ["100m", "0.1", "1", "1000m"][chance.below(4)];
        container["resources"] = json!({"limits": {"cpu": amount, "memory": "1Gi"}});
    }
    if chance.one_in(5) {
        container["volumeMounts"] = json!([{"name": "v", "mountPath": "/v"}]);
    }
    container
}

fn widget(chance: &mut Chance) -> Value {
    let mut spec = Map::new();
    let mut put = |key: &str, value: Value| spec.insert(key.to_owned(), value);
    if chance.one_in(2) {
        let mut items = Vec::new();
        for (name, zone) in [("a", None), ("a", Some("there")), ("b", Some("here")), ("c", None)] {
            if chance.one_in(2) {
                let mut item = json!({"name": name});
                if let Some(zone) = zone {
                    item["zone"] = zone.into();
                }
                if chance.one_in(2) {
                    item["size"] = chance.below(3).into();
                }
                if chance.one_in(3) {
                    item["tags"] = chance.some(&["x", "y", "z"]);
                }
                if chance.one_in(4) {
                    item["more"] = chance.entries(&["k", "l"]);
                }
                items.push(item);
            }
        }
        put("keyed", items.into());
    }
    for (key, words) in [("set", ["r", "s", "t"]), ("plain", ["u", "v", "u"])] {
        if chance.one_in(2) {
            put(key, chance.some(&words));
        }
    }
    if chance.one_in(3) {
        let numbers: Vec<usize> = (0..4).filter(|_| chance.one_in(2)).collect();
        put("numbers", numbers.into());
    }
    for key in ["open", "whole"] {
        if chance.one_in(2) {
            put(key, chance.entries(&["a", "b", "c"]));
        }
    }
    if chance.one_in(3) {
        let mut deep = json!({});
        if chance.one_in(2) {
            deep["a"] = chance.word().into();
        }
        if chance.one_in(2) {
            deep["b"] = json!({"c": chance.word(), "d": chance.some(&["p", "q"])});
        }
        put("deep", deep);
    }
    if chance.one_in(4) {
        put("free", json!({"list": chance.some(&["a", "b"]), "map": chance.entries(&["k"]), "n": null}));
    }
    if chance.one_in(4) {
        put("size", chance.below(3).into());
    }
    json!({"spec": spec})
}

/// Numbers from a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((number ^ (number >> 31)) % limit as u64).unwrap_or_default()
    }

    fn one_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }

    fn word(&mut self) -> &'static str {
        ["p", "q", "r"][self.below(3)]
    }

    /// Some of the words, in an order of its own.
    fn some(&mut self, words: &[&str]) -> Value {
        let mut words: Vec<&str> = words.iter().copied().filter(|_| self.below(2) == 0).collect();
        if words.len() > 1 && self.one_in(3) {
            words.reverse();
        }
        words.into()
    }

    fn entries(&mut self, keys: &[&str]) -> Value {
        let keys = keys.iter().filter(|_| self.below(2) == 0).collect::<Vec<_>>();
        Value::Object(keys.into_iter().map(|key| ((*key).to_owned(), self.word().into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_sequence() {
        let text = |seed| format!("{:?}", sequence("n", seed, "").steps);
        assert_eq!(text(7), text(7));
        assert_ne!(text(7), text(8));
        let kinds: std::collections::BTreeSet<String> = (0..50)
            .filter_map(|seed| {
                Some(sequence("n", seed, "").steps.first()?.get("body")?.get("kind")?.as_str()?.to_owned())
            })
            .collect();
        assert_eq!(kinds.len(), KINDS.len());
    }
}
