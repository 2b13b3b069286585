//! What the values of arguments may be.

use std::sync::Arc;
use std::time::Duration;

/// A time that is not zero, as Go writes it.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let duration = api::parse_duration(text).filter(|duration| !duration.is_zero());
    duration.ok_or_else(|| "give a duration such as 90s, 5m or 1h".to_owned())
}

/// The name of an installation. It becomes part of names of Secrets and is set apart by colons in annotations.
pub(crate) fn instance(text: &str) -> Result<Arc<str>, String> {
    match is_label(text, 40) {
        true => Ok(text.into()),
        false => Err("give up to 40 lower-case letters, digits and dashes".to_owned()),
    }
}

/// The name of a namespace, as the API server takes it.
pub(crate) fn namespace(text: &str) -> Result<String, String> {
    match is_label(text, 63) {
        true => Ok(text.to_owned()),
        false => Err("give up to 63 lower-case letters, digits and dashes".to_owned()),
    }
}

fn is_label(text: &str, longest: usize) -> bool {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let edge = text.starts_with('-') || text.ends_with('-');
    !text.is_empty() && text.len() <= longest && !edge && text.chars().all(valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_labels() {
        for (text, valid) in [
            ("lockstep", true),
            ("a-1", true),
            ("", false),
            ("a:b", false),
            ("-a", false),
            ("a-", false),
            ("A", false),
        ] {
            assert_eq!((instance(text).is_ok(), namespace(text).is_ok()), (valid, valid), "{text}");
        }
        let long = "a".repeat(41);
        assert_eq!((instance(&long).is_ok(), namespace(&long).is_ok()), (false, true));
    }

    #[test]
    fn durations_are_positive() {
        for (text, valid) in [("60s", true), ("1h30m", true), ("0s", false), ("60", false), ("", false)] {
            assert_eq!(duration(text).is_ok(), valid, "{text}");
        }
    }
}
