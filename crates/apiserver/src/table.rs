//! Objects as rows and columns, the form in which kubectl prints them.

use std::time::Duration;

use apistore::List;
use lockstep_core::{Map, Value};

use crate::accept::MetaVersion;
use crate::columns::{CREATED, Columns};
use crate::encode::{list_metadata, metadata, read};

/// What a row carries besides its cells (`includeObject`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowKind {
    /// Nothing.
    Bare,
    /// The object's metadata.
    Metadata,
    /// The object.
    Whole,
}

impl RowKind {
    /// As the parameter of a query has it; `None` for what is no kind.
    pub(crate) fn parse(text: Option<&str>) -> Option<Self> {
        match text {
            Some("None") => Some(Self::Bare),
            Some("Object") => Some(Self::Whole),
            None | Some("" | "Metadata") => Some(Self::Metadata),
            Some(_) => None,
        }
    }
}

/// The rows of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    /// What they carry.
    pub kind: RowKind,
    /// The version in which the table is written, and the metadata that it carries.
    pub version: MetaVersion,
}

/// How the objects of one resource are printed.
pub(crate) enum Tables {
    /// As the server prints a built-in kind.
    BuiltIn(&'static kinds::Table),
    /// As its definition says.
    Custom(Columns),
}

/// How the description of `metadata.creationTimestamp` begins.
const CREATED_BEGINS: &str = "CreationTimestamp is ";
/// The description of `metadata.name`, as a server prints it.
const NAME: &str = "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";

impl Tables {
    /// The table of one object.
    pub(crate) fn of_object(&self, object: Value, rows: Rows, now: Duration) -> Value {
        let mut meta = Value::map(Map::new());
        if let Some(version) = object.at(&["metadata", "resourceVersion"]) {
            meta.set(&["resourceVersion"], version.clone());
        }
        self.table(meta, vec![row(self.cells(&object, now), object, rows)], rows)
    }

    /// The table of a list.
    pub(crate) fn of_list(&self, list: &List, rows: Rows, now: Duration) -> Value {
        let mut objects: Vec<Value> = list.items.iter().map(|item| read(item)).collect();
        if &*list.kind.kind == "FlowSchemaList" {
            // The order in which they are tried.
            objects.sort_by_cached_key(|object| {
                let name = object.str_at(&["metadata", "name"]).unwrap_or_default().to_owned();
                (object.int_at(&["spec", "matchingPrecedence"]).unwrap_or(0), name)
            });
        }
        let cells = match self {
            Self::BuiltIn(table) => table.list(&objects, now),
            Self::Custom(_) => objects.iter().map(|object| self.cells(object, now)).collect(),
        };
        let lines = cells.into_iter().zip(objects).map(|(cells, object)| row(cells, object, rows));
        self.table(list_metadata(list), lines.collect(), rows)
    }

    /// The table of one event of a watch; the columns are told once.
    pub(crate) fn of_event(&self, object: Value, first: First, rows: Rows, now: Duration) -> Value {
        let mut table = self.of_object(object, rows, now);
        if first == First::No {
            table.set(&["columnDefinitions"], Value::Null);
        }
        table
    }

    fn table(&self, metadata: Value, lines: Vec<Value>, rows: Rows) -> Value {
        let mut table = Value::default();
        table.set(&["apiVersion"], rows.version.api_version().into());
        table.set(&["kind"], "Table".into());
        table.set(&["metadata"], metadata);
        table.set(&["columnDefinitions"], self.definitions());
        table.set(&["rows"], Value::list(lines));
        table
    }

    fn cells(&self, object: &Value, now: Duration) -> Vec<Value> {
        match self {
            Self::BuiltIn(table) => (table.cells)(object, now),
            Self::Custom(columns) => {
                let name = object.at(&["metadata", "name"]).cloned().unwrap_or_default();
                std::iter::once(name).chain(columns.cells(object, now)).collect()
            }
        }
    }

    fn definitions(&self) -> Value {
        Value::list(match self {
            Self::BuiltIn(table) => table.columns.iter().map(definition).collect(),
            Self::Custom(columns) => {
                std::iter::once(name_definition()).chain(columns.definitions()).collect()
            }
        })
    }
}

fn row(cells: Vec<Value>, object: Value, rows: Rows) -> Value {
    let mut row = Value::default();
    row.set(&["cells"], Value::list(cells));
    let conditions = kinds::row_conditions(&object);
    if !conditions.is_empty() {
        row.set(&["conditions"], Value::list(conditions));
    }
    let object = match rows.kind {
        RowKind::Bare => Value::Null,
        RowKind::Metadata => metadata(object, rows.version),
        RowKind::Whole => object,
    };
    row.set(&["object"], object);
    row
}

/// Whether an event is the first of its watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// It is.
    Yes,
    /// It is not.
    No,
}

fn definition(column: &kinds::Column) -> Value {
    let mut definition = Value::default();
    definition.set(&["name"], column.name.into());
    definition.set(&["type"], column.kind.into());
    definition.set(&["format"], column.format.into());
    // Of the fields of `metadata` a server keeps the paragraphs, of no others.
    let description = match column.description.starts_with(CREATED_BEGINS) {
        true => CREATED,
        false => column.description,
    };
    definition.set(&["description"], description.into());
    definition.set(&["priority"], column.priority.into());
    definition
}

fn name_definition() -> Value {
    let column =
        kinds::Column { name: "Name", kind: "string", format: "name", description: NAME, priority: 0 };
    definition(&column)
}
