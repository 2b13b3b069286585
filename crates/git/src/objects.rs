//! An object database, read by many threads.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::objs::{Exists as _, Find as _, Kind as ObjectKind};
use gix::odb::store::init::{Options, Slots};
use gix::odb::{HandleArc, Header as _, Store};
use parking_lot::Mutex;

use crate::commit::{self, Node};
use crate::generation::Generation;
use crate::tree::{Tree, TreeCache};
use crate::{Error, Result};

/// Bytes of decoded trees kept for a repository: the directories of 1,000 applications take about 1 MiB.
const TREE_CACHE: usize = 8 << 20;
/// Bytes of delta bases kept by each thread that reads.
const PACK_CACHE: usize = 4 << 20;
/// Handles kept between reads. More threads than this at once open theirs anew.
const IDLE_HANDLES: usize = 4;
/// Packs that a store can know at a time; a mirror is replaced long before, a foreign repository is opened anew.
const SLOTS: usize = 256;
/// Tags that point to tags, before we give up.
const TAG_DEPTH: usize = 16;

/// The objects of one repository. Reading goes through handles, which are cheap, single-threaded and cached here.
pub(crate) struct Objects {
    directory: PathBuf,
    object_limit: usize,
    store: Mutex<Arc<Store>>,
    idle: Mutex<Vec<HandleArc>>,
    trees: Mutex<TreeCache>,
    damaged: AtomicBool,
    /// Keeps the files of a mirror for as long as someone can read them; none for a foreign repository.
    _generation: Option<Arc<Generation>>,
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl Objects {
    /// Opens the database in a directory named `objects`.
    pub(crate) fn open(
        directory: &Path,
        object_limit: usize,
        generation: Option<Arc<Generation>>,
    ) -> Result<Self> {
        Ok(Self {
            directory: directory.to_owned(),
            object_limit,
            store: Mutex::new(open_store(directory, object_limit)?),
            idle: Mutex::default(),
            trees: Mutex::new(TreeCache::new(TREE_CACHE)),
            damaged: AtomicBool::new(false),
            _generation: generation,
        })
    }

    pub(crate) fn is_at(&self, directory: &Path) -> bool {
        self.directory == directory
    }

    /// Counts this as damaged: a fetch could not build on it.
    pub(crate) fn give_up(&self) {
        self.damaged.store(true, Ordering::Relaxed);
    }

    /// Whether something that should be here was missing or unreadable.
    pub(crate) fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    /// A handle of one's own, for long work such as completing a thin pack.
    pub(crate) fn handle(&self) -> HandleArc {
        self.store.lock().to_cache_arc()
    }

    fn with<T>(&self, work: impl FnOnce(&HandleArc) -> T) -> T {
        let idle = self.idle.lock().pop();
        let handle = idle.unwrap_or_else(|| {
            let cache = || gix::odb::pack::cache::lru::MemoryCappedHashmap::new(PACK_CACHE);
            self.handle().with_pack_cache(move || Box::new(cache()))
        });
        let result = work(&handle);
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_HANDLES {
            idle.push(handle);
        }
        result
    }

    /// Looks at the disk afresh: a foreign repository may have been repacked, with more packs than we have slots for.
    fn reopen(&self) -> Result<()> {
        *self.store.lock() = open_store(&self.directory, self.object_limit)?;
        self.idle.lock().clear();
        Ok(())
    }

    pub(crate) fn contains(&self, id: ObjectId) -> bool {
        self.with(|handle| handle.exists(&id))
    }

    fn try_find(&self, id: ObjectId) -> gix::Result<Option<(ObjectKind, Vec<u8>)>> {
        self.with(|handle| {
            let mut buffer = Vec::new();
            let kind = handle.try_find(&id, &mut buffer)?.map(|data| data.kind);
            Ok(kind.map(|kind| (kind, buffer)))
        })
    }

    /// An object that must be here.
    pub(crate) fn find(&self, id: ObjectId) -> Result<(ObjectKind, Vec<u8>)> {
        if let Ok(Some(found)) = self.try_find(id) {
            return Ok(found);
        }
        self.reopen()?;
        match self.try_find(id) {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err(self.damage(format!("object {id} is missing"))),
            Err(error) => Err(self.damage(error.to_string())),
        }
    }

    fn find_kind(&self, id: ObjectId, expected: ObjectKind) -> Result<Vec<u8>> {
        match self.find(id)? {
            (kind, data) if kind == expected => Ok(data),
            (kind, _) => Err(self.damage(format!("object {id} is a {kind}, not a {expected}"))),
        }
    }

    /// Notes that something is wrong here, for the next fetch to mend.
    pub(crate) fn damage(&self, cause: String) -> Error {
        self.damaged.store(true, Ordering::Relaxed);
        Error::corrupted(cause)
    }

    pub(crate) fn tree(&self, id: ObjectId) -> Result<Arc<Tree>> {
        if let Some(tree) = self.trees.lock().get(&id) {
            return Ok(tree);
        }
        let data = if id == ObjectId::empty_tree(gix::hash::Kind::Sha1) {
            Vec::new()
        } else {
            self.find_kind(id, ObjectKind::Tree)?
        };
        let tree = Tree::decode(&data).ok_or_else(|| self.damage(format!("tree {id} is malformed")))?;
        let tree = Arc::new(tree);
        self.trees.lock().insert(id, &tree);
        Ok(tree)
    }

    /// The size of a blob, without its content.
    pub(crate) fn blob_size(&self, id: ObjectId) -> Result<u64> {
        let size = || self.with(|handle| handle.try_header(&id).ok().flatten().map(|header| header.size()));
        if let Some(size) = size() {
            return Ok(size);
        }
        self.reopen()?;
        size().ok_or_else(|| self.damage(format!("object {id} is missing")))
    }

    pub(crate) fn blob(&self, id: ObjectId) -> Result<Vec<u8>> {
        self.find_kind(id, ObjectKind::Blob)
    }

    /// A commit that may be absent: history is shallow. `None` also for objects of other kinds.
    pub(crate) fn commit(&self, id: ObjectId) -> Option<Node> {
        match self.try_find(id) {
            Ok(Some((ObjectKind::Commit, data))) => commit::decode(id, &data),
            _ => None,
        }
    }

    /// Follows tags to a commit. `Ok(None)`: something else than a commit is at the end.
    pub(crate) fn peel(&self, mut id: ObjectId) -> Result<Option<ObjectId>> {
        for _ in 0..TAG_DEPTH {
            let (kind, data) = self.find(id)?;
            if kind != ObjectKind::Tag {
                return Ok((kind == ObjectKind::Commit).then_some(id));
            }
            let tag = gix::objs::TagRef::from_bytes(&data, gix::hash::Kind::Sha1)
                .map_err(|_| self.damage(format!("tag {id} is malformed")))?;
            id = tag.target();
        }
        Ok(None)
    }

    /// The commits whose id begins with these hexadecimal digits.
    pub(crate) fn commits_with_prefix(&self, hex: &str) -> Vec<ObjectId> {
        let Ok(prefix) = gix::hash::Prefix::from_hex(hex) else { return Vec::new() };
        let mut found = std::collections::HashSet::new();
        // An unreadable index means fewer candidates, which is no worse than a shallow history.
        let _ = self.with(|handle| handle.lookup_prefix(prefix, Some(&mut found)));
        found.into_iter().filter(|id| self.commit(*id).is_some()).collect()
    }
}

fn open_store(directory: &Path, object_limit: usize) -> Result<Arc<Store>> {
    let options = Options {
        slots: Slots::AsNeededByDiskState { multiplier: 2.0, minimum: SLOTS },
        alloc_limit_bytes: Some(object_limit),
        ..Options::default()
    };
    Store::at_opts(directory.to_owned(), gix::hash::Kind::Sha1, &mut std::iter::empty(), options)
        .map(Arc::new)
        .map_err(Error::Disk)
}
