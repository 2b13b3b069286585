//! From commits to desired objects, on a bounded number of threads. Equal inputs are not rendered twice.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use ::render::Scopes;
use lockstep_core::{AppKey, AppRecord, Commit, DesiredObject};
use plan::{Desired, DesiredSet};

use super::fetch::Fetched;
use super::halt::{Halt, Why};
use super::restore::restore;
use super::state::{AppState, Inputs, RefusedRendering, RenderFailure, Rendering};
use super::task::{CatalogScopes, Made, Task, keep_revisions};
use super::validate::Valid;
use crate::claims::Role;
use crate::context::Context;
use crate::follow;
use crate::queue::Cause;
use crate::repositories::{RenderResult, Rendition, Wanted};

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
    /// Of a render that ended; `last` is what was rendered before.
    pub(crate) fn of(made: Made, last: Option<Arc<Rendering>>) -> Self {
        match made {
            Ok(rendering) => Self::Ready(rendering),
            Err(refused) => Self::Refused(refused, last),
        }
    }

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
    context.claims.set_role(&valid.found.key, Role::Acts);
    let last = valid.found.state.rendering.clone();
    let Some(commits) = commits else {
        let reason = unreachable.clone().unwrap_or_default();
        let last = last_good(context, &mut valid, &wanted, last).await;
        if last.is_none() {
            return Err(Halt::refused(valid.found, Why::Source(reason)));
        }
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
        Ok(made) => {
            context.telemetry.count_render(if made.is_ok() { "ok" } else { "findings" });
            let concerned = settle(context, &mut valid, &made);
            let last = match made {
                Ok(_) => None,
                Err(_) => last_good(context, &mut valid, &wanted, last).await,
            };
            let outcome = Outcome::of(made, last);
            announce(context, &valid.found.key, (&wanted, &commits), &outcome);
            // Only now: as long as this Application counts as behind, nobody takes what it wants for its word.
            concerned.iter().for_each(|other| context.mark(other, Cause::Resume));
            outcome
        }
        Err(reason) => {
            context.telemetry.count_render("error");
            tracing::warn!(app = %valid.found.key, error = %reason, "The source cannot be read");
            // At a retry only: what a fetch brings starts a run of this Application, and asked for in that one again, fetches would
            // follow each other without a pause.
            if valid.found.job.0.has(Cause::Timer) {
                for want in &wanted {
                    context.hub.refresh(&want.url);
                }
            }
            context.retry(&valid.found.key);
            let last = last_good(context, &mut valid, &wanted, last).await;
            if last.is_none() {
                return Err(Halt::refused(valid.found, Why::Source(reason)));
            }
            Outcome::Unavailable(reason, last)
        }
    };
    Ok(Rendered { valid, outcome, unreachable })
}

/// What was rendered last without errors, by this process or one before it.
async fn last_good(
    context: &Context,
    valid: &mut Valid,
    wanted: &[Wanted],
    last: Option<Arc<Rendering>>,
) -> Option<Arc<Rendering>> {
    match last {
        Some(last) => Some(last),
        None => restore(context, valid, wanted).await,
    }
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

/// Says which commits are rendered, also where that was done before: the repository may have been asked afresh.
pub(super) fn announce(
    context: &Context,
    app: &AppKey,
    (wanted, commits): (&[Wanted], &[Commit]),
    outcome: &Outcome,
) {
    let (reads, result) = match outcome {
        Outcome::Ready(rendering) => (&rendering.reads, RenderResult::Good),
        Outcome::Refused(refused, _) => (&refused.reads, RenderResult::Refused),
        Outcome::Unavailable(..) => return,
    };
    for (index, (want, commit)) in wanted.iter().zip(commits).enumerate() {
        if wanted[..index].contains(want) {
            continue;
        }
        let same = wanted.iter().zip(reads).filter(|(other, _)| *other == want);
        let reads = same.map(|(_, reads)| reads.clone()).collect();
        context.hub.rendered(app, want, commit, &Rendition { reads, result });
        let (repository, spec) = (want.url.identity(), &want.spec);
        if result == RenderResult::Good {
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
fn settle(context: &Context, valid: &mut Valid, made: &Made) -> BTreeSet<AppKey> {
    let app = &valid.found.key;
    let state = &mut valid.found.state;
    state.claimed = None;
    match made {
        Ok(rendering) => {
            for finding in &rendering.findings {
                tracing::warn!(%app, %finding, "The source is odd");
            }
            let before = state.rendering.replace(rendering.clone());
            state.refused = None;
            let keys: HashSet<_> = rendering.set.objects().iter().map(|object| object.key.clone()).collect();
            context.dependencies.unsettle(app);
            context.claims.set_modest(app, rendering.set.modest().cloned().collect());
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

pub(super) async fn work(
    context: &Context,
    valid: &Valid,
    wanted: Vec<Wanted>,
    commits: Vec<Commit>,
    inputs: Inputs,
) -> Result<Made, Arc<str>> {
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
        let mut made = task.run(snapshots.map_err(Arc::from)?, commits)?;
        if first {
            keep_revisions(&mut made, &before, |source, old| {
                hub.snapshot(&wanted[source], old).ok().flatten()
            });
        }
        Ok(made)
    };
    context.renderers.run(job).await.unwrap_or_else(|| Err("the render panicked".into()))
}

#[cfg(test)]
mod tests {
    use lockstep_core::{CommitId, Digest, Gvk, ObjectKey, ObjectRecord, Origin, Value};

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
