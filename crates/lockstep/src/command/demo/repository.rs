//! The sample repository.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use git::{Author, WorkTree};
use lockstep_core::Timestamp;

use crate::connect::environment;

/// The manifests, by path.
const FILES: &[(&str, &str)] = &[
    ("greeting/greeting.yaml", include_str!("../../../demo/greeting/greeting.yaml")),
    ("web/web.yaml", include_str!("../../../demo/web/web.yaml")),
];

/// Whom git takes for the author where the user never told it.
const SOMEBODY: &str = "[user]\n\tname = You\n\temail = you@example.com\n";

/// A repository with a work tree, to be worked on with git.
pub(super) struct Sample {
    directory: PathBuf,
    kept: bool,
}

impl Sample {
    /// Makes it, in a folder that the user chose or in a temporary one.
    pub(super) fn make(keep: Option<&Path>, now: Timestamp) -> anyhow::Result<Self> {
        let temporary = || std::env::temp_dir().join(format!("lockstep-demo-{}", std::process::id()));
        let directory = keep.map_or_else(temporary, Path::to_owned);
        write(&directory, now)
            .with_context(|| format!("cannot make the sample repository in {}", directory.display()))?;
        let directory = directory.canonicalize().context("cannot find the sample repository")?;
        if !knows_author() {
            let mut config = fs::OpenOptions::new().append(true).open(directory.join(".git/config"))?;
            config.write_all(SOMEBODY.as_bytes())?;
        }
        Ok(Self { directory, kept: keep.is_some() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.directory
    }

    pub(super) fn is_kept(&self) -> bool {
        self.kept
    }

    /// Removes it, unless the user keeps it.
    pub(super) fn end(&self) -> anyhow::Result<()> {
        if !self.kept {
            fs::remove_dir_all(&self.directory).context("cannot remove the sample repository")?;
        }
        Ok(())
    }
}

/// Whether git has a configuration of the user's, which then names the author.
fn knows_author() -> bool {
    let home = environment("HOME").map(PathBuf::from).unwrap_or_default();
    [".gitconfig", ".config/git/config"].iter().any(|file| home.join(file).exists())
}

fn write(directory: &Path, now: Timestamp) -> Result<(), git::Error> {
    let files: BTreeMap<String, String> =
        FILES.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let author = Author { name: "Lockstep", email: "demo@lockstep.dev", time: now };
    WorkTree::create(directory)?.commit(&files, author, "Say hello\n").map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_kept_where_the_user_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sample");
        let sample = Sample::make(Some(&path), Timestamp(1_795_503_000)).unwrap();
        for (file, text) in FILES {
            assert_eq!(fs::read_to_string(path.join(file)).unwrap(), *text);
        }
        sample.end().unwrap();
        assert!(path.join(".git/HEAD").exists());
        assert!(Sample::make(Some(&path), Timestamp(0)).is_err(), "nothing is overwritten");
        let temporary = Sample::make(None, Timestamp(0)).unwrap();
        assert!(temporary.path().join(".git").exists());
        temporary.end().unwrap();
        assert!(!temporary.path().exists());
    }

    #[test]
    fn the_manifests_render_without_a_word() {
        for (name, text) in FILES {
            let parsed = manifest::read(name, text.as_bytes(), &manifest::Limits::default());
            assert_eq!(parsed.findings, [], "{name}");
            assert!(!parsed.objects.is_empty(), "{name}");
        }
    }
}
