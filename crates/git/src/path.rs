//! Paths inside a commit, symbolic links included.

use gix::ObjectId;

use crate::objects::Objects;
use crate::tree::{Entry, Kind};
use crate::{PathError, Result};

/// Symbolic links on the way of one path, as many as Linux follows.
const LINKS: usize = 40;
/// Bytes of a symbolic link's target, as many as Linux allows.
const TARGET: u64 = 4096;

/// What was seen at a path without following a link at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seen {
    /// An entry with this content.
    Entry(Kind, ObjectId),
    /// Nothing, in a directory that exists.
    Absent,
    /// The path does not lead there: something on the way is no directory.
    Blocked,
}

/// Where following a path ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// At an entry, never a symbolic link.
    Found {
        /// Its real path, without any link; empty for the root.
        path: String,
        /// What it is.
        kind: Kind,
        /// Its content.
        id: ObjectId,
    },
    /// Nowhere: there is nothing, or a file where a directory should be.
    Absent,
}

/// Following a path: where it ended and all that decided it.
#[derive(Debug)]
pub struct Resolution {
    /// The real paths whose content decided the outcome: each link followed, and the end or the first thing missing.
    /// As long as a commit shows the same at each of them, the path resolves to the same.
    pub steps: Vec<(String, Seen)>,
    /// The outcome.
    pub end: Result<End, PathError>,
}

/// A walk through the directories of one commit.
struct Walk<'a> {
    objects: &'a Objects,
    root: ObjectId,
    /// Names and ids of the directories from the root to here.
    stack: Vec<(std::sync::Arc<str>, ObjectId)>,
    steps: Vec<(String, Seen)>,
}

/// Follows a path, and the links on it, from the root of a commit.
pub(crate) fn resolve(objects: &Objects, root: ObjectId, path: &str) -> Resolution {
    let mut walk = Walk { objects, root, stack: Vec::new(), steps: Vec::new() };
    let end = walk.run(path);
    Resolution { steps: walk.steps, end }
}

/// What is at a path whose components are all real directories, links not followed.
pub(crate) fn look(objects: &Objects, root: ObjectId, path: &str) -> Result<Seen> {
    let mut seen = Seen::Entry(Kind::Directory, root);
    for name in path.split('/').filter(|name| !name.is_empty()) {
        let Seen::Entry(Kind::Directory, id) = seen else { return Ok(Seen::Blocked) };
        seen = objects.tree(id)?.get(name).map_or(Seen::Absent, |entry| Seen::Entry(entry.kind, entry.id));
    }
    Ok(seen)
}

impl Walk<'_> {
    fn run(&mut self, path: &str) -> Result<End, PathError> {
        if path.starts_with('/') {
            return Err(PathError::Escapes { path: path.to_owned() });
        }
        let mut todo = components(path);
        let mut links = 0;
        while let Some(name) = todo.pop() {
            if name == ".." {
                self.stack.pop().ok_or_else(|| PathError::Escapes { path: path.to_owned() })?;
                continue;
            }
            let here = self.here();
            let Some(entry) = self.objects.tree(here)?.get(&name).cloned() else {
                self.step(&name, Seen::Absent);
                return Ok(End::Absent);
            };
            match entry.kind {
                Kind::Directory => self.stack.push((entry.name, entry.id)),
                Kind::Symlink => {
                    links += 1;
                    todo.extend(self.follow(&entry, links)?);
                }
                _ => return self.stop(&entry, todo.is_empty()),
            }
        }
        let (path, id) = (self.path(), self.here());
        self.steps.push((path.clone(), Seen::Entry(Kind::Directory, id)));
        Ok(End::Found { path, kind: Kind::Directory, id })
    }

    /// The components of a link's target, last first.
    fn follow(&mut self, link: &Entry, links: usize) -> Result<Vec<String>, PathError> {
        let path = self.step(&link.name, Seen::Entry(link.kind, link.id));
        if links > LINKS || self.objects.blob_size(link.id)? > TARGET {
            return Err(PathError::TooManyLinks { path });
        }
        let target = self.objects.blob(link.id)?;
        match String::from_utf8(target) {
            Ok(target) if target.starts_with('/') => Err(PathError::Escapes { path }),
            Ok(target) => Ok(components(&target)),
            // No entry can be reached by such a name.
            Err(_) => Ok(vec!["\u{fffd}".to_owned()]),
        }
    }

    /// At a file or a submodule; `last`: nothing of the path is left.
    fn stop(&mut self, entry: &Entry, is_last: bool) -> Result<End, PathError> {
        let path = self.step(&entry.name, Seen::Entry(entry.kind, entry.id));
        match (is_last, entry.kind) {
            (true, kind) => Ok(End::Found { path, kind, id: entry.id }),
            (false, Kind::Submodule) => Err(PathError::Submodule { path }),
            (false, _) => Ok(End::Absent),
        }
    }

    fn here(&self) -> ObjectId {
        self.stack.last().map_or(self.root, |(_, id)| *id)
    }

    fn path(&self) -> String {
        self.stack.iter().map(|(name, _)| &**name).collect::<Vec<_>>().join("/")
    }

    fn step(&mut self, name: &str, seen: Seen) -> String {
        let path = join(&self.path(), name);
        self.steps.push((path.clone(), seen));
        path
    }
}

/// A path below a directory; the root's path is empty.
pub(crate) fn join(directory: &str, name: &str) -> String {
    match directory {
        "" => name.to_owned(),
        directory => format!("{directory}/{name}"),
    }
}

/// The components, last first, so that they can be popped.
fn components(path: &str) -> Vec<String> {
    path.split('/').filter(|name| !matches!(*name, "" | ".")).rev().map(str::to_owned).collect()
}
