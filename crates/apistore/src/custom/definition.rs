//! A CustomResourceDefinition as what serves its resources needs it.

use std::sync::{Arc, OnceLock};

use kinds::{Resource, Subresource};
use lockstep_core::{FieldPath, Gvk, Map, Value};
use rules::Rules;
use schema::{FieldSet, IgnoredFields};

/// The kind that a definition defines.
#[derive(Debug)]
pub(crate) struct Custom {
    /// The kind of its lists.
    pub(crate) list_kind: String,
    /// The version in which objects are stored.
    pub(crate) storage: String,
    pub(crate) versions: Vec<CustomVersion>,
    pub(crate) conversion: Conversion,
    pub(crate) preserve_unknown: bool,
    /// Whether the definition is being deleted: nothing may be created then.
    pub(crate) terminating: bool,
}

/// How objects get from one version to another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Conversion {
    /// Only `apiVersion` changes.
    None,
    /// By a webhook: its `clientConfig`, and the versions of the review that it takes.
    Webhook(Value),
}

/// One version of a custom kind.
#[derive(Debug)]
pub(crate) struct CustomVersion {
    pub(crate) name: String,
    pub(crate) served: bool,
    /// The `openAPIV3Schema`.
    pub(crate) schema: Value,
    pub(crate) has_status: bool,
    pub(crate) scale: Option<Scale>,
    /// The fields, as JSON paths, that a field selector may name.
    pub(crate) selectable: Vec<String>,
    /// What its users are warned of.
    pub(crate) deprecation: Option<String>,
    rules: OnceLock<Rules>,
    embeds: OnceLock<bool>,
}

impl CustomVersion {
    /// The rules of the schema, compiled when they are first needed.
    pub(crate) fn rules(&self) -> &Rules {
        self.rules.get_or_init(|| Rules::new(&self.schema))
    }

    /// Whether there are objects inside its objects: a walk over the whole schema, made once.
    pub(crate) fn embeds(&self) -> bool {
        *self.embeds.get_or_init(|| super::embedded::holds_embedded(&self.schema))
    }
}

/// Where the scale subresource finds what it shows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scale {
    pub(crate) spec_replicas: Vec<String>,
    pub(crate) status_replicas: Vec<String>,
    pub(crate) selector: Option<Vec<String>>,
}

/// The keys of a simple JSON path: `.spec.replicas`.
pub(super) fn keys(path: &str) -> Vec<String> {
    path.trim_start_matches('.').split('.').map(str::to_owned).collect()
}

/// Whether what a definition defines is served.
pub(crate) fn is_established(definition: &Value) -> bool {
    let conditions = definition.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default();
    conditions.iter().any(|condition| {
        condition.str_at(&["type"]) == Some("Established") && condition.str_at(&["status"]) == Some("True")
    })
}

/// Reads a definition; `None` where it serves nothing: not established, or malformed.
pub(crate) fn read(definition: &Value) -> Option<Custom> {
    let spec = definition.get("spec")?;
    let list = spec.get("versions").and_then(Value::as_list)?;
    let flag = |value: &Value, key: &str| value.get(key).and_then(Value::as_bool).unwrap_or(false);
    let storage = list.iter().find(|version| flag(version, "storage"))?.str_at(&["name"])?.to_owned();
    let (group, kind) = (spec.str_at(&["group"])?, spec.str_at(&["names", "kind"])?);
    let version = |value: &Value| {
        let name = value.str_at(&["name"])?.to_owned();
        let deprecation = flag(value, "deprecated").then(|| match value.str_at(&["deprecationWarning"]) {
            Some(text) => text.to_owned(),
            None => deprecation(group, kind, &name, list),
        });
        Some(CustomVersion {
            served: flag(value, "served"),
            schema: value
                .at(&["schema", "openAPIV3Schema"])
                .cloned()
                .unwrap_or_else(|| Value::map(Map::new())),
            has_status: value.at(&["subresources", "status"]).is_some(),
            scale: value.at(&["subresources", "scale"]).and_then(read_scale),
            selectable: paths(value.get("selectableFields")),
            deprecation,
            rules: OnceLock::new(),
            embeds: OnceLock::new(),
            name,
        })
    };
    let conversion = match spec.str_at(&["conversion", "strategy"]) {
        Some("Webhook") => {
            Conversion::Webhook(spec.at(&["conversion", "webhook"]).cloned().unwrap_or_default())
        }
        _ => Conversion::None,
    };
    Some(Custom {
        list_kind: match spec.str_at(&["names", "listKind"]) {
            Some(kind) => kind.to_owned(),
            None => format!("{kind}List"),
        },
        storage,
        versions: list.iter().map(version).collect::<Option<_>>()?,
        conversion,
        preserve_unknown: flag(spec, "preserveUnknownFields"),
        terminating: definition.at(&["metadata", "deletionTimestamp"]).is_some(),
    })
}

/// The warning of the server itself, which names the newest version that is not deprecated.
fn deprecation(group: &str, kind: &str, name: &str, versions: &[Value]) -> String {
    let flag = |value: &Value, key: &str| value.get(key).and_then(Value::as_bool).unwrap_or(false);
    let newer = versions
        .iter()
        .filter(|version| flag(version, "served") && !flag(version, "deprecated"))
        .filter_map(|version| version.str_at(&["name"]))
        .filter(|other| rank(other) > rank(name))
        .max_by_key(|other| rank(other));
    let text = format!("{group}/{name} {kind} is deprecated");
    match newer {
        Some(newer) => format!("{text}; use {group}/{newer} {kind}"),
        None => text,
    }
}

/// The order of versions: `v2` over `v1` over `v1beta2` over `v1alpha1` over all that are no versions.
pub(crate) fn rank(version: &str) -> (u8, u64, u64, std::cmp::Reverse<String>) {
    let other = || (0, 0, 0, std::cmp::Reverse(version.to_owned()));
    let Some(rest) = version.strip_prefix('v') else { return other() };
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let Ok(major) = rest[..digits].parse::<u64>() else { return other() };
    let (stage, minor) = match &rest[digits..] {
        "" => (3, Ok(0)),
        text => match (text.strip_prefix("beta"), text.strip_prefix("alpha")) {
            (Some(minor), _) => (2, minor.parse::<u64>()),
            (_, Some(minor)) => (1, minor.parse::<u64>()),
            _ => return other(),
        },
    };
    minor.map_or_else(|_| other(), |minor| (stage, major, minor, std::cmp::Reverse(String::new())))
}

fn paths(list: Option<&Value>) -> Vec<String> {
    let list = list.and_then(Value::as_list).unwrap_or_default();
    list.iter()
        .filter_map(|field| Some(field.str_at(&["jsonPath"])?.trim_start_matches('.').to_owned()))
        .collect()
}

fn read_scale(scale: &Value) -> Option<Scale> {
    Some(Scale {
        spec_replicas: keys(scale.str_at(&["specReplicasPath"])?),
        status_replicas: keys(scale.str_at(&["statusReplicasPath"])?),
        selector: scale.str_at(&["labelSelectorPath"]).map(keys),
    })
}

impl Custom {
    pub(crate) fn version(&self, name: &str) -> Option<&CustomVersion> {
        self.versions.iter().find(|version| version.name == name)
    }

    /// What an endpoint does not let be set, in the version of the request.
    pub(crate) fn reset_fields(&self, kind: &Gvk, subresource: &str) -> IgnoredFields {
        let Some(version) = self.version(&kind.api.version).filter(|version| version.has_status) else {
            return IgnoredFields::new();
        };
        debug_assert!(version.has_status);
        let paths: &[&str] = if subresource == "status" { &["metadata", "spec"] } else { &["status"] };
        let mut fields = FieldSet::default();
        for path in paths {
            fields.insert(&FieldPath::fields(&[path]).0);
        }
        IgnoredFields::from([(kind.api.to_string().into(), fields)])
    }
}

/// The verbs of every custom resource, in the order of discovery.
const VERBS: [&str; 8] = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

/// What a definition serves, a resource a version.
pub(crate) fn resources(definition: &Value, custom: &Arc<Custom>) -> Vec<Resource> {
    let text = |path: &[&str]| definition.str_at(path).unwrap_or_default().to_owned();
    let texts = |key: &str| {
        let list = definition.at(&["spec", "names", key]).and_then(Value::as_list).unwrap_or_default();
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let kind = text(&["spec", "names", "kind"]);
    let singular = match text(&["spec", "names", "singular"]) {
        text if text.is_empty() => kind.to_lowercase(),
        text => text,
    };
    let group = text(&["spec", "group"]);
    let resource = |version: &CustomVersion| Resource {
        group: group.clone(),
        version: version.name.clone(),
        kind: kind.clone(),
        plural: text(&["spec", "names", "plural"]),
        singular: singular.clone(),
        short_names: texts("shortNames"),
        categories: texts("categories"),
        namespaced: definition.str_at(&["spec", "scope"]) == Some("Namespaced"),
        verbs: VERBS.map(str::to_owned).to_vec(),
        subresources: subresources(&group, version, &kind),
    };
    custom.versions.iter().filter(|version| version.served).map(resource).collect()
}

fn subresources(group: &str, version: &CustomVersion, kind: &str) -> Vec<Subresource> {
    let verbs = || ["get", "patch", "update"].map(str::to_owned).to_vec();
    let mut subresources = Vec::new();
    if version.has_status {
        let kind = (group.to_owned(), version.name.clone(), kind.to_owned());
        subresources.push(Subresource { name: "status".into(), kind, verbs: verbs() });
    }
    if version.scale.is_some() {
        let kind = ("autoscaling".to_owned(), "v1".to_owned(), "Scale".to_owned());
        subresources.push(Subresource { name: "scale".into(), kind, verbs: verbs() });
    }
    subresources
}
