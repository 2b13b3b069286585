//! The tokens of ServiceAccounts.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use lockstep_core::Secret;
use sha2::Sha256;

/// The key that signs the tokens of one cluster: JSON Web Tokens by HMAC with SHA-256 (RFC 7519, RFC 7515). Unlike a real
/// cluster's they can only be verified by who has the key, which is this cluster alone.
pub struct TokenKey(Secret<[u8; 64]>);

const HEADER: &[u8] = br#"{"alg":"HS256","typ":"JWT"}"#;

impl TokenKey {
    /// The key of these bytes, which must be random.
    pub fn new(bytes: [u8; 64]) -> Self {
        Self(Secret::new(bytes))
    }

    /// A token with these claims, which are JSON.
    pub fn sign(&self, claims: &[u8]) -> String {
        let signed = format!("{}.{}", BASE64.encode(HEADER), BASE64.encode(claims));
        let signature = self.mac(signed.as_bytes()).finalize().into_bytes();
        format!("{signed}.{}", BASE64.encode(signature))
    }

    /// The claims of a token that this key has signed.
    pub fn verify(&self, token: &[u8]) -> Option<Arc<[u8]>> {
        let token = std::str::from_utf8(token).ok()?;
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        (BASE64.decode(header).ok()? == HEADER).then_some(())?;
        self.mac(signed.as_bytes()).verify_slice(&BASE64.decode(signature).ok()?).ok()?;
        BASE64.decode(claims).ok().map(Into::into)
    }

    fn mac(&self, signed: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(self.0.expose().into());
        mac.update(signed);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_key_has_signed_is_true() {
        let key = TokenKey::new([7; 64]);
        let token = key.sign(br#"{"sub":"a"}"#);
        assert_eq!(&*key.verify(token.as_bytes()).unwrap(), br#"{"sub":"a"}"#);
        assert!(TokenKey::new([8; 64]).verify(token.as_bytes()).is_none());
        let forged = format!("{}.{}", BASE64.encode(br#"{"alg":"none"}"#), token.split_once('.').unwrap().1);
        for bad in ["", "a.b.c", &token[..token.len() - 2], &forged] {
            assert!(key.verify(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
