//! The plain directory: which files are manifests, and the objects in them.

use lockstep_core::{Finding, Origin, Source};
use manifest::Parsed;

use crate::files::{Entry, EntryKind, FileError, Files, join};
use crate::glob::Selection;
use crate::render::{Limits, RenderError};

/// The objects of a source, and what is wrong with its files.
pub(crate) fn read_directory(
    source: &Source,
    files: &dyn Files,
    limits: &Limits,
) -> Result<Parsed, RenderError> {
    let mut parsed = Parsed::default();
    let selection = Selection::new(&source.directory, &mut parsed.findings);
    let mut reader = Reader { files, limits, selection, taken: Vec::new(), parsed };
    match files.list("") {
        Ok(None) => reader.refuse_path(),
        Ok(Some(entries)) if !source.directory.explicit && other_renderer(&entries).is_some() => {
            reader.refuse_renderer(&entries);
        }
        Ok(Some(entries)) => {
            reader.take(entries, "", source.directory.recurse.into())?;
            reader.read_taken()?;
        }
        Err(error) => reader.refuse(error, "")?,
    }
    Ok(reader.parsed)
}

/// Whether subdirectories are looked into.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Flat,
    Deep,
}

impl From<bool> for Depth {
    fn from(recurse: bool) -> Self {
        if recurse { Self::Deep } else { Self::Flat }
    }
}

struct Reader<'a> {
    files: &'a dyn Files,
    limits: &'a Limits,
    selection: Selection,
    /// Files to read, in the order in which Argo CD walks: entries by name, directories in place.
    taken: Vec<String>,
    parsed: Parsed,
}

impl Reader<'_> {
    fn take(&mut self, mut entries: Vec<Entry>, directory: &str, depth: Depth) -> Result<(), RenderError> {
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        for entry in entries {
            let path = join(directory, &entry.name);
            match entry.kind {
                EntryKind::File | EntryKind::Link if is_manifest(&entry.name) => {
                    if self.selection.takes(&path) {
                        self.taken.push(path);
                    }
                }
                EntryKind::File | EntryKind::Link => {}
                EntryKind::Directory if depth == Depth::Deep => match self.files.list(&path) {
                    Ok(entries) => self.take(entries.unwrap_or_default(), &path, depth)?,
                    Err(error) => self.refuse(error, &path)?,
                },
                EntryKind::Submodule if depth == Depth::Deep => self.refuse(FileError::submodule(), &path)?,
                EntryKind::Directory | EntryKind::Submodule => {}
            }
        }
        Ok(())
    }

    fn read_taken(&mut self) -> Result<(), RenderError> {
        if self.taken.len() > self.limits.files {
            let message =
                format!("has {} manifests, more than the limit of {}", self.taken.len(), self.limits.files);
            let hint = "divide the directory among applications";
            return self.refuse(FileError::refused("too-many-files", message, hint), "");
        }
        for path in std::mem::take(&mut self.taken) {
            match self.files.read(&path, self.limits.file_bytes) {
                Ok(Some(bytes)) => self.read(&path, &bytes),
                Ok(None) => {
                    let hint = "let it name a file of the repository, or leave it out with directory.exclude";
                    self.refuse(FileError::refused("broken-link", "leads to no file", hint), &path)?;
                }
                Err(error) => self.refuse(error, &path)?,
            }
        }
        Ok(())
    }

    fn read(&mut self, path: &str, bytes: &[u8]) {
        let place = join(self.files.root(), path);
        let Parsed { objects, findings } = manifest::read(&place, bytes, &self.limits.documents);
        if objects.is_empty() && is_unrelated(&findings, bytes) {
            let finding = Finding::warning("no-manifest", "holds no Kubernetes object and is left out");
            let finding = finding.at(Origin::file(place)).with_hint("name it in directory.exclude");
            return self.parsed.findings.push(finding);
        }
        self.parsed.objects.extend(objects);
        self.parsed.findings.extend(findings);
    }

    fn refuse(&mut self, error: FileError, path: &str) -> Result<(), RenderError> {
        let finding = error.at(&join(self.files.root(), path)).map_err(RenderError::Unreadable)?;
        self.parsed.findings.push(finding);
        Ok(())
    }

    fn refuse_path(&mut self) {
        let message = format!("there is no directory {:?} in the source", self.files.root());
        let hint = "check path; nothing is deleted meanwhile";
        self.parsed.findings.push(Finding::error("no-such-path", message).with_hint(hint));
    }

    fn refuse_renderer(&mut self, entries: &[Entry]) {
        let Some((file, renderer)) = other_renderer(entries) else { return };
        let message = format!("calls for {renderer}, which is not built yet");
        let hint = "set directory: {} on the source to apply its files as they are";
        let place = Origin::file(join(self.files.root(), file));
        self.parsed.findings.push(Finding::error("not-built", message).at(place).with_hint(hint));
    }
}

fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending))
}

/// The file that calls for another renderer than the plain directory, and that renderer's name.
fn other_renderer(entries: &[Entry]) -> Option<(&str, &'static str)> {
    let renderer = |name: &str| match name {
        "Chart.yaml" => Some("Helm"),
        "kustomization.yaml" | "kustomization.yml" | "Kustomization" => Some("Kustomize"),
        _ => None,
    };
    let found = |entry: &'_ Entry| renderer(&entry.name);
    entries.iter().find_map(|entry| found(entry).map(|renderer| (&*entry.name, renderer)))
}

/// Whether a file without objects is about something else, such as values for a chart. Text that cannot be parsed is never
/// taken for that: it may have been a manifest yesterday, and its objects must not be pruned.
fn is_unrelated(findings: &[Finding], bytes: &[u8]) -> bool {
    let mentions = |word: &str| bytes.windows(word.len()).any(|part| part == word.as_bytes());
    let formal =
        |finding: &Finding| !finding.is_error() || matches!(finding.rule, "missing-field" | "not-an-object");
    findings.iter().any(Finding::is_error)
        && findings.iter().all(formal)
        && !mentions("apiVersion")
        && !mentions("kind")
}
