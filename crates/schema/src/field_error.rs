//! What is wrong with one field of an object, in the words of the API server.

use std::fmt;

use lockstep_core::{Value, to_json};

use crate::go_text::quoted;

/// What kind of mistake it is. [`Mistake::reason`] is the machine's word in a `Status`, `Display` the text's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mistake {
    /// What a value refers to is not there.
    NotFound,
    /// A value is missing or empty.
    Required,
    /// A value that must be unique is there before.
    Duplicate,
    /// A value is malformed.
    Invalid,
    /// A value is none of those that are possible.
    NotSupported,
    /// A value that is fine elsewhere is not allowed here.
    Forbidden,
    /// A text or list is too long; the value is not shown.
    TooLong,
    /// A text is too short; the value is not shown.
    TooShort,
    /// There are too many items.
    TooMany,
    /// There are too few items.
    TooFew,
    /// The server itself has failed.
    Internal,
    /// A value is not of the type that the schema names.
    TypeInvalid,
}

impl Mistake {
    /// The `reason` of a cause in a `Status`, as k8s.io/apimachinery names it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "FieldValueNotFound",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooShort => "FieldValueTooShort",
            Self::TooMany => "FieldValueTooMany",
            Self::TooFew => "FieldValueTooFew",
            Self::Internal => "InternalError",
            Self::TypeInvalid => "FieldValueTypeInvalid",
        }
    }

    fn shows_value(self) -> bool {
        !matches!(self, Self::Required | Self::Forbidden | Self::TooLong | Self::TooShort | Self::Internal)
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "Not found",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooShort => "Too short",
            Self::TooMany => "Too many",
            Self::TooFew => "Too few",
            Self::Internal => "Internal error",
        })
    }
}

/// One mistake in one field. `Display` is the line that the API server prints, as `field.Error` of k8s.io/apimachinery has it.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldError {
    /// What kind of mistake.
    pub mistake: Mistake,
    /// Where, as [`At`] prints it.
    pub field: String,
    /// The value at fault; `None` where it is not shown.
    pub value: Option<Value>,
    /// What is wrong with it; may be empty.
    pub detail: String,
}

impl FieldError {
    /// A malformed value.
    pub fn invalid(at: &At, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self::new(Mistake::Invalid, at, Some(value.into()), detail)
    }

    /// A missing value.
    pub fn required(at: &At, detail: impl Into<String>) -> Self {
        Self::new(Mistake::Required, at, None, detail)
    }

    /// A value that is there twice.
    pub fn duplicate(at: &At, value: impl Into<Value>) -> Self {
        Self::new(Mistake::Duplicate, at, Some(value.into()), "")
    }

    /// A value that is not allowed here.
    pub fn forbidden(at: &At, detail: impl Into<String>) -> Self {
        Self::new(Mistake::Forbidden, at, None, detail)
    }

    /// A value that is none of `supported`, which the caller has in the order of the server.
    pub fn not_supported(at: &At, value: impl Into<Value>, supported: &[&str]) -> Self {
        let texts: Vec<_> = supported.iter().map(|text| quoted(text)).collect();
        let detail = match texts.is_empty() {
            true => String::new(),
            false => format!("supported values: {}", texts.join(", ")),
        };
        Self::new(Mistake::NotSupported, at, Some(value.into()), detail)
    }

    /// A value to which nothing is.
    pub fn not_found(at: &At, value: impl Into<Value>) -> Self {
        Self::new(Mistake::NotFound, at, Some(value.into()), "")
    }

    /// A text of more than `limit` bytes.
    pub fn too_long(at: &At, limit: usize) -> Self {
        Self::new(Mistake::TooLong, at, None, format!("may not be more than {limit} bytes"))
    }

    /// A list of `actual` items where `limit` are allowed.
    pub fn too_many(at: &At, actual: usize, limit: usize) -> Self {
        let items = if limit == 1 { "item" } else { "items" };
        Self::new(
            Mistake::TooMany,
            at,
            Some(Value::uint(actual as u64)),
            format!("must have at most {limit} {items}"),
        )
    }

    /// Any other.
    pub fn new(mistake: Mistake, at: &At, value: Option<Value>, detail: impl Into<String>) -> Self {
        Self { mistake, field: at.to_string(), value, detail: detail.into() }
    }

    /// The text without the field: the `message` of a cause.
    pub fn body(&self) -> String {
        let mut text = self.mistake.to_string();
        if let Some(value) = self.value.as_ref().filter(|_| self.mistake.shows_value()) {
            text.push_str(": ");
            text.push_str(&match value {
                Value::String(string) => quoted(string),
                other => String::from_utf8_lossy(&to_json(other)).into_owned(),
            });
        }
        if !self.detail.is_empty() {
            text.push_str(": ");
            text.push_str(&self.detail);
        }
        text
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.body())
    }
}

/// A place in an object while it is looked at, printed as the API server does: `spec.containers[0].env[1].name`,
/// `metadata.labels[a/b]`. Cheap to make: a link to the place around it.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    around: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Root,
    Field(&'a str),
    Index(usize),
    Key(&'a str),
}

impl<'a> At<'a> {
    /// The whole object.
    pub const ROOT: At<'static> = At { around: None, step: Step::Root };

    /// A field of it.
    pub fn field(&'a self, name: &'a str) -> Self {
        Self { around: Some(self), step: Step::Field(name) }
    }

    /// An item of a list.
    pub fn index(&'a self, index: usize) -> Self {
        Self { around: Some(self), step: Step::Index(index) }
    }

    /// An entry of a mapping.
    pub fn key(&'a self, key: &'a str) -> Self {
        Self { around: Some(self), step: Step::Key(key) }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(around) = self.around {
            around.fmt(f)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Field(name) => {
                let first = self.around.is_none_or(|around| matches!(around.step, Step::Root));
                f.write_str(if first { "" } else { "." })?;
                f.write_str(name)
            }
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, "[{key}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_read_as_the_server_prints_them() {
        let spec = At::ROOT.field("spec");
        let ports = spec.field("ports");
        let first = ports.index(0);
        let check = |error: FieldError, text: &str| assert_eq!(error.to_string(), text);
        check(
            FieldError::invalid(
                &first.field("port"),
                Value::Int(0),
                "must be between 1 and 65535, inclusive",
            ),
            "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
        );
        check(FieldError::required(&ports, ""), "spec.ports: Required value");
        check(
            FieldError::not_supported(&spec.field("type"), Value::string("X"), &["A", "B"]),
            "spec.type: Unsupported value: \"X\": supported values: \"A\", \"B\"",
        );
        check(FieldError::too_many(&ports, 3, 1), "spec.ports: Too many: 3: must have at most 1 item");
        let labels = At::ROOT.field("metadata");
        let labels = labels.field("labels");
        check(FieldError::forbidden(&labels.key("a/b"), "no"), "metadata.labels[a/b]: Forbidden: no");
    }
}
