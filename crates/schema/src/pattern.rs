//! Regular expressions as Go reads them.

use regex::{Regex, RegexBuilder};

/// A regular expression of Go's `regexp` (RE2's syntax). The crate `regex` has the same syntax and the same guarantee of linear
/// time but for the classes `\d`, `\w`, `\s` and `\b`, which are of ASCII in Go and of Unicode there.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

/// An expression that Go does not take; `Display` is Go's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {0}")]
pub struct PatternError(String);

/// Memory that one expression may take once compiled, in bytes: a repetition of a repetition is refused, as by Go.
const SIZE_LIMIT: usize = 4 << 20;

impl Pattern {
    /// Compiles an expression.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        refused(text)?;
        let ascii = ascii_classes(text);
        RegexBuilder::new(&ascii)
            .size_limit(SIZE_LIMIT)
            .build()
            .map(Self)
            .map_err(|_| PatternError(format!("invalid expression: `{text}`")))
    }

    /// Whether it is found somewhere in a text.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The expression itself, to search with.
    pub fn regex(&self) -> &Regex {
        &self.0
    }
}

/// What Go refuses, in its words, where the two engines would say it differently.
fn refused(text: &str) -> Result<(), PatternError> {
    let error = |what: &str, at: &str| Err(PatternError(format!("{what}: `{at}`")));
    let mut open = 0usize;
    let mut class = false;
    let mut chars = text.char_indices();
    let mut repeatable = false;
    let mut class_start = 0;
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => match chars.next() {
                None => return Err(PatternError("trailing backslash at end of expression: ``".into())),
                Some((_, digit @ '1'..='9')) => {
                    return error("invalid escape sequence", &format!("\\{digit}"));
                }
                Some((_, letter @ ('k' | 'Z' | 'G' | 'K' | 'R' | 'X'))) => {
                    return error("invalid escape sequence", &format!("\\{letter}"));
                }
                Some(_) => repeatable = true,
            },
            ']' if class && !matches!(&text[class_start..at], "[" | "[^") => {
                (class, repeatable) = (false, true)
            }
            _ if class => {}
            '[' => (class, class_start) = (true, at),
            '(' => {
                open += 1;
                repeatable = false;
                for around in ["(?=", "(?!", "(?<=", "(?<!", "(?>"] {
                    if text[at..].starts_with(around) {
                        // Go reads `(?<` as the start of a name, and shows one character more.
                        let shown = if around.starts_with("(?<") { &around[..3] } else { around };
                        return error("invalid or unsupported Perl syntax", shown);
                    }
                }
                if text[at..].starts_with("(?") {
                    chars.next();
                    repeatable = true;
                }
            }
            ')' if open == 0 => return error("unexpected )", text),
            ')' => (open, repeatable) = (open - 1, true),
            '|' => repeatable = false,
            '*' | '+' | '?' if !repeatable => {
                return error("missing argument to repetition operator", &char.to_string());
            }
            _ => repeatable = true,
        }
    }
    match (class, open) {
        (true, _) => error("missing closing ]", &text[class_start..]),
        (_, 0) => Ok(()),
        _ => error("missing closing )", text),
    }
}

/// The same expression with its Perl classes spelled out.
fn ascii_classes(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    let mut class = false;
    while let Some(char) = chars.next() {
        match char {
            '\\' => out.push_str(&escape(chars.next().unwrap_or('\\'), class)),
            '[' if class && chars.peek() != Some(&':') => out.push_str("\\["),
            '[' if class => {
                out.push('[');
                for char in chars.by_ref() {
                    out.push(char);
                    if char == ']' {
                        break;
                    }
                }
            }
            '[' => {
                class = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
            }
            ']' => {
                class = false;
                out.push(']');
            }
            // In a class these are operators of the other engine where they stand twice.
            '&' | '~' if class => out.extend(['\\', char]),
            _ => out.push(char),
        }
    }
    out
}

fn escape(char: char, class: bool) -> String {
    let set = match char {
        'd' => "0-9",
        'w' => "0-9A-Za-z_",
        's' => "\\t\\n\\f\\r ",
        'D' => return "[^0-9]".into(),
        'W' => return "[^0-9A-Za-z_]".into(),
        'S' => return "[^\\t\\n\\f\\r ]".into(),
        'b' | 'B' => return format!("(?-u:\\{char})"),
        'Q' => return String::new(),
        // Punctuation that needs no escape is taken by both; these three are not by one of them.
        '<' | '>' | '/' | '"' | '\'' | '%' | '@' | '=' | ',' | '!' | '`' | ';' | ':' | '_' => {
            return char.into();
        }
        _ => return format!("\\{char}"),
    };
    if class { set.into() } else { format!("[{set}]") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, want: bool) {
        assert_eq!(Pattern::new(pattern).unwrap().is_match(text), want, "{pattern} on {text}");
    }

    #[test]
    fn classes_are_of_ascii() {
        check(r"^\d+$", "12", true);
        check(r"^\d+$", "١٢", false);
        check(r"^[\w.-]+$", "a.b-c", true);
        check(r"^[\w]+$", "é", false);
        check(r"^[^\s]+$", "a b", false);
        check(r"^[]a]+$", "]a", true);
        check(r"^[[:alpha:]]+$", "ab", true);
        check(r"^\/a$", "/a", true);
    }

    #[test]
    fn what_go_refuses_is_refused_in_its_words() {
        for (pattern, text) in [
            ("a(?=b)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`"),
            ("a(?!b)", "error parsing regexp: invalid or unsupported Perl syntax: `(?!`"),
            ("(?<=b)a", "error parsing regexp: invalid or unsupported Perl syntax: `(?<`"),
            ("*a", "error parsing regexp: missing argument to repetition operator: `*`"),
            ("(a", "error parsing regexp: missing closing ): `(a`"),
            ("a)", "error parsing regexp: unexpected ): `a)`"),
            ("[a", "error parsing regexp: missing closing ]: `[a`"),
            (r"(a)\1", r"error parsing regexp: invalid escape sequence: `\1`"),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap_err().to_string(), text);
        }
    }
}
