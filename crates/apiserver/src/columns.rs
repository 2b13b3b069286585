//! The printed columns of custom resources, and the JSONPath that finds what is in them.

use std::time::Duration;

use lockstep_core::{Timestamp, Value, to_json};

/// The columns of one version of a custom resource.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns(Vec<Column>);

#[derive(Clone, Debug)]
struct Column {
    definition: Value,
    kind: String,
    path: Option<Path>,
}

impl Columns {
    /// Those of a version of a CustomResourceDefinition; without any, the age.
    pub(crate) fn of_custom_resource(definition: &Value, version: &str) -> Self {
        let versions = definition.at(&["spec", "versions"]).and_then(Value::as_list).unwrap_or_default();
        let found = versions.iter().find(|entry| entry.str_at(&["name"]) == Some(version));
        let columns = found.and_then(|entry| entry.get("additionalPrinterColumns")).and_then(Value::as_list);
        match columns.unwrap_or_default() {
            [] => Self::age(),
            columns => Self(columns.iter().map(Column::read).collect()),
        }
    }

    /// The age alone.
    pub(crate) fn age() -> Self {
        let mut column = Value::default();
        for (key, value) in [
            ("name", "Age"),
            ("type", "date"),
            ("description", CREATED),
            ("jsonPath", ".metadata.creationTimestamp"),
        ] {
            column.set(&[key], value.into());
        }
        Self(vec![Column::read(&column)])
    }

    /// The definitions, the name apart.
    pub(crate) fn definitions(&self) -> Vec<Value> {
        self.0.iter().map(|column| column.definition.clone()).collect()
    }

    /// The cells of one object, the name apart.
    pub(crate) fn cells(&self, object: &Value, now: Duration) -> Vec<Value> {
        self.0.iter().map(|column| column.cell(object, now)).collect()
    }
}

/// The description of `metadata.creationTimestamp`, as a server prints it for an age.
pub(crate) const CREATED: &str = "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

impl Column {
    fn read(column: &Value) -> Self {
        let text = |key: &str| column.str_at(&[key]).unwrap_or_default();
        let path = text("jsonPath");
        let description = match text("description") {
            "" => format!("Custom resource definition column (in JSONPath format): {path}"),
            description => description.to_owned(),
        };
        let mut definition = Value::default();
        definition.set(&["name"], text("name").into());
        definition.set(&["type"], text("type").into());
        definition.set(&["format"], text("format").into());
        definition.set(&["description"], description.into());
        definition.set(&["priority"], Value::Int(column.int_at(&["priority"]).unwrap_or(0)));
        Self { definition, kind: text("type").to_owned(), path: Path::parse(path) }
    }

    fn cell(&self, object: &Value, now: Duration) -> Value {
        let Some(value) = self.path.as_ref().and_then(|path| path.first(object)) else { return Value::Null };
        match (&*self.kind, value) {
            ("string", Value::String(_)) => value.clone(),
            ("string", Value::Null) => "<nil>".into(),
            ("string", other) => String::from_utf8_lossy(&to_json(other)).into_owned().into(),
            ("integer", Value::Int(_)) => value.clone(),
            #[allow(clippy::cast_possible_truncation)] // as Go's int64(float64) does
            ("integer", Value::Float(number)) => Value::Int(*number as i64),
            ("number", Value::Int(_) | Value::Float(_)) | ("boolean", Value::Bool(_)) => value.clone(),
            ("date", Value::String(text)) => match Timestamp::parse(text) {
                Some(time) => kinds::age(time, now).into(),
                None => "<invalid>".into(),
            },
            _ => Value::Null,
        }
    }
}

/// A path of the simple kind that a CustomResourceDefinition may have: fields, indices, `[*]` and filters by equality.
#[derive(Clone, Debug, PartialEq)]
struct Path(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Field(String),
    Index(i64),
    Every,
    /// `[?(@.type=="Ready")]`
    Where(Vec<String>, String),
}

impl Path {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (part, after) = match rest.strip_prefix('[') {
                Some(inside) => bracket(inside)?,
                None => field(rest.strip_prefix('.')?)?,
            };
            parts.extend(part);
            rest = after;
        }
        Some(Self(parts))
    }

    fn first<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        find(&self.0, value)
    }
}

/// A field up to the next `.` or `[`; a backslash takes the next character as it is.
fn field(text: &str) -> Option<(Option<Part>, &str)> {
    let mut name = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => name.push(characters.next()?.1),
            '.' | '[' => return Some((named(name), &text[at..])),
            other => name.push(other),
        }
    }
    Some((named(name), ""))
}

fn named(name: String) -> Option<Part> {
    (!name.is_empty()).then_some(Part::Field(name))
}

/// What is in brackets, after the first.
fn bracket(text: &str) -> Option<(Option<Part>, &str)> {
    if let Some(filter) = text.strip_prefix("?(") {
        let (condition, rest) = filter.split_once(")]")?;
        let (path, literal) = condition.split_once("==")?;
        let path = path.trim().strip_prefix("@.")?.split('.').map(str::to_owned).collect();
        let literal = literal.trim().trim_matches(['"', '\'']).to_owned();
        return Some((Some(Part::Where(path, literal)), rest));
    }
    let (inside, rest) = text.split_once(']')?;
    let part = match inside {
        "*" => Part::Every,
        quoted if quoted.starts_with(['\'', '"']) => Part::Field(quoted.trim_matches(['"', '\'']).to_owned()),
        number => Part::Index(number.parse().ok()?),
    };
    Some((Some(part), rest))
}

fn find<'v>(parts: &[Part], value: &'v Value) -> Option<&'v Value> {
    let Some((part, rest)) = parts.split_first() else { return Some(value) };
    match part {
        Part::Field(name) => find(rest, value.get(name)?),
        Part::Index(index) => {
            let items = value.as_list()?;
            let length = i64::try_from(items.len()).ok()?;
            let index = if *index < 0 { index + length } else { *index };
            find(rest, items.get(usize::try_from(index).ok()?)?)
        }
        Part::Every => children(value).find_map(|child| find(rest, child)),
        Part::Where(path, literal) => {
            let keys: Vec<&str> = path.iter().map(String::as_str).collect();
            let holds = |child: &&Value| child.at(&keys).is_some_and(|found| is(found, literal));
            children(value).filter(holds).find_map(|child| find(rest, child))
        }
    }
}

fn children(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::List(items) => Box::new(items.iter()),
        Value::Map(entries) => Box::new(entries.values()),
        _ => Box::new(std::iter::empty()),
    }
}

fn is(value: &Value, literal: &str) -> bool {
    match value {
        Value::String(text) => &**text == literal,
        other => to_json(other) == literal.as_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::from_json;

    #[test]
    fn paths_find_the_first_value() {
        let object = from_json(
            br#"{"spec":{"replicas":3,"a.b":"c"},"status":{"conditions":[{"type":"A","status":"x"},
                {"type":"Ready","status":"True"}],"list":[1,2]}}"#,
        )
        .unwrap();
        let check = |path: &str, expected: Option<&str>| {
            let found = Path::parse(path).and_then(|path| path.first(&object).map(to_json));
            assert_eq!(found.map(|json| String::from_utf8(json).unwrap()).as_deref(), expected, "{path}");
        };
        check(".spec.replicas", Some("3"));
        check(".spec.a\\.b", Some("\"c\""));
        check(".spec['a.b']", Some("\"c\""));
        check(".status.conditions[?(@.type==\"Ready\")].status", Some("\"True\""));
        check(".status.conditions[?(@.type=='Gone')].status", None);
        check(".status.conditions[*].status", Some("\"x\""));
        check(".status.list[-1]", Some("2"));
        check(".status.list[7]", None);
        check(".nothing.here", None);
        check("nothing", None);
    }

    #[test]
    fn cells_are_of_their_type() {
        let definition = from_json(
            br#"{"spec":{"versions":[{"name":"v1","additionalPrinterColumns":[
                {"name":"S","type":"string","jsonPath":".s"},{"name":"I","type":"integer","jsonPath":".f"},
                {"name":"B","type":"boolean","jsonPath":".s"},{"name":"D","type":"date","jsonPath":".d"}]}]}}"#,
        )
        .unwrap();
        let object = from_json(br#"{"s":"x","f":1.5,"d":"1970-01-01T00:00:10Z"}"#).unwrap();
        let columns = Columns::of_custom_resource(&definition, "v1");
        let cells = columns.cells(&object, Duration::from_secs(40));
        assert_eq!(cells, ["x".into(), Value::Int(1), Value::Null, "30s".into()]);
        assert_eq!(columns.definitions().len(), 4);
        assert_eq!(
            Columns::of_custom_resource(&definition, "v2").definitions()[0].str_at(&["name"]),
            Some("Age")
        );
    }
}
