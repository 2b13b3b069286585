//! What a cluster has when it starts.

use crate::request::{Method, Request};

const NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// The requests that make it.
pub(crate) fn requests() -> Vec<Request> {
    let namespace = |name: &&str| {
        let body = format!(r#"{{"kind":"Namespace","apiVersion":"v1","metadata":{{"name":"{name}"}}}}"#);
        Request::new(Method::Post, "/api/v1/namespaces")
            .body("application/json", body.into_bytes())
            .agent("kube-apiserver")
    };
    NAMESPACES.iter().map(namespace).collect()
}
