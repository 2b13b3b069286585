//! One mistake while it is looked for, and what a check has found.

use lockstep_core::Value;

use super::NOWHERE;
use crate::field_error::{At, FieldError, Mistake};

/// One mistake.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// Where, from the value that is validated: `spec.list[0]`; `None` for what the server does not place.
    path: Option<String>,
    mistake: Mistake,
    value: Option<Value>,
    detail: String,
    /// What the validator itself says; one that says the same counts once.
    text: String,
}

impl Failure {
    fn new(mistake: Mistake, path: &str, value: Option<Value>, text: String) -> Self {
        Self { path: Some(path.to_owned()), mistake, value, detail: text.clone(), text }
    }

    /// The server shows an empty text for a value that it does not have.
    pub(super) fn invalid(path: &str, value: Option<Value>, text: String) -> Self {
        Self::new(Mistake::Invalid, path, Some(value.unwrap_or_else(|| "".into())), text)
    }

    pub(super) fn wrong_type(path: &str, want: &str, value: Value) -> Self {
        let mut text = format!("{path} in body must be of type {want}");
        if let Some(found) = value.as_str() {
            text.push_str(&format!(": {}", crate::go_text::quoted(found)));
        }
        Self::new(Mistake::TypeInvalid, path, Some(value), text)
    }

    pub(super) fn required(path: &str) -> Self {
        let text = format!("{path} in body is required");
        Self { detail: String::new(), ..Self::new(Mistake::Required, path, None, text) }
    }

    pub(super) fn too_long(path: &str, most: i64) -> Self {
        let bytes = if most == 1 { "byte" } else { "bytes" };
        let text = format!("{path} in body should be at most {most} chars long");
        Self {
            detail: format!("may not be more than {most} {bytes}"),
            ..Self::new(Mistake::TooLong, path, None, text)
        }
    }

    pub(super) fn too_many(path: &str, count: i64, most: i64, text: String) -> Self {
        let items = if most == 1 { "item" } else { "items" };
        let detail = format!("must have at most {most} {items}");
        Self { detail, ..Self::new(Mistake::TooMany, path, Some(Value::Int(count)), text) }
    }

    pub(super) fn not_supported(path: &str, value: &Value, supported: &[String]) -> Self {
        let texts: Vec<_> = supported.iter().map(|text| crate::go_text::quoted(text)).collect();
        let detail = format!("supported values: {}", texts.join(", "));
        let text = format!("{path} in body should be one of [{}]", supported.join(" "));
        Self { detail, ..Self::new(Mistake::NotSupported, path, Some(value.clone()), text) }
    }

    /// One that the server reports without its place.
    pub(super) fn unplaced(text: String) -> Self {
        Self { path: None, ..Self::new(Mistake::Invalid, "", Some("".into()), text) }
    }

    /// The error, with the place of the value that was validated.
    pub(super) fn at(self, at: &At) -> FieldError {
        let base = at.to_string();
        let path = self.path.unwrap_or_default();
        let field = match (base.is_empty(), path.trim_start_matches('.')) {
            (true, "") => NOWHERE.to_owned(),
            (false, "") => base,
            (true, path) => path.to_owned(),
            (false, path) => format!("{base}.{path}"),
        };
        FieldError { mistake: self.mistake, field, value: self.value, detail: self.detail }
    }
}

/// What a check has found, and how many checks it was made of.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    pub(super) failures: Vec<Failure>,
    pub(super) matches: usize,
}

impl Outcome {
    pub(super) fn one(failure: Failure) -> Self {
        Self { failures: vec![failure], matches: 0 }
    }

    pub(super) fn add(&mut self, failure: Failure) {
        if self.failures.iter().all(|known| known.text != failure.text) {
            self.failures.push(failure);
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        other.failures.into_iter().for_each(|failure| self.add(failure));
        self.matches += other.matches;
    }

    pub(super) fn is_valid(&self) -> bool {
        self.failures.is_empty()
    }
}
