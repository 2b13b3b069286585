//! Ranges of versions.

use std::fmt;

use super::version::{Version, compare_prerelease, split};

/// A text that is no constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidConstraint;

impl fmt::Display for InvalidConstraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a version constraint")
    }
}

impl std::error::Error for InvalidConstraint {}

/// A constraint such as `^1.2`, `~1.2.3`, `1.x`, `>=1.2, <3`, `1.2 - 1.4.5` or several of them joined by `||`.
///
/// A pre-release satisfies a group of comparisons only if one of the group names a pre-release itself.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// Any of these groups, all comparisons of it.
    groups: Vec<Vec<Comparison>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    /// No sign, or `=`: equal, or within the range that an incomplete version names.
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

/// How much of a version was given: `1.x` and `1` leave open the minor number and what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Nothing,
    Patch,
    Minor,
    Everything,
}

#[derive(Clone, Debug)]
struct Comparison {
    operator: Operator,
    version: Version,
    open: Open,
}

/// Longer signs first.
const OPERATORS: [(&str, Operator); 11] = [
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterOrEqual),
    ("=>", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("=<", Operator::LessOrEqual),
    ("~>", Operator::Tilde),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
];

impl Constraint {
    /// Reads a constraint as `NewConstraint` does.
    pub fn parse(text: &str) -> Result<Self, InvalidConstraint> {
        let groups = text.split("||").map(parse_group).collect::<Result<_, _>>()?;
        Ok(Self { groups })
    }

    /// Whether a version satisfies this.
    pub fn matches(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            let pre = group.iter().any(|comparison| comparison.version.is_prerelease());
            group.iter().all(|comparison| comparison.matches(version, pre))
        })
    }
}

fn parse_group(text: &str) -> Result<Vec<Comparison>, InvalidConstraint> {
    let mut rest = text.trim_start();
    let mut group = Vec::new();
    loop {
        let (operator, version, after) = parse_comparison(rest)?;
        rest = after.trim_start();
        match range_end(after).filter(|_| operator.is_none()) {
            Some(end) => {
                let (to, after) = take_version(end);
                group.push(Comparison::new(Operator::GreaterOrEqual, version)?);
                group.push(Comparison::new(Operator::LessOrEqual, to)?);
                rest = after.trim_start();
            }
            None => group.push(Comparison::new(operator.unwrap_or(Operator::Equal), version)?),
        }
        if rest.is_empty() {
            return Ok(group);
        }
        let separated = rest.len() < after.len() || rest.starts_with(',');
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        if !separated {
            return Err(InvalidConstraint);
        }
    }
}

/// One comparison's sign, its version as written, and what follows.
fn parse_comparison(text: &str) -> Result<(Option<Operator>, &str, &str), InvalidConstraint> {
    let found = OPERATORS.iter().find_map(|(sign, op)| Some((*op, text.strip_prefix(sign)?)));
    let rest = found.map_or(text, |(_, rest)| rest).trim_start();
    let (version, after) = take_version(rest);
    match version.is_empty() {
        true => Err(InvalidConstraint),
        false => Ok((found.map(|(op, _)| op), version, after)),
    }
}

/// The upper end of a hyphen range, where one follows: the hyphen stands between spaces.
fn range_end(text: &str) -> Option<&str> {
    let hyphen = text.trim_start();
    let end = hyphen.strip_prefix('-')?;
    (hyphen.len() < text.len() && end.starts_with(char::is_whitespace)).then(|| end.trim_start())
}

fn take_version(text: &str) -> (&str, &str) {
    let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '*' | '-' | '+');
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

impl Comparison {
    fn new(operator: Operator, text: &str) -> Result<Self, InvalidConstraint> {
        let (core, pre, metadata) = split(text).ok_or(InvalidConstraint)?;
        let core = core.strip_prefix('v').unwrap_or(core);
        let parts: Vec<&str> = core.split('.').collect();
        let wild = |part: &str| matches!(part, "x" | "X" | "*");
        let known =
            |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit() || "xX*".contains(c));
        if parts.len() > 3 || !parts.iter().all(known) {
            return Err(InvalidConstraint);
        }
        let is_open = |index: usize| parts.get(index).is_none_or(|part| wild(part));
        let (open, numbers) = match (is_open(0), is_open(1), is_open(2)) {
            (true, ..) => (Open::Everything, "0.0.0".to_owned()),
            (_, true, _) => (Open::Minor, format!("{}.0.0", parts[0])),
            (.., true) => (Open::Patch, format!("{}.{}.0", parts[0], parts[1])),
            _ => (Open::Nothing, parts.join(".")),
        };
        let version = Version::parse(&numbers).map_err(|_| InvalidConstraint)?;
        let full = Version { pre: pre.to_owned(), metadata: metadata.to_owned(), ..version };
        // Read again: the identifiers have rules of their own.
        Ok(Self {
            operator,
            version: Version::parse(&full.to_string()).map_err(|_| InvalidConstraint)?,
            open,
        })
    }

    fn matches(&self, version: &Version, prereleases: bool) -> bool {
        let refused = version.is_prerelease() && !prereleases;
        if refused && !(self.operator == Operator::NotEqual && self.open == Open::Nothing) {
            return false;
        }
        match self.operator {
            Operator::Equal if self.open == Open::Nothing => *version == self.version,
            Operator::Equal | Operator::Tilde => self.tilde(version),
            Operator::NotEqual => self.not_equal(version),
            Operator::Greater => self.greater(version),
            Operator::Less => *version < self.version,
            Operator::GreaterOrEqual => *version >= self.version,
            Operator::LessOrEqual => self.less_or_equal(version),
            Operator::Caret => self.caret(version),
        }
    }

    /// `~1.2.3` is `>=1.2.3 <1.3.0`, `~1` is `>=1.0.0 <2.0.0`; `~0.0.0` and `~*` are anything.
    fn tilde(&self, version: &Version) -> bool {
        let own = &self.version;
        if *version < *own {
            return false;
        }
        let zero = (own.major, own.minor, own.patch) == (0, 0, 0);
        if zero && matches!(self.open, Open::Nothing | Open::Everything) {
            return true;
        }
        version.major == own.major && (version.minor == own.minor || self.open == Open::Minor)
    }

    fn not_equal(&self, version: &Version) -> bool {
        let own = &self.version;
        let within = match self.open {
            Open::Nothing => return version != own,
            Open::Minor => version.major == own.major,
            Open::Patch => {
                let same = (version.major, version.minor) == (own.major, own.minor);
                same && compare_prerelease(&version.pre, &own.pre).is_eq()
            }
            Open::Everything => version == own,
        };
        !within
    }

    /// `>11` starts at 12.0.0 and `>11.1` at 11.2.0.
    fn greater(&self, version: &Version) -> bool {
        let own = &self.version;
        match self.open {
            Open::Nothing => version > own,
            Open::Minor => version.major > own.major,
            Open::Patch => (version.major, version.minor) > (own.major, own.minor),
            Open::Everything => version.major > own.major || version > own,
        }
    }

    /// `<=11` ends before 12.0.0 and `<=11.1` before 11.2.0.
    fn less_or_equal(&self, version: &Version) -> bool {
        let own = &self.version;
        match self.open {
            Open::Nothing => version <= own,
            Open::Minor => version.major <= own.major,
            Open::Patch | Open::Everything => (version.major, version.minor) <= (own.major, own.minor),
        }
    }

    /// `^1.2.3` is `>=1.2.3 <2.0.0`, `^0.2.3` is `>=0.2.3 <0.3.0`, `^0.0.3` is `>=0.0.3 <0.0.4`, `^0` is `>=0.0.0 <1.0.0`.
    fn caret(&self, version: &Version) -> bool {
        let own = &self.version;
        if *version < *own || version.major != own.major {
            return false;
        }
        if own.major > 0 || self.open == Open::Minor {
            return true;
        }
        if own.minor > 0 || self.open == Open::Patch {
            return version.minor == own.minor;
        }
        version.minor == 0 && version.patch == own.patch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(constraint: &str, yes: &[&str], no: &[&str]) {
        let parsed = Constraint::parse(constraint).unwrap();
        let matches = |version: &&&str| parsed.matches(&Version::parse(version).unwrap());
        assert_eq!(
            yes.iter().filter(|v| !matches(v)).collect::<Vec<_>>(),
            [&""; 0],
            "must match {constraint}"
        );
        assert_eq!(no.iter().filter(matches).collect::<Vec<_>>(), [&""; 0], "must not match {constraint}");
    }

    #[test]
    fn comparisons() {
        check("=2.0", &["2.0.0", "2.0.1"], &["1.2.3", "2.1.0"]);
        check("1.2.3", &["1.2.3", "v1.2.3+meta"], &["1.2.4", "1.2.3-rc1"]);
        check("4.1", &["4.1.0", "4.1.9"], &["4.2.0"]);
        check("!=4.1.0", &["4.0.0", "4.1.1", "4.1.0-rc1"], &["4.1.0"]);
        check("!=4.x", &["5.0.0", "3.9.9"], &["4.0.0", "4.9.1", "5.0.0-rc1"]);
        check("!=4.2.x", &["4.1.0", "4.3.0", "5.2.0"], &["4.2.0", "4.2.3"]);
        check(">11", &["12.0.0"], &["11.0.0", "11.1.0", "10.9.9"]);
        check(">11.1", &["11.2.0", "12.0.0"], &["11.1.1", "11.0.5"]);
        check(">0", &["1.0.0"], &["0.0.1", "0.0.1-alpha"]);
        check("<=11", &["11.9.9", "0.1.0"], &["12.0.0"]);
        check("<=11.1", &["11.1.9", "11.0.0"], &["11.2.0"]);
        check("<1.2.3", &["1.2.2", "0.9"], &["1.2.3", "1.2.3-rc1"]);
        check("=> 1.1", &["1.1.0", "2.0.0"], &["1.0.9"]);
        check("=< 1.1.0", &["1.1.0"], &["1.1.1"]);
    }

    #[test]
    fn ranges() {
        check("*", &["0.0.0", "1.2.3", "99.0.0"], &["1.2.3-beta"]);
        check("1.x", &["1.0.0", "1.9.9"], &["2.0.0", "0.9.0", "1.5.0-rc1"]);
        check("1.2.X", &["1.2.0", "1.2.9"], &["1.3.0"]);
        check("x.5.7", &["0.0.1", "3.0.0"], &[]);
        check("~1.2.3", &["1.2.3", "1.2.9"], &["1.2.2", "1.3.0", "2.2.3"]);
        check("~1.2", &["1.2.0", "1.2.9"], &["1.3.0"]);
        check("~>1", &["1.0.0", "1.9.0"], &["2.0.0"]);
        check("~0.0.0", &["0.0.0", "5.0.0"], &[]);
        check("^1.2.3", &["1.2.3", "1.9.0"], &["1.2.2", "2.0.0", "0.9.0"]);
        check("^0.2.3", &["0.2.3", "0.2.9"], &["0.3.0", "1.2.3", "0.2.2"]);
        check("^0.2", &["0.2.0", "0.2.9"], &["0.3.0"]);
        check("^0.0.3", &["0.0.3"], &["0.0.4", "0.1.3"]);
        check("^0.0", &["0.0.0", "0.0.9"], &["0.1.0", "1.0.0"]);
        check("^0", &["0.0.1", "0.9.0"], &["1.0.0"]);
        check("1.2 - 1.4.5", &["1.2.0", "1.4.5", "1.3.9"], &["1.1.9", "1.4.6"]);
        check("2 - 3", &["2.0.0", "3.9.9"], &["1.9.9", "4.0.0"]);
    }

    #[test]
    fn groups() {
        check(">=1.2 <3, !=2.3.x", &["1.2.0", "2.2.9", "2.4.0"], &["3.0.0", "2.3.4", "1.1.0"]);
        check("<1 || >=2.1.1", &["0.9.0", "2.1.1"], &["1.0.0", "2.1.0"]);
        check("1.1 - 2, != 1.5.0 || 4.x", &["1.1.0", "2.9.0", "4.7.0"], &["1.5.0", "3.0.0"]);
        check("^v1.2 , <v1.5", &["1.4.9"], &["1.5.0"]);
    }

    #[test]
    fn prereleases_match_only_where_the_group_names_one() {
        check("^1.0.0-0", &["1.0.0", "1.5.0-rc.1", "1.0.0-alpha"], &["2.0.0"]);
        check(">=1.0.0-rc.1, <2", &["1.0.0-rc.2", "1.0.0", "1.9.0-beta"], &["1.0.0-alpha"]);
        check("=1.0.0-rc.1", &["1.0.0-rc.1"], &["1.0.0", "1.0.0-rc.2"]);
        check("~1.2.3-beta.2", &["1.2.3-beta.4", "1.2.4"], &["1.2.3-beta.1", "1.3.0"]);
        check("<1 || >=2-0", &["2.0.0-rc1"], &["0.5.0-rc1"]);
        check("*-0", &["1.0.0-rc1", "1.0.0"], &[]);
    }

    #[test]
    fn what_is_no_constraint() {
        for text in [
            "",
            " ",
            "main",
            "v",
            "foo bar",
            "== 1.0",
            ">= bar",
            "1.2.3.4",
            ">=1.2 ||",
            "1.2 -",
            "- 1.2",
            "1..2",
            "1.2.3-",
            "1,,2",
            "feature/1.x",
            "release-1.2",
            "xx",
            "1x",
            ">",
            "!1",
            "^>1",
            "HEAD",
            "1.2;3",
        ] {
            assert_eq!(Constraint::parse(text).err(), Some(InvalidConstraint), "{text:?}");
        }
    }
}
