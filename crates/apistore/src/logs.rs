//! The logs of containers.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use lockstep_core::Timestamp;

/// How many lines of a container are kept.
const LINES: usize = 10_000;

/// The logs of all containers, by the uid of their pod and their name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Logs(BTreeMap<(String, String), Lines>);

/// The lines of one container.
#[derive(Clone, Debug, Default)]
struct Lines {
    /// How many were there before those that are kept.
    forgotten: usize,
    kept: VecDeque<(Duration, Box<str>)>,
}

/// The line with which a part of a log begins, counted from the first that there ever was.
pub(crate) type Place = usize;

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
        lines.kept.push_back((now, line.into()));
        if lines.kept.len() > LINES {
            lines.kept.pop_front();
            lines.forgotten += 1;
        }
    }

    /// The logs of a pod are gone with it.
    pub(crate) fn forget(&mut self, uid: &str) {
        self.0.retain(|(owner, _), _| owner != uid);
    }

    /// A part of a log as text.
    pub(crate) fn read(&self, uid: &str, container: &str, part: &Part) -> Vec<u8> {
        let mut out = Vec::new();
        let begin = self.begin(uid, container, part);
        self.read_on((uid, container), begin, part.timestamps, &mut out);
        out.truncate(part.bytes.unwrap_or(usize::MAX));
        out
    }

    /// Where a part begins.
    pub(crate) fn begin(&self, uid: &str, container: &str, part: &Part) -> Place {
        let Some(lines) = self.0.get(&(uid.to_owned(), container.to_owned())) else { return 0 };
        let since = part.since.unwrap_or_default();
        let old = lines.kept.iter().take_while(|(at, _)| *at < since).count();
        let tail = part.tail.map_or(0, |tail| lines.kept.len().saturating_sub(tail));
        lines.forgotten + old.max(tail)
    }

    /// Writes what comes from a place on, and tells where it ends.
    pub(crate) fn read_on(
        &self,
        (uid, container): (&str, &str),
        from: Place,
        timestamps: bool,
        out: &mut Vec<u8>,
    ) -> Place {
        let Some(lines) = self.0.get(&(uid.to_owned(), container.to_owned())) else { return from };
        for (at, line) in lines.kept.iter().skip(from.saturating_sub(lines.forgotten)) {
            if timestamps {
                out.extend_from_slice(stamp(*at).as_bytes());
                out.push(b' ');
            }
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        }
        lines.forgotten + lines.kept.len()
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
