//! Which certificate authorities a connection trusts.

use std::error::Error as StdError;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::pool::Way;
use crate::{Error, Result};

/// A configuration that trusts the given authorities, or the system's where none are given. Without TLS none are
/// needed, and the system's, which take a while to read, are left alone.
pub(crate) fn config(way: &Way) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match &way.ca_pem {
        Some(pem) => {
            let unusable = Error::InvalidAccess("the certificate authority is not valid PEM");
            let certificates: Option<Vec<_>> =
                CertificateDer::pem_slice_iter(pem.as_bytes()).map(|result| result.ok()).collect();
            let certificates = certificates.filter(|list| !list.is_empty()).ok_or(unusable)?;
            let (added, _) = roots.add_parsable_certificates(certificates);
            if added == 0 {
                return Err(Error::InvalidAccess("the certificate authority is not a valid certificate"));
            }
        }
        None if way.is_tls => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        None => {}
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::InvalidAccess("TLS cannot be set up"))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Whether an error is about the server's certificate, anywhere in its chain.
pub(crate) fn is_untrusted(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        // An io::Error hides its inner error from `source`, which answers for the inner error's own source.
        let inner = error.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref());
        let inner = inner.map(|inner| inner as &(dyn StdError + 'static));
        let found =
            [Some(error), inner].into_iter().flatten().filter_map(|e| e.downcast_ref::<rustls::Error>());
        if found.into_iter().any(|e| matches!(e, rustls::Error::InvalidCertificate(_))) {
            return true;
        }
        next = inner.or_else(|| error.source());
    }
    false
}
