//! Semantic versions.

use std::cmp::Ordering;

/// `major.minor.patch-pre+build`
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) numbers: [u64; 3],
    pre: Vec<String>,
}

impl Version {
    /// A version as the standard has it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
        let (core, pre) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
        let parts: Vec<&str> = core.splitn(3, '.').collect();
        let [major, minor, patch] = parts[..] else {
            return Err("No Major.Minor.Patch elements found".into());
        };
        let numbers = [number(major, "major")?, number(minor, "minor")?, number(patch, "patch")?];
        let pre = pre.map(identifiers).transpose()?.unwrap_or_default();
        build.map(identifiers).transpose()?;
        Ok(Self { numbers, pre })
    }

    /// A version that may lack parts, have a `v` in front or zeros before its numbers.
    pub(crate) fn parse_loosely(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let text = text.strip_prefix('v').unwrap_or(text);
        let mut parts: Vec<String> = text.splitn(3, '.').map(str::to_owned).collect();
        for part in &mut parts {
            let zeros = part.bytes().take_while(|byte| *byte == b'0').count();
            if zeros > 0 && part.len() > 1 {
                let rest = part[zeros..].to_owned();
                *part = if rest.starts_with(|char: char| char.is_ascii_digit()) {
                    rest
                } else {
                    format!("0{rest}")
                };
            }
        }
        if parts.len() < 3 {
            if parts.last().is_some_and(|last| last.contains(['+', '-'])) {
                return Err("Short version cannot contain PreRelease/Build meta data".into());
            }
            parts.resize(3, "0".into());
        }
        Self::parse(&parts.join("."))
    }

    /// Precedence; builds do not count.
    pub(crate) fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            _ => {
                let part = |a: &String, b: &String| match (a.parse::<u64>(), b.parse::<u64>()) {
                    (Ok(a), Ok(b)) => a.cmp(&b),
                    (Ok(_), Err(_)) => Ordering::Less,
                    (Err(_), Ok(_)) => Ordering::Greater,
                    _ => a.cmp(b),
                };
                let differs =
                    self.pre.iter().zip(&other.pre).map(|(a, b)| part(a, b)).find(|order| order.is_ne());
                differs.unwrap_or_else(|| self.pre.len().cmp(&other.pre.len()))
            }
        })
    }
}

fn number(text: &str, what: &str) -> Result<u64, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("Invalid character(s) found in {what} number \"{text}\""));
    }
    if text.len() > 1 && text.starts_with('0') {
        let what = format!("{}{}", what[..1].to_uppercase(), &what[1..]);
        return Err(format!("{what} number must not contain leading zeroes \"{text}\""));
    }
    text.parse().map_err(|_| format!("strconv.ParseUint: parsing \"{text}\": value out of range"))
}

fn identifiers(text: &str) -> Result<Vec<String>, String> {
    let fits = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    match text.split('.').all(fits) {
        true => Ok(text.split('.').map(str::to_owned).collect()),
        false => Err(format!("Invalid character(s) found in prerelease \"{text}\"")),
    }
}
