//! What a render looked at.

use std::collections::BTreeMap;

use git::{Entry, Kind, ObjectId, Seen, Snapshot};
use lockstep_core::Digest;

/// Everything that was looked at in a commit, by real path: files, links, directories, and what was not there.
///
/// Two commits that show the same at each of these paths render the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    seen: BTreeMap<String, Read>,
}

/// What was learned at one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    /// All of it: a file's content, a directory with everything below, or that there is nothing.
    All(Seen),
    /// The names and kinds in a directory, not what is in them. The id is a shortcut: if it is the same, so is the rest.
    Names(ObjectId, Digest),
    /// That it is a directory, and nothing of what is in it.
    Directory,
}

impl Reads {
    pub(crate) fn add(&mut self, path: String, seen: Seen) {
        self.seen.insert(path, Read::All(seen));
    }

    /// Notes a listing, unless the directory was read whole.
    pub(crate) fn add_names(&mut self, path: String, id: ObjectId, entries: &[Entry]) {
        let seen = self.seen.entry(path).or_insert(Read::Directory);
        if *seen == Read::Directory {
            *seen = Read::Names(id, names(entries));
        }
    }

    /// Notes that a path is a directory, unless more of it was read.
    pub(crate) fn add_directory(&mut self, path: String) {
        self.seen.entry(path).or_insert(Read::Directory);
    }

    /// Whether another commit shows the same. What cannot be read counts as different.
    ///
    /// Costs a look per path, less below directories that did not change.
    pub fn unchanged(&self, snapshot: &Snapshot) -> bool {
        let mut same: Vec<String> = Vec::new();
        for (path, read) in &self.seen {
            if same.iter().any(|directory| path.starts_with(directory)) {
                continue;
            }
            let Ok(now) = snapshot.look(path) else { return false };
            if !read.is_same(path, now, snapshot) {
                return false;
            }
            if let (Seen::Entry(Kind::Directory, id), Some(before)) = (now, read.directory())
                && id == before
            {
                same.push(if path.is_empty() { String::new() } else { format!("{path}/") });
            }
        }
        true
    }
}

impl Read {
    fn directory(&self) -> Option<ObjectId> {
        match self {
            Self::All(Seen::Entry(Kind::Directory, id)) | Self::Names(id, _) => Some(*id),
            Self::All(_) | Self::Directory => None,
        }
    }

    fn is_same(&self, path: &str, now: Seen, snapshot: &Snapshot) -> bool {
        match (self, now) {
            (Self::All(before), now) => *before == now,
            (Self::Names(before, digest), Seen::Entry(Kind::Directory, id)) => {
                let list = || snapshot.list(path).ok().flatten();
                *before == id || list().is_some_and(|entries| names(&entries) == *digest)
            }
            (Self::Directory, Seen::Entry(Kind::Directory, _)) => true,
            (Self::Names(..) | Self::Directory, _) => false,
        }
    }
}

fn names(entries: &[Entry]) -> Digest {
    // Git forbids slashes and zero bytes in names.
    let text: String = entries.iter().map(|entry| format!("{}/{:?}\0", entry.name, entry.kind)).collect();
    Digest::of(text.as_bytes())
}
