//! What `kubectl get` prints: the columns of each kind, and the cells of an object.

mod access;
mod age;
mod basic;
mod cell;
mod elapsed;
mod network;
mod pod;
mod rest;
mod selector;
mod storage;
mod workloads;

use std::sync::LazyLock;
use std::time::Duration;

use lockstep_core::Value;

use cell::Row;

pub use age::age;

/// How the objects of one kind are printed.
#[derive(Clone, Copy)]
pub struct Table {
    /// The columns, as the real server describes them.
    pub columns: &'static [Column],
    /// The cells of one object, one a column; `now` is the time since 1970, for ages.
    pub cells: fn(object: &Value, now: Duration) -> Vec<Value>,
}

/// One column, as the server's `TableColumnDefinition`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub name: &'static str,
    /// The type of its cells: `string`, `integer`, `boolean`, `date`.
    pub kind: &'static str,
    /// The format of its cells; `name` for the name.
    pub format: &'static str,
    /// What is in it.
    pub description: &'static str,
    /// 0 for always, more for `-o wide` only.
    pub priority: i64,
}

/// The columns of every kind, a line each: group, kind, heading, type, format, priority, description.
static COLUMNS: &str = include_str!("../../data/columns.tsv");

/// Who prints which kind.
static PRINTERS: &[&[(&str, &str, Row)]] = &[
    basic::PRINTERS,
    workloads::PRINTERS,
    network::PRINTERS,
    storage::PRINTERS,
    access::PRINTERS,
    rest::PRINTERS,
];

/// How a built-in kind is printed; `None` for what is none.
pub fn table(group: &str, kind: &str) -> Option<&'static Table> {
    static TABLES: LazyLock<Vec<(Kind, Table)>> = LazyLock::new(tables);
    TABLES.iter().find(|(known, _)| *known == (group, kind)).map(|(_, table)| table)
}

/// A group and a kind.
type Kind = (&'static str, &'static str);

fn tables() -> Vec<(Kind, Table)> {
    static ALL: LazyLock<(Vec<Kind>, Vec<Column>)> = LazyLock::new(columns);
    let (kinds, columns) = &*ALL;
    let (mut tables, mut from) = (Vec::new(), 0);
    for run in kinds.chunk_by(PartialEq::eq) {
        let columns = &columns[from..from + run.len()];
        from += run.len();
        tables.push((run[0], Table { columns, cells: printer(run[0]) }));
    }
    tables
}

/// The columns with the kinds that they are of, line by line.
fn columns() -> (Vec<Kind>, Vec<Column>) {
    let read = |line: &'static str| {
        let cells: Vec<&str> = line.splitn(7, '\t').collect();
        let [group, of, name, kind, format, priority, description] = *cells else { return None };
        let priority = priority.parse().unwrap_or_default();
        Some(((group, of), Column { name, kind, format, description, priority }))
    };
    COLUMNS.lines().filter_map(read).unzip()
}

/// A kind without a printer of its own shows its name and when it was made.
fn printer(kind: Kind) -> Row {
    let known = PRINTERS.iter().copied().flatten().find(|known| (known.0, known.1) == kind);
    known.map_or(rest::plain as Row, |known| known.2)
}

impl Table {
    /// The cells of the objects of a list, which are those of the objects alone but for the one storage class that is the
    /// default.
    pub fn list(&self, objects: &[Value], now: Duration) -> Vec<Vec<Value>> {
        let default = storage::default_class(objects);
        let rows = objects.iter().enumerate().map(|(index, object)| {
            let mut cells = (self.cells)(object, now);
            if let (true, Some(Value::String(name))) = (default == Some(index), cells.first().cloned()) {
                cells[0] = format!("{name} (default)").into();
            }
            cells
        });
        rows.collect()
    }
}

/// The conditions of a row: that a Pod is done, by which kubectl can leave it out.
pub fn row_conditions(object: &Value) -> Vec<Value> {
    pod::conditions(object)
}
