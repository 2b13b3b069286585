//! Whom a webhook must be for its answer to count: as Go's TLS has it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Believes who is signed by an authority, and who is one of them himself: a certificate that signs itself is often both the bundle
/// and the server's own, which webpki alone refuses where it calls itself an authority.
#[derive(Debug)]
struct Bundle {
    chains: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
}

/// How a client of a webhook connects that trusts this bundle (PEM); an empty one stands for the system's authorities.
pub(crate) fn client(ca_bundle: &[u8]) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    if ca_bundle.is_empty() {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let mut certificates = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(ca_bundle) {
        let certificate = certificate.map_err(|_| "the caBundle is not PEM".to_owned())?;
        roots.add(certificate.clone()).map_err(|error| format!("the caBundle is no certificate: {error}"))?;
        certificates.push(certificate);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
    let chains = chains.map_err(|_| format!("{UNVERIFIED}: {UNKNOWN}"))?;
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| error.to_string())?;
    let verifier = Arc::new(Bundle { chains, certificates });
    Ok(config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

impl ServerCertVerifier for Bundle {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if !self.certificates.iter().any(|certificate| certificate.as_ref() == own.as_ref()) {
            return self.chains.verify_server_cert(own, between, name, ocsp, now);
        }
        verify_server_name(&ParsedCertificate::try_from(own)?, name)?;
        serves(own, now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

/// What is left to ask of a certificate that is trusted as it is: whether its time is now, and whether it may serve.
fn serves(own: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let (_, read) = X509Certificate::from_der(own).map_err(|_| CertificateError::BadEncoding)?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    match read.validity() {
        time if now < time.not_before.timestamp() => return Err(CertificateError::NotValidYet.into()),
        time if now > time.not_after.timestamp() => return Err(CertificateError::Expired.into()),
        _ => {}
    }
    let uses = read.extended_key_usage().ok().flatten();
    match uses.is_none_or(|uses| uses.value.any || uses.value.server_auth) {
        true => Ok(()),
        false => Err(CertificateError::InvalidPurpose.into()),
    }
}

const UNVERIFIED: &str = "tls: failed to verify certificate";
const UNKNOWN: &str = "x509: certificate signed by unknown authority";

/// Why a handshake failed, as Go says it.
pub(crate) fn worded(error: &Error, host: &str) -> String {
    let why = match error {
        Error::InvalidCertificate(why) => why,
        // An answer without encryption is no message of TLS.
        Error::InvalidMessage(_) => return "http: server gave HTTP response to HTTPS client".to_owned(),
        other => return format!("tls: {other}"),
    };
    let said = match why {
        // The last is what webpki says of a stranger that calls itself an authority.
        CertificateError::UnknownIssuer | CertificateError::BadSignature | CertificateError::Other(_) => {
            UNKNOWN.to_owned()
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => {
            "x509: certificate has expired or is not yet valid".to_owned()
        }
        CertificateError::NotValidForName => misnamed(&[], host),
        CertificateError::NotValidForNameContext { presented, .. } => misnamed(presented, host),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "x509: certificate specifies an incompatible key usage".to_owned()
        }
        other => format!("x509: {other}"),
    };
    format!("{UNVERIFIED}: {said}")
}

/// As Go's `HostnameError`; `presented` are names as rustls shows them: `DnsName("a.b")`.
fn misnamed(presented: &[String], host: &str) -> String {
    let bare = |name: &String| match name.split_once('(') {
        Some((_, rest)) => rest.trim_end_matches(')').trim_matches('"').to_owned(),
        None => name.clone(),
    };
    let names: Vec<String> = presented.iter().map(bare).collect();
    match names.is_empty() {
        true => format!("x509: certificate is not valid for any names, but wanted to match {host}"),
        false => format!("x509: certificate is valid for {}, not {host}", names.join(", ")),
    }
}
