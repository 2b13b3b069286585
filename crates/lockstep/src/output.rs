//! How a command prints what it found.

use clap::ValueEnum;
use lockstep_core::Value;

use crate::terminal::Terminal;

/// `-o`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    #[default]
    Table,
    /// For people with wide screens.
    Wide,
    /// For programs.
    Json,
    /// For programs and files.
    Yaml,
    /// One name a line.
    Name,
}

/// Prints one value, and its name where only that is wanted. `false`: the format is for people, and nothing was printed.
pub(crate) fn value(
    terminal: &mut Terminal,
    output: Output,
    value: &Value,
    name: &str,
) -> anyhow::Result<bool> {
    let text = match output {
        Output::Table | Output::Wide => return Ok(false),
        Output::Json => manifest::json(value),
        Output::Yaml => manifest::yaml([value]),
        Output::Name => format!("{name}\n"),
    };
    terminal.out.write_all(text.as_bytes())?;
    Ok(true)
}

/// A resource without what the API server keeps for itself, as kubectl prints it.
pub(crate) fn cleaned(mut resource: Value) -> Value {
    resource.remove(&["metadata", "managedFields"]);
    resource
}

/// A mapping of what is there.
pub(crate) fn mapping<const N: usize>(entries: [(&str, Option<Value>); N]) -> Value {
    let present = entries.into_iter().filter_map(|(name, value)| Some((name.into(), value?)));
    Value::map(present.collect())
}

/// A text.
pub(crate) fn text(text: impl ToString) -> Option<Value> {
    Some(Value::string(text.to_string()))
}

/// A text that is left out where it is empty.
pub(crate) fn some_text(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| text.into())
}
