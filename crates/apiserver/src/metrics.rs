//! Requests counted as a real server counts them, so that what counts requests there counts them here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use apistore::{Info, Method, Request, Store, Verb};
use parking_lot::Mutex;

use crate::route::is_of;

/// The counts of requests, for `/metrics`.
#[derive(Debug, Default)]
pub(crate) struct Metrics(Mutex<BTreeMap<Labels, u64>>);

/// The labels of `apiserver_request_total`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Labels {
    code: u16,
    dry_run: String,
    group: String,
    resource: String,
    scope: &'static str,
    subresource: String,
    verb: &'static str,
    version: String,
}

/// How many different requests are told apart: far more than a cluster with a thousand custom resources has.
const MOST: usize = 20_000;

/// Whether a text can be the name of something that is served; the empty one is that of the core group.
fn is_name(text: &str) -> bool {
    text.len() <= 253
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
}

impl Metrics {
    /// Counts an answered request; what was refused before it came to a resource is not counted by a real server.
    pub(crate) fn count_served(&self, store: &Store, request: &Request, code: u16) {
        let counts = match code {
            403 => store.refuses(request).is_none(),
            404 | 405 => Info::of(request).is_some_and(|info| is_served(store, &info)),
            _ => true,
        };
        if counts {
            self.count(request, code);
        }
    }

    /// Counts an answered request.
    fn count(&self, request: &Request, code: u16) {
        let Some(info) = Info::of(request) else { return };
        // Nobody may fill the memory with names that he makes up.
        if [&info.group, &info.version, &info.resource, &info.subresource]
            .into_iter()
            .any(|name| !is_name(name))
        {
            return;
        }
        let labels = Labels {
            code,
            dry_run: request
                .parameter("dryRun")
                .filter(|value| *value == "All")
                .unwrap_or_default()
                .to_owned(),
            scope: scope(request, &info),
            verb: verb(request, &info),
            group: info.group,
            resource: info.resource,
            subresource: info.subresource,
            version: info.version,
        };
        let mut counts = self.0.lock();
        if counts.len() < MOST || counts.contains_key(&labels) {
            *counts.entry(labels).or_default() += 1;
        }
    }

    /// Prometheus' text form.
    pub(crate) fn text(&self) -> String {
        let mut text = String::from(
            "# HELP apiserver_request_total [STABLE] Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.\n# TYPE apiserver_request_total counter\n",
        );
        for (labels, count) in &*self.0.lock() {
            let Labels { code, dry_run, group, resource, scope, subresource, verb, version } = labels;
            // Writing to a text cannot fail.
            let _ = writeln!(
                text,
                "apiserver_request_total{{code=\"{code}\",component=\"apiserver\",dry_run=\"{dry_run}\",group=\"{group}\",resource=\"{resource}\",scope=\"{scope}\",subresource=\"{subresource}\",verb=\"{verb}\",version=\"{version}\"}} {count}"
            );
        }
        text
    }
}

/// Whether there is such a resource, and whether it can be asked so.
fn is_served(store: &Store, info: &Info) -> bool {
    let fits = match info.verb {
        Verb::Get | Verb::Update | Verb::Patch | Verb::Delete => !info.name.is_empty(),
        Verb::Create => info.name.is_empty() || !info.subresource.is_empty(),
        Verb::List | Verb::Watch | Verb::DeleteCollection | Verb::Proxy => true,
    };
    if !fits {
        return false;
    }
    let can = |verbs: &[String]| verbs.iter().any(|verb| verb == info.verb.as_str());
    store.resources().iter().any(|entry| {
        is_of(info, entry)
            && match info.subresource.is_empty() {
                true => can(&entry.verbs),
                false => entry.subresources.iter().any(|sub| sub.name == info.subresource && can(&sub.verbs)),
            }
    })
}

fn verb(request: &Request, info: &Info) -> &'static str {
    match info.verb {
        Verb::Get | Verb::Proxy => "GET",
        Verb::List => "LIST",
        Verb::Watch => "WATCH",
        Verb::Create => "POST",
        Verb::Update => "PUT",
        Verb::Patch if request.content_type.starts_with("application/apply-patch") => "APPLY",
        Verb::Patch => "PATCH",
        Verb::Delete | Verb::DeleteCollection => "DELETE",
    }
}

fn scope(request: &Request, info: &Info) -> &'static str {
    match (info.name.is_empty() && request.method != Method::Post, info.namespace.is_empty()) {
        (false, _) => "resource",
        (true, false) => "namespace",
        (true, true) => "cluster",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_the_labels_of_a_real_server() {
        let check = |request: Request, expected: &str| {
            let metrics = Metrics::default();
            metrics.count(&request, 200);
            let text = metrics.text();
            assert!(text.lines().last().unwrap().contains(expected), "{text}");
        };
        let deployments = "/apis/apps/v1/namespaces/a/deployments";
        check(
            Request::system(Method::Patch, format!("{deployments}/b"))
                .body("application/apply-patch+yaml", b"".as_slice())
                .with("dryRun", "All"),
            "dry_run=\"All\",group=\"apps\",resource=\"deployments\",scope=\"resource\",subresource=\"\",verb=\"APPLY\",version=\"v1\"} 1",
        );
        check(
            Request::system(Method::Get, "/api/v1/pods").with("watch", "1"),
            "scope=\"cluster\",subresource=\"\",verb=\"WATCH\"",
        );
        check(
            Request::system(Method::Get, deployments),
            "scope=\"namespace\",subresource=\"\",verb=\"LIST\"",
        );
        check(
            Request::system(Method::Post, deployments),
            "scope=\"resource\",subresource=\"\",verb=\"POST\"",
        );
        check(
            Request::system(Method::Delete, deployments),
            "scope=\"namespace\",subresource=\"\",verb=\"DELETE\"",
        );
        check(
            Request::system(Method::Put, format!("{deployments}/b/status")),
            "subresource=\"status\",verb=\"PUT\"",
        );
    }

    #[test]
    fn what_no_resource_has_answered_is_not_counted() {
        let store = Store::new(apistore::Settings { seed: 1, history: 10 }, std::time::Duration::ZERO);
        let check = |request: Request, code: u16, counted: bool| {
            let metrics = Metrics::default();
            metrics.count_served(&store, &request, code);
            assert_eq!(metrics.text().contains("} 1"), counted, "{} {code}", request.path);
        };
        let pod = "/api/v1/namespaces/a/pods/b";
        let eve = apistore::User::of("eve", &["system:authenticated"]);
        check(Request::system(Method::Get, pod), 404, true);
        check(Request::system(Method::Get, format!("{pod}/status")), 404, true);
        check(Request::system(Method::Get, format!("{pod}/nope")), 404, false);
        check(Request::system(Method::Put, "/api/v1/namespaces/a/pods"), 405, false);
        // Forbidden by admission, and by roles.
        check(Request::system(Method::Post, "/api/v1/namespaces/a/pods"), 403, true);
        check(Request::system(Method::Get, pod).by(eve), 403, false);
    }
}
