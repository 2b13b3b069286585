//! YAML as `sigs.k8s.io/yaml`'s `Marshal` writes it: JSON first, then go-yaml v2's block style.

mod scalar;

use gostd::strconv;
use lockstep_core::Value;

use crate::order;
use crate::resolve::{Scalar, resolve};
use scalar::{Analysis, ScalarStyle};

const INDENT: usize = 2;
/// Plain and quoted scalars are folded at the first space behind this column.
const WIDTH: usize = 80;

/// Writes one document, with a line break at its end.
///
/// The text is that of `yaml.Marshal`, save where Go's would not read back: NEL is escaped and a key `<<` is quoted.
pub fn emit(value: &Value) -> String {
    let mut emitter =
        Emitter { out: String::new(), column: 0, indent: None, whitespace: true, indention: true };
    emitter.node(value, Place::Root);
    emitter.write_indent();
    emitter.out
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Item,
    /// A key on one line with its value.
    SimpleKey,
    /// A key behind `?`, or a value.
    Mapping,
}

struct Emitter {
    out: String,
    column: usize,
    /// `None` outside of everything.
    indent: Option<usize>,
    /// Whether the last character was white space, so that an indicator needs none before it.
    whitespace: bool,
    /// Whether the line so far is indentation, `-`, `?` and `:` only, so that a collection may begin on it.
    indention: bool,
}

impl Emitter {
    fn node(&mut self, value: &Value, place: Place) {
        match value {
            Value::Null => self.scalar("null", ScalarStyle::Plain, place),
            Value::Bool(true) => self.scalar("true", ScalarStyle::Plain, place),
            Value::Bool(false) => self.scalar("false", ScalarStyle::Plain, place),
            Value::Int(number) => self.scalar(&number.to_string(), ScalarStyle::Plain, place),
            Value::Uint(number) => self.scalar(&number.to_string(), ScalarStyle::Plain, place),
            Value::Float(number) => self.scalar(&float(*number), ScalarStyle::Plain, place),
            Value::String(text) => self.text(text, place),
            Value::List(items) if items.is_empty() => self.empty("[]"),
            Value::List(items) => {
                // A list under a key is not indented.
                let deeper = place != Place::Mapping || self.indention;
                self.nested(deeper, |emitter| {
                    for item in items.iter() {
                        emitter.write_indent();
                        emitter.indicator("-", true, true);
                        emitter.node(item, Place::Item);
                    }
                });
            }
            Value::Map(entries) if entries.is_empty() => self.empty("{}"),
            Value::Map(entries) => self.nested(true, |emitter| {
                for (key, value) in order::sort(entries.iter().map(|(key, value)| (&**key, value)).collect())
                {
                    emitter.write_indent();
                    emitter.entry(key, value);
                }
            }),
        }
    }

    fn entry(&mut self, key: &str, value: &Value) {
        if scalar::is_simple_key(key) {
            self.text(key, Place::SimpleKey);
            self.indicator(":", false, false);
        } else {
            self.indicator("?", true, true);
            self.text(key, Place::Mapping);
            self.write_indent();
            self.indicator(":", true, true);
        }
        self.node(value, Place::Mapping);
    }

    fn nested(&mut self, deeper: bool, inner: impl FnOnce(&mut Self)) {
        let outer = self.indent;
        self.indent = match outer {
            None => Some(0),
            Some(indent) => Some(if deeper { indent + INDENT } else { indent }),
        };
        inner(self);
        self.indent = outer;
    }

    fn empty(&mut self, brackets: &str) {
        self.indicator(brackets, true, false);
    }

    fn text(&mut self, text: &str, place: Place) {
        let reads_as_text = resolve(text, true) == Scalar::Text && !is_base60(text);
        let merge_key = text == "<<" && matches!(place, Place::SimpleKey);
        let style = match (text.contains('\n'), reads_as_text && !merge_key) {
            (true, _) => ScalarStyle::Literal,
            (false, true) => ScalarStyle::Plain,
            (false, false) => ScalarStyle::DoubleQuoted,
        };
        self.scalar(text, style, place);
    }

    fn scalar(&mut self, text: &str, wanted: ScalarStyle, place: Place) {
        let simple_key = place == Place::SimpleKey;
        let style = Analysis::of(text).style(text, wanted, simple_key);
        let outer = self.indent;
        self.indent = Some(outer.map_or(INDENT, |indent| indent + INDENT));
        match style {
            ScalarStyle::Plain => self.plain(text, !simple_key),
            ScalarStyle::SingleQuoted => self.single_quoted(text, !simple_key),
            ScalarStyle::DoubleQuoted => self.double_quoted(text, !simple_key),
            ScalarStyle::Literal => self.literal(text),
        }
        self.indent = outer;
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    /// Goes to the indentation, on a new line unless this line is nothing but indentation so far.
    fn write_indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    fn indicator(&mut self, text: &str, spaced: bool, keeps_indention: bool) {
        if spaced && !self.whitespace {
            self.put(' ');
        }
        text.chars().for_each(|c| self.put(c));
        self.whitespace = false;
        self.indention &= keeps_indention;
    }
}

/// A float on its way through JSON: what reads as an integer is written as one, the rest by Go's `%g`.
fn float(number: f64) -> String {
    match resolve(&strconv::format_json(number).unwrap_or_default(), true) {
        Scalar::Int(number) => number.to_string(),
        Scalar::Uint(number) => number.to_string(),
        _ => strconv::format_general(number),
    }
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`: text to go-yaml, a number to other YAML 1.1 parsers, so it is quoted.
fn is_base60(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.split(':');
    let is_tail = |part: &str| match part.as_bytes() {
        [digit] => digit.is_ascii_digit(),
        [b'0'..=b'5', digit] => digit.is_ascii_digit(),
        _ => false,
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let head = parts.next().unwrap_or_default();
    head.starts_with(|c: char| c.is_ascii_digit())
        && digits(head)
        && digits(fraction)
        && whole.contains(':')
        && parts.all(is_tail)
}

#[cfg(test)]
mod tests {
    use super::{emit, is_base60};
    use lockstep_core::from_json;

    fn check(json: &str, yaml: &str) {
        assert_eq!(emit(&from_json(json.as_bytes()).unwrap()), yaml, "{json}");
    }

    #[test]
    fn collections_are_written_in_block_style() {
        check(
            r#"{"a":[1,{"b":2,"c":[]},[3,[4]],{}],"d":{"e":null},"f":{}}"#,
            "a:\n- 1\n- b: 2\n  c: []\n- - 3\n  - - 4\n- {}\nd:\n  e: null\nf: {}\n",
        );
        check("[]", "[]\n");
        check("[[1],2]", "- - 1\n- 2\n");
        check("\"x\"", "x\n");
    }

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        check(
            "[1.5, 1e20, 1e21, 18446744073709551615, 1234567.5, 0.0000001, 1.0, 9223372036854775808.0]",
            "- 1.5\n- 1e+20\n- 1e+21\n- 18446744073709551615\n- 1.2345675e+06\n- 1e-07\n- 1\n- 9223372036854776000\n",
        );
    }

    #[test]
    fn text_that_would_read_as_something_else_is_quoted() {
        for text in ["yes", "1", "null", "~", "0x1", "1e3", "2020-01-01", "1:30", "y", ".5", "+1", "1_0"] {
            check(&format!("[\"{text}\"]"), &format!("- \"{text}\"\n"));
        }
        for text in ["1:60", "a", "0o8", "1:2:x", "_1", "<<", "=", "12,5", "v1.2"] {
            check(&format!("[\"{text}\"]"), &format!("- {text}\n"));
        }
        check(r#"{"y":1,"":2,"<<":3}"#, "\"\": 2\n\"<<\": 3\n\"y\": 1\n");
    }

    #[test]
    fn base_60_is_told() {
        for (text, expected) in [
            ("1:30", true),
            ("-1_0:5:59.5_", true),
            ("1:60", false),
            ("1", false),
            (":1", false),
            ("1:", false),
        ] {
            assert_eq!(is_base60(text), expected, "{text}");
        }
    }
}
