//! From commits to desired objects, on a bounded number of threads. Equal inputs are not rendered twice.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use ::render::{Files, Identity, Limits, Namespaces, Options, RenderError, Scope, Scopes};
use lockstep_core::{AppKey, AppRecord, Application, Commit, CommitId, DesiredObject, Gvk};
use plan::{Desired, DesiredSet};
use source::{Artifact, Reads};

use super::fetch::Fetched;
use super::halt::{Halt, Why};
use super::state::{AppState, Inputs, RefusedRendering, RenderFailure, Rendering};
use super::validate::Valid;
use crate::context::Context;
use crate::follow;
use crate::queue::Cause;
use crate::repositories::Wanted;

/// An Application with what its sources want, or why that cannot be told.
pub(crate) struct Rendered {
    /// The Application.
    pub(crate) valid: Valid,
    /// What its sources want.
    pub(crate) outcome: Outcome,
    /// Why a source could not be read at its last attempt.
    pub(crate) unreachable: Option<Arc<str>>,
}

/// What a render gave.
pub(crate) enum Outcome {
    /// Everything.
    Ready(Arc<Rendering>),
    /// Nothing; what was rendered last is kept.
    Refused(Arc<RefusedRendering>, Option<Arc<Rendering>>),
    /// Nothing: the revision cannot be read; what was rendered last is kept.
    Unavailable(Arc<str>, Option<Arc<Rendering>>),
}

impl Outcome {
    /// The set that live objects are compared with.
    pub(crate) fn rendering(&self) -> Option<&Arc<Rendering>> {
        match self {
            Self::Ready(rendering) => Some(rendering),
            Self::Refused(_, last) | Self::Unavailable(_, last) => last.as_ref(),
        }
    }

    /// As plan wants it.
    pub(crate) fn desired(&self) -> Desired<'_> {
        let last_good = self.rendering().map(|rendering| &rendering.set);
        match self {
            Self::Ready(rendering) => Desired::Ready(&rendering.set),
            Self::Unavailable(reason, _) => Desired::Unavailable { reason, last_good },
            Self::Refused(refused, _) => match &refused.failure {
                RenderFailure::Findings(findings) => Desired::Failed { findings, last_good },
                RenderFailure::VanishedPath(path) => Desired::VanishedPath { path, last_good },
            },
        }
    }
}

/// Renders what was fetched, unless that was done before.
pub(crate) async fn render(context: &Context, fetched: Fetched) -> Result<Rendered, Halt> {
    let Fetched { mut valid, wanted, commits, unreachable } = fetched;
    let last = valid.found.state.rendering.clone();
    let Some(commits) = commits else {
        let reason = unreachable.clone().unwrap_or_default();
        return Ok(Rendered { valid, outcome: Outcome::Unavailable(reason, last), unreachable });
    };
    let inputs = Inputs {
        generation: valid.found.generation(),
        commits: commits.iter().map(|commit| commit.id.clone()).collect(),
    };
    if let Some(outcome) = known(context, &valid, &inputs) {
        announce(context, &valid.found.key, (&wanted, &commits), &outcome);
        return Ok(Rendered { valid, outcome, unreachable });
    }
    let outcome = match work(context, &valid, wanted.clone(), commits.clone(), inputs).await {
        Ok(done) => {
            context.telemetry.count_render(if done.result.is_ok() { "ok" } else { "findings" });
            let concerned = settle(context, &mut valid, &done);
            let outcome = done.outcome(last);
            announce(context, &valid.found.key, (&wanted, &commits), &outcome);
            // Only now: as long as this Application counts as behind, nobody takes what it wants for its word.
            concerned.iter().for_each(|other| context.mark(other, Cause::Resume));
            outcome
        }
        Err(reason) => {
            context.telemetry.count_render("error");
            tracing::warn!(app = %valid.found.key, %reason, "The source cannot be read");
            for want in &wanted {
                context.hub.refresh(&want.url);
            }
            context.retry(&valid.found.key);
            if last.is_none() {
                return Err(Halt::refused(valid.found, Why::Source(reason)));
            }
            Outcome::Unavailable(reason, last)
        }
    };
    Ok(Rendered { valid, outcome, unreachable })
}

fn known(context: &Context, valid: &Valid, inputs: &Inputs) -> Option<Outcome> {
    let state = &valid.found.state;
    if let Some(refused) = state.refused.as_ref().filter(|refused| refused.inputs == *inputs) {
        return Some(Outcome::Refused(refused.clone(), state.rendering.clone()));
    }
    let rendering = state.rendering.as_ref().filter(|rendering| rendering.inputs == *inputs)?;
    let catalog = CatalogScopes(context.cluster.discovery.catalog());
    let same = rendering.asked.iter().all(|(gvk, answer)| catalog.scope(gvk) == *answer);
    same.then(|| Outcome::Ready(rendering.clone()))
}

/// What a finished render is made into.
pub(crate) struct Done {
    result: Result<Arc<Rendering>, Arc<RefusedRendering>>,
}

impl Done {
    /// As the step's outcome; `last` is what was rendered before.
    pub(crate) fn outcome(self, last: Option<Arc<Rendering>>) -> Outcome {
        match self.result {
            Ok(rendering) => Outcome::Ready(rendering),
            Err(refused) => Outcome::Refused(refused, last),
        }
    }
}

impl Done {
    /// After a restart: newer commits that changed nothing of what was read are no news, and cost no status.
    fn keep_revisions(
        &mut self,
        before: &[CommitId],
        snapshot: impl Fn(usize, &CommitId) -> Option<git::Snapshot>,
    ) {
        let Some(rendering) = self.result.as_mut().ok().and_then(Arc::get_mut) else { return };
        let Rendering { revisions, reads, .. } = rendering;
        for (source, (old, new)) in before.iter().zip(revisions).enumerate() {
            let unchanged =
                old != new && snapshot(source, old).is_some_and(|old| reads[source].unchanged(&old));
            if unchanged {
                *new = old.clone();
            }
        }
    }
}

/// Says which commits are rendered, also where that was done before: the repository may have been asked afresh.
fn announce(context: &Context, app: &AppKey, (wanted, commits): (&[Wanted], &[Commit]), outcome: &Outcome) {
    let (reads, good) = match outcome {
        Outcome::Ready(rendering) => (&rendering.reads, true),
        Outcome::Refused(refused, _) => (&refused.reads, false),
        Outcome::Unavailable(..) => return,
    };
    for (index, (want, commit)) in wanted.iter().zip(commits).enumerate() {
        if wanted[..index].contains(want) {
            continue;
        }
        let same = wanted.iter().zip(reads).filter(|(other, _)| *other == want);
        context.hub.rendered(app, want, commit, &same.map(|(_, reads)| reads.clone()).collect::<Vec<_>>());
        let (repository, spec) = (want.url.identity(), &want.spec);
        if good {
            let released = context.claims.caught_up(&repository, app, (spec, Some(&commit.id)));
            released
                .iter()
                .filter(|other| *other != app)
                .for_each(|other| context.mark(other, Cause::Resume));
        } else {
            context.claims.set_failed(&repository, app, spec, &commit.id);
        }
    }
}

/// Remembers a render. Returns the other Applications that it concerns.
fn settle(context: &Context, valid: &mut Valid, done: &Done) -> BTreeSet<AppKey> {
    let app = &valid.found.key;
    let state = &mut valid.found.state;
    match &done.result {
        Ok(rendering) => {
            for finding in &rendering.findings {
                tracing::warn!(app = %app, %finding, "The source is odd");
            }
            let before = state.rendering.replace(rendering.clone());
            state.refused = None;
            let keys: HashSet<_> = rendering.set.objects().iter().map(|object| object.key.clone()).collect();
            let concerned = context.claims.set_desired(app, keys);
            look_for_leftovers(context, app, state, before.as_deref());
            concerned
        }
        Err(refused) => {
            state.refused = Some(refused.clone());
            BTreeSet::new()
        }
    }
}

/// What is wanted no more and in no record may be live all the same, under our name: nobody else would look for it once its kind is
/// not followed any more.
fn look_for_leftovers(context: &Context, app: &AppKey, state: &mut AppState, before: Option<&Rendering>) {
    let Some(rendering) = state.rendering.clone() else { return };
    let record = state.recorded.record();
    if let Some(before) = before {
        for object in dropped(&before.set, &rendering.set, record) {
            follow::leftover(context, &object.gvk, &object.key);
        }
    }
    // Whether these can be looked at now or not: they will be, before anything is done about them.
    for (key, gvk) in state.unrecorded.extract_if(.., |key, _| rendering.set.get(key).is_none()) {
        if !record.objects.contains_key(&key) {
            context.owned.set(app, &key, &gvk);
        }
    }
}

/// The objects of one render that the next one does not have, nor the record.
fn dropped<'a>(
    before: &'a DesiredSet,
    now: &'a DesiredSet,
    record: &'a AppRecord,
) -> impl Iterator<Item = &'a Arc<DesiredObject>> {
    let objects = before.objects().iter();
    objects.filter(|object| now.get(&object.key).is_none() && !record.objects.contains_key(&object.key))
}

async fn work(
    context: &Context,
    valid: &Valid,
    wanted: Vec<Wanted>,
    commits: Vec<Commit>,
    inputs: Inputs,
) -> Result<Done, Arc<str>> {
    let task = Task {
        app: valid.app.clone(),
        record: valid.found.state.recorded.record().clone(),
        before: valid.found.told.sync.revisions.clone(),
        scopes: CatalogScopes(context.cluster.discovery.catalog()),
        instance: context.settings.instance.clone(),
        key: context.key.clone(),
        inputs,
    };
    let first = valid.found.state.rendering.is_none();
    let before = task.before.clone();
    let hub = context.hub.clone();
    let job = move || {
        let snapshot = |(want, commit): (&Wanted, &Commit)| {
            let found = hub.snapshot(want, &commit.id).map_err(|error| crate::chain(&error))?;
            found.ok_or_else(|| format!("commit {} is not in the cache any more", commit.id.short()))
        };
        let snapshots: Result<Vec<_>, String> = wanted.iter().zip(&commits).map(snapshot).collect();
        let mut done = task.run(snapshots.map_err(Arc::from)?, commits)?;
        if first {
            done.keep_revisions(&before, |source, old| hub.snapshot(&wanted[source], old).ok().flatten());
        }
        Ok(done)
    };
    context.renderers.run(job).await.unwrap_or_else(|| Err("the render panicked".into()))
}

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
    pub(crate) fn run(self, snapshots: Vec<git::Snapshot>, commits: Vec<Commit>) -> Result<Done, Arc<str>> {
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
        let rendered = rendered.map_err(|RenderError::Unreadable(cause)| Arc::from(crate::chain(&*cause)))?;
        if rendered.has_errors() {
            return Ok(self.refuse(&artifacts, RenderFailure::Findings(rendered.findings)));
        }
        let asked =
            rendered.asked_kinds.into_iter().map(|gvk| (gvk.clone(), self.scopes.scope(&gvk))).collect();
        let revision = self.inputs.commits[0].clone();
        let objects = self.attribute(rendered.objects, &artifacts);
        let set = DesiredSet::new(revision, objects);
        let reads = reads_of(&artifacts);
        let revisions = self.inputs.commits.clone();
        let (inputs, findings) = (self.inputs, rendered.findings);
        let rendering = Rendering { inputs, commits, reads, revisions, set, findings, asked };
        Ok(Done { result: Ok(Arc::new(rendering)) })
    }

    fn refuse(self, artifacts: &[Artifact], failure: RenderFailure) -> Done {
        let refused = RefusedRendering { inputs: self.inputs, reads: reads_of(artifacts), failure };
        Done { result: Err(Arc::new(refused)) }
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

#[cfg(test)]
mod tests {
    use lockstep_core::{Digest, ObjectKey, ObjectRecord, Origin, Value};

    use super::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new("", "ConfigMap", "n", name)
    }

    fn set(names: &[&str]) -> DesiredSet {
        let commit = CommitId::parse(&"a".repeat(40)).unwrap();
        let object = |name: &&str| DesiredObject {
            key: key(name),
            gvk: Gvk::new("", "v1", "ConfigMap"),
            value: Value::default(),
            digest: Digest::of(name.as_bytes()),
            origin: Origin::new("a.yaml", 1, 1),
            commit: commit.clone(),
        };
        DesiredSet::new(commit.clone(), names.iter().map(object))
    }

    #[test]
    fn what_no_record_knows_is_looked_for_when_it_is_dropped() {
        let mut record = AppRecord::default();
        let entry = ObjectRecord {
            gvk: Gvk::new("", "v1", "ConfigMap"),
            uid: "u".into(),
            rendered: Digest::of(b""),
            fields: Value::default(),
            presence: Value::default(),
            live: Digest::of(b""),
            commit: CommitId::parse(&"a".repeat(40)).unwrap(),
        };
        record.objects.insert(key("recorded"), entry);
        let (before, now) = (set(&["stays", "recorded", "dropped"]), set(&["stays", "new"]));
        let keys: Vec<_> = dropped(&before, &now, &record).map(|object| object.key.clone()).collect();
        assert_eq!(keys, [key("dropped")]);
    }
}
