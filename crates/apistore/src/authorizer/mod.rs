//! Who may do what: role-based access control, and what asks it.
//!
//! The members of `system:masters` may do everything. Nodes are no special subjects: the simulated ones act as the system.

mod escalation;
mod impersonation;
mod rights;
mod rule;

use crate::failure::{Failure, GroupResource, quoted};
use crate::info::{Info, Verb};
use crate::request::{Method, Request};
use crate::selector::FieldSelector;
use crate::state::State;
use crate::user::User;

pub(crate) use escalation::check as check_escalation;
pub(crate) use impersonation::effective_user;
pub(crate) use rights::{MissingRole, Rights};

/// What someone wants to do something with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What<'a> {
    /// A path that names no resource.
    Path(&'a str),
    Resource(Asked<'a>),
}

/// A resource, or one object of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) group: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

/// Whether `user` may do what a request asks for; `info` is `None` for paths that name no resource.
pub(crate) fn allowed(
    state: &State,
    user: &User,
    request: &Request,
    info: Option<&Info>,
) -> Result<(), Failure> {
    if rights::is_master(user) {
        return Ok(());
    }
    let name = info.map(|info| name_of(request, info)).unwrap_or_default();
    let (verb, what) = question(request, info, &name);
    require(state, user, verb, &what)
}

/// What a request asks for.
fn question<'a>(request: &'a Request, info: Option<&'a Info>, name: &'a str) -> (&'a str, What<'a>) {
    match info {
        None => (method_verb(request.method), What::Path(&request.path)),
        Some(info) => {
            let asked = Asked {
                group: &info.group,
                resource: &info.resource,
                subresource: &info.subresource,
                namespace: &info.namespace,
                name,
            };
            (info.verb.as_str(), What::Resource(asked))
        }
    }
}

/// Refuses what a user may not do.
pub(crate) fn require(state: &State, user: &User, verb: &str, what: &What<'_>) -> Result<(), Failure> {
    let verdict = state.rights.decide(user, verb, what);
    if verdict.allowed { Ok(()) } else { Err(forbidden(user, verb, what, &verdict.reason)) }
}

/// The name of the object; a list that can only show one object asks for that one.
fn name_of(request: &Request, info: &Info) -> String {
    let lists = matches!(info.verb, Verb::List | Verb::Watch) && info.name.is_empty() && !info.watch_prefix;
    let selector = request.parameter("fieldSelector").filter(|_| lists);
    let selector = selector.and_then(|text| FieldSelector::parse(text).ok());
    let name = selector.as_ref().and_then(|selector| selector.exact("metadata.name"));
    let fits = |name: &&str| !matches!(*name, "." | "..") && !name.contains(['/', '%']);
    name.filter(fits).map_or_else(|| info.name.clone(), str::to_owned)
}

fn method_verb(method: Method) -> &'static str {
    match method {
        Method::Get => "get",
        Method::Post => "post",
        Method::Put => "put",
        Method::Patch => "patch",
        Method::Delete => "delete",
    }
}

/// In the words of the server.
fn forbidden(user: &User, verb: &str, what: &What<'_>, reason: &str) -> Failure {
    let user = quoted(&user.name);
    let (resource, name, mut text) = match what {
        What::Path(path) => {
            (GroupResource::default(), "", format!("User {user} cannot {verb} path {}", quoted(path)))
        }
        What::Resource(asked) => {
            let sub = if asked.subresource.is_empty() { "" } else { "/" };
            let resource = quoted(&format!("{}{sub}{}", asked.resource, asked.subresource));
            let place = match asked.namespace {
                "" => "at the cluster scope".to_owned(),
                namespace => format!("in the namespace {}", quoted(namespace)),
            };
            let group = quoted(asked.group);
            let text = format!("User {user} cannot {verb} resource {resource} in API group {group} {place}");
            (GroupResource::new(asked.group, asked.resource), asked.name, text)
        }
    };
    // What a browser might take for markup is not sent back.
    text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    if !reason.is_empty() {
        text = format!("{text}: {reason}");
    }
    Failure::forbidden(&resource, name, &text)
}
