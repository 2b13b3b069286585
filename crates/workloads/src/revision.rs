//! ControllerRevisions: the templates that a StatefulSet or DaemonSet had.

use lockstep_core::Value;

use crate::client::{Context, Refused};
use crate::kind::Kind;
use crate::object::{
    controlled_by, controller_uid, count, items, name, namespace, number, object, size, text, uid,
};
use crate::pod;

/// The revisions of an owner, the oldest first; the last is the present one.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) all: Vec<Value>,
    pub(crate) present: Value,
}

/// The label of a revision that holds its hash; its name ends with the same.
pub(crate) const OF_STATEFUL_SET: &str = "controller.kubernetes.io/hash";
pub(crate) const OF_DAEMON_SET: &str = "controller-revision-hash";

/// What a revision keeps of its owner: the template, as a patch.
fn data(owner: &Value) -> Value {
    let mut template = owner.at(&["spec", "template"]).cloned().unwrap_or_default();
    template.set(&["$patch"], "replace".into());
    object! {"spec": object! {"template": template}}
}

/// The template that a revision keeps.
pub(crate) fn template(revision: &Value) -> Value {
    let mut template = revision.at(&["data", "spec", "template"]).cloned().unwrap_or_default();
    template.remove(&["$patch"]);
    template
}

/// The revisions of `owner`, with one of its present template.
pub(crate) fn history(cx: &mut Context<'_>, owner: &Value, label: &str) -> Result<History, Refused> {
    let found = cx.view.controlled(Kind::REVISIONS, uid(owner));
    let mut all: Vec<Value> = found.into_iter().cloned().collect();
    all.sort_by_key(|revision| (number(revision, &["revision"]), name(revision).to_owned()));
    let wanted = data(owner);
    let next = all.last().map_or(0, |last| number(last, &["revision"])) + 1;
    match all.iter().position(|revision| revision.get("data") == Some(&wanted)) {
        Some(place) if place + 1 == all.len() => {}
        Some(place) => {
            let mut again = all.remove(place);
            again.set(&["revision"], next.into());
            all.push(cx.update(Kind::REVISIONS, &again)?);
        }
        None => all.push(make(cx, owner, label, (wanted, next))?),
    }
    let present = all.last().cloned().unwrap_or_default();
    Ok(History { all, present })
}

fn make(
    cx: &mut Context<'_>,
    owner: &Value,
    label: &str,
    (data, next): (Value, i64),
) -> Result<Value, Refused> {
    let mut collisions = owner.int_at(&["status", "collisionCount"]).filter(|count| *count > 0);
    let template = owner.at(&["spec", "template"]).cloned().unwrap_or_default();
    loop {
        let hash = pod::hash(&template, collisions);
        let mut labels = template.at(&["metadata", "labels"]).cloned().unwrap_or_default();
        labels.set(&[label], hash.clone().into());
        let mut revision = object! {
            "metadata": object! {
                "name": format!("{}-{hash}", name(owner)),
                "namespace": namespace(owner),
                "labels": labels,
                "ownerReferences": vec![controlled_by(owner)],
            },
            "data": data.clone(),
            "revision": next,
        };
        if let Some(annotations) = owner.at(&["metadata", "annotations"]) {
            revision.set(&["metadata", "annotations"], annotations.clone());
        }
        match cx.create(Kind::REVISIONS, &revision) {
            // Another owner's, or another template's with the same hash.
            Err(Refused::Exists) => {
                let taken = cx.store.object("apps", "controllerrevisions", namespace(owner), name(&revision));
                let taken = taken.unwrap_or_default();
                if controller_uid(&taken) == uid(owner) && taken.get("data") == Some(&data) {
                    return Ok(taken);
                }
                collisions = Some(collisions.unwrap_or(0) + 1);
            }
            other => return other,
        }
    }
}

/// Deletes the oldest revisions beyond the limit that are not in use.
pub(crate) fn clean_up(
    cx: &mut Context<'_>,
    owner: &Value,
    history: &History,
    in_use: &[&str],
) -> Result<(), Refused> {
    let limit = size(owner.int_at(&["spec", "revisionHistoryLimit"]).unwrap_or(10));
    let unused: Vec<&Value> = history
        .all
        .iter()
        .filter(|revision| **revision != history.present && !in_use.contains(&name(revision)))
        .collect();
    let surplus = unused.len().saturating_sub(limit);
    unused.into_iter().take(surplus).try_for_each(|revision| cx.delete(Kind::REVISIONS, revision, &[]))
}

/// The label of a pod that names its revision.
pub(crate) fn of_pod(pod: &Value) -> &str {
    text(pod, &["metadata", "labels", "controller-revision-hash"])
}

/// How many pods there are of a list, as the API counts.
pub(crate) fn counted(pods: &[&Value], holds: impl Fn(&Value) -> bool) -> i64 {
    count(pods.iter().filter(|pod| holds(pod)).count())
}

/// The claim templates of a StatefulSet.
pub(crate) fn claim_templates(set: &Value) -> &[Value] {
    items(set, &["spec", "volumeClaimTemplates"])
}
