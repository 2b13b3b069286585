//! Bytes in objects: live Secrets have `data` only, in canonical base64, so that rendered ones must too.

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use lockstep_core::{Finding, Value};
use manifest::Object;

/// Base64 as Go's `encoding/json` reads it into bytes: padding is needed, the unused bits of the last digit may be anything.
const GO: GeneralPurpose =
    GeneralPurpose::new(&ALPHABET, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// Turns `stringData` of a Secret into `data` (where both name a key, `stringData` wins, as on the server), and writes the base64
/// of a Secret's `data` and a ConfigMap's `binaryData` as the server does. Findings never hold a value.
pub(crate) fn canonical_bytes(object: &Object, value: &mut Value, findings: &mut Vec<Finding>) {
    let kind = object.gvk().group_kind();
    if kind.is("", "Secret") {
        recode(object, value, "data", findings);
        merge_string_data(object, value, findings);
    } else if kind.is("", "ConfigMap") {
        recode(object, value, "binaryData", findings);
    }
}

fn recode(object: &Object, value: &mut Value, field: &str, findings: &mut Vec<Finding>) {
    let Some(entries) = entries_of(object, value, field, findings) else { return };
    for (key, entry) in entries {
        let path = [field, &*key];
        match entry.as_str().map(decode) {
            Some(Some(bytes)) => value.set(&path, STANDARD.encode(bytes).into()),
            Some(None) => {
                let message = format!("{field}.{key} is not base64");
                let hint = "encode it, or write it under stringData";
                findings.push(finding("bad-base64", message, object, &path).with_hint(hint));
            }
            None if entry == Value::Null => {}
            None => findings.push(not_text(object, &path)),
        }
    }
}

fn merge_string_data(object: &Object, value: &mut Value, findings: &mut Vec<Finding>) {
    let field = "stringData";
    let Some(entries) = entries_of(object, value, field, findings) else {
        value.remove(&[field]);
        return;
    };
    for (key, entry) in entries {
        match entry {
            Value::String(text) => value.set(&["data", &key], STANDARD.encode(&*text).into()),
            // The server reads null as empty text.
            Value::Null => value.set(&["data", &key], "".into()),
            _ => findings.push(not_text(object, &[field, &key])),
        }
    }
    value.remove(&[field]);
}

type Entries = Vec<(std::sync::Arc<str>, Value)>;

fn entries_of(object: &Object, value: &Value, field: &str, findings: &mut Vec<Finding>) -> Option<Entries> {
    match value.get(field)? {
        Value::Null => None,
        Value::Map(entries) => {
            Some(entries.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
        }
        _ => {
            findings.push(finding("wrong-type", format!("{field} must be a mapping"), object, &[field]));
            None
        }
    }
}

fn not_text(object: &Object, path: &[&str]) -> Finding {
    let message = format!("{} must be a string", path.join("."));
    finding("wrong-type", message, object, path).with_hint("put the value in quotes")
}

fn finding(rule: &'static str, message: String, object: &Object, path: &[&str]) -> Finding {
    Finding::error(rule, message).at(object.origin_of_fields(path))
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    GO.decode(digits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_as_go_reads_it() {
        for (text, bytes) in [
            ("aGk=", Some(&b"hi"[..])),
            ("aG\nk=\r\n", Some(b"hi")),
            ("aGl=", Some(b"hi")),
            ("", Some(b"")),
            ("aGk", None),
            ("a Gk=", None),
            ("hunter2!", None),
        ] {
            assert_eq!(decode(text).as_deref(), bytes, "{text:?}");
        }
    }
}
