//! What the last sync left, rendered again where nothing newer can be: a process that starts while the newest commit is broken goes
//! on healing what the one before it did.

use std::sync::Arc;

use lockstep_core::{AppRecord, Commit, CommitId, DesiredObject};
use plan::DesiredSet;

use super::render::work;
use super::state::{Inputs, Rendering};
use super::validate::Valid;
use crate::context::Context;
use crate::repositories::Wanted;

/// Renders the commits that the status names as live. `None` where there are none, or where they are not to be had.
pub(super) async fn restore(
    context: &Context,
    valid: &mut Valid,
    wanted: &[Wanted],
) -> Option<Arc<Rendering>> {
    let before = valid.found.told.sync.revisions.clone();
    let is_known = before.len() == wanted.len() && !valid.found.state.recorded.record().objects.is_empty();
    let inputs = Inputs { generation: valid.found.generation(), commits: before };
    if !is_known || valid.found.state.lost.as_ref() == Some(&inputs) {
        return None;
    }
    let app = valid.found.key.clone();
    let Some(commits) = find(context, wanted, &inputs.commits).await else {
        if wanted.iter().all(|want| context.hub.is_reachable(want)) {
            // Not to be asked for at every run.
            valid.found.state.lost = Some(inputs);
        }
        tracing::warn!(%app, "What was live before the start cannot be rendered: its commit is not to be had");
        return None;
    };
    let made = work(context, valid, wanted.to_vec(), commits, inputs.clone()).await;
    let Ok(Ok(rendering)) = made else {
        valid.found.state.lost = Some(inputs);
        tracing::warn!(%app, "What was live before the start cannot be rendered any more");
        return None;
    };
    let rendering = Arc::new(as_recorded(&rendering, valid.found.state.recorded.record()));
    context
        .claims
        .set_desired(&app, rendering.set.objects().iter().map(|object| object.key.clone()).collect());
    valid.found.state.rendering = Some(rendering.clone());
    Some(rendering)
}

async fn find(context: &Context, wanted: &[Wanted], ids: &[CommitId]) -> Option<Vec<Commit>> {
    let hub = context.hub.clone();
    let asked: Vec<(Wanted, CommitId)> = wanted.iter().cloned().zip(ids.iter().cloned()).collect();
    let job = move || asked.iter().map(|(want, id)| hub.commit(want, id)).collect();
    context.renderers.run(job).await?
}

/// Only what is as it was applied: how a spec that changed since reads an older commit is nobody's wish.
fn as_recorded(rendering: &Rendering, record: &AppRecord) -> Rendering {
    // An autoscaler's `spec.replicas` is left out of what is recorded.
    let replicas = |object: &DesiredObject| object.value.at(&["spec", "replicas"]).is_some();
    let is_same = |object: &&Arc<DesiredObject>| {
        let recorded = record.objects.get(&object.key);
        recorded.is_some_and(|recorded| recorded.rendered == object.digest || replicas(object))
    };
    let objects = rendering.set.objects().iter().filter(is_same).map(|object| (**object).clone());
    Rendering {
        inputs: rendering.inputs.clone(),
        commits: rendering.commits.clone(),
        reads: rendering.reads.clone(),
        revisions: rendering.inputs.commits.clone(),
        set: DesiredSet::new(rendering.set.revision().clone(), objects),
        findings: rendering.findings.clone(),
        asked: rendering.asked.clone(),
    }
}

#[cfg(test)]
mod tests {
    use lockstep_core::{Digest, Gvk, ObjectKey, ObjectRecord, Origin, Value, from_json};

    use super::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new("", "ConfigMap", "n", name)
    }

    #[test]
    fn only_what_is_as_it_was_applied_comes_back() {
        let commit = CommitId::parse(&"a".repeat(40)).unwrap();
        let object = |(name, value): (&str, &str)| DesiredObject {
            key: key(name),
            gvk: Gvk::new("", "v1", "ConfigMap"),
            value: from_json(value.as_bytes()).unwrap(),
            digest: Digest::of(name.as_bytes()),
            origin: Origin::new("a.yaml", 1, 1),
            commit: commit.clone(),
        };
        let mut record = AppRecord::default();
        for (name, rendered) in [("same", "same"), ("changed", "older"), ("scaled", "older")] {
            let entry = ObjectRecord {
                gvk: Gvk::new("", "v1", "ConfigMap"),
                uid: "u".into(),
                rendered: Digest::of(rendered.as_bytes()),
                fields: Value::default(),
                presence: Value::default(),
                live: Digest::of(b""),
                commit: commit.clone(),
            };
            record.objects.insert(key(name), entry);
        }
        let all =
            [("same", "{}"), ("changed", "{}"), ("scaled", r#"{"spec":{"replicas":1}}"#), ("never", "{}")];
        let rendering = Rendering {
            inputs: Inputs { generation: 1, commits: vec![commit.clone()] },
            commits: Vec::new(),
            reads: Vec::new(),
            revisions: Vec::new(),
            set: DesiredSet::new(commit.clone(), all.map(object)),
            findings: Vec::new(),
            asked: Vec::new(),
        };
        let kept = as_recorded(&rendering, &record);
        let names: Vec<&str> = kept.set.objects().iter().map(|object| &*object.key.name).collect();
        assert_eq!(names, ["same", "scaled"]);
        assert_eq!(kept.revisions, [commit]);
    }
}
