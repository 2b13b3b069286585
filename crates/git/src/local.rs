//! Repositories on this machine: nothing is fetched, their references and objects are read where they are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gix::Repository;
use gix::refs::TargetRef;

use crate::refs::{Ref, Refs};
use crate::{Error, Result};

/// A repository found at a path: bare, with a work tree, or a linked work tree.
pub(crate) struct Local {
    repository: Repository,
}

impl Local {
    /// Opens the repository at a path, without a look at the user's or the system's configuration.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        if !path.is_dir() {
            return Err(Error::RepositoryNotFound);
        }
        let repository = match gix::open_opts(path, gix::open::Options::isolated()) {
            Ok(repository) => repository,
            Err(_) if !path.join("HEAD").exists() && !path.join(".git").exists() => {
                return Err(Error::RepositoryNotFound);
            }
            Err(error) => return Err(Error::unavailable(error)),
        };
        match repository.object_hash() {
            gix::hash::Kind::Sha1 => Ok(Self { repository }),
            _ => Err(Error::sha256()),
        }
    }

    /// The directory of the object database.
    pub(crate) fn objects(&self) -> PathBuf {
        self.repository.common_dir().join("objects")
    }

    /// The references with these prefixes; a prefix that does not end in a slash is a name.
    pub(crate) fn refs(&self, prefixes: &BTreeSet<String>) -> Result<Refs> {
        let mut refs = Vec::new();
        for prefix in prefixes {
            match (&**prefix, prefix.ends_with('/')) {
                ("HEAD", _) => refs.extend(self.head()?),
                (prefix, true) => self.below(prefix, &mut refs)?,
                (name, false) => {
                    let found = self.repository.try_find_reference(name).map_err(Error::unavailable)?;
                    let exact = found.filter(|found| found.name().as_bstr() == name);
                    refs.extend(exact.and_then(tip));
                }
            }
        }
        Ok(Refs::new(refs))
    }

    fn head(&self) -> Result<Option<Ref>> {
        let head = self.repository.head().map_err(Error::unavailable)?;
        // Not born yet: no commit, but no error either.
        Ok(head.id().map(|id| Ref { name: "HEAD".to_owned(), id: id.detach(), peeled: None }))
    }

    fn below(&self, prefix: &str, refs: &mut Vec<Ref>) -> Result<()> {
        let platform = self.repository.references().map_err(Error::unavailable)?;
        let found = platform.prefixed(prefix.as_bytes()).map_err(Error::unavailable)?;
        // A broken reference is git's to report; others are none the worse for it.
        refs.extend(found.filter_map(|reference| reference.ok()).filter_map(tip));
        Ok(())
    }
}

fn tip(mut reference: gix::Reference<'_>) -> Option<Ref> {
    let name = reference.name().as_bstr().to_string();
    let id = match reference.target() {
        TargetRef::Object(id) => id.to_owned(),
        TargetRef::Symbolic(_) => reference.follow_to_object().ok()?.detach(),
    };
    Some(Ref { name, id, peeled: None })
}
