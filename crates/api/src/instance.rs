//! The installation's key, kept in a Secret of the controller's namespace.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lockstep_core::{Key, Map, Value};

use crate::{INSTANCE_LABEL, TYPE_LABEL};

/// Why a Secret does not hold the installation's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no field `key`: somebody made the Secret for something else.
    #[error("the secret has no field 'key'")]
    Absent,
    /// The field is not 32 bytes. Making a new key would make every record look changed, so that a human decides.
    #[error("the field 'key' does not hold 32 bytes")]
    Malformed,
}

/// The name of the Secret.
pub fn instance_key_name(instance: &str) -> String {
    format!("{instance}-instance-key")
}

/// The Secret that keeps 32 random bytes.
pub fn instance_key_secret(namespace: &str, instance: &str, bytes: &[u8; 32]) -> Value {
    let mut secret = secret(namespace, &instance_key_name(instance), instance, "instance-key");
    secret.set(&["data", "key"], STANDARD.encode(bytes).into());
    secret
}

/// Reads the key back.
pub fn instance_key(secret: &Value) -> Result<Key, KeyError> {
    let text = secret.str_at(&["data", "key"]).ok_or(KeyError::Absent)?;
    let bytes = STANDARD.decode(text).map_err(|_| KeyError::Malformed)?;
    Ok(Key::new(bytes.try_into().map_err(|_| KeyError::Malformed)?))
}

/// A Secret of ours without content.
pub(crate) fn secret(namespace: &str, name: &str, instance: &str, kind: &str) -> Value {
    let mut secret = Value::map(Map::new());
    secret.set(&["apiVersion"], "v1".into());
    secret.set(&["kind"], "Secret".into());
    secret.set(&["metadata", "name"], name.into());
    secret.set(&["metadata", "namespace"], namespace.into());
    secret.set(&["metadata", "labels", TYPE_LABEL], kind.into());
    secret.set(&["metadata", "labels", INSTANCE_LABEL], instance.into());
    secret.set(&["type"], format!("lockstep.dev/{kind}").into());
    secret
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_the_secret() {
        let secret = instance_key_secret("lockstep-system", "lockstep", &[9; 32]);
        let digest = |key: Key| key.digest(&"x".into());
        assert_eq!(digest(instance_key(&secret).unwrap()), digest(Key::new([9; 32])));
        assert_eq!(secret.str_at(&["metadata", "name"]), Some("lockstep-instance-key"));
    }

    #[test]
    fn other_secrets_are_refused() {
        let mut secret = instance_key_secret("n", "i", &[9; 32]);
        secret.set(&["data", "key"], "AAAA".into());
        assert_eq!(instance_key(&secret).unwrap_err(), KeyError::Malformed);
        secret.remove(&["data"]);
        assert_eq!(instance_key(&secret).unwrap_err(), KeyError::Absent);
    }
}
