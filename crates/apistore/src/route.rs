//! From a request to what answers it.

use std::sync::Arc;

use crate::call::{Call, Outcome, Shown};
use crate::failure::{Failure, Halt};
use crate::info::{Info, Verb};
use crate::served::Served;
use crate::state::State;
use crate::{delete, read, subresource, watch, write};

/// The resource that a path names.
pub(crate) fn served(state: &State, info: &Info) -> Result<Arc<Served>, Missing> {
    let served = state.catalog.get(&info.group, &info.version, &info.resource);
    let Some(served) = served else {
        return Err(missing(&info.group));
    };
    let in_namespace = !info.namespace.is_empty();
    let is_namespace = served.is("", "namespaces") && info.name == info.namespace;
    let fits = match served.resource.namespaced {
        true => in_namespace || info.name.is_empty(),
        false => !in_namespace || is_namespace,
    };
    let known = info.subresource.is_empty() || served.subresource(&info.subresource).is_some();
    if fits && known { Ok(served.clone()) } else { Err(missing(&info.group)) }
}

fn missing(group: &str) -> Missing {
    let built_in = group.is_empty() || kinds::resources().iter().any(|resource| resource.group == group);
    if built_in { Missing::Resource } else { Missing::Group }
}

/// What is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Resource,
    /// Not even its group: another part of the server answers then.
    Group,
}

/// Answers a request for a resource.
pub(crate) fn route(state: &State, call: &mut Call<'_>) -> Result<Outcome, Halt> {
    warn_of_deprecation(call);
    if !call.info.subresource.is_empty() {
        return subresource::route(state, call);
    }
    if crate::review::is_review(&call.served) {
        return match call.info.verb {
            Verb::Create => crate::review::review(state, call),
            _ => Err(refused(call).into()),
        };
    }
    if call.served.is("", "bindings") && call.info.verb == Verb::Create {
        return subresource::bind(state, call);
    }
    let named = !call.info.name.is_empty();
    let homeless = call.served.resource.namespaced && call.info.namespace.is_empty();
    match call.info.verb {
        Verb::Watch if call.served.takes("watch") => watch::watch(state, call),
        verb if !call.served.takes(verb.as_str()) => Err(refused(call).into()),
        Verb::Get => read::get(state, call),
        Verb::List => read::list(state, call),
        Verb::Create if !named && !homeless => write::create(state, call),
        Verb::Update if named => write::update(state, call),
        Verb::Patch if named => write::patch(state, call),
        Verb::Delete if named => delete::delete(state, call),
        Verb::DeleteCollection if !homeless => delete::delete_collection(state, call),
        _ => Err(refused(call).into()),
    }
}

/// The method is none of the resource's.
pub(crate) fn refused(call: &Call<'_>) -> Failure {
    if !call.served.is_custom() {
        return Failure::method_not_allowed();
    }
    let resource = call.resource();
    let text = crate::failure::quoted(&resource.to_string());
    let message = format!("{} is not supported on resources of kind {text}", call.info.verb.as_str());
    Failure::new(405, "MethodNotAllowed", message).about(&resource, "")
}

fn warn_of_deprecation(call: &mut Call<'_>) {
    if call.served.is("", "endpoints") {
        call.warn("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice");
    }
    if call.served.is("", "componentstatuses") {
        call.warn("v1 ComponentStatus is deprecated in v1.19+");
    }
    if let crate::served::Rules::Custom(custom) = &call.served.rules
        && let Some(text) =
            custom.version(&call.served.resource.version).and_then(|version| version.deprecation.clone())
    {
        call.warn(text);
    }
}

/// What another part of the server would have said of an unknown group.
pub(crate) fn page_not_found() -> Outcome {
    Outcome::with(404, Shown::Text(b"404 page not found\n".as_slice().into()))
}
