//! Calls of webhooks: admission and conversion.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use apistore::{Answer, Store, WebhookCall};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::trust;

/// Bytes of a webhook's answer.
const LARGEST_ANSWER: usize = 3 * 1024 * 1024;

/// What a webhook answers, over HTTPS; an error is a text that may be shown to who made the request. Each call is its own connection: they
/// are rare, and each may trust another authority.
pub(crate) async fn call(call: &WebhookCall) -> Answer {
    let seconds = Duration::from_secs(u64::from(call.timeout.max(1)));
    match tokio::time::timeout(seconds, send(call)).await {
        Ok(Err(Failed::Unsent(why))) => Err(unsent(call, &why)),
        Ok(Err(Failed::Refused(why))) => Err(why),
        Ok(Ok(answer)) => Ok(answer),
        Err(_) => Err(unsent(call, "context deadline exceeded")),
    }
}

/// Why there is no answer.
enum Failed {
    /// Nobody heard the question.
    Unsent(String),
    /// The answer says no, or is none.
    Refused(String),
}

/// As Go's client words it.
fn unsent(call: &WebhookCall, why: &str) -> String {
    format!("Post \"{}\": {why}", call.url)
}

/// What is said of a call of a Service that is not there; `None` for one that is, and for all other addresses.
pub(crate) fn without_service(call: &WebhookCall, store: &Store) -> Option<String> {
    let uri: http::Uri = call.url.parse().ok()?;
    let (name, namespace) = uri.host()?.strip_suffix(".svc")?.split_once('.')?;
    let absent = store.object("", "services", namespace, name).is_none();
    absent.then(|| unsent(call, &format!("service \"{name}\" not found")))
}

async fn send(call: &WebhookCall) -> Result<Arc<[u8]>, Failed> {
    let unsent = |why: String| Failed::Unsent(why);
    let tls = trust::client(&call.ca_bundle).map_err(unsent)?;
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(https.build());
    let request = http::Request::post(&call.url)
        .header(http::header::CONTENT_TYPE, "application/json")
        .header(http::header::ACCEPT, "application/json, */*")
        .body(Full::new(Bytes::from_owner(call.body.clone())))
        .map_err(|error| unsent(error.to_string()))?;
    let uri = request.uri().clone();
    let response = match client.request(request).await {
        Ok(response) => response,
        Err(error) => {
            let cause = root_cause(&error);
            return Err(unsent(worded(cause, &uri).await));
        }
    };
    let status = response.status();
    let is_text = response
        .headers()
        .get(http::header::CONTENT_TYPE)
        .is_none_or(|kind| kind.to_str().is_ok_and(|kind| kind.starts_with("text/")));
    let body = Limited::new(response.into_body(), LARGEST_ANSWER).collect().await;
    let body = body.map_err(|error| unsent(error.to_string()))?.to_bytes();
    if !status.is_success() {
        let said = String::from_utf8_lossy(&body);
        let said = if is_text { said.trim() } else { "unknown" };
        return Err(Failed::Refused(refusal(status.as_u16(), said)));
    }
    Ok(body.as_ref().into())
}

/// What a code means that is no success, as client-go says it (`NewGenericServerResponse` of k8s.io/apimachinery).
fn refusal(code: u16, said: &str) -> String {
    let told = match code {
        400 => "the server rejected our request for an unknown reason",
        401 => "the server has asked for the client to provide credentials",
        403 | 406 | 415 => said,
        404 => "the server could not find the requested resource",
        405 => "the server does not allow this method on the requested resource",
        409 => "the server reported a conflict",
        410 => "the server could not find the requested resource",
        413 => "the server responded with the status code 413 but did not return more information",
        422 => "the server rejected our request due to an error in our request",
        429 => "the server has received too many requests and has asked us to try again later",
        503 => "the server is currently unable to handle the request",
        504 => {
            "the server was unable to return a response in the time allotted, but may still be processing the request"
        }
        500.. => {
            return format!("an error on the server ({said:?}) has prevented the request from succeeding");
        }
        code => {
            return format!(
                "the server responded with the status code {code} but did not return more information"
            );
        }
    };
    told.to_owned()
}

/// Why nobody heard the question, as Go says it.
async fn worded(cause: Cause, uri: &http::Uri) -> String {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = uri.port_u16().unwrap_or(443);
    // Where the name leads was found out a moment ago.
    let found = tokio::net::lookup_host((host, port)).await.map(|mut all| all.next());
    match (cause, found) {
        (Cause::Tls(error), _) => trust::worded(&error, host),
        (Cause::Io(..), Err(_)) => format!("dial tcp: lookup {host}: no such host"),
        (Cause::Io(io::ErrorKind::ConnectionRefused, _), Ok(found)) => {
            let address = found.map_or(format!("{host}:{port}"), |address| address.to_string());
            format!("dial tcp {address}: connect: connection refused")
        }
        (Cause::Io(_, said) | Cause::Other(said), _) => said,
    }
}

/// What lies under all that only says that something happened.
enum Cause {
    Tls(rustls::Error),
    Io(io::ErrorKind, String),
    Other(String),
}

fn root_cause(mut error: &(dyn Error + 'static)) -> Cause {
    loop {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Cause::Tls(tls.clone());
        }
        // What an error of input carries is not its source, but the source of that is.
        let carried = error.downcast_ref::<io::Error>().map(|io| (io, io.get_ref()));
        error = match (carried, error.source()) {
            (Some((_, Some(inner))), _) => inner,
            (Some((io, None)), _) => return Cause::Io(io.kind(), io.to_string()),
            (None, Some(source)) => source,
            (None, None) => return Cause::Other(error.to_string()),
        };
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, IsCa, KeyPair};
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A certificate that signs itself, as `openssl req -x509` makes them, and its key.
    fn own(names: &[&str]) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    /// Answers one request, over TLS.
    async fn serve((certificate, key): &(String, String), answer: &'static str) -> u16 {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await else { return };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        });
        port
    }

    async fn ask(port: u16, bundle: &str) -> Result<String, String> {
        let url = format!("https://127.0.0.1:{port}/hook?timeout=5s");
        let (ca_bundle, body) = (bundle.as_bytes().into(), b"{}".as_slice().into());
        let answer = call(&WebhookCall { url: url.clone(), ca_bundle, body, timeout: 5 }).await;
        let answer = answer.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        answer.map_err(|why| why.replace(&format!("Post \"{url}\": "), "Post: "))
    }

    const WELL: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

    #[tokio::test]
    async fn a_certificate_that_is_its_own_authority_is_believed_by_its_name() {
        let (here, elsewhere) = (own(&["127.0.0.1"]), own(&["a.example"]));
        assert_eq!(ask(serve(&here, WELL).await, &here.0).await, Ok("{}".to_owned()));
        let both = format!("{}{}", elsewhere.0, here.0);
        assert_eq!(ask(serve(&here, WELL).await, &both).await, Ok("{}".to_owned()));
        let check = async |port: u16, bundle: &str, why: &str| {
            let want = format!("Post: tls: failed to verify certificate: x509: {why}");
            assert_eq!(ask(port, bundle).await, Err(want));
        };
        check(serve(&here, WELL).await, &elsewhere.0, "certificate signed by unknown authority").await;
        let misnamed = "certificate is valid for a.example, not 127.0.0.1";
        check(serve(&elsewhere, WELL).await, &elsewhere.0, misnamed).await;
    }

    #[tokio::test]
    async fn who_does_not_answer_is_told_as_go_tells_it() {
        let here = own(&["127.0.0.1"]);
        let check = async |answer: &'static str, want: &str| {
            assert_eq!(ask(serve(&here, answer).await, &here.0).await, Err(want.to_owned()), "{answer}");
        };
        check(
            "HTTP/1.1 500 No\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\noops\n",
            "an error on the server (\"oops\") has prevented the request from succeeding",
        )
        .await;
        check(
            "HTTP/1.1 500 No\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
            "an error on the server (\"unknown\") has prevented the request from succeeding",
        )
        .await;
        check(
            "HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n",
            "the server could not find the requested resource",
        )
        .await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let refused = format!("Post: dial tcp 127.0.0.1:{port}: connect: connection refused");
        assert_eq!(ask(port, &here.0).await, Err(refused));
    }

    #[tokio::test]
    async fn who_speaks_without_encryption_is_known() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        });
        let want = "Post: http: server gave HTTP response to HTTPS client";
        assert_eq!(ask(port, &own(&["a"]).0).await, Err(want.to_owned()));
    }
}
