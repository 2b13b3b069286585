//! The columns in which `kubectl get` prints the objects of built-in kinds. A file for each kind, or for a few small ones.

mod age;

use std::time::Duration;

use lockstep_core::Value;

pub use age::age;

/// How the objects of one kind are printed.
#[derive(Clone, Copy)]
pub struct Table {
    /// The columns, the name first.
    pub columns: &'static [Column],
    /// The cells of one object, one a column; `now` is the time since 1970, for ages.
    pub cells: fn(object: &Value, now: Duration) -> Vec<Value>,
}

/// One column, as the server's `TableColumnDefinition`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub name: &'static str,
    /// The type of its cells: `string`, `integer`, `date`…
    pub kind: &'static str,
    /// The format of its cells; `name` for the name.
    pub format: &'static str,
    /// What is in it.
    pub description: &'static str,
    /// 0 for always, more for `-o wide` only.
    pub priority: i64,
}

/// The table of a built-in kind; `None` for a kind without.
pub fn table(group: &str, kind: &str) -> Option<&'static Table> {
    TABLES.iter().find(|(of, _)| *of == (group, kind)).map(|(_, table)| *table)
}

/// Every table there is, by group and kind.
static TABLES: &[((&str, &str), &Table)] = &[];
