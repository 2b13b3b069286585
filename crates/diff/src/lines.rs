//! Values as lines of text, and what differs between them.

use lockstep_core::{Value, to_json};

/// How many equal lines are shown around those that differ.
const CONTEXT: usize = 2;

/// A value in the manner of YAML. Texts of several lines are shown as they are.
pub(crate) fn of_value(value: &Value) -> Vec<String> {
    match value {
        Value::Map(entries) if !entries.is_empty() => {
            entries.iter().flat_map(|(name, value)| under(&format!("{name}:"), value)).collect()
        }
        Value::List(items) if !items.is_empty() => items.iter().flat_map(item).collect(),
        Value::String(text) if text.trim_end_matches('\n').contains('\n') => {
            text.trim_end_matches('\n').split('\n').map(str::to_owned).collect()
        }
        Value::String(text) if is_plain(text) => vec![text.to_string()],
        other => vec![String::from_utf8_lossy(&to_json(other)).into_owned()],
    }
}

/// Whether a text reads as itself without quotes.
fn is_plain(text: &str) -> bool {
    let starts_well = text.starts_with(|c: char| c.is_alphabetic() || "/<._".contains(c));
    let word = !matches!(text, "true" | "false" | "null" | "yes" | "no");
    let marker = text.starts_with("<redacted");
    let reads_otherwise = text.contains(": ") || text.contains(" #") || text.contains(['"', '\n', '\t']);
    marker || (starts_well && word && !text.ends_with([' ', ':']) && !reads_otherwise)
}

fn under(name: &str, value: &Value) -> Vec<String> {
    let lines = of_value(value);
    match (value, lines.as_slice()) {
        (Value::Map(_) | Value::List(_), [only]) if value.is_empty_container() => {
            vec![format!("{name} {only}")]
        }
        (Value::Map(_) | Value::List(_), _) => indented(name.to_owned(), &lines),
        (_, [only]) => vec![format!("{name} {only}")],
        _ => indented(format!("{name} |"), &lines),
    }
}

fn indented(first: String, lines: &[String]) -> Vec<String> {
    std::iter::once(first).chain(lines.iter().map(|line| format!("  {line}"))).collect()
}

fn item(value: &Value) -> Vec<String> {
    let lines = of_value(value).into_iter().enumerate();
    lines.map(|(index, line)| format!("{}{line}", if index == 0 { "- " } else { "  " })).collect()
}

/// The lines that differ, after `-` and `+`, with some equal ones around them. What is equal at both ends is left out; the
/// middle is shown whole.
pub(crate) fn compare(old: &[String], new: &[String]) -> Vec<String> {
    let equal_start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - equal_start;
    let equal_end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let (old_end, new_end) = (old.len() - equal_end, new.len() - equal_end);
    let before = &old[equal_start.saturating_sub(CONTEXT)..equal_start];
    let after = &old[old_end..(old_end + CONTEXT).min(old.len())];
    let signed = |sign: char, lines: &[String]| -> Vec<String> {
        lines.iter().map(|line| format!("{sign} {line}").trim_end().to_owned()).collect()
    };
    [
        signed(' ', before),
        signed('-', &old[equal_start..old_end]),
        signed('+', &new[equal_start..new_end]),
        signed(' ', after),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::from_json;

    #[test]
    fn values_read_like_yaml() {
        let json = r#"{"a":1,"e":{},"l":[{"n":"x","v":[true]},"s"],"m":"two\nlines\n","q":"1","t":"a: b"}"#;
        let lines = of_value(&from_json(json.as_bytes()).unwrap());
        assert_eq!(
            lines.join("\n"),
            [
                "a: 1",
                "e: {}",
                "l:",
                "  - n: x",
                "    v:",
                "      - true",
                "  - s",
                "m: |",
                "  two",
                "  lines",
                "q: \"1\"",
                "t: \"a: b\"",
            ]
            .join("\n")
        );
    }

    #[test]
    fn only_the_middle_differs() {
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (old, new, want) in [
            ("a b c d e f g", "a b c D e f g", "  b,  c,- d,+ D,  e,  f"),
            ("a b", "a b c", "  a,  b,+ c"),
            ("a a", "a a a", "  a,  a,+ a"),
            ("x", "y", "- x,+ y"),
        ] {
            assert_eq!(compare(&lines(old), &lines(new)).join(","), want);
        }
        assert_eq!(compare(&[], &lines("x")), ["+ x"]);
    }
}
