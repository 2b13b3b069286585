//! The logs of containers.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use lockstep_core::Timestamp;

/// How many lines of a container are kept.
const LINES: usize = 10_000;

/// The logs of all containers, by the uid of their pod and their name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Logs(BTreeMap<(String, String), Runs>);

/// What a container wrote since its last start, and between that and the one before.
#[derive(Clone, Debug, Default)]
struct Runs {
    current: Lines,
    previous: Lines,
}

/// The lines of one run.
#[derive(Clone, Debug, Default)]
struct Lines {
    /// How many were there before those that are kept, of all runs.
    forgotten: usize,
    kept: VecDeque<(Duration, Box<str>)>,
}

/// Which run of a container is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Which {
    #[default]
    Current,
    Previous,
}

/// The line with which a part of a log begins, counted from the first that there ever was.
pub(crate) type Place = usize;

/// Which part of a log is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) run: Which,
    pub(crate) since: Option<Duration>,
    pub(crate) tail: Option<usize>,
    pub(crate) bytes: Option<usize>,
    pub(crate) timestamps: bool,
}

impl Logs {
    /// A container starts (again): what it wrote before the last time is forgotten.
    pub(crate) fn begin_run(&mut self, uid: &str, container: &str) {
        let runs = self.0.entry((uid.to_owned(), container.to_owned())).or_default();
        let forgotten = runs.current.end();
        runs.previous = std::mem::replace(&mut runs.current, Lines { forgotten, kept: VecDeque::new() });
    }

    pub(crate) fn add(&mut self, uid: &str, container: &str, line: &str, now: Duration) {
        let lines = &mut self.0.entry((uid.to_owned(), container.to_owned())).or_default().current;
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
        if let Some(lines) = self.lines(uid, container, part.run) {
            lines.read_on(lines.begin(part), part.timestamps, &mut out);
        }
        out.truncate(part.bytes.unwrap_or(usize::MAX));
        out
    }

    /// Where a part begins.
    pub(crate) fn begin(&self, uid: &str, container: &str, part: &Part) -> Place {
        self.lines(uid, container, part.run).map_or(0, |lines| lines.begin(part))
    }

    /// Writes what comes from a place on, of whichever run, and tells where it ends.
    pub(crate) fn read_on(
        &self,
        (uid, container): (&str, &str),
        from: Place,
        timestamps: bool,
        out: &mut Vec<u8>,
    ) -> Place {
        let Some(runs) = self.0.get(&(uid.to_owned(), container.to_owned())) else { return from };
        runs.previous.read_on(from, timestamps, out);
        runs.current.read_on(from, timestamps, out);
        runs.current.end()
    }

    fn lines(&self, uid: &str, container: &str, run: Which) -> Option<&Lines> {
        let runs = self.0.get(&(uid.to_owned(), container.to_owned()))?;
        Some(match run {
            Which::Current => &runs.current,
            Which::Previous => &runs.previous,
        })
    }
}

impl Lines {
    fn end(&self) -> Place {
        self.forgotten + self.kept.len()
    }

    fn begin(&self, part: &Part) -> Place {
        let since = part.since.unwrap_or_default();
        let old = self.kept.iter().take_while(|(at, _)| *at < since).count();
        let tail = part.tail.map_or(0, |tail| self.kept.len().saturating_sub(tail));
        self.forgotten + old.max(tail)
    }

    fn read_on(&self, from: Place, timestamps: bool, out: &mut Vec<u8>) {
        for (at, line) in self.kept.iter().skip(from.saturating_sub(self.forgotten)) {
            if timestamps {
                out.extend_from_slice(stamp(*at).as_bytes());
                out.push(b' ');
            }
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        }
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
        let mut on = Vec::new();
        let place = logs.read_on(("u", "main"), 2, false, &mut on);
        logs.begin_run("u", "main");
        logs.add("u", "main", "d", Duration::from_secs(4));
        let read = |run| String::from_utf8(logs.read("u", "main", &Part { run, ..Part::default() })).unwrap();
        assert_eq!((read(Which::Current), read(Which::Previous)), ("d\n".into(), "a\nb\nc\n".into()));
        assert_eq!(logs.read_on(("u", "main"), place, false, &mut on), 4);
        assert_eq!(on, b"c\nd\n", "who follows hears of every run");
        logs.forget("u");
        assert!(logs.read("u", "main", &Part::default()).is_empty());
    }
}
