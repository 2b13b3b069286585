//! What a cluster tells about its own API server: where it is, and whom it trusts.

use std::net::{IpAddr, SocketAddr};

use apiserver::{Api, Authority};
use apistore::{Method, Request};
use lockstep_core::{Value, to_json};

const SERVICE: &str = "/api/v1/namespaces/default/services/kubernetes";
const ENDPOINTS: &str = "/api/v1/namespaces/default/endpoints/kubernetes";
const SLICE: &str = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes";
const TRUSTED: &str = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";

/// Writes down what a real API server writes at its start. The Service `kubernetes` has endpoints where they can be reached from
/// elsewhere: nobody may make one of a loopback address, which is another machine's to everyone else.
pub(crate) async fn announce(api: &Api, authority: &Authority, address: SocketAddr) {
    let port = i64::from(address.port());
    send(api, merge(SERVICE, service(port))).await;
    let trusted = object(&[("client-ca-file", authority.certificate().into())]);
    send(api, merge(TRUSTED, object(&[("data", trusted)]))).await;
    for (path, document) in [(ENDPOINTS, endpoints(address)), (SLICE, slice(address))] {
        match is_reachable(address.ip()) {
            true => send(api, apply(path, document)).await,
            // Of an earlier start on another address.
            false => _ = api.call(&Request::system(Method::Delete, path)).await,
        }
    }
}

fn is_reachable(ip: IpAddr) -> bool {
    !ip.is_loopback() && !ip.is_unspecified()
}

async fn send(api: &Api, request: Request) {
    let answer = api.call(&request).await;
    if answer.code >= 300 {
        let body = answer.body.json().unwrap_or_default();
        let message = String::from_utf8_lossy(&body);
        tracing::warn!(path = request.path, %message, "the API server cannot announce itself");
    }
}

fn merge(path: &str, patch: Value) -> Request {
    let request = Request::system(Method::Patch, path).agent("kube-apiserver/");
    request.body("application/merge-patch+json", to_json(&patch))
}

fn apply(path: &str, document: Value) -> Request {
    let request = Request::system(Method::Patch, path).with("fieldManager", "kube-apiserver");
    request.with("force", "true").body("application/apply-patch+yaml", to_json(&document))
}

fn object(entries: &[(&str, Value)]) -> Value {
    Value::map(entries.iter().map(|(key, value)| ((*key).into(), value.clone())).collect())
}

fn service(port: i64) -> Value {
    let https = object(&[
        ("name", "https".into()),
        ("port", 443.into()),
        ("protocol", "TCP".into()),
        ("targetPort", port.into()),
    ]);
    object(&[("spec", object(&[("ports", Value::list(vec![https]))]))])
}

fn https(port: u16) -> Value {
    let port = i64::from(port);
    Value::list(vec![object(&[("name", "https".into()), ("port", port.into()), ("protocol", "TCP".into())])])
}

/// Not mirrored: its slice is written beside it.
fn endpoints(address: SocketAddr) -> Value {
    let ip = object(&[("ip", address.ip().to_string().into())]);
    let subset = object(&[("addresses", Value::list(vec![ip])), ("ports", https(address.port()))]);
    let labels = object(&[("endpointslice.kubernetes.io/skip-mirror", "true".into())]);
    object(&[
        ("apiVersion", "v1".into()),
        ("kind", "Endpoints".into()),
        ("metadata", object(&[("name", "kubernetes".into()), ("labels", labels)])),
        ("subsets", Value::list(vec![subset])),
    ])
}

fn slice(address: SocketAddr) -> Value {
    let endpoint = object(&[
        ("addresses", Value::list(vec![address.ip().to_string().into()])),
        ("conditions", object(&[("ready", true.into())])),
    ]);
    let labels = object(&[("kubernetes.io/service-name", "kubernetes".into())]);
    object(&[
        ("apiVersion", "discovery.k8s.io/v1".into()),
        ("kind", "EndpointSlice".into()),
        ("metadata", object(&[("name", "kubernetes".into()), ("labels", labels)])),
        ("addressType", if address.is_ipv4() { "IPv4" } else { "IPv6" }.into()),
        ("endpoints", Value::list(vec![endpoint])),
        ("ports", https(address.port())),
    ])
}

#[cfg(test)]
mod tests {
    use apiserver::TokenKey;
    use apistore::{Body, Settings, Store};
    use lockstep_core::from_json;
    use runtime::Clock;

    use super::*;

    async fn read(api: &Api, path: &str) -> Option<Value> {
        match api.call(&Request::system(Method::Get, path)).await.body {
            Body::Object(object) => {
                from_json(&object).ok().filter(|it| it.str_at(&["kind"]) != Some("Status"))
            }
            _ => None,
        }
    }

    #[tokio::test]
    async fn a_server_is_announced_where_it_can_be_reached() {
        let store = Store::new(Settings { seed: 1, history: 100 }, Clock::system().since_epoch());
        let api = Api::in_memory(store, TokenKey::new([7; 64]));
        let authority = Authority::generate().unwrap();
        let check = async |address: &str, known: Option<&str>| {
            announce(&api, &authority, address.parse().unwrap()).await;
            let service = read(&api, SERVICE).await.unwrap();
            let ports = service.at(&["spec", "ports"]).and_then(Value::as_list).unwrap();
            assert_eq!(ports[0].int_at(&["targetPort"]), Some(6000), "{address}");
            let trusted = read(&api, TRUSTED).await.unwrap();
            assert_eq!(trusted.str_at(&["data", "client-ca-file"]), Some(authority.certificate()));
            let endpoints = read(&api, ENDPOINTS).await;
            let subsets = endpoints.as_ref().and_then(|it| it.get("subsets")).and_then(Value::as_list);
            let of =
                |subsets: &[Value]| subsets[0].get("addresses").and_then(Value::as_list).unwrap().to_vec();
            assert_eq!(
                subsets.map(of).map(|all| all[0].str_at(&["ip"]).unwrap().to_owned()).as_deref(),
                known
            );
            let slice = read(&api, SLICE).await;
            let of = |slice: &Value| slice.get("endpoints").and_then(Value::as_list).unwrap()[0].clone();
            let addresses = slice.as_ref().map(of).and_then(|it| it.get("addresses").cloned());
            assert_eq!(addresses, known.map(|ip| Value::list(vec![ip.into()])), "{address}");
        };
        check("127.0.0.1:6000", None).await;
        check("192.0.2.7:6000", Some("192.0.2.7")).await;
        check("192.0.2.8:6000", Some("192.0.2.8")).await;
        check("0.0.0.0:6000", None).await;
    }
}
