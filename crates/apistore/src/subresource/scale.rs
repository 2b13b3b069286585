//! The number of replicas, as an object of its own.

use std::sync::{Arc, LazyLock};

use kinds::Resource;
use lockstep_core::{FieldPath, LabelSelector, Map, PathElement, Value};
use schema::{At, Definitions, FieldError, Managers, ReplicasPaths, ScaledManagers};

use crate::answers::Ask;
use crate::body;
use crate::call::{Call, Outcome, Shown};
use crate::convert::{convert, decode};
use crate::failure::{Failure, GroupResource, Halt};
use crate::info::Verb;
use crate::options::{WriteKind as OptionsKind, WriteOptions};
use crate::served::{Rules, Served};
use crate::state::State;
use crate::write::{Patched, Rewrite, View, check_name, rewrite, writer};

/// Scale as if it were a resource.
pub(crate) static SCALE: LazyLock<Arc<Served>> = LazyLock::new(|| {
    let text = str::to_owned;
    let resource = Resource {
        group: text("autoscaling"),
        version: text("v1"),
        kind: text("Scale"),
        plural: text("scales"),
        singular: text("scale"),
        short_names: Vec::new(),
        categories: Vec::new(),
        namespaced: true,
        verbs: Vec::new(),
        subresources: Vec::new(),
    };
    Arc::new(Served::built_in(&resource, &Definitions::built_in()))
});

/// Shows or changes the scale of an object.
pub(super) fn scale(state: &State, call: &mut Call<'_>) -> Result<Outcome, Halt> {
    if call.info.verb == Verb::Get {
        let Some(entry) = state.entry(&call.served, call.namespace(), &call.info.name) else {
            return Err(call.not_found().into());
        };
        let ask = Ask { state, answers: call.answers };
        let object = decode(&call.served, ask, entry)?;
        if call.served.is_custom() && !has_replicas(&call.served, &object) {
            return Err(Failure::internal(&no_replicas(&call.served, "does not exist")).into());
        }
        return Ok(Outcome::read(Shown::Object(of(&call.served, &object))));
    }
    let (options, patched) = match call.info.verb {
        Verb::Patch => {
            let patched = Patched::read(call)?;
            (patched.options.clone(), Some(patched))
        }
        _ => (WriteOptions::read(call.request, OptionsKind::Update)?, None),
    };
    let ask = Ask { state, answers: call.answers };
    let served = call.served.clone();
    let make = |call: &mut Call<'_>, live: Option<&Value>| {
        let Some(live) = live else { return Err(missing(call).into()) };
        let mut old = with_managers(&served, of(&served, live), live);
        if served.is_custom() && !has_replicas(&served, live) {
            old.set(&["spec", "replicas"], UNSET.into());
        }
        let new = match &patched {
            Some(patched) => patched.apply(ask, call, &SCALE, Some(&old))?,
            None => {
                let format = body::format(call)?;
                let new = body::decode(call, format, &SCALE.gvk, options.field_validation)?;
                writer(ask, &SCALE, "scale", (&options, call.time())).update(Some(&old), &new)?
            }
        };
        check_name(call, &new)?;
        match served.is_custom() {
            // Whether the number is one is the custom resource's own to say.
            true if unset(&new) => {
                return Err(Failure::bad_request(no_replicas(&served, "cannot be empty")).into());
            }
            true => {}
            false => check(&new, &call.info.name)?,
        }
        Ok(scaled(&served, live, &new))
    };
    let change = Rewrite { options: &options, uid: None, creates: false, make: &make, view: Some(VIEW) };
    let outcome = rewrite(state, call, &change)?;
    shown(ask, call, outcome)
}

/// Admission sees the Scale, and may change its replicas.
const VIEW: View = View {
    of,
    put: |served, object, scale| {
        let mut object = object.clone();
        let replicas = scale.int_at(&["spec", "replicas"]).unwrap_or(0);
        object.set(&keys(&paths(served).spec), replicas.into());
        object
    },
};

/// What the Scale of a custom resource without a number of replicas has in its place while it is changed.
const UNSET: i64 = i32::MIN as i64;

fn unset(scale: &Value) -> bool {
    scale.int_at(&["spec", "replicas"]) == Some(UNSET)
}

fn has_replicas(served: &Served, object: &Value) -> bool {
    object.int_at(&keys(&paths(served).spec)).is_some()
}

fn no_replicas(served: &Served, why: &str) -> String {
    let path = format!(".{}", paths(served).spec.join("."));
    format!("the spec replicas field {} {why}", crate::failure::quoted(&path))
}

fn missing(call: &Call<'_>) -> Failure {
    let resource =
        GroupResource::new(&call.served.resource.group, &format!("{}/scale", call.served.resource.plural));
    Failure::not_found(&resource, &call.info.name)
}

/// What was written, as a Scale.
fn shown(ask: Ask<'_>, call: &Call<'_>, outcome: Outcome) -> Result<Outcome, Halt> {
    let written = outcome.writes.first().and_then(|write| write.change.put().cloned());
    let (object, index) = match (written, &outcome.shown) {
        (Some(object), _) => (object, Some(0)),
        (None, Shown::Object(object) | Shown::At(_, object)) => (object.clone(), None),
        (None, Shown::Json(json)) => (lockstep_core::from_json(json).unwrap_or_default(), None),
        (None, _) => return Ok(outcome),
    };
    let object = convert(&call.served, ask, object, &call.served.api_version)?;
    let scale = of(&call.served, &object);
    let shown = match index {
        Some(index) => Shown::At(index, scale),
        None => Shown::Object(scale),
    };
    Ok(Outcome { shown, ..outcome })
}

/// Where a kind has what its Scale shows.
struct Paths {
    spec: Vec<String>,
    status: Vec<String>,
    selector: Option<Vec<String>>,
}

fn paths(served: &Served) -> Paths {
    let of = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    let scale = match &served.rules {
        Rules::Custom(custom) => {
            custom.version(&served.resource.version).and_then(|version| version.scale.clone())
        }
        Rules::BuiltIn(_) => None,
    };
    match scale {
        Some(scale) => {
            Paths { spec: scale.spec_replicas, status: scale.status_replicas, selector: scale.selector }
        }
        None => {
            Paths { spec: of(&["spec", "replicas"]), status: of(&["status", "replicas"]), selector: None }
        }
    }
}

fn keys(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}

/// The Scale of an object.
fn of(served: &Served, object: &Value) -> Value {
    let paths = paths(served);
    let mut scale = Value::default();
    scale.set(&["kind"], "Scale".into());
    scale.set(&["apiVersion"], "autoscaling/v1".into());
    for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object.at(&["metadata", key]) {
            scale.set(&["metadata", key], value.clone());
        }
    }
    scale.set(&["spec"], Value::map(Map::new()));
    if let Some(replicas) = object.int_at(&keys(&paths.spec)).filter(|replicas| *replicas != 0) {
        scale.set(&["spec", "replicas"], replicas.into());
    }
    let replicas = object.int_at(&keys(&paths.status)).unwrap_or(0);
    scale.set(&["status", "replicas"], replicas.into());
    let selector = match &paths.selector {
        Some(path) => object.str_at(&keys(path)).unwrap_or_default().to_owned(),
        None if served.is_custom() => String::new(),
        None => selector_text(object),
    };
    if !selector.is_empty() {
        scale.set(&["status", "selector"], selector.into());
    }
    scale
}

fn selector_text(object: &Value) -> String {
    let Some(selector) = object.at(&["spec", "selector"]) else { return String::new() };
    let structured = selector.get("matchLabels").is_some() || selector.get("matchExpressions").is_some();
    match structured {
        true => LabelSelector(selector).to_string(),
        // Replication controllers have plain labels.
        false => {
            let labels = selector.as_map().into_iter().flatten();
            let labels = labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
            labels.collect::<Vec<_>>().join(",")
        }
    }
}

fn replicas_paths(served: &Served) -> ReplicasPaths {
    let field =
        |path: &[String]| FieldPath(path.iter().map(|key| PathElement::Field(key.as_str().into())).collect());
    match &served.rules {
        Rules::BuiltIn(strategy) => strategy
            .versions
            .iter()
            .map(|version| {
                let api = match served.resource.group.is_empty() {
                    true => (*version).to_owned(),
                    false => format!("{}/{version}", served.resource.group),
                };
                (api.into(), Some(FieldPath::fields(&["spec", "replicas"])))
            })
            .chain([(served.api_version.clone(), Some(FieldPath::fields(&["spec", "replicas"])))])
            .collect(),
        Rules::Custom(custom) => custom
            .versions
            .iter()
            .map(|version| {
                let api = format!("{}/{}", served.resource.group, version.name);
                (api.into(), version.scale.as_ref().map(|scale| field(&scale.spec_replicas)))
            })
            .collect(),
    }
}

fn managers(object: &Value) -> Managers {
    let entries = object.at(&["metadata", "managedFields"]).unwrap_or(&Value::Null);
    Managers::decode(entries).unwrap_or_default()
}

fn with_managers(served: &Served, mut scale: Value, object: &Value) -> Value {
    let (parent, replicas) = (managers(object), replicas_paths(served));
    let scaled = ScaledManagers { parent: &parent, api_version: &served.api_version, replicas: &replicas };
    if let Some(entries) = scaled.of_scale().encode() {
        scale.set(&["metadata", "managedFields"], entries);
    }
    scale
}

fn check(scale: &Value, name: &str) -> Result<(), Failure> {
    let found = scale.int_at(&["spec", "replicas"]).unwrap_or(0);
    if found >= 0 {
        return Ok(());
    }
    let spec = At::ROOT.field("spec");
    let error = FieldError::invalid(&spec.field("replicas"), found, "must be greater than or equal to 0");
    Err(Failure::invalid(&GroupResource::new("autoscaling", "Scale"), name, &[error]))
}

/// The object with the replicas of a Scale.
fn scaled(served: &Served, live: &Value, scale: &Value) -> Value {
    let mut object = live.clone();
    let paths = paths(served);
    object.set(&keys(&paths.spec), scale.int_at(&["spec", "replicas"]).unwrap_or(0).into());
    for key in ["uid", "resourceVersion"] {
        if let Some(text) = scale.str_at(&["metadata", key]).filter(|text| !text.is_empty()) {
            object.set(&["metadata", key], text.into());
        }
    }
    let (parent, replicas) = (managers(live), replicas_paths(served));
    let scaled = ScaledManagers { parent: &parent, api_version: &served.api_version, replicas: &replicas };
    match scaled.of_parent(&managers(scale)).encode() {
        Some(entries) => object.set(&["metadata", "managedFields"], entries),
        None => {
            object.remove(&["metadata", "managedFields"]);
        }
    }
    object
}
