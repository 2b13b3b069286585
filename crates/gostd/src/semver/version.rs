//! One version.

use std::cmp::Ordering;
use std::fmt;

/// A text that is no version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidVersion;

impl fmt::Display for InvalidVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a semantic version")
    }
}

impl std::error::Error for InvalidVersion {}

/// A semantic version, read leniently: a leading `v`, missing minor and patch numbers and leading zeros are accepted.
///
/// Equality and order are those of semver.org: build metadata does not count.
#[derive(Clone, Debug)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second number, 0 where it is missing.
    pub minor: u64,
    /// The third number, 0 where it is missing.
    pub patch: u64,
    /// What follows `-`, without it; empty for a release.
    pub pre: String,
    /// What follows `+`, without it.
    pub metadata: String,
}

impl Version {
    /// Reads a version as `NewVersion` does.
    pub fn parse(text: &str) -> Result<Self, InvalidVersion> {
        let (core, pre, metadata) = split(text).ok_or(InvalidVersion)?;
        let core = core.strip_prefix('v').unwrap_or(core);
        let mut numbers = [0; 3];
        for (index, part) in core.split('.').enumerate() {
            *numbers.get_mut(index).ok_or(InvalidVersion)? = number(part)?;
        }
        if !pre.split('.').all(|id| pre.is_empty() || is_prerelease_id(id)) {
            return Err(InvalidVersion);
        }
        let [major, minor, patch] = numbers;
        Ok(Self { major, minor, patch, pre: pre.to_owned(), metadata: metadata.to_owned() })
    }

    /// Whether this is a pre-release, such as `1.0.0-rc.1`.
    pub fn is_prerelease(&self) -> bool {
        !self.pre.is_empty()
    }

    fn numbers(&self) -> (u64, u64, u64) {
        (self.major, self.minor, self.patch)
    }
}

/// Splits `core-pre+metadata`; identifiers must be there and of the right letters wherever their mark is.
pub(super) fn split(text: &str) -> Option<(&str, &str, &str)> {
    let (rest, metadata) = text.split_once('+').map_or((text, None), |(rest, meta)| (rest, Some(meta)));
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
    let valid = |ids: Option<&str>| ids.is_none_or(|ids| ids.split('.').all(is_id));
    (valid(pre) && valid(metadata)).then(|| (core, pre.unwrap_or(""), metadata.unwrap_or("")))
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Numeric identifiers of a pre-release have no leading zeros, or they would not have one order.
fn is_prerelease_id(id: &str) -> bool {
    let numeric = id.bytes().all(|b| b.is_ascii_digit());
    is_id(id) && !(numeric && id.len() > 1 && id.starts_with('0'))
}

fn number(text: &str) -> Result<u64, InvalidVersion> {
    // `u64::from_str` takes a leading plus.
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(InvalidVersion);
    }
    text.parse().map_err(|_| InvalidVersion)
}

/// The order of two pre-releases; none at all is the greatest.
pub(super) fn compare_prerelease(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => compare_id(a, b),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Numbers by value and before words, words by their bytes.
fn compare_id(a: &str, b: &str) -> Ordering {
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => a.cmp(b),
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers().cmp(&other.numbers()).then_with(|| compare_prerelease(&self.pre, &other.pre))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_leniently() {
        for (text, expected) in [
            ("1.2.3", Some("1.2.3")),
            ("v1.2.3", Some("1.2.3")),
            ("1.0", Some("1.0.0")),
            ("v1", Some("1.0.0")),
            ("01.002.3", Some("1.2.3")),
            ("1.2.3-beta.1+build.5", Some("1.2.3-beta.1+build.5")),
            ("1.2-5", Some("1.2.0-5")),
            ("v1.2.0-x.Y.0+metadata-width-hyphen", Some("1.2.0-x.Y.0+metadata-width-hyphen")),
            ("1.2.3+b-1", Some("1.2.3+b-1")),
            ("1.2.beta", None),
            ("foo", None),
            ("", None),
            ("v", None),
            ("V1.2.3", None),
            ("1.2.3.4", None),
            ("1.2.3-", None),
            ("1.2.3-a..b", None),
            ("1.2.3-01", None),
            ("1.2.3+", None),
            ("1.2.3 ", None),
            ("1.2.3-é", None),
            ("+1.2.3", None),
            ("20221209-update-renovatejson-v4", Some("20221209.0.0-update-renovatejson-v4")),
            ("99999999999999999999.0.0", None),
        ] {
            assert_eq!(Version::parse(text).map(|v| v.to_string()).ok().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn order_is_that_of_semver() {
        let sorted = [
            "0.0.1",
            "0.1.0",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.2.0",
            "1.10.0",
            "2.0.0",
        ];
        for pair in sorted.windows(2) {
            assert!(Version::parse(pair[0]).unwrap() < Version::parse(pair[1]).unwrap(), "{pair:?}");
        }
        assert_eq!(Version::parse("1.0.0+a"), Version::parse("v1+b"));
    }
}
