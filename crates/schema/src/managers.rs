//! Who owns which fields of an object: `metadata.managedFields`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lockstep_core::{Map, Timestamp, Value};

use crate::field_set::FieldSet;
use crate::go_text;

/// By which kind of request fields were set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// Every other write.
    Update,
}

impl Operation {
    fn text(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// What tells entries of `managedFields` apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Manager {
    /// The name that the client gave.
    pub name: Arc<str>,
    /// How it writes.
    pub operation: Operation,
    /// In which version it updates; empty for appliers, which have one entry whatever version they last applied.
    pub api_version: Arc<str>,
    /// `status`, `scale`, or empty.
    pub subresource: Arc<str>,
}

impl Manager {
    /// The manager of a request; a client without a name is `unknown`.
    pub fn new(name: &str, operation: Operation, api_version: &str, subresource: &str) -> Self {
        let name = if name.is_empty() { "unknown" } else { name };
        let api_version = if operation == Operation::Update { api_version } else { "" };
        Self {
            name: name.into(),
            operation,
            api_version: api_version.into(),
            subresource: subresource.into(),
        }
    }
}

/// As conflicts name it: `"kubectl" with subresource "scale" using apps/v1`.
impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&go_text::quoted(&self.name))?;
        if !self.subresource.is_empty() {
            write!(f, " with subresource {}", go_text::quoted(&self.subresource))?;
        }
        match self.operation {
            Operation::Apply => Ok(()),
            Operation::Update => write!(f, " using {}", self.api_version),
        }
    }
}

/// The fields of one manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// Which fields.
    pub fields: FieldSet,
    /// The version in which they are named.
    pub api_version: Arc<str>,
    /// When the entry last changed.
    pub time: Option<Timestamp>,
}

/// The managers of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Managers(pub BTreeMap<Manager, Owned>);

/// Entries of `managedFields` that the server refuses, in its words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManagersError {
    /// Neither `Apply` nor `Update`.
    #[error("operation must be `Apply` or `Update`")]
    Operation,
    /// No version.
    #[error("apiVersion must not be empty")]
    Version,
    /// No `fieldsType` in the entry at this index.
    #[error("missing fieldsType in managed fields entry {0}")]
    NoFieldsType(usize),
    /// Another `fieldsType` than `FieldsV1`.
    #[error("invalid fieldsType {} in managed fields entry {index}", go_text::quoted(found))]
    FieldsType {
        /// What it says.
        found: String,
        /// In which entry.
        index: usize,
    },
    /// `fieldsV1` is not a field set, in the entry at this index.
    #[error("error decoding versioned set from managed fields entry {0}")]
    Fields(usize),
}

impl Managers {
    /// Reads `managedFields`; null is none.
    pub fn decode(entries: &Value) -> Result<Self, ManagersError> {
        let entries = entries.as_list().unwrap_or_default();
        entries.iter().enumerate().map(decode_entry).collect::<Result<_, _>>().map(Self)
    }

    /// `managedFields` in the server's order: appliers first, then by time and name. `None` where nobody owns a field.
    pub fn encode(&self) -> Option<Value> {
        let mut entries: Vec<_> = self.0.iter().collect();
        let seconds = |owned: &Owned| owned.time.map_or(0, |time| time.0);
        entries.sort_by(|(a, a_owned), (b, b_owned)| {
            let key =
                |manager: &Manager, owned: &Owned| (manager.operation, seconds(owned), manager.name.clone());
            key(a, a_owned)
                .cmp(&key(b, b_owned))
                .then_with(|| a_owned.api_version.cmp(&b_owned.api_version))
                .then_with(|| a.subresource.cmp(&b.subresource))
        });
        (!entries.is_empty()).then(|| Value::list(entries.into_iter().map(encode_entry).collect()))
    }
}

fn decode_entry((index, entry): (usize, &Value)) -> Result<(Manager, Owned), ManagersError> {
    let text = |key| entry.str_at(&[key]).unwrap_or_default();
    let operation = match text("operation") {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        _ => return Err(ManagersError::Operation),
    };
    let api_version: Arc<str> = match text("apiVersion") {
        "" => return Err(ManagersError::Version),
        version => version.into(),
    };
    match text("fieldsType") {
        "FieldsV1" => {}
        "" => return Err(ManagersError::NoFieldsType(index)),
        other => return Err(ManagersError::FieldsType { found: other.into(), index }),
    }
    let fields = match entry.get("fieldsV1") {
        None | Some(Value::Null) => FieldSet::default(),
        Some(fields) => FieldSet::parse(fields).map_err(|_| ManagersError::Fields(index))?,
    };
    let manager = Manager {
        name: text("manager").into(),
        operation,
        api_version: if operation == Operation::Update { api_version.clone() } else { "".into() },
        subresource: text("subresource").into(),
    };
    Ok((manager, Owned { fields, api_version, time: Timestamp::parse(text("time")) }))
}

fn encode_entry((manager, owned): (&Manager, &Owned)) -> Value {
    let mut entry = Map::from([
        ("operation".into(), manager.operation.text().into()),
        ("apiVersion".into(), owned.api_version.clone().into()),
        ("fieldsType".into(), "FieldsV1".into()),
        ("fieldsV1".into(), owned.fields.to_fields_v1()),
    ]);
    for (key, text) in [("manager", &manager.name), ("subresource", &manager.subresource)] {
        if !text.is_empty() {
            entry.insert(key.into(), text.clone().into());
        }
    }
    if let Some(time) = owned.time {
        entry.insert("time".into(), time.to_string().into());
    }
    Value::map(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::{from_json, to_json};

    fn decode(json: &str) -> Result<Managers, ManagersError> {
        Managers::decode(&from_json(json.as_bytes()).unwrap())
    }

    #[test]
    fn entries_are_sorted_as_the_server_sorts_them() {
        let entry = |name: &str, operation: &str, time: &str, more: &str| {
            format!(
                r#"{{"apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{{"f:a":{{}}}},"manager":"{name}","operation":"{operation}"{more},"time":"2026-01-01T00:00:0{time}Z"}}"#
            )
        };
        let sorted = [
            entry("z", "Apply", "1", ""),
            entry("a", "Apply", "2", ""),
            entry("a", "Update", "1", ""),
            entry("a", "Update", "1", r#","subresource":"status""#),
            entry("b", "Update", "1", ""),
        ];
        let mut reversed = sorted.clone();
        reversed.reverse();
        let managers = decode(&format!("[{}]", reversed.join(","))).unwrap();
        let text = String::from_utf8(to_json(&managers.encode().unwrap())).unwrap();
        assert_eq!(text, format!("[{}]", sorted.join(",")));
        assert_eq!(decode("null").unwrap().encode(), None);
    }

    #[test]
    fn an_applier_has_one_entry_whatever_its_version() {
        let entry = |version: &str, operation: &str| {
            format!(
                r#"{{"apiVersion":"{version}","fieldsType":"FieldsV1","manager":"m","operation":"{operation}"}}"#
            )
        };
        let both = |operation| format!("[{},{}]", entry("v1", operation), entry("v2", operation));
        assert_eq!(decode(&both("Apply")).unwrap().0.len(), 1);
        assert_eq!(decode(&both("Update")).unwrap().0.len(), 2);
    }

    #[test]
    fn managers_print_as_in_conflicts() {
        for (operation, subresource, want) in [
            (Operation::Apply, "", "\"m\""),
            (Operation::Apply, "status", "\"m\" with subresource \"status\""),
            (Operation::Update, "", "\"m\" using apps/v1"),
            (Operation::Update, "scale", "\"m\" with subresource \"scale\" using apps/v1"),
        ] {
            assert_eq!(Manager::new("m", operation, "apps/v1", subresource).to_string(), want);
        }
        assert_eq!(&*Manager::new("", Operation::Apply, "v1", "").name, "unknown");
    }

    #[test]
    fn other_entries_are_refused() {
        for (json, want) in [
            (r#"[{"operation":"X"}]"#, "operation must be `Apply` or `Update`"),
            (r#"[{"operation":"Apply"}]"#, "apiVersion must not be empty"),
            (r#"[{"operation":"Apply","apiVersion":"v1"}]"#, "missing fieldsType in managed fields entry 0"),
            (
                r#"[{"operation":"Apply","apiVersion":"v1","fieldsType":"X"}]"#,
                "invalid fieldsType \"X\" in managed fields entry 0",
            ),
            (
                r#"[{"operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"x":{}}}]"#,
                "error decoding versioned set from managed fields entry 0",
            ),
        ] {
            assert_eq!(decode(json).unwrap_err().to_string(), want);
        }
    }
}
