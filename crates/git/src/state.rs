//! What a mirror remembers beside its objects.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;

use gix::ObjectId;

use crate::spec::RevisionSpec;
use crate::{Error, Result};

/// Revisions remembered after nobody asks for them any more.
const STALE: usize = 256;

/// Written after each fetch that changed it, next to the objects that it speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// Commits whose parents are not here.
    pub(crate) shallow: BTreeSet<ObjectId>,
    /// What each revision was last resolved to.
    pub(crate) resolved: BTreeMap<RevisionSpec, ObjectId>,
    /// Bytes of packs after the first fetch.
    pub(crate) first_bytes: u64,
}

impl State {
    /// Reads the state of a generation; an unreadable one counts as none.
    pub(crate) fn load(directory: &Path) -> Self {
        let shallow = fs::read_to_string(directory.join("shallow")).unwrap_or_default();
        let revisions = fs::read_to_string(directory.join("lockstep-revisions")).unwrap_or_default();
        let mut state = Self::default();
        state.shallow.extend(shallow.lines().filter_map(|line| ObjectId::from_hex(line.as_bytes()).ok()));
        for line in revisions.lines() {
            match line.split_once(' ') {
                Some(("first-bytes", number)) => state.first_bytes = number.parse().unwrap_or(0),
                Some((id, spec)) => {
                    let id = ObjectId::from_hex(id.as_bytes()).ok();
                    state.resolved.extend(id.map(|id| (RevisionSpec::new(spec), id)));
                }
                None => {}
            }
        }
        state
    }

    /// Writes both files, each whole or not at all.
    pub(crate) fn save(&self, directory: &Path) -> Result<()> {
        let shallow: String = self.shallow.iter().map(|id| format!("{id}\n")).collect();
        let mut revisions = format!("first-bytes {}\n", self.first_bytes);
        for (spec, id) in &self.resolved {
            // Git allows no line breaks in names; a revision with one resolves to nothing and gets no line.
            if !spec.as_str().contains(['\n', '\r']) {
                revisions.push_str(&format!("{id} {}\n", spec.as_str()));
            }
        }
        replace(directory, "shallow", &shallow)?;
        replace(directory, "lockstep-revisions", &revisions)
    }

    /// Forgets revisions that were not asked for, once they are many.
    pub(crate) fn trim(&mut self, asked: &[RevisionSpec]) {
        if self.resolved.len() > asked.len() + STALE {
            self.resolved.retain(|spec, _| asked.contains(spec));
        }
    }
}

fn replace(directory: &Path, name: &str, content: &str) -> Result<()> {
    let path = directory.join(name);
    if content.is_empty() {
        return match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::Disk(error)),
            _ => Ok(()),
        };
    }
    let new = directory.join(format!("{name}.new"));
    let write = || {
        fs::File::create(&new)?.write_all(content.as_bytes())?;
        fs::rename(&new, &path)
    };
    write().map_err(Error::Disk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_as_written() {
        let directory = tempfile::tempdir().unwrap();
        let id = |n: u8| ObjectId::from_bytes_or_panic(&[n; 20]);
        let mut state = State { first_bytes: 7, ..State::default() };
        assert_eq!(State::load(directory.path()), State::default());
        state.shallow.extend([id(1), id(2)]);
        for (spec, n) in [("", 1), ("main", 2), (">=1 <2", 3)] {
            state.resolved.insert(RevisionSpec::new(spec), id(n));
        }
        state.save(directory.path()).unwrap();
        assert_eq!(State::load(directory.path()), state);
        state.shallow.clear();
        state.save(directory.path()).unwrap();
        assert_eq!(State::load(directory.path()), state);
    }
}
