//! All sources of an Application into one set.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use lockstep_core::{
    AppKey, CommitId, DesiredObject, Finding, Gvk, Key, OWNER_ANNOTATION, ObjectKey, Origin, Owner, Source,
    Value,
};
use manifest::{Object, Parsed};

use crate::directory::read_directory;
use crate::files::Files;
use crate::object::{Completion, Namespaces};
use crate::repeated::Schemas;
use crate::scope::{Scopes, defined_scopes};

/// How to render.
pub struct Options<'a> {
    /// Whose objects they are; without it they carry no owner annotation.
    pub identity: Option<Identity<'a>>,
    /// What becomes of namespaced objects that name no namespace.
    pub namespaces: Namespaces<'a>,
    /// What the destination says of kinds.
    pub scopes: &'a dyn Scopes,
    /// The installation's key, for digests.
    pub key: &'a Key,
    /// The commit behind a file, by the place of the source among the Application's and the file's path in it.
    pub commit: &'a dyn Fn(usize, &str) -> CommitId,
    /// What one render may cost.
    pub limits: Limits,
}

/// Whose objects are rendered.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// The installation.
    pub instance: &'a str,
    /// The Application.
    pub app: &'a AppKey,
}

/// What one render may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Manifests of one source.
    pub files: usize,
    /// Objects of one Application.
    pub objects: usize,
    /// What one document may cost.
    pub documents: manifest::Limits,
}

impl Default for Limits {
    /// 10 MB a file as in Argo CD, 20,000 files, 100,000 objects.
    fn default() -> Self {
        let documents = manifest::Limits::default();
        Self { file_bytes: 10_000_000, files: 20_000, objects: 100_000, documents }
    }
}

/// What the sources want.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// Every object once, in the order of sources, files and documents.
    pub objects: Vec<DesiredObject>,
    /// Everything wrong or odd. With an error among them the objects are not to be applied.
    pub findings: Vec<Finding>,
    /// Kinds that nobody knew: whether they live in namespaces was not decided.
    pub unknown_kinds: BTreeSet<Gvk>,
    /// Kinds that the destination was asked about: another answer would be another render.
    pub asked_kinds: BTreeSet<Gvk>,
}

impl Rendered {
    /// Whether a finding refuses the whole.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(Finding::is_error)
    }
}

/// Why nothing can be said about what the sources hold.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The store behind a source is damaged or out of reach; fetching again may mend it.
    #[error("cannot read the source")]
    Unreadable(#[source] Box<dyn Error + Send + Sync>),
}

/// Renders the sources of an Application, in their order. User mistakes are findings, all at once.
pub fn render(sources: &[(&Source, &dyn Files)], options: &Options<'_>) -> Result<Rendered, RenderError> {
    let mut parsed = Vec::with_capacity(sources.len());
    let mut findings = Vec::new();
    for (source, files) in sources {
        let Parsed { objects, findings: of_source } = read_directory(source, *files, &options.limits)?;
        findings.extend(of_source);
        parsed.push(objects);
    }
    let total: usize = parsed.iter().map(Vec::len).sum();
    if total > options.limits.objects {
        let message = format!("{total} objects are more than the limit of {}", options.limits.objects);
        let finding = Finding::error("too-many-objects", message);
        findings.push(finding.with_hint("divide them among applications"));
        return Ok(Rendered { findings, ..Rendered::default() });
    }
    let all = || parsed.iter().flatten();
    let mut completion = Completion {
        namespaces: options.namespaces,
        scopes: options.scopes,
        defined: defined_scopes(all().map(|object| &object.value)),
        schemas: Schemas::of(all().map(|object| &object.value)),
        unknown: BTreeSet::new(),
        asked: BTreeSet::new(),
        findings,
    };
    let objects = assemble(&parsed, options, &mut completion);
    let Completion { unknown, asked, findings, .. } = completion;
    Ok(Rendered { objects, findings, unknown_kinds: unknown, asked_kinds: asked })
}

fn assemble(
    parsed: &[Vec<Object>],
    options: &Options<'_>,
    completion: &mut Completion<'_>,
) -> Vec<DesiredObject> {
    let mut objects: Vec<Option<DesiredObject>> = Vec::new();
    let mut places: BTreeMap<ObjectKey, usize> = BTreeMap::new();
    for (index, object) in
        parsed.iter().enumerate().flat_map(|(index, all)| all.iter().map(move |o| (index, o)))
    {
        let desired = desire(object, index, options, completion);
        if let Some(place) = places.insert(desired.key.clone(), objects.len())
            && let Some(before) = objects[place].take()
        {
            completion.findings.push(duplicate(&before, &desired));
        }
        objects.push(Some(desired));
    }
    objects.into_iter().flatten().collect()
}

fn desire(
    object: &Object,
    source: usize,
    options: &Options<'_>,
    completion: &mut Completion<'_>,
) -> DesiredObject {
    finished(completion.complete(object), source, object.origin.clone(), options)
}

/// An object with everything that it is to have: our owner annotation, a digest and the commit behind it.
pub(crate) fn finished(
    (key, gvk, mut value): (ObjectKey, Gvk, Value),
    source: usize,
    origin: Origin,
    options: &Options<'_>,
) -> DesiredObject {
    if let Some(Identity { instance, app }) = options.identity {
        let owner = Owner::new(instance, app, &key).to_string();
        value.set(&["metadata", "annotations", OWNER_ANNOTATION], owner.into());
    }
    let digest = options.key.digest(&value);
    let commit = (options.commit)(source, &origin.file);
    DesiredObject { key, gvk, value, digest, origin, commit }
}

fn duplicate(before: &DesiredObject, now: &DesiredObject) -> Finding {
    let message = format!("{} is also written at {}; this one counts", now.key, before.origin);
    Finding::warning("duplicate-object", message).at(now.origin.clone()).with_hint("remove one of them")
}
