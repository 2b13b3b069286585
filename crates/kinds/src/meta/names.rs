//! The forms of names, and what the server says of one that does not have its form.
//!
//! The texts and forms are those of k8s.io/apimachinery (`util/validation`, `api/validate/content`).

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const SUBDOMAIN_UNDERSCORE: &str = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*";
const LABEL_KEY: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const KEY_TEXT: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/// What is wrong with a name, as the server says it; empty when nothing is.
pub(crate) type Wrong = Vec<String>;

/// What a strategy says of a name.
pub(crate) fn named(wrong: Wrong) -> Result<(), Wrong> {
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// A sentence with examples and the form that a value does not have.
pub(crate) fn form_error(text: &str, form: &str, examples: &[&str]) -> String {
    let examples: Vec<_> = examples.iter().map(|example| format!("'{example}', ")).collect();
    match examples.is_empty() {
        true => format!("{text} (regex used for validation is '{form}')"),
        false => format!("{text} (e.g. {}regex used for validation is '{form}')", examples.join(" or ")),
    }
}

/// A text is longer than it may be.
pub(crate) fn too_long(limit: usize) -> String {
    format!("must be no more than {limit} characters")
}

/// The same in the words of the newer, declarative rules.
fn too_many_bytes(limit: usize) -> String {
    format!("must be no more than {limit} bytes")
}

fn lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn is_framed(text: &str, inner: impl Fn(u8) -> bool, outer: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    let ends = bytes.first().zip(bytes.last());
    ends.is_some_and(|(&first, &last)| outer(first) && outer(last)) && bytes.iter().all(|&byte| inner(byte))
}

fn is_label_form(text: &str) -> bool {
    is_framed(text, |byte| lower(byte) || byte == b'-', lower)
}

fn is_subdomain_form(text: &str) -> bool {
    text.split('.').all(is_label_form)
}

fn is_underscored_form(text: &str) -> bool {
    text.split('.').all(|part| {
        is_framed(
            part.strip_prefix('_').unwrap_or(part),
            |byte| lower(byte) || matches!(byte, b'-' | b'_'),
            lower,
        )
    })
}

/// A DNS label (RFC 1123).
pub(crate) fn dns_label(name: &str) -> Wrong {
    let mut wrong = Vec::new();
    if name.len() > 63 {
        wrong.push(too_long(63));
    }
    if !is_label_form(name) {
        wrong.push(match is_subdomain_form(name) {
            true => "must not contain dots".into(),
            false => form_error(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
                LABEL,
                &["my-name", "123-abc"],
            ),
        });
    }
    wrong
}

/// A DNS subdomain (RFC 1123).
pub(crate) fn dns_subdomain(name: &str) -> Wrong {
    let mut wrong = Vec::new();
    if name.len() > 253 {
        wrong.push(too_long(253));
    }
    if !is_subdomain_form(name) {
        wrong.push(form_error(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
            SUBDOMAIN,
            &["example.com"],
        ));
    }
    wrong
}

/// A DNS subdomain in which underscores may stand.
pub(crate) fn dns_subdomain_with_underscore(name: &str) -> Wrong {
    let mut wrong = Vec::new();
    if name.len() > 253 {
        wrong.push(too_long(253));
    }
    if !is_underscored_form(name) {
        wrong.push(form_error(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
            SUBDOMAIN_UNDERSCORE,
            &["example.com"],
        ));
    }
    wrong
}

/// A DNS label (RFC 1035), as Services have it.
pub(crate) fn dns_1035_label(name: &str) -> Wrong {
    let mut wrong = Vec::new();
    if name.len() > 63 {
        wrong.push(too_long(63));
    }
    if !is_label_form(name) || !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        wrong.push(form_error(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
            "[a-z]([-a-z0-9]*[a-z0-9])?",
            &["my-name", "abc-123"],
        ));
    }
    wrong
}

/// A DNS subdomain behind `*.`.
pub(crate) fn wildcard_dns_subdomain(name: &str) -> Wrong {
    let mut wrong = Vec::new();
    if name.len() > 253 {
        wrong.push(too_long(253));
    }
    if !name.strip_prefix("*.").is_some_and(is_subdomain_form) {
        wrong.push(form_error(
            "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
            &format!("\\*\\.{SUBDOMAIN}"),
            &["*.example.com"],
        ));
    }
    wrong
}

/// What may be a segment of a URL: the least that a name must be.
pub(crate) fn path_segment(name: &str) -> Wrong {
    match name {
        "." | ".." => vec![format!("may not be '{name}'")],
        _ => path_segment_prefix(name),
    }
}

/// The beginning of a segment of a URL.
pub(crate) fn path_segment_prefix(name: &str) -> Wrong {
    ["/", "%"]
        .iter()
        .filter(|bad| name.contains(**bad))
        .map(|bad| format!("may not contain '{bad}'"))
        .collect()
}

fn is_label_text(text: &str) -> bool {
    is_framed(
        text,
        |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
        |byte| byte.is_ascii_alphanumeric(),
    )
}

/// The key of a label, an annotation's in lower case, a taint's, a resource's: a name with an optional prefix.
pub(crate) fn qualified_name(name: &str) -> Wrong {
    let mut wrong = Vec::new();
    let parts: Vec<&str> = name.split('/').collect();
    let examples = &["MyName", "my.name", "123-abc"];
    let last = match *parts {
        [name] => name,
        [prefix, name] => {
            match prefix.is_empty() {
                true => wrong.push("prefix part must be non-empty".into()),
                false => {
                    wrong.extend(dns_subdomain(prefix).into_iter().map(|text| format!("prefix part {text}")))
                }
            }
            name
        }
        _ => {
            let text = form_error(KEY_TEXT, LABEL_KEY, examples);
            return vec![format!(
                "a valid label key {text} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if last.is_empty() {
        wrong.push("name part must be non-empty".into());
    } else if last.len() > 63 {
        wrong.push(format!("name part {}", too_many_bytes(63)));
    }
    if !is_label_text(last) {
        wrong.push(format!("name part {}", form_error(KEY_TEXT, LABEL_KEY, examples)));
    }
    wrong
}

/// The value of a label.
pub(crate) fn label_value(value: &str) -> Wrong {
    let mut wrong = Vec::new();
    if value.len() > 63 {
        wrong.push(too_many_bytes(63));
    }
    if !value.is_empty() && !is_label_text(value) {
        wrong.push(form_error(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
            "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?",
            &["MyValue", "my_value", "12345"],
        ));
    }
    wrong
}

/// The key of a ConfigMap or Secret.
pub(crate) fn config_map_key(key: &str) -> Wrong {
    let mut wrong = Vec::new();
    if key.len() > 253 {
        wrong.push(too_long(253));
    }
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if key.is_empty() || !key.bytes().all(fine) {
        wrong.push(form_error(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
            "[-._a-zA-Z0-9]+",
            &["key.name", "KEY_NAME", "key-name"],
        ));
    }
    match key {
        "." => wrong.push("must not be '.'".into()),
        ".." => wrong.push("must not be '..'".into()),
        _ if key.starts_with("..") => wrong.push("must not start with '..'".into()),
        _ => {}
    }
    wrong
}

/// The name of an environment variable, as read since 1.34.
pub(crate) fn env_name(name: &str) -> Wrong {
    let mut wrong = Vec::new();
    if name.is_empty() {
        wrong.push("environment variable name must be non-empty".into());
    }
    if !name.chars().all(|char| matches!(char, ' '..='~') && char != '=') {
        wrong.push(
            "a valid environment variable name must consist only of printable ASCII characters other than '='".into(),
        );
    }
    wrong
}

/// The name of a header of HTTP.
pub(crate) fn http_header_name(name: &str) -> Wrong {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    match !name.is_empty() && name.bytes().all(fine) {
        true => Vec::new(),
        false => vec![form_error(
            "a valid HTTP header must consist of alphanumeric characters or '-'",
            "[-A-Za-z0-9]+",
            &["X-Header-Name"],
        )],
    }
}

/// The name of a port (IANA service name).
pub(crate) fn port_name(name: &str) -> Wrong {
    let mut wrong = Vec::new();
    if name.len() > 15 {
        wrong.push(too_long(15));
    }
    if name.is_empty() || !name.bytes().all(|byte| lower(byte) || byte == b'-') {
        wrong.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".into());
    }
    if !name.bytes().any(|byte| byte.is_ascii_lowercase()) {
        wrong.push("must contain at least one letter (a-z)".into());
    }
    if name.contains("--") {
        wrong.push("must not contain consecutive hyphens".into());
    }
    if name.starts_with('-') || name.ends_with('-') {
        wrong.push("must not begin or end with a hyphen".into());
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_forms() {
        let check = |form: fn(&str) -> Wrong, good: &[&str], bad: &[&str]| {
            for name in good {
                assert_eq!(form(name), Wrong::new(), "{name}");
            }
            for name in bad {
                assert_ne!(form(name), Wrong::new(), "{name}");
            }
        };
        check(dns_label, &["a", "a-1", "1"], &["", "-a", "a-", "A", "a.b", "a_b", &"a".repeat(64)]);
        check(
            dns_subdomain,
            &["a", "a.b", "1.2-3"],
            &["", ".", "a.", ".a", "a..b", "a.-b", &"a".repeat(254)],
        );
        check(dns_subdomain_with_underscore, &["_a.b_c", "a"], &["", "a_", "__", "."]);
        check(dns_1035_label, &["a1"], &["1a", "", "a."]);
        check(wildcard_dns_subdomain, &["*.a.b"], &["*", "*.", "a.b", "*.*.a"]);
        check(path_segment, &["a:b", ""], &[".", "..", "a/b", "a%b"]);
        check(
            qualified_name,
            &["a", "A_b.c-d", "x.y/Z"],
            &["", "/a", "a/", "a/b/c", "X/y", "-a", &"a".repeat(64)],
        );
        check(label_value, &["", "a_b"], &["-", "a b", &"a".repeat(64)]);
        check(config_map_key, &["a.B_c-d", ".a"], &["", ".", "..", "..a", "a/b"]);
        check(env_name, &["A B", "1"], &["", "A=B", "ä"]);
        check(port_name, &["http", "a-1"], &["", "80", "-a", "a--b", "A", "abcdefghijklmnop"]);
    }

    #[test]
    fn texts_are_the_servers() {
        assert_eq!(
            dns_label("A"),
            [
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            ]
        );
    }
}
