//! All repositories of a process.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use git::{Access, Error, Fetched, Http, Limits, Mirror, Result, RevisionSpec, Snapshot};
use lockstep_core::{Commit, CommitId, Digest, Key, RepoUrl};
use parking_lot::Mutex;

/// The mirrors of all repositories, one for each repository and set of credentials: who may not see a repository never
/// reads it from somebody else's mirror.
///
/// Every call may block and must not be made from an async worker. Calls for different repositories do not wait for each
/// other.
#[derive(Debug)]
pub struct Repositories {
    directory: PathBuf,
    key: Key,
    limits: Limits,
    http: Arc<Http>,
    mirrors: Mutex<BTreeMap<String, Arc<Mirror>>>,
}

impl Repositories {
    /// A store in a directory, which is made when something is fetched. `key` keeps the names of mirrors from telling
    /// anything about credentials; with another key the mirrors of an earlier process are not found.
    pub fn new(directory: impl Into<PathBuf>, key: Key, limits: Limits) -> Result<Self> {
        let http = Arc::new(Http::new()?);
        Ok(Self { directory: directory.into(), key, limits, http, mirrors: Mutex::default() })
    }

    /// Resolves revisions and fetches what is new: see [`Mirror::fetch`]. One fetch runs at a time for a repository.
    pub fn fetch(
        &self,
        url: &RepoUrl,
        specs: &[RevisionSpec],
        access: &Access,
        cancel: &AtomicBool,
    ) -> Result<Fetched> {
        self.mirror(url, access)?.fetch(specs, access, cancel)
    }

    /// The tree of a commit that was fetched, by this process or one before it; `None` if it is not here.
    pub fn snapshot(&self, url: &RepoUrl, access: &Access, commit: &CommitId) -> Result<Option<Snapshot>> {
        self.mirror(url, access)?.snapshot(commit)
    }

    /// What a revision was last resolved to, by this process or one before it: all there is while the repository is away.
    pub fn last_resolved(
        &self,
        url: &RepoUrl,
        access: &Access,
        spec: &RevisionSpec,
    ) -> Result<Option<Commit>> {
        Ok(self.mirror(url, access)?.last_resolved(spec))
    }

    /// Removes all mirrors, in memory and on disk, but those in use. Call it only once everything in use is known.
    pub fn retain(&self, in_use: &[(RepoUrl, Access)]) -> Result<()> {
        let keep: BTreeSet<String> = in_use.iter().map(|(url, access)| self.name(url, access)).collect();
        let unused: Vec<(String, Arc<Mirror>)> = {
            let mut mirrors = self.mirrors.lock();
            let names: Vec<String> = mirrors.keys().filter(|name| !keep.contains(*name)).cloned().collect();
            names.into_iter().filter_map(|name| mirrors.remove_entry(&name)).collect()
        };
        for (name, mirror) in unused {
            match Arc::try_unwrap(mirror) {
                Ok(mirror) => mirror.remove()?,
                // Somebody is fetching: next time.
                Err(mirror) => {
                    self.mirrors.lock().entry(name).or_insert(mirror);
                }
            }
        }
        self.sweep(&keep)
    }

    /// Removes directories that no mirror of this process uses: left by a process before it, or by other credentials.
    fn sweep(&self, keep: &BTreeSet<String>) -> Result<()> {
        let mirrors = self.mirrors.lock();
        let used: BTreeSet<PathBuf> =
            mirrors.values().filter_map(|m| m.directory().map(ToOwned::to_owned)).collect();
        let files = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            files => files.map_err(Error::Disk)?,
        };
        for file in files {
            let path = file.map_err(Error::Disk)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let is_kept = keep.contains(name) || used.contains(&path) || !git::Mirror::is_abandoned(&path);
            if !is_kept {
                fs::remove_dir_all(&path).map_err(Error::Disk)?;
            }
        }
        Ok(())
    }

    fn mirror(&self, url: &RepoUrl, access: &Access) -> Result<Arc<Mirror>> {
        let name = self.name(url, access);
        let mut mirrors = self.mirrors.lock();
        if let Some(mirror) = mirrors.get(&name) {
            return Ok(mirror.clone());
        }
        let directory = self.directory.join(&name);
        let mirror = Arc::new(Mirror::open(&directory, url, self.http.clone(), self.limits.clone())?);
        mirrors.insert(name, mirror.clone());
        Ok(mirror)
    }

    /// The name of a mirror: equal for all spellings of one repository, different for different credentials.
    fn name(&self, url: &RepoUrl, access: &Access) -> String {
        let (user, secret) = match (&access.bearer, &access.basic) {
            (Some(token), _) => ("", token.expose().as_str()),
            (None, Some((user, password))) => (user.as_str(), password.expose().as_str()),
            (None, None) => return Digest::of(url.identity().as_bytes()).to_string(),
        };
        let mut hasher = self.key.hasher();
        hasher.bytes(url.identity().as_bytes());
        hasher.bytes(if access.bearer.is_some() { b"bearer" } else { b"basic" });
        hasher.bytes(user.as_bytes());
        hasher.bytes(secret.as_bytes());
        hasher.finish().to_string()
    }
}
