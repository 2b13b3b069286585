//! May someone do something?

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use super::texts;
use crate::authorizer::{Asked, What};
use crate::call::Call;
use crate::failure::{Failure, GroupResource};
use crate::selector::{FieldSelector, LabelSelector};
use crate::state::State;
use crate::user::User;

const ONE_OF: &str = "exactly one of nonResourceAttributes or resourceAttributes must be specified";

/// Whether the user of the question may.
pub(super) fn subject(state: &State, object: Value) -> Result<Value, Failure> {
    let mut errors = spec_errors(&object, true);
    errors.extend(metadata_errors(&object, "must be empty"));
    refuse(&errors)?;
    Ok(answered(state, &named_user(&object), object))
}

/// Whether the user of the question may, in a namespace.
pub(super) fn local(state: &State, object: Value, namespace: &str) -> Result<Value, Failure> {
    let mut errors = spec_errors(&object, true);
    let mut bare = object.clone();
    bare.remove(&["metadata", "namespace"]);
    errors.extend(metadata_errors(&bare, "must be empty except for namespace"));
    let at = At::ROOT.field("spec");
    if object.at(&["spec", "resourceAttributes"]).is_some() {
        let asked = object.str_at(&["spec", "resourceAttributes", "namespace"]).unwrap_or_default();
        if asked != namespace {
            let at = at.field("resourceAttributes");
            errors.push(FieldError::invalid(&at.field("namespace"), asked, "must match metadata.namespace"));
        }
    }
    if let Some(value) = object.at(&["spec", "nonResourceAttributes"]) {
        let at = at.field("nonResourceAttributes");
        errors.push(FieldError::invalid(&at, go_names(value), "disallowed on this kind of request"));
    }
    refuse(&errors)?;
    Ok(answered(state, &named_user(&object), object))
}

/// Whether who asks may.
pub(super) fn of_sender(state: &State, call: &Call<'_>, object: Value) -> Result<Value, Failure> {
    let mut errors = spec_errors(&object, false);
    errors.extend(metadata_errors(&object, "must be empty"));
    refuse(&errors)?;
    Ok(answered(state, &call.user, object))
}

/// The server forgets the kind when it tells what is wrong.
fn refuse(errors: &[FieldError]) -> Result<(), Failure> {
    match errors.is_empty() {
        true => Ok(()),
        false => Err(Failure::invalid(&GroupResource::new("authorization.k8s.io", ""), "", errors)),
    }
}

fn named_user(object: &Value) -> User {
    let text = |key| object.str_at(&["spec", key]).unwrap_or_default().to_owned();
    let extra = object.at(&["spec", "extra"]).and_then(Value::as_map);
    User {
        name: text("user"),
        uid: text("uid"),
        groups: texts(object.at(&["spec", "groups"])),
        extra: extra
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.to_string(), texts(Some(value))))
            .collect(),
    }
}

fn answered(state: &State, user: &User, mut object: Value) -> Value {
    let resource = object.at(&["spec", "resourceAttributes"]).cloned();
    let path = object.at(&["spec", "nonResourceAttributes"]).cloned().unwrap_or_default();
    let asked = resource.as_ref().unwrap_or(&path);
    let text = |key| asked.str_at(&[key]).unwrap_or_default();
    let what = match &resource {
        None => What::Path(text("path")),
        Some(_) => What::Resource(Asked {
            group: text("group"),
            resource: text("resource"),
            subresource: text("subresource"),
            namespace: text("namespace"),
            name: text("name"),
        }),
    };
    let verdict = state.rights.decide(user, text("verb"), &what);
    let mut status = Value::map(Map::new());
    status.set(&["allowed"], verdict.allowed.into());
    if !verdict.reason.is_empty() {
        status.set(&["reason"], verdict.reason.into());
    }
    let ignored: Vec<String> = ["fieldSelector", "labelSelector"]
        .iter()
        .filter_map(|key| Some((key, asked.get(key)?)))
        .filter_map(|(key, selector)| ignored(key, selector))
        .collect();
    if !ignored.is_empty() {
        status.set(&["evaluationError"], ignored.join("; ").into());
    }
    object.set(&["status"], status);
    object
}

/// What cannot be read of a selector, if that is so. Selectors do not matter to roles.
fn ignored(key: &str, selector: &Value) -> Option<String> {
    let raw = selector.str_at(&["rawSelector"]).unwrap_or_default();
    let of_fields = key == "fieldSelector";
    let requirements = selector.get("requirements").and_then(Value::as_list).unwrap_or_default();
    let known = |requirement: &&Value| {
        let values = texts(requirement.get("values")).len();
        match (requirement.str_at(&["operator"]).unwrap_or_default(), of_fields) {
            ("In" | "NotIn", true) => values == 1,
            ("In" | "NotIn" | "Exists" | "DoesNotExist", false) => true,
            _ => false,
        }
    };
    let good = requirements.iter().filter(known).count();
    let raw_fits = match of_fields {
        true => raw.is_empty() || FieldSelector::parse(raw).is_ok(),
        false => raw.is_empty() || LabelSelector::parse(raw).is_ok(),
    };
    let partially = match (good == requirements.len() && raw_fits, good) {
        (true, _) => return None,
        (false, 0) => "",
        (false, _) => "partially ",
    };
    Some(format!("spec.resourceAttributes.{key} {partially}ignored due to parse error"))
}

fn spec_errors(object: &Value, names_user: bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let at = At::ROOT.field("spec");
    let resource = object.at(&["spec", "resourceAttributes"]).filter(|value| value.as_map().is_some());
    let path = object.at(&["spec", "nonResourceAttributes"]).filter(|value| value.as_map().is_some());
    if resource.is_some() == path.is_some() {
        errors.push(FieldError::invalid(&at, path.map(go_names).unwrap_or_default(), ONE_OF));
    }
    let user = object.str_at(&["spec", "user"]).unwrap_or_default();
    if names_user && user.is_empty() && texts(object.at(&["spec", "groups"])).is_empty() {
        errors.push(FieldError::invalid(
            &at.field("user"),
            "",
            "at least one of user or group must be specified",
        ));
    }
    let at = at.field("resourceAttributes");
    for key in ["fieldSelector", "labelSelector"] {
        if let Some(selector) = resource.and_then(|resource| resource.get(key)) {
            selector_errors(&mut errors, &at.field(key), key, selector);
        }
    }
    errors
}

fn selector_errors(errors: &mut Vec<FieldError>, at: &At<'_>, key: &str, selector: &Value) {
    let raw = selector.str_at(&["rawSelector"]).unwrap_or_default();
    let requirements = selector.get("requirements").and_then(Value::as_list).unwrap_or_default();
    match (raw.is_empty(), requirements.is_empty()) {
        (false, false) => {
            let why = "may not specified at the same time as requirements";
            errors.push(FieldError::invalid(&at.field("rawSelector"), raw, why));
        }
        (true, true) => {
            let why = format!(
                "when spec.resourceAttributes.{key} is specified, requirements or rawSelector is required"
            );
            errors.push(FieldError::required(&at.field("requirements"), why));
        }
        _ => {}
    }
    let list = at.field("requirements");
    for (index, requirement) in requirements.iter().enumerate() {
        let at = list.index(index);
        let values = texts(requirement.get("values"));
        match requirement.str_at(&["operator"]).unwrap_or_default() {
            "In" | "NotIn" if values.is_empty() => {
                let why = "must be specified when `operator` is 'In' or 'NotIn'";
                errors.push(FieldError::required(&at.field("values"), why));
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                errors.push(FieldError::forbidden(&at.field("values"), why));
            }
            _ => {}
        }
    }
}

/// A question has no metadata but what the server itself puts there.
fn metadata_errors(object: &Value, why: &str) -> Option<FieldError> {
    let metadata = object.get("metadata").and_then(Value::as_map)?;
    let own = metadata.keys().all(|key| &**key == "managedFields");
    (!own).then(|| FieldError::invalid(&At::ROOT.field("metadata"), Value::map(metadata.clone()), why))
}

/// A value with its fields as Go names them: the server shows its own type here.
fn go_names(value: &Value) -> Value {
    let mut named = Value::map(Map::new());
    for (key, go) in [("path", "Path"), ("verb", "Verb")] {
        named.set(&[go], value.str_at(&[key]).unwrap_or_default().into());
    }
    named
}
