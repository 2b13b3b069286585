//! From desired objects to what is live of them: the index follows exactly what some Application desires, has recorded or owns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockstep_core::{Gvk, ObjectKey};

use super::depend;
use super::halt::Halt;
use super::render::Rendered;
use super::workload;
use crate::context::Context;
use crate::follow;

/// An Application whose live objects can be looked up, or are known to be unknown.
pub(crate) struct Observed {
    /// The Application with what it wants.
    pub(crate) rendered: Rendered,
    /// Live objects that carry its name and that it neither wants nor has recorded.
    pub(crate) owned: Vec<(ObjectKey, Gvk)>,
}

/// Makes the index follow the Application's objects and waits (by ending the run) for first lists.
pub(crate) async fn observe(context: &Context, mut rendered: Rendered) -> Result<Observed, Halt> {
    let app = rendered.valid.found.key.clone();
    let owned = context.owned.of(&app);
    let depended = depend::objects(context, &rendered.valid.app);
    context.dependencies.watch(&app, depended.iter().map(|(key, _)| key.clone()).collect());
    let state = &mut rendered.valid.found.state;
    let mut objects: BTreeSet<(ObjectKey, Gvk)> = owned.iter().cloned().collect();
    objects.extend(depended);
    if let Some(rendering) = rendered.outcome.rendering() {
        let wanted = rendering.set.objects().iter();
        objects.extend(wanted.map(|object| (object.key.clone(), object.gvk.clone())));
        objects.extend(::plan::hook_objects(&rendering.set, rendered.valid.found.told.run.as_ref()));
    }
    let recorded = state.recorded.record().objects.iter();
    objects.extend(recorded.map(|(key, record)| (key.clone(), record.gvk.clone())));
    state.following.follow(context, objects);
    let scopes: Vec<(Gvk, Arc<str>)> = state.following.scopes().cloned().collect();
    if context.await_scopes(&app, &scopes) {
        return Err(Halt::Waiting);
    }
    context.observes(&app);
    if !state.following.unread.is_empty() {
        if let Err(error) = context.cluster.index.ensure(&state.following.unread).await {
            tracing::warn!(%app, %error, "Live objects could not be read");
            context.retry(&app);
            return Err(Halt::Waiting);
        }
        state.following.unread.clear();
    }
    // Some were taken for ours before they could be looked at; others were given another name meanwhile.
    owned.iter().for_each(|(key, gvk)| _ = follow::leftover(context, gvk, key));
    Ok(Observed { rendered, owned: context.owned.of(&app) })
}

/// What the live index follows for one Application.
#[derive(Default)]
pub(crate) struct Following {
    objects: BTreeSet<(ObjectKey, Gvk)>,
    /// Those that were not read yet: a run may end before it comes to that, or fail at it, and the next one makes up for it.
    unread: Vec<(Gvk, ObjectKey)>,
    wants: BTreeMap<(Gvk, Arc<str>), cluster::Want>,
    /// What workloads run: never waited for, so that pods which cannot be listed, or not fast, hold no sync.
    below: BTreeMap<(Gvk, Arc<str>), cluster::Want>,
}

impl Following {
    /// Follows these objects and no others.
    fn follow(&mut self, context: &Context, objects: BTreeSet<(ObjectKey, Gvk)>) {
        if objects == self.objects {
            return;
        }
        let index = &context.cluster.index;
        let new: Vec<_> =
            objects.difference(&self.objects).map(|(key, gvk)| (gvk.clone(), key.clone())).collect();
        // Before the scopes are wanted, so that their first lists bring the bytes.
        new.iter().for_each(|(_, key)| index.track(key));
        let scopes: BTreeSet<(Gvk, Arc<str>)> =
            objects.iter().map(|(key, gvk)| (gvk.clone(), key.namespace.clone())).collect();
        let below = scopes
            .iter()
            .flat_map(|(gvk, namespace)| workload::below(gvk).map(|kind| (kind, namespace.clone())));
        let below = below.collect();
        want(context, &mut self.wants, scopes);
        want(context, &mut self.below, below);
        self.objects.difference(&objects).for_each(|(key, _)| index.untrack(key));
        self.unread.retain(|(gvk, key)| objects.contains(&(key.clone(), gvk.clone())));
        self.unread.extend(new);
        self.objects = objects;
    }

    fn scopes(&self) -> impl Iterator<Item = &(Gvk, Arc<str>)> {
        self.wants.keys()
    }

    /// Follows nothing any more.
    pub(crate) fn release(&mut self, index: &cluster::Index) {
        self.objects.iter().for_each(|(key, _)| index.untrack(key));
        self.objects.clear();
        self.unread.clear();
        self.wants.clear();
        self.below.clear();
    }
}

/// Makes the wants those of these scopes and of no others.
fn want(
    context: &Context,
    wants: &mut BTreeMap<(Gvk, Arc<str>), cluster::Want>,
    scopes: BTreeSet<(Gvk, Arc<str>)>,
) {
    wants.retain(|scope, _| scopes.contains(scope));
    for scope in scopes {
        wants.entry(scope).or_insert_with_key(|(gvk, namespace)| context.cluster.want(gvk, namespace));
    }
}
