//! Repositories, commits and times.

use std::fmt;
use std::sync::Arc;

use crate::calendar::Date;

/// Seconds since 1970-01-01T00:00:00Z. Time is a parameter everywhere: only `runtime` reads the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Parses the RFC 3339 form that Kubernetes writes: `2026-11-24T06:49:36Z`, fractions of a second cut off.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let plain = bytes.len() >= 20 && text.ends_with('Z') && [4, 7].iter().all(|i| bytes[*i] == b'-');
        if !plain || !text.is_ascii() {
            return None;
        }
        let number = |from: usize, to: usize| text[from..to].parse::<i64>().ok();
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let valid =
            (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
        valid.then(|| Self(Date { year, month, day }.days() * 86_400 + hour * 3600 + minute * 60 + second))
    }
}

/// RFC 3339 in UTC, to the second.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, seconds) = (self.0.div_euclid(86_400), self.0.rem_euclid(86_400));
        let Date { year, month, day } = Date::of_days(days);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// The full object id of a commit, in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(Arc<str>);

impl CommitId {
    /// Parses 40 (SHA-1) or 64 (SHA-256) hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        (hex && matches!(text.len(), 40 | 64)).then(|| Self(text.into()))
    }

    /// All digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 8 digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A commit and what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: CommitId,
    /// The author's name and address, `Ada <ada@example.com>`.
    pub author: String,
    /// The first line of its message.
    pub subject: String,
    /// When it was committed.
    pub time: Timestamp,
}

/// The address of a repository as the user wrote it, without user info.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoUrl(Arc<str>);

impl RepoUrl {
    /// Keeps the address and drops `user:password@`, which has no place in a log. (Credentials come from Secrets.)
    ///
    /// A password may hold a `/` that should have been `%2F`: where what looks like a port is no number, the user info
    /// goes on to the last `@`.
    pub fn new(text: &str) -> Self {
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once("://") else { return Self(text.into()) };
        let (host, path) = split_host(rest);
        let plain = match host.rsplit_once('@') {
            Some((_, host)) => format!("{scheme}://{host}{path}"),
            None if has_port(host) => format!("{scheme}://{rest}"),
            None => format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, rest)| rest)),
        };
        Self(plain.into())
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two spellings of one repository are equal: scheme and host in lower case, no default port, no
    /// `.git`, no trailing slash; a path for a repository on this machine.
    pub fn identity(&self) -> String {
        let trimmed =
            |path: &str| path.trim_end_matches('/').trim_end_matches(".git").trim_end_matches('/').to_owned();
        let Some((scheme, rest)) = self.0.split_once("://") else { return trimmed(&self.0) };
        let (host, path) = split_host(rest);
        let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
        if scheme == "file" && matches!(&*host, "" | "localhost") {
            return trimmed(path);
        }
        let port = match &*scheme {
            "http" => ":80",
            "https" => ":443",
            "ssh" => ":22",
            _ => ":",
        };
        format!("{scheme}://{}{}", host.strip_suffix(port).unwrap_or(&host), trimmed(path))
    }
}

/// Host and port with any user info, and the path with its slash.
fn split_host(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find('/').unwrap_or(rest.len()))
}

/// Whether what follows the host, if anything, can be a port. An IPv6 host has colons of its own, in brackets.
fn has_port(host: &str) -> bool {
    let after = host.rsplit_once(']').map_or(host, |(_, after)| after);
    after.split_once(':').is_none_or(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
}

impl fmt::Display for RepoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_parse_what_they_print() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_503_000, "2026-11-24T06:50:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
        ] {
            assert_eq!(Timestamp(seconds).to_string(), text);
            assert_eq!(Timestamp::parse(text), Some(Timestamp(seconds)));
        }
        assert_eq!(Timestamp::parse("2026-11-24T06:50:00.123456Z"), Some(Timestamp(1_795_503_000)));
        for text in
            ["", "2026-11-24", "2026-13-24T06:50:00Z", "2026-11-24T06:50:00+01:00", "20261124T065000Z0000"]
        {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn urls_lose_their_user_info() {
        for (text, plain) in [
            ("https://u:p@h.example/x@y.git", "https://h.example/x@y.git"),
            ("https://u:p/w@h.example/x.git", "https://h.example/x.git"),
            ("https://u:p/w/@h.example:8443/x.git", "https://h.example:8443/x.git"),
            ("https://u:p@w@h.example/x", "https://h.example/x"),
            ("https://h.example:8443/x@y", "https://h.example:8443/x@y"),
            ("https://u:p@[::1]:8443/x@y", "https://[::1]:8443/x@y"),
            ("https://[::1]/x@y", "https://[::1]/x@y"),
            ("ssh://git@h.example/x", "ssh://h.example/x"),
        ] {
            assert_eq!(RepoUrl::new(text).as_str(), plain, "{text}");
        }
    }

    #[test]
    fn spellings_of_one_repository_are_one() {
        let all = [
            "https://h.example/a/b",
            "https://H.example:443/a/b.git",
            "https://x@h.example/a/b/",
            "HTTPS://h.example/a/b.git/",
        ];
        for text in all {
            assert_eq!(RepoUrl::new(text).identity(), "https://h.example/a/b", "{text}");
        }
        for text in ["file:///srv/a.git", "file://localhost/srv/a/", "FILE://LOCALHOST/srv/a", "/srv/a"] {
            assert_eq!(RepoUrl::new(text).identity(), "/srv/a", "{text}");
        }
        assert_eq!(RepoUrl::new("file://other/srv/a").identity(), "file://other/srv/a");
        assert_ne!(RepoUrl::new("https://h.example/a/B").identity(), RepoUrl::new(all[0]).identity());
        assert_ne!(RepoUrl::new("https://h.example:8443/a/b").identity(), RepoUrl::new(all[0]).identity());
    }

    #[test]
    fn commit_ids_are_full() {
        assert!(CommitId::parse(&"a".repeat(40)).is_some());
        assert!(CommitId::parse(&"A".repeat(40)).is_none());
        assert!(CommitId::parse("abc").is_none());
    }
}
