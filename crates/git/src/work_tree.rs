//! A repository with a work tree, for samples: made and changed without git, to be worked on with git.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::objs::Tree;
use gix::objs::tree::{Entry, EntryKind};
use lockstep_core::{CommitId, Timestamp};

use crate::commit::object_id;
use crate::index_file;
use crate::{Error, Result};

/// The branch that commits go to.
const BRANCH: &str = "refs/heads/main";

/// Who commits, and when.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// A name.
    pub name: &'a str,
    /// An address.
    pub email: &'a str,
    /// The time of the commit.
    pub time: Timestamp,
}

/// A repository with a work tree and the branch `main`. Made for a handful of small files.
pub struct WorkTree {
    directory: PathBuf,
    repository: gix::Repository,
}

impl WorkTree {
    /// Makes an empty repository in a directory that is not there yet, or is empty.
    pub fn create(directory: &Path) -> Result<Self> {
        fs::create_dir_all(directory).map_err(Error::Disk)?;
        if fs::read_dir(directory).map_err(Error::Disk)?.next().is_some() {
            let reason = "the directory is not empty";
            return Err(Error::Disk(std::io::Error::new(std::io::ErrorKind::AlreadyExists, reason)));
        }
        let repository = gix::init(directory).map_err(Error::unavailable)?;
        // Whatever the user's configuration calls a first branch.
        let head = format!("ref: {BRANCH}\n");
        fs::write(repository.git_dir().join("HEAD"), head).map_err(Error::Disk)?;
        let repository = gix::open_opts(directory, gix::open::Options::isolated());
        let repository = repository.map_err(Error::unavailable)?;
        Ok(Self { directory: directory.to_owned(), repository })
    }

    /// A repository that [`WorkTree::create`] has made.
    pub fn open(directory: &Path) -> Result<Self> {
        let repository = gix::open_opts(directory, gix::open::Options::isolated());
        Ok(Self { directory: directory.to_owned(), repository: repository.map_err(Error::unavailable)? })
    }

    /// The files of the newest commit with what the work tree has of them now, as `git commit -a` would take them; a file that was
    /// deleted is not among them.
    pub fn files(&self) -> Result<BTreeMap<String, String>> {
        let mut files = self.committed(0)?;
        files.retain(|path, content| match fs::read_to_string(self.directory.join(path)) {
            Ok(now) => {
                *content = now;
                true
            }
            Err(_) => false,
        });
        Ok(files)
    }

    /// The files of the commit so many steps before the newest one, by first parents; none where there are not so many.
    pub fn committed(&self, before: usize) -> Result<BTreeMap<String, String>> {
        let mut files = BTreeMap::new();
        if let Some(commit) = self.ancestor(before)? {
            self.read(commit.tree().map_err(Error::unavailable)?, "", &mut files)?;
        }
        Ok(files)
    }

    /// The newest commit; `None` where there is none.
    pub fn head(&self) -> Result<Option<CommitId>> {
        let Some(commit) = self.ancestor(0)? else { return Ok(None) };
        CommitId::parse(&commit.id.to_string()).map(Some).ok_or(Error::Corrupted(None))
    }

    /// Whether a commit has the same in a directory as the newest one. One that is not there has nothing.
    pub fn is_current(&self, commit: &CommitId, directory: &str) -> Result<bool> {
        let Some(newest) = self.ancestor(0)? else { return Ok(false) };
        let Some(id) = object_id(commit) else { return Ok(false) };
        let Ok(commit) = self.repository.find_commit(id) else { return Ok(false) };
        Ok(entry(&commit, directory)? == entry(&newest, directory)?)
    }

    /// The subject of the newest commit; `None` where there is none.
    pub fn subject(&self) -> Result<Option<String>> {
        let Some(commit) = self.ancestor(0)? else { return Ok(None) };
        let message = commit.message_raw().map_err(Error::unavailable)?.to_string();
        Ok(message.lines().next().map(str::to_owned))
    }

    fn ancestor(&self, before: usize) -> Result<Option<gix::Commit<'_>>> {
        let Ok(mut commit) = self.repository.head_commit() else { return Ok(None) };
        for _ in 0..before {
            let Some(parent) = commit.parent_ids().next() else { return Ok(None) };
            commit = self.repository.find_commit(parent.detach()).map_err(Error::unavailable)?;
        }
        Ok(Some(commit))
    }

    fn read(&self, tree: gix::Tree<'_>, below: &str, files: &mut BTreeMap<String, String>) -> Result<()> {
        for entry in tree.iter() {
            let entry = entry.map_err(Error::unavailable)?;
            let path = format!("{below}{}", entry.filename());
            if entry.mode().is_tree() {
                let tree = self.repository.find_tree(entry.object_id()).map_err(Error::unavailable)?;
                self.read(tree, &format!("{path}/"), files)?;
            } else if entry.mode().is_blob() {
                let blob = self.repository.find_blob(entry.object_id()).map_err(Error::unavailable)?;
                files.insert(path, String::from_utf8_lossy(&blob.data).into_owned());
            }
        }
        Ok(())
    }

    /// Makes these files (by path inside the repository) the content of the work tree and of a commit on `main`. Files of the
    /// commit before that are not among them stay in the work tree, untracked.
    pub fn commit(
        &self,
        files: &BTreeMap<String, String>,
        author: Author<'_>,
        message: &str,
    ) -> Result<CommitId> {
        let mut tracked = BTreeMap::new();
        for (path, content) in files {
            self.write(path, content)?;
            let id = self.repository.write_blob(content).map_err(Error::unavailable)?.detach();
            tracked.insert(&**path, (id, content.len()));
        }
        let entries = tracked.iter().map(|(path, (id, _))| (*path, *id)).collect();
        let tree = self.tree(entries)?;
        let parent = self.repository.head_id().ok().map(gix::Id::detach);
        let signature = gix::actor::Signature {
            name: author.name.into(),
            email: author.email.into(),
            time: gix::date::Time::new(author.time.0, 0),
        };
        let mut time = gix::date::parse::TimeBuf::default();
        let signature = signature.to_ref(&mut time);
        let commit = self.repository.commit_as(signature, signature, BRANCH, message, tree, parent);
        let commit = commit.map_err(Error::unavailable)?.detach();
        let index = index_file::encode(&tracked)?;
        fs::write(self.repository.git_dir().join("index"), index).map_err(Error::Disk)?;
        CommitId::parse(&commit.to_string()).ok_or(Error::Corrupted(None))
    }

    fn write(&self, path: &str, content: &str) -> Result<()> {
        let path = self.directory.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(Error::Disk)?;
        }
        fs::write(path, content).map_err(Error::Disk)
    }

    fn tree(&self, files: BTreeMap<&str, ObjectId>) -> Result<ObjectId> {
        let mut entries = Vec::new();
        let mut below: BTreeMap<&str, BTreeMap<&str, ObjectId>> = BTreeMap::new();
        for (path, oid) in files {
            match path.split_once('/') {
                Some((directory, rest)) => drop(below.entry(directory).or_default().insert(rest, oid)),
                None => {
                    entries.push(Entry { mode: EntryKind::Blob.into(), filename: path.into(), oid });
                }
            }
        }
        for (directory, files) in below {
            let (mode, oid) = (EntryKind::Tree.into(), self.tree(files)?);
            entries.push(Entry { mode, filename: directory.into(), oid });
        }
        entries.sort();
        let id = self.repository.write_object(&Tree { entries }).map_err(Error::unavailable)?;
        Ok(id.detach())
    }
}

/// What a commit has at a path.
fn entry(commit: &gix::Commit<'_>, path: &str) -> Result<Option<gix::ObjectId>> {
    let tree = commit.tree().map_err(Error::unavailable)?;
    let found = tree.lookup_entry_by_path(path).map_err(Error::unavailable)?;
    Ok(found.map(|entry| entry.object_id()))
}
