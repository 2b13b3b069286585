//! Digests of values, keyed where the value may be secret.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};

use crate::secret::Secret;
use crate::value::Value;

/// 32 bytes that stand for a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// SHA-256 of bytes that are public, such as a list of names.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Parses 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The first 12 hexadecimal digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

/// The installation's key: with it, a digest of a Secret in a record is no oracle for guessing its value offline.
#[derive(Clone, Debug)]
pub struct Key(Secret<[u8; 32]>);

impl Key {
    /// From 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// HMAC-SHA-256 of a value in a canonical form: equal values (numerically too) have equal digests.
    pub fn digest(&self, value: &Value) -> Digest {
        let mut hasher = self.hasher();
        hasher.value(value);
        hasher.finish()
    }

    /// A hasher to feed piece by piece.
    pub fn hasher(&self) -> Hasher {
        // HMAC takes keys of any length, so this cannot fail; an empty key would only lose secrecy, never correctness.
        Hasher(Hmac::new_from_slice(self.0.expose()).unwrap_or_else(|_| Hmac::new(&Default::default())))
    }
}

/// A keyed digest in the making. Every piece is framed, so that different sequences of pieces differ.
#[derive(Clone)]
pub struct Hasher(Hmac<Sha256>);

impl Hasher {
    /// Adds bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// Adds a value.
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.0.update(b"n"),
            Value::Bool(flag) => self.0.update(if *flag { b"t" } else { b"f" }),
            Value::Int(number) => self.number(b'i', &number.to_le_bytes()),
            Value::Uint(number) => self.number(b'u', &number.to_le_bytes()),
            Value::Float(number) => match value.as_int() {
                Some(integer) => self.number(b'i', &integer.to_le_bytes()),
                None => self.number(b'd', &number.to_le_bytes()),
            },
            Value::String(text) => {
                self.0.update(b"s");
                self.bytes(text.as_bytes());
            }
            Value::List(items) => {
                self.0.update(b"[");
                items.iter().for_each(|item| self.value(item));
                self.0.update(b"]");
            }
            Value::Map(entries) => {
                self.0.update(b"{");
                for (key, value) in entries.iter() {
                    self.bytes(key.as_bytes());
                    self.value(value);
                }
                self.0.update(b"}");
            }
        }
    }

    /// The digest of everything added: the first 128 bits of the code (as RFC 2104 allows), the rest zero. Records hold two of
    /// them an object, so that the other half would cost as much as everything else in a record.
    pub fn finish(self) -> Digest {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&self.0.finalize().into_bytes()[..16]);
        Digest(bytes)
    }

    fn number(&mut self, tag: u8, bytes: &[u8]) {
        self.0.update(&[tag]);
        self.0.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_json;

    fn digest(json: &str) -> Digest {
        Key::new([7; 32]).digest(&from_json(json.as_bytes()).unwrap())
    }

    #[test]
    fn equal_values_have_equal_digests_and_others_do_not() {
        assert_eq!(digest(r#"{"a":1,"b":[true]}"#), digest(r#"{"b":[true],"a":1.0}"#));
        for (a, b) in
            [("[[1],2]", "[[1,2]]"), ("\"1\"", "1"), ("null", "{}"), (r#"["ab","c"]"#, r#"["a","bc"]"#)]
        {
            assert_ne!(digest(a), digest(b), "{a} {b}");
        }
    }

    #[test]
    fn the_key_matters() {
        assert_ne!(Key::new([1; 32]).digest(&1.into()), Key::new([2; 32]).digest(&1.into()));
    }

    #[test]
    fn digests_parse_what_they_print() {
        let digest = Digest::of(b"x");
        assert_eq!(Digest::parse(&digest.to_string()), Some(digest));
        assert_eq!(Digest::parse("xyz"), None);
        assert_eq!(Digest::parse(&"é".repeat(32)), None);
    }
}
