//! One render as a job of its own: everything that it needs, and what it makes of that.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::render::{Files, Identity, Limits, Namespaces, Options, RenderError, Scope, Scopes};
use lockstep_core::{AppRecord, Application, Commit, CommitId, DesiredObject, Gvk};
use plan::DesiredSet;
use source::{Artifact, Reads};

use super::state::{Inputs, RefusedRendering, RenderFailure, Rendering};

/// What a render gave: objects, or why there are none.
pub(crate) type Made = Result<Arc<Rendering>, Arc<RefusedRendering>>;

/// Everything that one render needs, away from the async workers.
pub(crate) struct Task {
    /// The Application.
    pub(crate) app: Arc<Application>,
    /// What was applied.
    pub(crate) record: AppRecord,
    /// The commits that the last sync left live.
    pub(crate) before: Vec<CommitId>,
    /// What discovery says of kinds.
    pub(crate) scopes: CatalogScopes,
    /// The installation's name.
    pub(crate) instance: Arc<str>,
    /// The installation's key.
    pub(crate) key: lockstep_core::Key,
    /// What is rendered.
    pub(crate) inputs: Inputs,
}

impl Task {
    /// Renders the trees of some commits, one a source.
    pub(crate) fn run(self, snapshots: Vec<git::Snapshot>, commits: Vec<Commit>) -> Result<Made, Arc<str>> {
        let sources = snapshots.into_iter().zip(&self.app.sources);
        let artifacts: Vec<Artifact> = sources
            .map(|(snapshot, source)| Artifact::new(source.git.url.clone(), snapshot, &source.git.path))
            .collect();
        if let Some(path) = vanished(&artifacts)? {
            return Ok(self.refuse(&artifacts, RenderFailure::VanishedPath(path)));
        }
        let sources: Vec<(&lockstep_core::Source, &dyn Files)> = self
            .app
            .sources
            .iter()
            .zip(&artifacts)
            .map(|(source, artifact)| (source, artifact as &dyn Files))
            .collect();
        let namespaces =
            self.app.destination.namespace.as_deref().map_or(Namespaces::Required, Namespaces::Fill);
        let tip = |source: usize, _: &str| commits[source].id.clone();
        let options = Options {
            identity: Some(Identity { instance: &self.instance, app: &self.app.key }),
            namespaces,
            scopes: &self.scopes,
            key: &self.key,
            commit: &tip,
            limits: Limits::default(),
        };
        let rendered = ::render::render(&sources, &options);
        let mut rendered =
            rendered.map_err(|RenderError::Unreadable(cause)| Arc::from(crate::chain(&*cause)))?;
        if rendered.has_errors() {
            return Ok(self.refuse(&artifacts, RenderFailure::Findings(rendered.findings)));
        }
        ::render::with_namespace(&mut rendered, self.app.sync.create_namespace.as_ref(), &options);
        let asked =
            rendered.asked_kinds.into_iter().map(|gvk| (gvk.clone(), self.scopes.scope(&gvk))).collect();
        let revision = self.inputs.commits[0].clone();
        let objects = self.attribute(rendered.objects, &artifacts);
        let set = DesiredSet::new(revision, objects);
        let reads = reads_of(&artifacts);
        let revisions = self.inputs.commits.clone();
        let (inputs, findings) = (self.inputs, rendered.findings);
        let rendering = Rendering { inputs, commits, reads, revisions, set, findings, asked };
        Ok(Ok(Arc::new(rendering)))
    }

    fn refuse(self, artifacts: &[Artifact], failure: RenderFailure) -> Made {
        let refused = RefusedRendering { inputs: self.inputs, reads: reads_of(artifacts), failure };
        Err(Arc::new(refused))
    }

    /// Gives each object the last commit that changed its file; an object that is as recorded keeps the recorded one.
    fn attribute(&self, mut objects: Vec<DesiredObject>, artifacts: &[Artifact]) -> Vec<DesiredObject> {
        let mut files: BTreeMap<Arc<str>, Option<CommitId>> = BTreeMap::new();
        for object in &mut objects {
            let recorded = self.record.objects.get(&object.key);
            if let Some(same) = recorded.filter(|recorded| recorded.rendered == object.digest) {
                object.commit = same.commit.clone();
                continue;
            }
            let file = object.origin.file.clone();
            let changed = files.entry(file.clone()).or_insert_with(|| self.last_change(&file, artifacts));
            match (changed, recorded) {
                (Some(commit), _) => object.commit = commit.clone(),
                // The file did not change: what did is how it is read, or the object was written over.
                (None, Some(recorded)) => object.commit = recorded.commit.clone(),
                (None, None) => {}
            }
        }
        objects
    }

    fn last_change(&self, file: &str, artifacts: &[Artifact]) -> Option<CommitId> {
        let mut sources = self.before.iter().zip(artifacts);
        sources.find_map(|(old, artifact)| {
            let now = artifact.snapshot().entry(file).ok()??;
            let same = |snapshot: &git::Snapshot| snapshot.entry(file).ok().flatten() == Some(now);
            artifact.snapshot().last_change(old, &same).map(|commit| commit.id)
        })
    }
}

fn reads_of(artifacts: &[Artifact]) -> Vec<Arc<Reads>> {
    artifacts.iter().map(|artifact| Arc::new(artifact.reads())).collect()
}

/// The first source's path that is not there. A path that cannot be followed is for the renderer's findings.
fn vanished(artifacts: &[Artifact]) -> Result<Option<Arc<str>>, Arc<str>> {
    for artifact in artifacts {
        match artifact.entry("") {
            Ok(None) => return Ok(Some(artifact.path().into())),
            Err(error @ git::PathError::Corrupted(_)) => return Err(crate::chain(&error).into()),
            Ok(Some(_)) | Err(_) => {}
        }
    }
    Ok(None)
}

/// What discovery says of kinds.
pub struct CatalogScopes(pub Arc<cluster::Catalog>);

impl Scopes for CatalogScopes {
    fn scope(&self, kind: &Gvk) -> Option<Scope> {
        let resource = self.0.resource(kind).served()?;
        Some(if resource.namespaced() { Scope::Namespaced } else { Scope::Cluster })
    }
}

/// After a restart: newer commits that changed nothing of what was read are no news, and cost no status.
pub(super) fn keep_revisions(
    made: &mut Made,
    before: &[CommitId],
    snapshot: impl Fn(usize, &CommitId) -> Option<git::Snapshot>,
) {
    let Some(rendering) = made.as_mut().ok().and_then(Arc::get_mut) else { return };
    let Rendering { revisions, reads, .. } = rendering;
    for (source, (old, new)) in before.iter().zip(revisions).enumerate() {
        let unchanged = old != new && snapshot(source, old).is_some_and(|old| reads[source].unchanged(&old));
        if unchanged {
            *new = old.clone();
        }
    }
}
