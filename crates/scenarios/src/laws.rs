//! What must hold after any schedule.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;
use lockstep_core::{AppKey, OWNER_ANNOTATION, ObjectKey, Owner, Value};

use crate::golden::perform;
use crate::script::Script;
use crate::stage::{INSTANCE, Manned, Stage};
use crate::story::{Entry, Outcome, Subject, What, words};
use crate::user;
use crate::world::Pace;

/// Answers come after up to this long, in any order.
pub(crate) const UNEVEN: Pace = Pace::Uneven(Duration::from_millis(20));

/// How a schedule ends: each object with its content and owner, each Application with what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) objects: BTreeMap<String, String>,
    pub(crate) words: BTreeMap<String, String>,
}

/// Whether the controller is begun anew at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restarted {
    Yes,
    No,
}

/// What does not hold, and what had happened.
pub(crate) type Offences = Vec<String>;

/// Plays a schedule and holds the controller to the laws. Returns how it ended, and what was offended.
pub(crate) fn judge(text: &str, seed: u64, restarted: Restarted) -> Result<(End, Offences)> {
    let mut stage = Stage::new(seed, UNEVEN)?;
    let mut offences = Offences::new();
    let mut story = Vec::new();
    for scene in Script::parse(text).scenes() {
        // What users try may be refused: the object may not be there yet.
        let said = perform(&mut stage, scene).unwrap_or_default();
        story.extend(stage.world.take_story());
        offences.extend(said.into_iter().filter(|said| said.starts_with("it never")));
    }
    offences.extend(unlawful(&story));
    offences.extend(stage.within(standing)?);
    let end = stage.within(end)?;
    if restarted == Restarted::Yes {
        offences.extend(restart(&mut stage, &end)?);
    }
    if !offences.is_empty() {
        offences.push(format!("what happened:\n{}", told(&story)));
    }
    Ok((end, offences))
}

/// A controller that begins anew finds nothing to do.
fn restart(stage: &mut Stage, end: &End) -> Result<Offences> {
    let mut offences = Offences::new();
    stage.build(Manned::Yes)?;
    if !stage.settle()? {
        offences.push("after a restart it never becomes quiet".to_owned());
    }
    for entry in stage.world.take_story() {
        offences.push(format!("a restart that should find nothing to do: {}", entry.what));
    }
    if stage.within(self::end)? != *end {
        offences.push("a restart changes the end".to_owned());
    }
    Ok(offences)
}

pub(crate) fn told(story: &[Entry]) -> String {
    let start = crate::world::BEGINNING;
    let line =
        |entry: &Entry| format!("{:>9.3}s {}\n", entry.at.saturating_sub(start).as_secs_f64(), entry.what);
    story.iter().map(line).collect()
}

/// Deletions that nobody asked for.
fn unlawful(story: &[Entry]) -> Offences {
    let mut offences = Offences::new();
    for entry in story {
        let What::Write(write) = &entry.what else { continue };
        let name = write.object.rsplit('/').next().unwrap_or_default();
        let done = matches!(write.result, Outcome::Done | Outcome::Unanswered);
        if write.subject != Subject::Object || !done {
            continue;
        }
        if write.verb == "delete" && (name.starts_with("keep-") || name.starts_with("held-")) {
            offences.push(format!("{} is deleted", write.object));
        }
        if name.starts_with("theirs-") {
            offences.push(format!("{} is written to: {}", write.object, write.verb));
        }
    }
    offences
}

/// What Git wants: each object with the Application that wants it.
fn wanted(stage: &Stage) -> BTreeMap<ObjectKey, (String, Value)> {
    let mut wanted = BTreeMap::new();
    for (path, content) in stage.forge.files("repo") {
        let Some((app, _)) = path.split_once('/') else { continue };
        let parsed = manifest::read(path, content.as_bytes(), &manifest::Limits::default());
        for object in parsed.objects {
            let mut key = object.key();
            key.namespace = "default".into();
            let mut value = object.value;
            // Items of lists come without them.
            value.remove(&["apiVersion"]);
            value.remove(&["kind"]);
            wanted.insert(key, (app.to_owned(), value));
        }
    }
    wanted
}

/// How the cluster differs from what Git wants, and from what is recorded.
fn standing(stage: &Stage) -> Result<Offences> {
    let mut offences = Offences::new();
    let wanted = wanted(stage);
    let live = live(stage)?;
    for (key, (app, value)) in &wanted {
        match live.get(key) {
            None => offences.push(format!("{key} of {app} is not there")),
            Some(live) => {
                if !live.covers(value) {
                    offences.push(format!("{key} of {app} is not as Git has it"));
                }
                if owner(live).as_deref() != Some(app) {
                    offences.push(format!("{key} of {app} is owned by {:?}", owner(live)));
                }
                if let Some(more) = more_than(live, value) {
                    offences.push(format!("{key} of {app} still has {more}, which Git has not"));
                }
            }
        }
    }
    for (key, object) in live.iter().filter(|(key, _)| !wanted.contains_key(key)) {
        if let Some(app) = owner(object)
            && !key.name.starts_with("held-")
        {
            offences.push(format!("{key} is left over from {app}"));
        }
    }
    offences.extend(recorded(stage, &wanted, &live)?);
    Ok(offences)
}

/// The records name what is live, and nothing else.
fn recorded(
    stage: &Stage,
    wanted: &BTreeMap<ObjectKey, (String, Value)>,
    live: &BTreeMap<ObjectKey, Value>,
) -> Result<Offences> {
    let mut offences = Offences::new();
    let secrets = user::list(&stage.world, "Secret")?;
    let label = |secret: &&Value| secret.str_at(&["metadata", "labels", api::TYPE_LABEL]) == Some("record");
    let records = api::read_records(secrets.iter().filter(label));
    offences.extend(records.errors.iter().map(|error| format!("a record cannot be read: {error}")));
    let mut found: BTreeSet<(String, ObjectKey)> = BTreeSet::new();
    for (AppKey { name, .. }, stored) in &records.applications {
        for (key, record) in &stored.record.objects {
            found.insert((name.to_string(), key.clone()));
            let uid = live.get(key).and_then(|live| live.str_at(&["metadata", "uid"]));
            if uid != Some(&record.uid) {
                offences.push(format!("{name} records {key} with another uid than it has: {uid:?}"));
            }
        }
    }
    for (key, (app, _)) in wanted {
        if !found.contains(&(app.clone(), key.clone())) {
            offences.push(format!("{app} has no record of {key}"));
        }
    }
    for (app, key) in found.iter().filter(|(_, key)| !key.name.starts_with("held-")) {
        if wanted.get(key).is_none_or(|(owner, _)| owner != app) {
            offences.push(format!("{app} records {key}, which it does not want"));
        }
    }
    Ok(offences)
}

/// The objects that schedules play with.
fn live(stage: &Stage) -> Result<BTreeMap<ObjectKey, Value>> {
    let mut live = BTreeMap::new();
    for (group, kind) in [("", "ConfigMap"), ("apps", "Deployment")] {
        for object in user::list(&stage.world, kind)? {
            let text = |key: &str| object.str_at(&["metadata", key]).unwrap_or_default();
            if text("namespace") == "default" && text("name") != "kube-root-ca.crt" {
                live.insert(ObjectKey::new(group, kind, text("namespace"), text("name")), object);
            }
        }
    }
    Ok(live)
}

/// Which Application an object says it belongs to.
fn owner(object: &Value) -> Option<String> {
    let owner = Owner::parse(object.str_at(&["metadata", "annotations", OWNER_ANNOTATION])?)?;
    let is_ours = &*owner.instance == INSTANCE && &*owner.app.namespace == "default";
    is_ours.then(|| owner.app.name.to_string())
}

/// A key of `data` that Git has no longer and that no user has written.
fn more_than(live: &Value, wanted: &Value) -> Option<String> {
    let data = live.get("data")?.as_map()?;
    let wanted = wanted.get("data").and_then(Value::as_map);
    let managers = live.at(&["metadata", "managedFields"]).and_then(Value::as_list).unwrap_or_default();
    let others = |key: &str| {
        let field = format!("f:{key}");
        let mut others = managers.iter().filter(|entry| entry.str_at(&["manager"]) != Some(INSTANCE));
        others.any(|entry| entry.at(&["fieldsV1", "f:data", &field]).is_some())
    };
    let extra = data.keys().map(|key| key.to_string());
    extra.into_iter().find(|key| wanted.is_none_or(|wanted| wanted.get(&**key).is_none()) && !others(key))
}

fn end(stage: &Stage) -> Result<End> {
    let mut end = End::default();
    let wanted = wanted(stage);
    let left = |key: &ObjectKey| key.name.starts_with("held-") && !wanted.contains_key(key);
    for (key, object) in live(stage)? {
        // What is held is as it was when Git last had it, as far as anybody saw that, and gone if a user deleted it.
        // And what a user made under a name that Git had once is there if the user came after the deletion.
        let unowned = owner(&object).is_none() && !wanted.contains_key(&key);
        if key.name.starts_with("theirs-") || left(&key) || unowned {
            continue;
        }
        let mut content = object.get("data").or(object.get("spec")).cloned().unwrap_or_default();
        // Whether a user's own field is there depends on whether the object was when the user came.
        content.remove(&["extra"]);
        let content = String::from_utf8_lossy(&lockstep_core::to_json(&content)).into_owned();
        end.objects.insert(key.to_string(), format!("{:?} {content}", owner(&object)));
    }
    for application in user::list(&stage.world, "Application")? {
        let name = application.str_at(&["metadata", "name"]).unwrap_or_default().to_owned();
        if name == "c" && wanted.keys().filter(|key| key.name.starts_with("held-")).count() < 2 {
            continue;
        }
        end.words.insert(name, words(&application));
    }
    Ok(end)
}
