//! What a request is about: its path and method, read as `RequestInfoFactory` of k8s.io/apiserver does.

use crate::request::{Method, Request};

/// The verb of a request, as RBAC and audit name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// get
    Get,
    /// list
    List,
    /// watch
    Watch,
    /// create
    Create,
    /// update
    Update,
    /// patch, apply
    Patch,
    /// delete
    Delete,
    /// deletecollection
    DeleteCollection,
    /// The old `/proxy/` prefix.
    Proxy,
}

impl Verb {
    /// As roles name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
            Self::Proxy => "proxy",
        }
    }
}

/// What a request for a resource is about. What the path does not name is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// What is to be done.
    pub verb: Verb,
    /// The API group; empty for the core.
    pub group: String,
    /// The version.
    pub version: String,
    /// The namespace; a request for a Namespace itself names it here too.
    pub namespace: String,
    /// The plural name of the resource.
    pub resource: String,
    /// The name of the object.
    pub name: String,
    /// The further endpoint of the object.
    pub subresource: String,
    /// What follows the subresource.
    pub(crate) rest: String,
    /// Whether the path has the old prefix `/watch/`.
    pub(crate) watch_prefix: bool,
}

impl Info {
    /// `None` where the path is not one of a resource.
    pub fn of(request: &Request) -> Option<Self> {
        let mut parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        let (group, version) = match *parts.first()? {
            "api" if parts.len() >= 3 => ("", parts[1]),
            "apis" if parts.len() >= 4 => (parts[1], parts[2]),
            _ => return None,
        };
        parts.drain(..if parts[0] == "api" { 2 } else { 3 });
        let mut verb = verb_of(request.method);
        let mut watch_prefix = false;
        if matches!(parts[0], "watch" | "proxy") {
            if parts.len() < 2 {
                return None;
            }
            watch_prefix = parts[0] == "watch";
            verb = if watch_prefix { Verb::Watch } else { Verb::Proxy };
            parts.remove(0);
        }
        let mut namespace = "";
        if parts[0] == "namespaces" && parts.len() > 1 {
            namespace = parts[1];
            if parts.len() > 2 && !matches!(parts[2], "status" | "finalize") {
                parts.drain(..2);
            }
        }
        let part = |index: usize| parts.get(index).copied().unwrap_or_default().to_owned();
        let subresource = if verb == Verb::Proxy { String::new() } else { part(2) };
        let info = Self {
            verb,
            group: group.to_owned(),
            version: version.to_owned(),
            namespace: namespace.to_owned(),
            resource: part(0),
            name: part(1),
            subresource,
            rest: parts.get(3..).unwrap_or_default().join("/"),
            watch_prefix,
        };
        Some(info.of_collection(request))
    }

    /// Without a name, get is list or watch, and delete is deletecollection.
    fn of_collection(mut self, request: &Request) -> Self {
        if self.name.is_empty() {
            self.verb = match self.verb {
                Verb::Get if asks_to_watch(request) => Verb::Watch,
                Verb::Get => Verb::List,
                Verb::Delete => Verb::DeleteCollection,
                other => other,
            };
        }
        self
    }
}

fn verb_of(method: Method) -> Verb {
    match method {
        Method::Get => Verb::Get,
        Method::Post => Verb::Create,
        Method::Put => Verb::Update,
        Method::Patch => Verb::Patch,
        Method::Delete => Verb::Delete,
    }
}

fn asks_to_watch(request: &Request) -> bool {
    request.parameter("watch").is_some_and(|value| !matches!(&*value.to_ascii_lowercase(), "false" | "0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: Method, path: &str, want: Option<(&str, &str, &str, &str, &str, &str, &str)>) {
        let (path, watch) = path.strip_suffix("?watch").map_or((path, false), |path| (path, true));
        let mut request = Request::system(method, path);
        if watch {
            request = request.with("watch", "true");
        }
        let info = Info::of(&request);
        let got = info.as_ref().map(|info| {
            (
                info.verb.as_str(),
                &*info.group,
                &*info.version,
                &*info.namespace,
                &*info.resource,
                &*info.name,
                &*info.subresource,
            )
        });
        assert_eq!(got, want, "{path}");
    }

    #[test]
    fn paths_are_read_as_the_server_reads_them() {
        use Method::{Delete, Get, Post, Put};
        check(Get, "/api/v1/pods", Some(("list", "", "v1", "", "pods", "", "")));
        check(Get, "/api/v1/pods?watch", Some(("watch", "", "v1", "", "pods", "", "")));
        check(Get, "/api/v1/namespaces", Some(("list", "", "v1", "", "namespaces", "", "")));
        check(Get, "/api/v1/namespaces/a", Some(("get", "", "v1", "a", "namespaces", "a", "")));
        check(
            Put,
            "/api/v1/namespaces/a/finalize",
            Some(("update", "", "v1", "a", "namespaces", "a", "finalize")),
        );
        check(Post, "/api/v1/namespaces/a/pods", Some(("create", "", "v1", "a", "pods", "", "")));
        check(
            Post,
            "/api/v1/namespaces/a/pods/p/eviction",
            Some(("create", "", "v1", "a", "pods", "p", "eviction")),
        );
        check(
            Put,
            "/apis/apps/v1/namespaces/a/deployments/d/scale",
            Some(("update", "apps", "v1", "a", "deployments", "d", "scale")),
        );
        check(
            Delete,
            "/apis/apps/v1/namespaces/a/deployments",
            Some(("deletecollection", "apps", "v1", "a", "deployments", "", "")),
        );
        check(Get, "/api/v1/watch/namespaces/a/pods", Some(("watch", "", "v1", "a", "pods", "", "")));
        check(Get, "/api/v1/watch/namespaces/a/pods/p", Some(("watch", "", "v1", "a", "pods", "p", "")));
        check(Get, "/apis/apps/v1", None);
        check(Get, "/api/v1", None);
        check(Get, "/healthz", None);
    }
}
