//! The names of fields, as objects and as expressions have them.

use crate::parse::RESERVED;

/// The literals and the operator of CEL that read like names.
const WORDS: [&str; 4] = ["true", "false", "null", "in"];

/// Whether a word is no name in CEL; a field of such a name is `__word__`.
fn is_keyword(word: &str) -> bool {
    WORDS.contains(&word) || RESERVED.contains(&word)
}

const ESCAPES: [(&str, &str); 4] =
    [("__underscores__", "__"), ("__dot__", "."), ("__dash__", "-"), ("__slash__", "/")];

/// The name of a field as expressions have it.
pub(crate) fn escape(name: &str) -> String {
    if is_keyword(name) {
        return format!("__{name}__");
    }
    ESCAPES.iter().fold(name.to_owned(), |name, (escaped, plain)| name.replace(plain, escaped))
}

/// Whether a field can be named in expressions.
pub(crate) fn can_escape(name: &str) -> bool {
    let escaped = escape(name);
    escaped.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_')
        && escaped.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}

/// The name of a field as objects have it.
pub(crate) fn unescape(name: &str) -> String {
    let keyword = name.strip_prefix("__").and_then(|name| name.strip_suffix("__"));
    if let Some(keyword) = keyword.filter(|keyword| is_keyword(keyword)) {
        return keyword.to_owned();
    }
    ESCAPES.iter().rev().fold(name.to_owned(), |name, (escaped, plain)| name.replace(escaped, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_fields_are_escaped_and_back() {
        for (name, escaped) in [
            ("a", "a"),
            ("a-b", "a__dash__b"),
            ("a.b", "a__dot__b"),
            ("in", "__in__"),
            ("a__b", "a__underscores__b"),
            ("x/y", "x__slash__y"),
        ] {
            assert_eq!((&*escape(name), &*unescape(escaped)), (escaped, name));
        }
        assert!(!can_escape("1a") && can_escape("_a") && !can_escape("a b"));
    }
}
