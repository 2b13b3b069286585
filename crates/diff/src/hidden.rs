//! Texts that others wrote, without the values of secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lockstep_core::Value;

/// What stands in a value's place.
const HIDDEN: &str = "***";
/// Shorter lines of a value with several say nothing, and would be found everywhere.
const SHORTEST_LINE: usize = 4;

/// Values that are never told. Deliberately without Debug.
#[derive(Default)]
pub struct Hidden {
    /// The longest first.
    values: Vec<Box<str>>,
}

impl Hidden {
    /// The values of some Secrets.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut hidden = Self::default();
        for secret in secrets {
            let values = |field| secret.get(field).and_then(Value::as_map).into_iter().flatten();
            for text in values("data").filter_map(|(_, value)| value.as_str()) {
                let decoded = STANDARD.decode(text.as_bytes()).ok();
                hidden.add(text);
                if let Some(text) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
                    hidden.add(&text);
                }
            }
            values("stringData").filter_map(|(_, value)| value.as_str()).for_each(|text| hidden.add(text));
        }
        hidden.values.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        hidden.values.dedup();
        hidden
    }

    fn add(&mut self, text: &str) {
        let text = text.trim();
        let lines = text.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_LINE);
        self.values.extend([text].into_iter().chain(lines).filter(|text| !text.is_empty()).map(Box::from));
    }

    /// A text without them.
    pub fn redact(&self, text: &str) -> String {
        let mut rest = text;
        let mut told = String::with_capacity(text.len());
        while let Some(first) = rest.chars().next() {
            match self.values.iter().find(|value| rest.starts_with(&***value)) {
                Some(value) => {
                    told.push_str(HIDDEN);
                    rest = &rest[value.len()..];
                }
                None => {
                    told.push(first);
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    #[test]
    fn values_of_secrets_are_not_told_in_any_of_their_forms() {
        let secret = from_json(
            br#"{"data":{"password":"aHVudGVyMg==","key":"LS0tQkVHSU4tLS0KYWJjZGVmCi0tLUVORC0tLQo=","empty":""},
                 "stringData":{"short":"pw"}}"#,
        )
        .unwrap();
        let hidden = Hidden::of([&secret]);
        for (text, expected) in [
            ("nothing of it", "nothing of it"),
            ("login as root:hunter2!", "login as root:***!"),
            ("encoded aHVudGVyMg==", "encoded ***"),
            ("line abcdef of a key", "line *** of a key"),
            ("pw hunter2pw", "*** ******"),
            ("", ""),
        ] {
            assert_eq!(hidden.redact(text), expected);
        }
        assert_eq!(Hidden::default().redact("é: hunter2"), "é: hunter2");
    }
}
