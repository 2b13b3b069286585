//! The sample repository.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use git::{Author, WorkTree};
use lockstep_core::{CommitId, Timestamp, Value};

use super::NAMESPACE;
use crate::connect::environment;
use crate::hint::advised;

/// The manifests, by path.
const FILES: &[(&str, &str)] = &[
    (GREETING, include_str!("../../../demo/greeting/greeting.yaml")),
    ("store/store.yaml", include_str!("../../../demo/store/store.yaml")),
    ("team/team.yaml", include_str!("../../../demo/team/team.yaml")),
    ("web/web.yaml", include_str!("../../../demo/web/web.yaml")),
];
/// The file that is there to be changed.
pub(super) const GREETING: &str = "greeting/greeting.yaml";

/// Whom git takes for the author where the user never told it.
const SOMEBODY: &str = "[user]\n\tname = You\n\temail = you@example.com\n";

/// A repository with a work tree, to be worked on with git or without.
pub(super) struct Sample {
    directory: PathBuf,
    work_tree: WorkTree,
}

impl Sample {
    /// The one that is in a folder, or a new one.
    pub(super) fn open(directory: &Path, now: Timestamp) -> anyhow::Result<Self> {
        if directory.join(".git").is_dir() {
            return Self::existing(directory);
        }
        Self::make(directory, now)
            .with_context(|| format!("cannot make the sample repository in {}", directory.display()))
    }

    pub(super) fn existing(directory: &Path) -> anyhow::Result<Self> {
        let work_tree = WorkTree::open(directory)
            .with_context(|| format!("cannot open the sample repository in {}", directory.display()))?;
        Ok(Self { directory: directory.to_owned(), work_tree })
    }

    fn make(directory: &Path, now: Timestamp) -> anyhow::Result<Self> {
        let files = FILES.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let work_tree = WorkTree::create(directory)?;
        work_tree.commit(&files, author(now), "Say hello\n")?;
        if !knows_author() {
            let mut config = fs::OpenOptions::new().append(true).open(directory.join(".git/config"))?;
            config.write_all(SOMEBODY.as_bytes())?;
        }
        Ok(Self { directory: directory.to_owned(), work_tree })
    }

    /// Greets with another word, and commits that with whatever else was changed. Returns the subject.
    pub(super) fn edit(&self, now: Timestamp) -> anyhow::Result<String> {
        let mut files = self.work_tree.files()?;
        let greeting =
            files.get_mut(GREETING).with_context(|| format!("{GREETING} is not there any more"))?;
        let (before, after) = if greeting.contains("ahoy") { ("ahoy", "hello") } else { ("hello", "ahoy") };
        let edited = greeting.replace(before, after);
        anyhow::ensure!(
            edited != *greeting,
            "{GREETING} greets with neither hello nor ahoy: edit it by hand"
        );
        *greeting = edited;
        self.commit(&files, now, format!("Say {after}"))
    }

    /// Takes the newest commit back. Returns the subject.
    pub(super) fn revert(&self, now: Timestamp) -> anyhow::Result<String> {
        let (newest, before) = (self.work_tree.committed(0)?, self.work_tree.committed(1)?);
        if before.is_empty() {
            return Err(advised("there is no commit before this one", "lockstep demo edit makes one"));
        }
        let mut files = self.work_tree.files()?;
        for path in newest.keys().chain(before.keys()) {
            match before.get(path) {
                Some(content) if newest.get(path) != Some(content) => {
                    files.insert(path.clone(), content.clone());
                }
                Some(_) => {}
                None => {
                    files.remove(path);
                    fs::remove_file(self.directory.join(path))
                        .with_context(|| format!("cannot remove {path}"))?;
                }
            }
        }
        let subject = self.work_tree.subject()?.unwrap_or_default();
        self.commit(&files, now, format!("Revert \"{subject}\""))
    }

    fn commit(
        &self,
        files: &BTreeMap<String, String>,
        now: Timestamp,
        subject: String,
    ) -> anyhow::Result<String> {
        self.work_tree.commit(files, author(now), &format!("{subject}\n"))?;
        Ok(subject)
    }

    /// Whether the newest commit has the same for an Application as this one.
    pub(super) fn is_current(&self, application: &str, commit: &CommitId) -> anyhow::Result<bool> {
        Ok(self.work_tree.is_current(commit, application)?)
    }

    /// The Application that follows one directory of it.
    pub(super) fn application(&self, name: &str) -> Value {
        let mut source = Value::default();
        source.set(&["git", "url"], format!("file://{}", self.directory.display()).into());
        source.set(&["git", "revision"], "main".into());
        source.set(&["git", "path"], name.into());
        let mut application = Value::default();
        application.set(&["apiVersion"], api::API_VERSION.into());
        application.set(&["kind"], "Application".into());
        application.set(&["metadata", "name"], name.into());
        application.set(&["metadata", "namespace"], NAMESPACE.into());
        application.set(&["spec", "sources"], Value::list(vec![source]));
        application.set(&["spec", "destination", "namespace"], NAMESPACE.into());
        application.set(&["spec", "sync", "mode"], "Automatic".into());
        application.set(&["spec", "sync", "prune"], true.into());
        application
    }
}

fn author(now: Timestamp) -> Author<'static> {
    Author { name: "Lockstep", email: "demo@lockstep.dev", time: now }
}

/// Whether git has a configuration of the user's, which then names the author.
fn knows_author() -> bool {
    let home = environment("HOME").map(PathBuf::from).unwrap_or_default();
    [".gitconfig", ".config/git/config"].iter().any(|file| home.join(file).exists())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::demo::APPLICATIONS;

    #[test]
    fn a_sample_is_edited_and_reverted_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sample");
        let sample = Sample::open(&path, Timestamp(1_795_503_000)).unwrap();
        let read = |file: &str| fs::read_to_string(path.join(file)).unwrap();
        for (file, text) in FILES {
            assert_eq!(read(file), *text);
        }
        let first = sample.work_tree.head().unwrap().unwrap();
        assert!(sample.revert(Timestamp(1)).is_err(), "there is nothing to take back");
        assert_eq!(sample.edit(Timestamp(1)).unwrap(), "Say ahoy");
        assert!(read(GREETING).contains("ahoy"));
        let edited = sample.work_tree.head().unwrap().unwrap();
        let check = |name: &str, expected: bool| {
            assert_eq!(sample.is_current(name, &first).unwrap(), expected, "{name}");
            assert!(sample.is_current(name, &edited).unwrap());
        };
        check("greeting", false);
        check("web", true);
        fs::write(path.join("web/web.yaml"), "# mine\n").unwrap();
        let again = Sample::open(&path, Timestamp(2)).unwrap();
        assert_eq!(again.revert(Timestamp(2)).unwrap(), "Revert \"Say ahoy\"");
        assert_eq!(read(GREETING), FILES[0].1);
        assert_eq!(read("web/web.yaml"), "# mine\n", "what the user has not committed stays");
    }

    #[test]
    fn the_manifests_render_and_the_applications_are_accepted() {
        for (name, text) in FILES {
            let parsed = manifest::read(name, text.as_bytes(), &manifest::Limits::default());
            assert_eq!(parsed.findings, [], "{name}");
            assert!(!parsed.objects.is_empty(), "{name}");
        }
        let dir = tempfile::tempdir().unwrap();
        let sample = Sample::open(&dir.path().join("sample"), Timestamp(0)).unwrap();
        for name in APPLICATIONS {
            let (app, findings) = api::application(&sample.application(name));
            assert_eq!(findings, []);
            assert_eq!(&*app.unwrap().sources[0].git.path, *name);
        }
    }
}
