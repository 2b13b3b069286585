//! Resource versions: numbers that can be compared (guaranteed from Kubernetes 1.35 on, true before), else just names.

use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Number(u64),
    Name(Arc<str>),
}

impl Version {
    pub(super) fn parse(text: &str) -> Self {
        // Only what prints back as it was read is a number.
        let decimal =
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        match text.parse() {
            Ok(number) if decimal => Self::Number(number),
            _ => Self::Name(text.into()),
        }
    }

    /// Whether this is surely later than another; of two names neither is.
    pub(super) fn after(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Number(this), Self::Number(other)) if this > other)
    }

    pub(super) fn text(&self) -> Arc<str> {
        match self {
            Self::Number(number) => number.to_string().into(),
            Self::Name(name) => name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_and_names_do_not() {
        let v = Version::parse;
        assert!(v("10").after(&v("9")) && !v("9").after(&v("10")) && !v("9").after(&v("9")));
        for (a, b) in [("x2", "x1"), ("2", "x1"), ("012", "1"), ("", "1"), ("99999999999999999999", "1")] {
            assert!(!v(a).after(&v(b)) && !v(b).after(&v(a)), "{a} {b}");
            assert_eq!(&*v(a).text(), a);
        }
    }
}
