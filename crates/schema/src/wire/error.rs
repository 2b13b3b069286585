//! Why JSON does not fit a type.

use std::fmt;

use lockstep_core::{Value, to_json};

/// Why a value is not one of the type, in the words of Go's decoder, as the API server hands them on behind `Pod in version "v1"
/// cannot be handled as a Pod: ` with status 400. The text may hold the value: what is secret must not be shown with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireError(pub(super) Mistake);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mistake {
    /// A JSON value of another kind than the type's.
    Type {
        /// `string`, `number 1.5`, `object`.
        found: String,
        /// The Go type of the struct and the fields that lead to the value; empty for the whole.
        owner: &'static str,
        path: Vec<String>,
        /// The Go type of the value, and what kind of type that is: `v1.Protocol` is a `string`.
        wanted: String,
        kind: &'static str,
    },
    /// What a type with a syntax of its own says.
    Syntax(String),
}

/// The kind of the types that decode themselves.
pub(super) const SELF_MADE: &str = "";

impl WireError {
    /// The same of the `metadata` at a place inside an object: the server shows that part whole there.
    #[must_use]
    pub fn of_embedded(&self, at: &str, metadata: &Value) -> Self {
        let shown = String::from_utf8_lossy(&to_json(metadata)).into_owned();
        Self(Mistake::Syntax(format!("{at}: Invalid value: {shown}: {self}")))
    }

    /// The words in which the server refuses the same value in an object that an apply or a strategic merge patch has made: it is
    /// not decoded there, but converted, except for types with a syntax of their own.
    pub fn converted(&self) -> String {
        let Mistake::Type { found, kind, wanted, .. } = &self.0 else { return self.to_string() };
        if *kind == SELF_MADE {
            return format!("json: cannot unmarshal {found} into Go value of type {wanted}");
        }
        let found = match found.as_str() {
            "array" => "slice",
            "object" => "map",
            number if number.strip_prefix("number ").is_some_and(|text| text.contains(['.', 'e'])) => {
                "float64"
            }
            number if number.starts_with("number") => "int64",
            other => other,
        };
        match (*kind, found) {
            ("struct", found) => format!("cannot restore struct from: {found}"),
            ("map" | "slice", found) => format!("cannot restore {kind} from {found}"),
            ("string", "int64") => "cannot convert int64 to string".to_owned(),
            ("int32" | "int64", "float64") => format!("cannot convert float64 to {kind}"),
            (kind, _) => format!("unrecognized type: {kind}"),
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Mistake::Syntax(text) => f.write_str(text),
            Mistake::Type { found, path, wanted, .. } if path.is_empty() => {
                write!(f, "json: cannot unmarshal {found} into Go value of type {wanted}")
            }
            Mistake::Type { found, owner, path, wanted, .. } => {
                let path = path.join(".");
                write!(
                    f,
                    "json: cannot unmarshal {found} into Go struct field {owner}.{path} of type {wanted}"
                )
            }
        }
    }
}

impl std::error::Error for WireError {}

#[cfg(test)]
mod tests {
    use lockstep_core::{Gvk, from_json};

    use crate::Wire;

    #[test]
    fn what_a_patch_has_made_is_refused_in_other_words() {
        let check = |spec: &str, want: &str| {
            let object = from_json(format!(r#"{{"spec":{spec}}}"#).as_bytes()).unwrap();
            let wire = Wire::of(&Gvk::new("apps", "v1", "Deployment")).unwrap();
            assert_eq!(wire.read(object).unwrap_err().converted(), want, "{spec}");
        };
        check(r#"{"replicas":"x"}"#, "unrecognized type: int32");
        check(r#"{"template":{"spec":{"containers":{"name":"x"}}}}"#, "cannot restore slice from map");
        check(r#""x""#, "cannot restore struct from: string");
        check(r#"{"template":[]}"#, "cannot restore struct from: slice");
        check(r#"{"template":{"spec":{"containers":[{"name":1}]}}}"#, "cannot convert int64 to string");
        check(r#"{"selector":{"matchLabels":"x"}}"#, "cannot restore map from string");
        check(r#"{"replicas":1.5}"#, "cannot convert float64 to int32");
        check(
            r#"{"strategy":{"rollingUpdate":{"maxSurge":1.5}}}"#,
            "json: cannot unmarshal number 1.5 into Go value of type int32",
        );
    }
}
