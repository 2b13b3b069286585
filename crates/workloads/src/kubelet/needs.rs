//! The ConfigMaps and Secrets that a pod mounts or reads, and which of them are not there.

use lockstep_core::Value;

use crate::kind::Kind;
use crate::object::{flag, items, name, namespace, text};
use crate::view::View;

/// What keeps the containers of a pod from being started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// A volume cannot be mounted: none of them starts.
    Volume { volume: String, why: String },
    /// These containers cannot be made, each for its reason; the others start.
    Containers(Vec<(String, String)>),
}

impl Lack {
    /// Why a container is not made.
    pub(super) fn of(&self, container: &str) -> Option<&str> {
        match self {
            Self::Volume { .. } => None,
            Self::Containers(list) => list.iter().find(|(name, _)| name == container).map(|(_, why)| &**why),
        }
    }
}

/// An object that holds keys, for a kubelet that words what is not there.
#[derive(Clone, Copy)]
struct Source {
    kind: Kind,
    /// In `configmap "x" not found`.
    noun: &'static str,
    /// In `couldn't find key k in ConfigMap a/x`.
    title: &'static str,
    /// In `references non-existent config key: k`.
    key: &'static str,
}

const CONFIG_MAP: Source =
    Source { kind: Kind::CONFIG_MAPS, noun: "configmap", title: "ConfigMap", key: "config key" };
const SECRET: Source = Source { kind: Kind::SECRETS, noun: "secret", title: "Secret", key: "secret key" };

/// What a pod lacks, in the order in which a kubelet finds it: volumes come before containers.
pub(super) fn lack(view: &View, pod: &Value) -> Option<Lack> {
    let mut volumes = items(pod, &["spec", "volumes"]).iter();
    let unmounted = volumes.find_map(|volume| Some((volume, unmountable(view, pod, volume)?)));
    if let Some((volume, why)) = unmounted {
        return Some(Lack::Volume { volume: text(volume, &["name"]).to_owned(), why });
    }
    let inits = items(pod, &["spec", "initContainers"]).iter();
    let failing =
        |container: &Value| Some((text(container, &["name"]).to_owned(), unmade(view, pod, container)?));
    // Init containers run one after another: what comes after the first that fails is not tried.
    if let Some(first) = inits.clone().find_map(failing) {
        return Some(Lack::Containers(vec![first]));
    }
    let list: Vec<_> = items(pod, &["spec", "containers"]).iter().filter_map(failing).collect();
    (!list.is_empty()).then_some(Lack::Containers(list))
}

fn unmountable(view: &View, pod: &Value, volume: &Value) -> Option<String> {
    let of = |source: Source, part: Option<&Value>, key: &str| {
        part.and_then(|part| files(view, pod, (source, text(part, &[key])), part))
    };
    let projected = items(volume, &["projected", "sources"]).iter().find_map(|part| {
        of(SECRET, part.get("secret"), "name").or_else(|| of(CONFIG_MAP, part.get("configMap"), "name"))
    });
    of(CONFIG_MAP, volume.get("configMap"), "name")
        .or_else(|| of(SECRET, volume.get("secret"), "secretName"))
        .or(projected)
}

/// Why the files of an object cannot be had.
fn files(view: &View, pod: &Value, (source, wanted): (Source, &str), part: &Value) -> Option<String> {
    let optional = flag(part, &["optional"]);
    let Some(found) = view.find(source.kind, namespace(pod), wanted) else {
        return (!optional).then(|| format!("{} \"{wanted}\" not found", source.noun));
    };
    let mut keys = items(part, &["items"]).iter().map(|item| text(item, &["key"]));
    let absent = keys.find(|key| !has(found, key)).filter(|_| !optional)?;
    Some(format!("references non-existent {}: {absent}", source.key))
}

fn unmade(view: &View, pod: &Value, container: &Value) -> Option<String> {
    let whole = items(container, &["envFrom"]).iter().find_map(|from| {
        let of = |source: Source, part: Option<&Value>| {
            let part = part.filter(|part| !flag(part, &["optional"]))?;
            let absent = view.find(source.kind, namespace(pod), name_of(part)).is_none();
            absent.then(|| format!("{} \"{}\" not found", source.noun, name_of(part)))
        };
        of(CONFIG_MAP, from.get("configMapRef")).or_else(|| of(SECRET, from.get("secretRef")))
    });
    whole.or_else(|| {
        items(container, &["env"]).iter().find_map(|variable| {
            let of =
                |source: Source, key: &str| variable_of(view, pod, source, variable.at(&["valueFrom", key])?);
            of(CONFIG_MAP, "configMapKeyRef").or_else(|| of(SECRET, "secretKeyRef"))
        })
    })
}

fn variable_of(view: &View, pod: &Value, source: Source, part: &Value) -> Option<String> {
    if flag(part, &["optional"]) {
        return None;
    }
    let Some(found) = view.find(source.kind, namespace(pod), name_of(part)) else {
        return Some(format!("{} \"{}\" not found", source.noun, name_of(part)));
    };
    let key = text(part, &["key"]);
    let whose = format!("{}/{}", namespace(pod), name(found));
    (!has(found, key)).then(|| format!("couldn't find key {key} in {} {whose}", source.title))
}

fn name_of(part: &Value) -> &str {
    text(part, &["name"])
}

fn has(object: &Value, key: &str) -> bool {
    ["data", "binaryData"].iter().any(|data| object.at(&[data, key]).is_some())
}
