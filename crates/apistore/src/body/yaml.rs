//! A body in YAML, as the server's reader of it takes it.

use std::sync::Arc;

use goyaml::{Limits, Source};
use lockstep_core::{Value, from_json};

use super::{LIMIT, Parsed};
use crate::failure::quoted;

/// Reads a text; the error is Go's.
pub(super) fn parse(text: &[u8]) -> Result<Parsed, String> {
    // What is JSON is YAML that is read faster.
    if text.first() == Some(&b'{')
        && let Ok(value) = from_json(text)
        && schema::duplicates(text).is_empty()
    {
        return Ok(Parsed { value: integral(value), strict: Vec::new() });
    }
    let limits = Limits { file_bytes: LIMIT, ..Limits::default() };
    let message = |error: goyaml::Error| yaml_error(text, &error);
    let source = Arc::new(Source::read(text, &limits).map_err(message)?);
    let whole = source.documents().into_iter().next();
    let Some(span) = whole else { return Ok(Parsed { value: Value::Null, strict: Vec::new() }) };
    let document = goyaml::parse(&source, span, &limits).map_err(message)?.document;
    let Some(document) = document else { return Ok(Parsed { value: Value::Null, strict: Vec::new() }) };
    let decoded = goyaml::decode(&document, &limits).map_err(message)?;
    let twice: Vec<String> = decoded
        .duplicates
        .iter()
        .map(|duplicate| {
            let line = document.node(duplicate.second).position().line;
            format!("line {line}: key {} already set in map", quoted(&duplicate.key))
        })
        .collect();
    let strict = match twice.is_empty() {
        true => Vec::new(),
        false => vec![format!("yaml: unmarshal errors:\n  {}", twice.join("\n  "))],
    };
    Ok(Parsed { value: integral(decoded.value), strict })
}

/// YAML on its way to JSON: a number without a fraction becomes a whole one there, `1.0` too.
fn integral(value: Value) -> Value {
    /// The whole numbers that a float can tell apart, which Go writes without an exponent.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match &value {
        Value::Float(number) if number.fract() == 0.0 && number.abs() <= EXACT => Value::Int(*number as i64),
        Value::List(items) if items.iter().any(holds_float) => {
            Value::list(items.iter().cloned().map(integral).collect())
        }
        Value::Map(entries) if entries.values().any(holds_float) => {
            Value::map(entries.iter().map(|(key, value)| (key.clone(), integral(value.clone()))).collect())
        }
        _ => value,
    }
}

fn holds_float(value: &Value) -> bool {
    match value {
        Value::Float(_) => true,
        Value::List(items) => items.iter().any(holds_float),
        Value::Map(entries) => entries.values().any(holds_float),
        _ => false,
    }
}

/// An error of YAML as Go prints it: its parser counts lines from zero and ends the last one itself, its scanner names no first
/// line, and what its reader and its composer say has no place.
fn yaml_error(text: &[u8], error: &goyaml::Error) -> String {
    let says = |beginning: &[&str]| beginning.iter().any(|words| error.message.starts_with(words));
    let line = match error.position.line {
        _ if says(&["control characters", "unknown anchor", "map merge", "!!"]) => 0,
        line if says(&["did not find expected"]) => {
            let at_end = error.offset as usize >= text.len() && text.last() != Some(&b'\n');
            if at_end { line } else { line - 1 }
        }
        1 => 0,
        line => line,
    };
    match line {
        0 => format!("yaml: {}", error.message),
        line => format!("yaml: line {line}: {}", error.message),
    }
}

/// One warning for each thing that is wrong with YAML.
pub(crate) fn warnings_of(strict: &str) -> Vec<String> {
    match strict.strip_prefix("yaml: unmarshal errors:\n") {
        Some(lines) => lines.lines().map(|line| line.trim().to_owned()).collect(),
        None => vec![strict.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, want: &str) {
        assert_eq!(parse(text.as_bytes()).unwrap_err(), want, "{text:?}");
    }

    /// The texts are recorded from a real server.
    #[test]
    fn what_is_no_yaml_is_refused_in_its_words() {
        refused("a: [", "yaml: line 1: did not find expected node content");
        refused("}", "yaml: did not find expected node content");
        refused("a: b: c", "yaml: mapping values are not allowed in this context");
        refused("a: 1\nb: c: d\n", "yaml: line 2: mapping values are not allowed in this context");
        refused("\"x", "yaml: found unexpected end of stream");
        refused("a: 1\nb: \"x\n", "yaml: line 3: found unexpected end of stream");
        refused("a: 1\nb: *x", "yaml: unknown anchor 'x' referenced");
        refused("a: 1\n\0", "yaml: control characters are not allowed");
        refused("<<: 1", "yaml: map merge requires map or sequence of maps as the value");
        refused("a: 1\n- b\n", "yaml: line 1: did not find expected key");
    }
}
