//! One request over HTTP, from its head to the answer.

use std::sync::Arc;

use apistore::{Body as Answer, Info, Method, Request, Response, Store, User, Verb};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, USER_AGENT};
use http_body_util::{BodyExt, Limited};
use lockstep_core::{Value, from_json, to_json};

use crate::accept::{Accepted, Encoding, Form, accepted, allows, is_offered, wants_aggregated_discovery};
use crate::api::{Api, Reset};
use crate::authentication::{Claim, impersonated, percent_decoded};
use crate::body::{Body, streamed, whole};
use crate::columns::Columns;
use crate::discovery::{self, Part, map};
use crate::encode::{Shape, encode, is_status, ok, value_body, with_headers};
use crate::health;
use crate::metrics::Metrics;
use crate::server::Access;
use crate::table::{RowKind, Tables};
use crate::{audit, openapi, openapi_proto, status, stream};

/// What every request of one server needs.
pub(crate) struct Router {
    /// The API.
    pub api: Arc<Api>,
    /// Who is known by a token, and the log of writes.
    pub access: Access,
    /// `host:port`, as discovery tells it.
    pub address: String,
    /// The counts of requests.
    pub metrics: Metrics,
}

/// Bytes of a request's body, as the real server limits them.
const LARGEST_BODY: usize = 3 * 1024 * 1024;

/// The header that names a request.
const AUDIT_ID: &str = "audit-id";

/// Where the CustomResourceDefinitions are.
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// A request that has been read.
struct Call {
    request: Request,
    uri: http::Uri,
    headers: HeaderMap,
    /// What it is called in the log of writes.
    id: String,
}

impl Router {
    /// Answers one request; `certificate` is the user whom the connection's certificate names. No answer breaks the connection.
    pub(crate) async fn answer<B>(
        &self,
        http: http::Request<B>,
        certificate: Option<&User>,
    ) -> Result<http::Response<Body>, Reset>
    where
        B: hyper::body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let shape = self.shape(http.headers(), http.uri().query().unwrap_or_default());
        let bare = http.method() == http::Method::HEAD;
        let told = http.headers().get(AUDIT_ID).and_then(|value| value.to_str().ok());
        let id = audit::id(told, shape.now);
        let read = self.read(http, certificate).await;
        let mut answer = match read.map(|call| Call { id: id.clone(), ..call }) {
            // Resources have no heads; what tells of the server has.
            Ok(call) if bare && Info::of(&call.request).is_some() => {
                own(&status::method_not_allowed(), &shape)
            }
            Ok(call) => self.route(&call, shape).await?,
            Err(refused) => own(&refused, &shape),
        };
        if let Ok(id) = http::HeaderValue::from_str(&id) {
            answer.headers_mut().insert(AUDIT_ID, id);
        }
        Ok(if bare { answer.map(|_| whole(Bytes::new())) } else { answer })
    }

    async fn read<B>(&self, http: http::Request<B>, certificate: Option<&User>) -> Result<Call, Response>
    where
        B: hyper::body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = http.into_parts();
        let method = method(&parts.method).ok_or_else(status::method_not_allowed)?;
        let user = self.user(certificate, &parts.headers).await.ok_or_else(status::unauthorized)?;
        let body = Limited::new(body, LARGEST_BODY).collect().await;
        let body = body.map_err(|_| status::too_large(LARGEST_BODY))?;
        let text = |name| parts.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        let request = Request {
            method,
            path: percent_decoded(parts.uri.path()),
            query: query(parts.uri.query().unwrap_or_default()),
            content_type: text(CONTENT_TYPE).unwrap_or_default().to_owned(),
            body: body.to_bytes().as_ref().into(),
            user,
            impersonate: impersonated(&parts.headers),
            agent: text(USER_AGENT).unwrap_or_default().to_owned(),
        };
        Ok(Call { request, uri: parts.uri, headers: parts.headers, id: String::new() })
    }

    /// In which form to answer, as far as the head tells; what cannot be fulfilled is told later, with the path.
    fn shape(&self, headers: &HeaderMap, query: &str) -> Shape {
        let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        let agent = text(USER_AGENT).unwrap_or_default();
        let people = ["curl", "Wget", "Mozilla/"].iter().any(|program| agent.starts_with(program));
        let parameters = self::query(query);
        let parameter =
            |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| &**value);
        Shape {
            accepted: accepted(text(ACCEPT).unwrap_or_default()).unwrap_or(Accepted::PLAIN),
            pretty: parameter("pretty").map_or(people, |value| !matches!(value, "false" | "0")),
            rows: RowKind::parse(parameter("includeObject")).unwrap_or(RowKind::Metadata),
            now: self.api.now(),
        }
    }

    async fn user(&self, certificate: Option<&User>, headers: &HeaderMap) -> Option<User> {
        match self.access.authentication.claim(certificate, headers) {
            Claim::Known(user) => Some(user),
            Claim::Token(token) => self.api.service_account(token.expose()).await,
        }
    }

    async fn route(&self, call: &Call, shape: Shape) -> Result<http::Response<Body>, Reset> {
        match Info::of(&call.request) {
            Some(info) => self.resource(call, &info, shape).await,
            None => {
                let answer = self.other(call, &shape).await;
                Ok(answer.unwrap_or_else(|| self.nothing(&call.request.path, &shape)))
            }
        }
    }

    /// Of a group that is served, the API says that a path is not there; of all else, the program that serves it.
    fn nothing(&self, path: &str, shape: &Shape) -> http::Response<Body> {
        let parts: Vec<&str> = path.split('/').collect();
        let known = match parts[..] {
            ["", "api", ..] => true,
            ["", "apis", group, ..] => {
                self.api.read(|store| store.resources()).iter().any(|entry| entry.group == group)
            }
            _ => false,
        };
        match known {
            true => own(&status::not_found(), shape),
            false => with_headers((404, &[]), PLAIN_TEXT, whole("404 page not found\n".to_owned())),
        }
    }

    async fn resource(&self, call: &Call, info: &Info, shape: Shape) -> Result<http::Response<Body>, Reset> {
        let request = &call.request;
        let accept = call.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let built_in = is_built_in(info);
        let refused = match accepted(accept) {
            _ if built_in && !is_offered(accept) => Some(status::not_acceptable()),
            None => Some(status::not_acceptable_form()),
            Some(wish) if info.verb == Verb::Watch && wish.encoding == Encoding::Yaml => {
                Some(status::not_acceptable_watch())
            }
            Some(_) => None,
        };
        if let Some(refused) = refused {
            self.api.read(|store| self.count(store, call, refused.code));
            return Ok(own(&refused, &shape));
        }
        let response = self.api.call_noted(request, |store, code| self.count(store, call, code)).await?;
        if let Some(refused) = other_form(&response, request, (info, shape.accepted.form)) {
            return Ok(own(&refused, &shape));
        }
        let tables = match shape.accepted.form {
            Form::Table => self.tables(info).await,
            Form::Whole | Form::Metadata | Form::MetadataList => Tables::Custom(Columns::default()),
        };
        Ok(match response.body {
            Answer::Watch(watch) => {
                let lines = stream::events(self.api.clone(), watch, shape, tables);
                with_headers((response.code, &response.warnings), "application/json", streamed(lines))
            }
            Answer::Log(log) => with_headers(
                (response.code, &response.warnings),
                "text/plain",
                streamed(stream::log(self.api.clone(), log)),
            ),
            _ => encode(&response, &shape, &tables),
        })
    }

    fn count(&self, store: &Store, call: &Call, code: u16) {
        self.metrics.count_served(store, &call.request, code);
        if let Some(audit) = &self.access.audit {
            audit.note(&call.request, (&call.uri, &call.id), code, self.api.now());
        }
    }

    /// How the objects of a resource are printed.
    async fn tables(&self, info: &Info) -> Tables {
        let served = self.api.read(|store| store.resources());
        let entry = served.iter().find(|entry| is_of(info, entry));
        let scales = entry.and_then(|entry| entry.subresources.iter().find(|sub| sub.name == "scale"));
        if let Some(scale) = scales.filter(|_| info.subresource == "scale" && is_built_in(info))
            && let Some(table) = kinds::table(&scale.kind.0, &scale.kind.2)
        {
            return Tables::BuiltIn(table);
        }
        let kind = entry.map(|entry| entry.kind.as_str()).unwrap_or_default();
        if let Some(table) = kinds::table(&info.group, kind) {
            return Tables::BuiltIn(table);
        }
        let path = format!("{DEFINITIONS}/{}.{}", info.resource, info.group);
        let definition = match self.api.call(&Request::system(Method::Get, path)).await {
            Response { code: 200, body: Answer::Object(object), .. } => from_json(&object).ok(),
            _ => None,
        };
        Tables::Custom(match definition {
            Some(definition) => Columns::of_custom_resource(&definition, &info.version),
            None => Columns::age(),
        })
    }

    /// The CustomResourceDefinitions.
    async fn definitions(&self) -> Vec<Value> {
        let list = Request::system(Method::Get, DEFINITIONS);
        match self.api.call(&list).await.body {
            Answer::List(list) => list.items.iter().filter_map(|item| from_json(item).ok()).collect(),
            _ => Vec::new(),
        }
    }

    /// What is not a resource: discovery, schemas, health, version, metrics. The store says who may see it.
    async fn other(&self, call: &Call, shape: &Shape) -> Option<http::Response<Body>> {
        let request = &call.request;
        if let Some(refused) = self.api.read(|store| store.refuses(request)) {
            return Some(own(&refused, shape));
        }
        if request.method != Method::Get || request.path.starts_with("//") {
            return None;
        }
        let accept = call.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let json = ["application/json"];
        match request.path.trim_end_matches('/') {
            "/openapi/v2"
                if !allows(accept, &[json[0], openapi_proto::MEDIA_TYPE, openapi_proto::OLD_MEDIA_TYPE]) =>
            {
                Some(nothing_acceptable())
            }
            "/version" => Some(document(&version(), shape)),
            "/metrics" => Some(plain_text(self.metrics.text())),
            "/openapi/v2" => {
                let json = openapi::v2(&self.definitions().await)?;
                Some(match openapi_proto::wanted(accept) {
                    true => proto_bytes(openapi_proto::document(&from_json(&json).ok()?)),
                    false => json_bytes(json),
                })
            }
            // JSON, whatever is wanted.
            "/openapi/v3" => Some(json_bytes(to_json(&openapi::index(&self.definitions().await)))),
            "" => Some(document(&self.paths(), shape)),
            path if let Some(health) = health::Check::of(path) => health.answer(request).map(plain_text),
            path => match path.strip_prefix("/openapi/v3/") {
                Some(path) => {
                    let bytes = openapi::document(&self.definitions().await, path)?;
                    Some(if allows(accept, &json) { json_bytes(bytes) } else { nothing_acceptable() })
                }
                None => self.discovery(call, path, shape).await,
            },
        }
    }

    async fn discovery(&self, call: &Call, path: &str, shape: &Shape) -> Option<http::Response<Body>> {
        let accept = call.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let resources = self.api.read(|store| store.resources());
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let part = match parts[..] {
            ["api"] => Some(Part::Core),
            ["apis"] => Some(Part::Groups),
            _ => None,
        };
        if let Some(part) = part.filter(|_| wants_aggregated_discovery(accept)) {
            let bytes = to_json(&discovery::aggregated(&resources, part));
            return Some(ok(AGGREGATED, whole(bytes)));
        }
        if let ["api" | "apis", ..] = parts[..]
            && accepted(accept).is_none()
        {
            return Some(own(&status::not_acceptable_form(), shape));
        }
        let value = match parts[..] {
            ["api"] => discovery::api_versions(&self.address),
            ["apis"] => discovery::groups(&resources),
            ["api", version] => discovery::resource_list(&resources, ("", version), &[])?,
            ["apis", group] => discovery::group(&resources, group)?,
            ["apis", group, version] => {
                discovery::resource_list(&resources, (group, version), &self.definitions().await)?
            }
            _ => return None,
        };
        Some(document(&value, shape))
    }

    /// The answer to `GET /`.
    fn paths(&self) -> Value {
        let resources = self.api.read(|store| store.resources());
        let fixed =
            ["/api", "/apis", "/apis/", "/metrics", "/openapi/v2", "/openapi/v3", "/openapi/v3/", "/version"];
        let mut paths: Vec<String> = fixed.map(str::to_owned).into_iter().chain(health::paths()).collect();
        for entry in resources.iter() {
            if entry.group.is_empty() {
                paths.push(format!("/api/{}", entry.version));
            } else {
                paths.push(format!("/apis/{}", entry.group));
                paths.push(format!("/apis/{}/{}", entry.group, entry.version));
            }
        }
        paths.sort();
        paths.dedup();
        map([("paths", Value::list(paths.into_iter().map(Value::from).collect()))])
    }
}

fn is_built_in(info: &Info) -> bool {
    kinds::resources().iter().any(|entry| is_of(info, entry))
}

/// Whether a request is for this resource.
pub(crate) fn is_of(info: &Info, entry: &kinds::Resource) -> bool {
    entry.group == info.group && entry.version == info.version && entry.plural == info.resource
}

/// Why a good answer cannot have the form that is wanted; asked for only once there is one.
fn other_form(response: &Response, request: &Request, (info, form): (&Info, Form)) -> Option<Response> {
    if !(200..300).contains(&response.code) {
        return None;
    }
    let kind = |list: &str| {
        let served = kinds::resources().iter().find(|entry| is_of(info, entry));
        match (served, info.group.split('.').next()) {
            // The real server names the types that it works with itself.
            (Some(served), Some("" | "events")) => format!("*core.{}{list}", served.kind),
            (Some(served), Some(package)) => format!("*{package}.{}{list}", served.kind),
            _ => format!("*unstructured.Unstructured{list}"),
        }
    };
    match (form, &response.body) {
        (Form::Metadata, Answer::List(_)) => {
            Some(status::other_form("PartialObjectMetadata", &format!("a list ({})", kind("List"))))
        }
        (Form::MetadataList, Answer::Object(object)) if !is_status(object) => {
            Some(status::other_form("PartialObjectMetadataList", &format!("not a list ({})", kind(""))))
        }
        (Form::Table, _) => match request.parameter("includeObject") {
            text if RowKind::parse(text).is_some() => None,
            text => Some(status::no_table(text.unwrap_or_default())),
        },
        _ => None,
    }
}

fn method(method: &http::Method) -> Option<Method> {
    match *method {
        http::Method::GET | http::Method::HEAD => Some(Method::Get),
        http::Method::POST => Some(Method::Post),
        http::Method::PUT => Some(Method::Put),
        http::Method::PATCH => Some(Method::Patch),
        http::Method::DELETE => Some(Method::Delete),
        _ => None,
    }
}

/// The media type of discovery as one document.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// The release whose behaviour this is, as `kubectl version` prints it.
fn version() -> Value {
    map([
        ("major", "1".into()),
        ("minor", "37".into()),
        ("emulationMajor", "1".into()),
        ("emulationMinor", "37".into()),
        ("minCompatibilityMajor", "1".into()),
        ("minCompatibilityMinor", "36".into()),
        ("gitVersion", "v1.37.2+lockstep".into()),
        ("gitCommit", "".into()),
        ("gitTreeState", "".into()),
        ("buildDate", "1970-01-01T00:00:00Z".into()),
        ("goVersion", "".into()),
        ("compiler", "rustc".into()),
        ("platform", concat!("linux/", "amd64").into()),
    ])
}

fn document(value: &Value, shape: &Shape) -> http::Response<Body> {
    ok(shape.accepted.encoding.media_type(), value_body(value, shape))
}

fn proto_bytes(bytes: Vec<u8>) -> http::Response<Body> {
    ok(openapi_proto::MEDIA_TYPE, whole(bytes))
}

/// The client wants nothing that a document of OpenAPI can be had in.
fn nothing_acceptable() -> http::Response<Body> {
    let mut answer = http::Response::new(whole(Bytes::new()));
    *answer.status_mut() = http::StatusCode::NOT_ACCEPTABLE;
    answer
}

fn json_bytes(bytes: Vec<u8>) -> http::Response<Body> {
    ok("application/json", whole(bytes))
}

const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

fn plain_text(text: String) -> http::Response<Body> {
    ok(PLAIN_TEXT, whole(text))
}

/// An answer that this server gives itself: whole, whatever the client wanted.
fn own(response: &Response, shape: &Shape) -> http::Response<Body> {
    let mut shape = shape.clone();
    shape.accepted.form = Form::Whole;
    encode(response, &shape, &Tables::Custom(Columns::age()))
}

/// The parameters of a query, decoded (`application/x-www-form-urlencoded`).
fn query(text: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| percent_decoded(&text.replace('+', " "));
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded() {
        let pairs = query("labelSelector=a%3Db%2Cc&watch&x=1+2&&y=");
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(pairs, [("labelSelector", "a=b,c"), ("watch", ""), ("x", "1 2"), ("y", "")]);
    }
}
