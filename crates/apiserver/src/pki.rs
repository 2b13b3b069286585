//! The certificates of one cluster.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lockstep_core::{Secret, Value};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, pem::PemObject};

use crate::discovery::map;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// It could not be made.
    #[error("cannot make a certificate")]
    Make(#[from] rcgen::Error),
    /// It cannot be read.
    #[error("cannot read a certificate or key of the cluster")]
    Read(#[from] rustls::pki_types::pem::Error),
    /// TLS refuses it.
    #[error("TLS refuses the certificates of the cluster")]
    Tls(#[from] rustls::Error),
    /// The authority cannot verify clients.
    #[error("the certificate authority of the cluster cannot verify clients")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// A certificate and its key, as PEM.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: Secret<String>,
}

/// The certificate authority of one cluster: it signs the server's certificate and those of its users.
#[derive(Clone, Debug)]
pub struct Authority(Credentials);

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// When the machine has no random numbers.
    pub fn generate() -> Result<Self, PkiError> {
        let key = KeyPair::generate()?;
        let certificate = authority()?.self_signed(&key)?.pem();
        Ok(Self(Credentials { certificate, key: Secret::new(key.serialize_pem()) }))
    }

    /// One that was kept.
    ///
    /// # Errors
    /// When its key or certificate is none.
    pub fn kept(credentials: Credentials) -> Result<Self, PkiError> {
        KeyPair::from_pem(credentials.key.expose())?;
        CertificateDer::from_pem_slice(credentials.certificate.as_bytes())?;
        Ok(Self(credentials))
    }

    /// Its certificate and key.
    pub fn credentials(&self) -> &Credentials {
        &self.0
    }

    /// Its certificate as PEM, by which clients know the server.
    pub fn certificate(&self) -> &str {
        &self.0.certificate
    }

    /// A certificate for a server with these names and addresses.
    ///
    /// # Errors
    /// When a name is none, or the machine has no random numbers.
    pub fn server(&self, names: &[&str]) -> Result<Credentials, PkiError> {
        self.sign(subject("kube-apiserver", None, names)?)
    }

    /// A certificate for a user in a group.
    ///
    /// # Errors
    /// When the machine has no random numbers.
    pub fn user(&self, name: &str, group: &str) -> Result<Credentials, PkiError> {
        self.sign(subject(name, Some(group), &[])?)
    }

    fn sign(&self, params: CertificateParams) -> Result<Credentials, PkiError> {
        let issuer = Issuer::new(authority()?, KeyPair::from_pem(self.0.key.expose())?);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &issuer)?.pem();
        Ok(Credentials { certificate, key: Secret::new(key.serialize_pem()) })
    }

    /// A kubeconfig (JSON, which is YAML) that leads a user to the server at `url`; the credentials are inside, so that it can be
    /// copied.
    pub fn kubeconfig(&self, url: &str, user: &Credentials) -> Value {
        let encoded = |text: &str| Value::string(STANDARD.encode(text));
        let cluster = [("server", url.into()), ("certificate-authority-data", encoded(self.certificate()))];
        let credentials = [
            ("client-certificate-data", encoded(&user.certificate)),
            ("client-key-data", encoded(user.key.expose())),
        ];
        let context = [("cluster", CONTEXT.into()), ("user", "admin".into())];
        map([
            ("apiVersion", "v1".into()),
            ("kind", "Config".into()),
            ("current-context", CONTEXT.into()),
            ("clusters", named(CONTEXT, "cluster", map(cluster))),
            ("users", named("admin", "user", map(credentials))),
            ("contexts", named(CONTEXT, "context", map(context))),
        ])
    }
}

/// The name of the context in a kubeconfig.
const CONTEXT: &str = "lockstep";

fn named(name: &str, key: &str, value: Value) -> Value {
    Value::list(vec![map([("name", name.into()), (key, value)])])
}

/// What every authority is, all but its key.
fn authority() -> Result<CertificateParams, PkiError> {
    let mut params = subject("lockstep-ca", None, &[])?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages = Vec::new();
    Ok(params)
}

fn subject(name: &str, group: Option<&str>, names: &[&str]) -> Result<CertificateParams, PkiError> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(group) = group {
        params.distinguished_name.push(DnType::OrganizationName, group);
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authentication::of_certificate;

    #[test]
    fn a_user_is_read_from_the_certificate_it_was_given() {
        let authority = Authority::generate().unwrap();
        let kept = Authority::kept(authority.credentials().clone()).unwrap();
        let user = kept.user("admin", "system:masters").unwrap();
        let der = CertificateDer::from_pem_slice(user.certificate.as_bytes()).unwrap();
        let read = of_certificate(&der).unwrap();
        assert_eq!(read.name, "admin");
        assert_eq!(read.groups, ["system:masters", "system:authenticated"]);
        let config = authority.kubeconfig("https://127.0.0.1:1", &user);
        assert_eq!(config.str_at(&["current-context"]), Some("lockstep"));
    }
}
