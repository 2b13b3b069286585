//! The logs of containers.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use lockstep_core::Timestamp;

/// How many lines of a container are kept.
const LINES: usize = 10_000;

/// The logs of all containers, by the uid of their pod and their name.
#[derive(Debug, Default)]
pub(crate) struct Logs(BTreeMap<(String, String), Lines>);

type Lines = VecDeque<(Duration, Box<str>)>;

/// Which part of a log is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) since: Option<Duration>,
    pub(crate) tail: Option<usize>,
    pub(crate) bytes: Option<usize>,
    pub(crate) timestamps: bool,
}

impl Logs {
    pub(crate) fn add(&mut self, uid: &str, container: &str, line: &str, now: Duration) {
        let lines = self.0.entry((uid.to_owned(), container.to_owned())).or_default();
        lines.push_back((now, line.into()));
        if lines.len() > LINES {
            lines.pop_front();
        }
    }

    /// The logs of a pod are gone with it.
    pub(crate) fn forget(&mut self, uid: &str) {
        self.0.retain(|(owner, _), _| owner != uid);
    }

    /// A part of a log as text.
    pub(crate) fn read(&self, uid: &str, container: &str, part: &Part) -> Vec<u8> {
        let Some(lines) = self.0.get(&(uid.to_owned(), container.to_owned())) else { return Vec::new() };
        let wanted: Vec<_> =
            lines.iter().filter(|(at, _)| part.since.is_none_or(|since| *at >= since)).collect();
        let skipped = part.tail.map_or(0, |tail| wanted.len().saturating_sub(tail));
        let mut out = Vec::new();
        for (at, line) in &wanted[skipped..] {
            if part.timestamps {
                out.extend_from_slice(stamp(*at).as_bytes());
                out.push(b' ');
            }
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        }
        if let Some(bytes) = part.bytes {
            out.truncate(bytes);
        }
        out
    }
}

/// A time to the nanosecond, as a kubelet writes it.
fn stamp(at: Duration) -> String {
    let seconds = Timestamp(i64::try_from(at.as_secs()).unwrap_or(0)).to_string();
    format!("{}.{:09}Z", seconds.trim_end_matches('Z'), at.subsec_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_log_are_read() {
        let mut logs = Logs::default();
        for (second, line) in [(1, "a"), (2, "b"), (3, "c")] {
            logs.add("u", "main", line, Duration::from_secs(second));
        }
        let read = |part: Part| String::from_utf8(logs.read("u", "main", &part)).unwrap();
        assert_eq!(read(Part::default()), "a\nb\nc\n");
        assert_eq!(read(Part { tail: Some(1), ..Part::default() }), "c\n");
        assert_eq!(read(Part { since: Some(Duration::from_secs(2)), ..Part::default() }), "b\nc\n");
        assert_eq!(read(Part { bytes: Some(3), ..Part::default() }), "a\nb");
        let stamped = read(Part { tail: Some(1), timestamps: true, ..Part::default() });
        assert_eq!(stamped, "1970-01-01T00:00:03.000000000Z c\n");
        logs.forget("u");
        assert!(logs.read("u", "main", &Part::default()).is_empty());
    }
}
