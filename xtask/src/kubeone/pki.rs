//! Keys, certificates, tokens and the admin kubeconfig of one control plane.
use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use serde_json::json;

/// The users who are known by a token, beside the kubeconfig.
pub(crate) const TOKENS: &str = "tokens.csv";

/// Writes everything that `kubeone --dir DIR` reads, for a server on 127.0.0.1:`port`.
pub(super) fn write(dir: &Path, port: u16) -> Result<()> {
    let put = |name: &str, text: &str| fs::write(dir.join(name), text).with_context(|| name.to_owned());

    let mut ca = subject("kube-test-ca", None, &[])?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages =
        vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    let ca_key = KeyPair::generate()?;
    let ca_pem = ca.self_signed(&ca_key)?.pem();
    let issuer = Issuer::new(ca, ca_key);

    let names = ["127.0.0.1", "10.96.0.1", "localhost", "kubernetes.default.svc"];
    let (server_pem, server_key) = sign(&issuer, subject("kube-apiserver", None, &names)?)?;
    let (admin_pem, admin_key) = sign(&issuer, subject("admin", Some("system:masters"), &[])?)?;
    let service_accounts = KeyPair::generate()?;

    put("ca.crt", &ca_pem)?;
    put("apiserver.crt", &server_pem)?;
    put("apiserver.key", &server_key)?;
    put("sa.key", &service_accounts.serialize_pem())?;
    put("sa.pub", &service_accounts.public_key_pem())?;
    put(TOKENS, &tokens()?)?;
    put("admin.kubeconfig", &kubeconfig(port, &ca_pem, &admin_pem, &admin_key))
}

fn subject(name: &str, organization: Option<&str>, names: &[&str]) -> Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(organization) = organization {
        params.distinguished_name.push(DnType::OrganizationName, organization);
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

fn sign(issuer: &Issuer<'_, KeyPair>, params: CertificateParams) -> Result<(String, String)> {
    let key = KeyPair::generate()?;
    Ok((params.signed_by(&key, issuer)?.pem(), key.serialize_pem()))
}

/// `token,user,uid,groups`: an administrator, and a user whom no role binds.
pub(crate) fn tokens() -> Result<String> {
    Ok(format!("{},token-admin,9001,system:masters\n{},nobody,9002,\n", secret()?, secret()?))
}

fn secret() -> Result<String> {
    let mut bytes = [0_u8; 24];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

/// JSON is YAML; the credentials are inside, so that the file can be copied.
fn kubeconfig(port: u16, ca: &str, certificate: &str, key: &str) -> String {
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "kubeone",
        "clusters": [{"name": "kubeone", "cluster": {
            "server": format!("https://127.0.0.1:{port}"), "certificate-authority-data": STANDARD.encode(ca)}}],
        "users": [{"name": "admin", "user": {
            "client-certificate-data": STANDARD.encode(certificate), "client-key-data": STANDARD.encode(key)}}],
        "contexts": [{"name": "kubeone", "context": {"cluster": "kubeone", "user": "admin"}}],
    });
    format!("{config:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kubeconfig_is_complete_and_tokens_differ() {
        let dir = tempfile::tempdir().expect("temporary directory");
        write(dir.path(), 12345).expect("keys");
        let kubeconfig =
            kube::config::Kubeconfig::read_from(dir.path().join("admin.kubeconfig")).expect("kubeconfig");
        let server = kubeconfig.clusters[0].cluster.as_ref().and_then(|c| c.server.clone());
        assert_eq!(server.as_deref(), Some("https://127.0.0.1:12345"));
        let tokens = fs::read_to_string(dir.path().join("tokens.csv")).expect("tokens");
        let mut lines = tokens.lines().map(|line| line.split(',').next());
        assert_ne!(lines.next(), lines.next());
    }
}
