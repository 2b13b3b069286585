//! One directory of a commit, decoded.

use std::collections::HashMap;
use std::sync::Arc;

use gix::ObjectId;

/// What a directory entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A file.
    File,
    /// A file with the executable bit.
    Executable,
    /// A symbolic link; its content is the target.
    Symlink,
    /// A directory.
    Directory,
    /// A commit of another repository.
    Submodule,
}

impl Kind {
    /// Whether this is a file, executable or not.
    pub fn is_file(self) -> bool {
        matches!(self, Self::File | Self::Executable)
    }
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name; bytes that are not UTF-8 are replaced, which makes such an entry unreachable by its name.
    pub name: Arc<str>,
    /// What it is.
    pub kind: Kind,
    /// The id of its content.
    pub id: ObjectId,
}

/// A decoded tree, sorted by name.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) entries: Box<[Entry]>,
}

impl Tree {
    /// Decodes a tree object; `None` if it is malformed.
    pub(crate) fn decode(data: &[u8]) -> Option<Self> {
        let tree = gix::objs::TreeRef::from_bytes(data, gix::hash::Kind::Sha1).ok()?;
        let mut entries: Vec<Entry> = tree.entries.iter().map(entry).collect();
        // Git sorts directories as if their names ended in a slash.
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Some(Self { entries: entries.into() })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        let index = self.entries.binary_search_by(|entry| (*entry.name).cmp(name)).ok()?;
        self.entries.get(index)
    }

    /// An estimate of the bytes that this takes.
    fn weight(&self) -> usize {
        self.entries.iter().map(|entry| size_of::<Entry>() + entry.name.len() + 16).sum::<usize>() + 64
    }
}

fn entry(entry: &gix::objs::tree::EntryRef<'_>) -> Entry {
    let kind = match entry.mode.kind() {
        gix::objs::tree::EntryKind::Tree => Kind::Directory,
        gix::objs::tree::EntryKind::Blob => Kind::File,
        gix::objs::tree::EntryKind::BlobExecutable => Kind::Executable,
        gix::objs::tree::EntryKind::Link => Kind::Symlink,
        gix::objs::tree::EntryKind::Commit => Kind::Submodule,
    };
    Entry { name: String::from_utf8_lossy(entry.filename).into(), kind, id: entry.oid.to_owned() }
}

/// Decoded trees by id, bounded by weight: past the bound, the half that was not used lately goes.
#[derive(Debug)]
pub(crate) struct TreeCache {
    trees: HashMap<ObjectId, (Arc<Tree>, u64)>,
    weight: usize,
    bound: usize,
    clock: u64,
}

impl TreeCache {
    pub(crate) fn new(bound: usize) -> Self {
        Self { trees: HashMap::new(), weight: 0, bound, clock: 0 }
    }

    pub(crate) fn get(&mut self, id: &ObjectId) -> Option<Arc<Tree>> {
        self.clock += 1;
        let (tree, used) = self.trees.get_mut(id)?;
        *used = self.clock;
        Some(tree.clone())
    }

    pub(crate) fn insert(&mut self, id: ObjectId, tree: &Arc<Tree>) {
        self.clock += 1;
        if self.trees.insert(id, (tree.clone(), self.clock)).is_none() {
            self.weight += tree.weight();
        }
        if self.weight > self.bound {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        let mut ages: Vec<u64> = self.trees.values().map(|(_, used)| *used).collect();
        ages.sort_unstable();
        let median = ages.get(ages.len() / 2).copied().unwrap_or(0);
        self.trees.retain(|_, (_, used)| *used > median);
        self.weight = self.trees.values().map(|(tree, _)| tree.weight()).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(names: &[(&str, &str)]) -> Option<Tree> {
        let mut data = Vec::new();
        for (mode, name) in names {
            data.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            data.extend_from_slice(&[7; 20]);
        }
        Tree::decode(&data)
    }

    #[test]
    fn entries_are_found_though_git_sorts_directories_otherwise() {
        let tree = tree(&[("100644", "a-b"), ("40000", "a"), ("120000", "z"), ("160000", "é")]).unwrap();
        assert_eq!(tree.get("a").map(|e| e.kind), Some(Kind::Directory));
        assert_eq!(tree.get("a-b").map(|e| e.kind), Some(Kind::File));
        assert_eq!(tree.get("z").map(|e| e.kind), Some(Kind::Symlink));
        assert_eq!(tree.get("é").map(|e| e.kind), Some(Kind::Submodule));
        assert_eq!(tree.get("b"), None);
    }

    #[test]
    fn the_cache_keeps_what_was_used_lately_and_no_more_than_its_bound() {
        let tree = Arc::new(tree(&[("100644", "file")]).unwrap());
        let mut cache = TreeCache::new(tree.weight() * 10);
        let id = |n: u8| ObjectId::from_bytes_or_panic(&[n; 20]);
        for n in 0..100 {
            cache.insert(id(n), &tree);
            cache.get(&id(0));
            assert!(cache.weight <= cache.bound);
        }
        assert!(cache.get(&id(0)).is_some() && cache.get(&id(99)).is_some());
        assert!(cache.get(&id(1)).is_none());
    }
}
