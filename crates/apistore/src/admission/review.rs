//! A request as policies and webhooks see it.

use lockstep_core::{Map, Value};

use super::Operation;
use super::stage::Stage;
use crate::served::Served;

impl Operation {
    /// As reviews name it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// The kind of what a request holds: that of its further endpoint, where it has one.
pub(super) fn kind(stage: &Stage<'_, '_>, served: &Served) -> (String, String, String) {
    let own = (served.resource.group.clone(), served.resource.version.clone(), served.resource.kind.clone());
    match served.subresource(stage.attributes.subresource) {
        Some(subresource) if !subresource.kind.2.is_empty() => subresource.kind.clone(),
        _ => own,
    }
}

/// The `request` of an AdmissionReview. `as_` is the version in which the webhook wants the objects.
pub(super) fn request(
    stage: &Stage<'_, '_>,
    as_: &Served,
    uid: &str,
    (object, old): (Option<&Value>, Option<&Value>),
) -> Value {
    let mut request = Value::map(Map::new());
    request.set(&["uid"], uid.into());
    for (kind_key, resource_key, served) in
        [("kind", "resource", as_), ("requestKind", "requestResource", &*stage.call.served)]
    {
        let (group, version, kind) = kind(stage, served);
        for (key, text) in [("group", group), ("version", version), ("kind", kind)] {
            request.set(&[kind_key, key], text.into());
        }
        let resource = &served.resource;
        for (key, text) in
            [("group", &resource.group), ("version", &resource.version), ("resource", &resource.plural)]
        {
            request.set(&[resource_key, key], text.clone().into());
        }
    }
    let subresource = stage.attributes.subresource;
    let texts = [
        ("subResource", subresource),
        ("requestSubResource", subresource),
        ("name", &*name(stage, object)),
        ("namespace", stage.namespace()),
    ]
    .map(|(key, text)| (key, text.to_owned()));
    for (key, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        request.set(&[key], text.into());
    }
    request.set(&["operation"], stage.attributes.operation.as_str().into());
    request.set(&["userInfo"], stage.call.user.info());
    request.set(&["object"], object.cloned().unwrap_or_default());
    request.set(&["oldObject"], old.cloned().unwrap_or_default());
    request.set(&["dryRun"], stage.attributes.dry_run.into());
    request.set(&["options"], options(stage));
    request
}

/// The options as the client has sent them.
pub(super) fn options(stage: &Stage<'_, '_>) -> Value {
    let mut options = stage.attributes.options.clone();
    options.remove(&["force"]);
    for key in ["fieldManager", "fieldValidation"] {
        match stage.call.request.parameter(key).filter(|text| !text.is_empty()) {
            Some(text) => options.set(&[key], text.into()),
            None => _ = options.remove(&[key]),
        }
    }
    options
}

/// The name of a request's object; a name that is still to be generated is none.
pub(super) fn name(stage: &Stage<'_, '_>, object: Option<&Value>) -> String {
    match stage.attributes.name {
        "" => object.and_then(|object| object.str_at(&["metadata", "name"])).unwrap_or_default().to_owned(),
        name => name.to_owned(),
    }
}
