//! A directory in memory.

use std::collections::BTreeMap;

use lockstep_core::{AppKey, CommitId, Directory, GitSource, Key, RepoUrl, Source};
use lockstep_render::{
    Entry, EntryKind, FileError, Files, Identity, Limits, Namespaces, NoScopes, Options, Rendered, render,
};

/// Files by path. A text that begins with `->` is a link, `@submodule` a submodule, `@lfs` a file that is refused.
pub(crate) struct Tree(BTreeMap<String, String>);

impl Tree {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }
}

fn refused(rule: &'static str) -> FileError {
    FileError::Refused { rule, message: "is refused".to_owned(), hint: "mend it" }
}

impl Files for Tree {
    fn root(&self) -> &str {
        "deploy"
    }

    fn list(&self, directory: &str) -> Result<Option<Vec<Entry>>, FileError> {
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let mut entries: Vec<Entry> = Vec::new();
        for (path, text) in &self.0 {
            let Some(rest) = path.strip_prefix(&prefix) else { continue };
            let (name, kind) = match rest.split_once('/') {
                Some((name, _)) => (name, EntryKind::Directory),
                None if text.starts_with("->") => (rest, EntryKind::Link),
                None if text == "@submodule" => (rest, EntryKind::Submodule),
                None => (rest, EntryKind::File),
            };
            if entries.iter().all(|entry| &*entry.name != name) {
                entries.push(Entry { name: name.into(), kind });
            }
        }
        // In reverse, so that a test can see that the reader sorts.
        entries.reverse();
        Ok((!entries.is_empty()).then_some(entries))
    }

    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, FileError> {
        match self.0.get(path).map(String::as_str) {
            Some("@lfs") => Err(refused("git-lfs")),
            Some("-> ..") => Err(refused("path-escape")),
            Some(link) if link.starts_with("->") => self.read(link[2..].trim(), limit),
            Some(text) if text.len() as u64 > limit => Err(refused("too-large")),
            text => Ok(text.map(|text| text.as_bytes().to_vec())),
        }
    }
}

pub(crate) fn source(directory: Directory) -> Source {
    let git = GitSource { url: RepoUrl::new("https://h/r"), revision: "main".into(), path: "deploy".into() };
    Source { name: None, git, directory }
}

/// Renders one source into namespace `shop` for application `team/app`.
pub(crate) fn render_tree(files: &[(&str, &str)], directory: Directory) -> Rendered {
    render_with(files, directory, Namespaces::Fill("shop"), Limits::default())
}

pub(crate) fn render_with(
    files: &[(&str, &str)],
    directory: Directory,
    namespaces: Namespaces<'_>,
    limits: Limits,
) -> Rendered {
    let app = AppKey::new("team", "app");
    let key = Key::new([1; 32]);
    let commit = CommitId::parse(&"a".repeat(40)).unwrap();
    let options = Options {
        identity: Some(Identity { instance: "lockstep", app: &app }),
        namespaces,
        scopes: &NoScopes,
        key: &key,
        commit: &|_, _| commit.clone(),
        limits,
    };
    render(&[(&source(directory), &Tree::new(files))], &options).unwrap()
}

/// `Kind namespace/name` of every object.
pub(crate) fn names(rendered: &Rendered) -> Vec<String> {
    let name = |object: &lockstep_core::DesiredObject| {
        format!("{} {}/{}", object.key.kind, object.key.namespace, object.key.name)
    };
    rendered.objects.iter().map(name).collect()
}

/// Every finding with its rule.
pub(crate) fn findings(rendered: &Rendered) -> Vec<String> {
    rendered.findings.iter().map(|finding| format!("[{}] {finding}", finding.rule)).collect()
}
