//! A plain JSON client of the Kubernetes API over HTTP/2: paths in, JSON out.
//!
//! Kept apart from the product's client on purpose: a test that judges the product must not use its code.
use std::path::Path;

use anyhow::{Context, Result};
use futures::stream::BoxStream;
use http::{Method, Request, header};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use kube::Client;
use kube::client::{Body, ConfigExt};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;

pub use kube::core::WatchEvent;

/// Where the objects of one kind live: `apiVersion`, plural, and whether they have a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    api_version: String,
    plural: String,
    cluster_scoped: bool,
}

/// Kinds without a namespace among those that the tests use.
const CLUSTER_SCOPED: &[&str] = &[
    "Namespace",
    "Node",
    "PersistentVolume",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleBinding",
    "StorageClass",
    "PriorityClass",
    "APIService",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "Project",
];

impl Resource {
    /// The resource of a kind, by the naming convention that every built-in kind follows.
    pub fn of(api_version: &str, kind: &str) -> Self {
        let lower = kind.to_lowercase();
        let plural = match lower.as_str() {
            word if word.ends_with("ss") => format!("{word}es"),
            word if word.ends_with('s') => word.to_owned(),
            word if word.ends_with('y') && !word.ends_with("ey") => format!("{}ies", &word[..word.len() - 1]),
            word => format!("{word}s"),
        };
        let cluster_scoped = CLUSTER_SCOPED.contains(&kind);
        Self { api_version: api_version.to_owned(), plural, cluster_scoped }
    }

    /// The URL path of the collection; every namespace's when `namespace` is `None`.
    pub fn collection(&self, namespace: Option<&str>) -> String {
        let root = if self.api_version.contains('/') { "/apis" } else { "/api" };
        let (version, plural) = (&self.api_version, &self.plural);
        match namespace.filter(|_| !self.cluster_scoped) {
            Some(namespace) => format!("{root}/{version}/namespaces/{namespace}/{plural}"),
            None => format!("{root}/{version}/{plural}"),
        }
    }

    /// The URL path of one object.
    pub fn object(&self, namespace: &str, name: &str) -> String {
        format!("{}/{name}", self.collection(Some(namespace)))
    }

    /// The resource and the URL path of an object given as JSON; without a namespace it is `default`'s.
    ///
    /// # Errors
    /// When it has no apiVersion, kind or name.
    pub fn locate(object: &Value) -> Result<(Self, String)> {
        let needed = |pointer: &str| Some(text(object, pointer)).filter(|found| !found.is_empty());
        let api_version = needed("/apiVersion").context("object without apiVersion")?;
        let kind = needed("/kind").context("object without kind")?;
        let name = needed("/metadata/name").context("object without name")?;
        let resource = Self::of(api_version, kind);
        let path = resource.object(needed("/metadata/namespace").unwrap_or("default"), name);
        Ok((resource, path))
    }
}

/// The client. Cheap to clone; all clones share one connection.
#[derive(Clone)]
pub struct Rest {
    client: Client,
}

impl Rest {
    /// Connects as the kubeconfig's current context says.
    ///
    /// # Errors
    /// When the file cannot be read or its credentials are unusable.
    pub async fn from_kubeconfig(path: &Path) -> Result<Self> {
        let kubeconfig = Kubeconfig::read_from(path).with_context(|| path.display().to_string())?;
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        let tls = config.rustls_client_config()?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        // A request is two small writes; without this the second waits 40 ms for the first one's acknowledgement.
        tcp.set_nodelay(true);
        let https = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http2()
            .wrap_connector(tcp);
        let transport: legacy::Client<_, Body> =
            legacy::Client::builder(TokioExecutor::new()).http2_only(true).build(https);
        let service = tower::ServiceBuilder::new()
            .layer(config.base_uri_layer())
            .option_layer(config.auth_layer()?)
            .map_err(tower::BoxError::from)
            .service(transport);
        Ok(Self { client: Client::new(service, config.default_namespace) })
    }

    /// The answer to a GET.
    ///
    /// # Errors
    /// The API server's refusal, or a broken connection; see [`is_not_found`].
    pub async fn get(&self, path: &str) -> kube::Result<Value> {
        self.send(Method::GET, path, None).await
    }

    /// The answer to a GET as text: `/metrics` and the like.
    ///
    /// # Errors
    /// As [`Rest::get`].
    pub async fn text(&self, path: &str) -> kube::Result<String> {
        self.client.request_text(request(Method::GET, path, None)?).await
    }

    /// The object, or `None` where there is none.
    ///
    /// # Errors
    /// As [`Rest::get`], without "not found".
    pub async fn find(&self, path: &str) -> kube::Result<Option<Value>> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if is_not_found(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The collection's items and its resource version.
    ///
    /// # Errors
    /// As [`Rest::get`].
    pub async fn list(&self, path: &str) -> kube::Result<(Vec<Value>, String)> {
        let mut list = self.get(path).await?;
        let version = text(&list, "/metadata/resourceVersion").to_owned();
        let items = match list.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        Ok((items, version))
    }

    /// A server-side apply, forced.
    ///
    /// # Errors
    /// As [`Rest::get`], or an object that names no kind.
    pub async fn apply(&self, object: &Value, manager: &str) -> Result<Value> {
        let (_, path) = Resource::locate(object)?;
        let path = format!("{path}?fieldManager={manager}&force=true");
        let body = Some(("application/apply-patch+yaml", object));
        Ok(self.send(Method::PATCH, &path, body).await?)
    }

    /// A create.
    ///
    /// # Errors
    /// As [`Rest::get`], or an object that names no kind.
    pub async fn create(&self, object: &Value) -> Result<Value> {
        let (_, path) = Resource::locate(object)?;
        let collection = path.rsplit_once('/').map_or(path.as_str(), |(collection, _)| collection);
        Ok(self.send(Method::POST, collection, Some(("application/json", object))).await?)
    }

    /// A JSON merge patch under the field manager `manager`; `path` may name a subresource.
    ///
    /// # Errors
    /// As [`Rest::get`].
    pub async fn merge(&self, path: &str, patch: &Value, manager: &str) -> kube::Result<Value> {
        let path = format!("{path}?fieldManager={manager}");
        self.send(Method::PATCH, &path, Some(("application/merge-patch+json", patch))).await
    }

    /// A delete; an object that is not there is no error. `path` may carry a query.
    ///
    /// # Errors
    /// As [`Rest::get`], without "not found".
    pub async fn delete(&self, path: &str) -> kube::Result<()> {
        match self.send(Method::DELETE, path, None).await {
            Err(error) if !is_not_found(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Any request with a JSON body of the given media type.
    ///
    /// # Errors
    /// As [`Rest::get`].
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, &Value)>,
    ) -> kube::Result<Value> {
        self.client.request(request(method, path, body)?).await
    }

    /// Any request, and the answer as it is, whatever its code.
    ///
    /// # Errors
    /// A broken connection.
    pub(crate) async fn answer(&self, request: Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>> {
        let (head, body) = self.client.send(request.map(Body::from)).await?.into_parts();
        let bytes = body.collect().await?.to_bytes().to_vec();
        Ok(http::Response::from_parts(head, bytes))
    }

    /// The events of a collection after `version`, until the API server ends the stream.
    ///
    /// # Errors
    /// As [`Rest::get`]; an expired version comes as an event.
    pub async fn watch(
        &self,
        path: &str,
        version: &str,
    ) -> kube::Result<BoxStream<'static, kube::Result<WatchEvent<Value>>>> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{separator}watch=true&resourceVersion={version}");
        let events = self.client.request_events(request(Method::GET, &path, None)?).await?;
        Ok(Box::pin(events))
    }
}

/// Whether the API server said that there is no such object.
pub fn is_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// The text at a JSON pointer, or the empty one.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

fn request(method: Method, path: &str, body: Option<(&str, &Value)>) -> kube::Result<Request<Vec<u8>>> {
    let builder = Request::builder().method(method).uri(path);
    let request = match body {
        Some((media_type, value)) => {
            let bytes = serde_json::to_vec(value).map_err(kube::Error::SerdeError)?;
            builder.header(header::CONTENT_TYPE, media_type).body(bytes)
        }
        None => builder.body(Vec::new()),
    };
    request.map_err(kube::Error::HttpError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_the_kinds() {
        let check = |api_version: &str, kind: &str, want: &str| {
            assert_eq!(Resource::of(api_version, kind).object("ns", "a"), want);
        };
        check("v1", "ConfigMap", "/api/v1/namespaces/ns/configmaps/a");
        check("apps/v1", "Deployment", "/apis/apps/v1/namespaces/ns/deployments/a");
        check("networking.k8s.io/v1", "Ingress", "/apis/networking.k8s.io/v1/namespaces/ns/ingresses/a");
        check(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "/apis/networking.k8s.io/v1/namespaces/ns/networkpolicies/a",
        );
        check("v1", "Endpoints", "/api/v1/namespaces/ns/endpoints/a");
        check("v1", "Namespace", "/api/v1/namespaces/a");
        check("lockstep.dev/v1alpha1", "Project", "/apis/lockstep.dev/v1alpha1/projects/a");
    }

    #[test]
    fn an_object_without_a_name_has_no_place() {
        let error = Resource::locate(&serde_json::json!({"apiVersion": "v1", "kind": "Pod"})).unwrap_err();
        assert_eq!(error.to_string(), "object without name");
    }
}
