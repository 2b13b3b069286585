//! Calls of webhooks: admission and conversion.

use std::sync::Arc;
use std::time::Duration;

use apistore::{Answer, WebhookCall};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};

/// Bytes of a webhook's answer.
const LARGEST_ANSWER: usize = 3 * 1024 * 1024;

/// What a webhook answers, over HTTPS; an error is a text that may be shown to who made the request. Each call is its own connection: they
/// are rare, and each may trust another authority.
pub(crate) async fn call(call: &WebhookCall) -> Answer {
    let seconds = Duration::from_secs(u64::from(call.timeout.max(1)));
    match tokio::time::timeout(seconds, send(call)).await {
        Ok(answer) => answer.map_err(|error| failed(call, &error)),
        Err(_) => Err(failed(call, "context deadline exceeded")),
    }
}

/// As Go's client words it.
fn failed(call: &WebhookCall, why: &str) -> String {
    format!("Post \"{}\": {why}", call.url)
}

async fn send(call: &WebhookCall) -> Result<Arc<[u8]>, String> {
    let https =
        HttpsConnectorBuilder::new().with_tls_config(trust(&call.ca_bundle)?).https_or_http().enable_http1();
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(https.build());
    let request = http::Request::post(&call.url)
        .header(http::header::CONTENT_TYPE, "application/json")
        .header(http::header::ACCEPT, "application/json, */*")
        .body(Full::new(Bytes::from_owner(call.body.clone())))
        .map_err(|error| error.to_string())?;
    let response = client.request(request).await.map_err(|error| root_cause(&error))?;
    let status = response.status();
    let body = Limited::new(response.into_body(), LARGEST_ANSWER).collect().await;
    let body = body.map_err(|error| error.to_string())?.to_bytes();
    if !status.is_success() {
        return Err(format!("the server answered {status}"));
    }
    Ok(body.as_ref().into())
}

/// The innermost reason says what happened: the outer ones say that something did.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn trust(ca_bundle: &[u8]) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    if ca_bundle.is_empty() {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    for certificate in CertificateDer::pem_slice_iter(ca_bundle) {
        let certificate = certificate.map_err(|_| "the caBundle is not PEM".to_owned())?;
        roots.add(certificate).map_err(|error| format!("the caBundle is no certificate: {error}"))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
