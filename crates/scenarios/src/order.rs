//! What must hold of waves and hooks, told from what the cluster saw.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use apistore::{Body, EventType, Method, Request, Watch};
use lockstep_core::{Value, from_json};

use crate::course::{Course, HookOf, Wanted, course};
use crate::golden::perform;
use crate::laws::{UNEVEN, told};
use crate::script::Script;
use crate::seeds::{Failed, run_many};
use crate::stage::Stage;
use crate::story::{Entry, words};
use crate::user;

/// Plays the course of a seed.
///
/// # Errors
/// When waves or hooks are not as they must be.
fn run_course(seed: u64) -> Result<(), Failed> {
    let course = course(seed);
    let failed = |offences| Failed { seed, script: course.script.clone(), offences };
    let offences = judge(&course, seed).map_err(|error| failed(vec![format!("{error:#}")]))?;
    if offences.is_empty() { Ok(()) } else { Err(failed(offences)) }
}

/// Plays `count` courses from `from` on, on as many threads as there are processors. Calls `tell` for each that fails.
pub fn run_courses(from: u64, count: u64, tell: &(dyn Fn(&Failed) + Sync)) -> Vec<Failed> {
    run_many(run_course, from..from + count, tell)
}

fn judge(course: &Course, seed: u64) -> Result<Vec<String>> {
    let mut stage = Stage::new(seed, UNEVEN)?;
    let mut watches = ["configmaps", "jobs"].map(|plural| stage.within(|stage| watch(stage, plural)));
    let mut seen = Vec::new();
    let mut story: Vec<Entry> = Vec::new();
    let mut offences = Vec::new();
    for scene in Script::parse(&course.script).scenes() {
        // What users try may be refused: the object may not be there yet.
        let said = perform(&mut stage, scene).unwrap_or_default();
        offences.extend(said.into_iter().filter(|said| said.starts_with("it never")));
        story.extend(stage.world.take_story());
        for watch in watches.iter_mut().flatten() {
            seen.extend(stage.world.poll(watch).0.unwrap_or_default());
        }
    }
    let mut seen: Vec<Seen> =
        seen.into_iter().filter_map(|event| Seen::read(event.kind, &event.object)).collect();
    seen.sort_by_key(|seen| seen.version);
    offences.extend(disorder(course, &seen));
    offences.extend(stage.within(|stage| unfinished(course, stage))?);
    if !offences.is_empty() {
        offences.push(format!("what happened:\n{}", told(&story)));
    }
    Ok(offences)
}

/// A watch of everything of a kind, for as long as any course takes.
fn watch(stage: &Stage, plural: &str) -> Result<Watch> {
    let path = user::path(&stage.world, plural, "default", "")?;
    let request = Request::system(Method::Get, path).with("watch", "true").with("timeoutSeconds", "1000000");
    match stage.world.handle(&request).0.body {
        Body::Watch(watch) => Ok(watch),
        _ => bail!("{plural} cannot be watched"),
    }
}

/// Something that became of an object.
struct Seen {
    version: u64,
    added: bool,
    name: String,
    what: What,
}

enum What {
    /// A ConfigMap has the content of a commit.
    Object(u64),
    /// A Job of a commit; its run, and whether it is complete.
    Hook { commit: u64, run: String, complete: bool },
}

impl Seen {
    fn read(kind: EventType, object: &[u8]) -> Option<Self> {
        let value = from_json(object).ok().filter(|_| kind != EventType::Deleted)?;
        let name = value.str_at(&["metadata", "name"])?.to_owned();
        let version = value.str_at(&["metadata", "resourceVersion"])?.parse().ok()?;
        let what = match value.str_at(&["data", "v"]) {
            Some(number) => What::Object(number.parse().ok()?),
            None => hook(&value)?,
        };
        Some(Self { version, added: kind == EventType::Added, name, what })
    }
}

fn hook(value: &Value) -> Option<What> {
    let run = value.str_at(&["metadata", "annotations", "lockstep.dev/hook-run"])?.to_owned();
    let containers = value.at(&["spec", "template", "spec", "containers"])?.as_list()?;
    let commit = containers.first()?.str_at(&["image"])?.strip_prefix("nginx:")?.parse().ok()?;
    Some(What::Hook { commit, run, complete: value.at(&["status", "completionTime"]).is_some() })
}

/// What is known at one moment.
#[derive(Default)]
struct Moment {
    /// The newest commit that each ConfigMap has had.
    objects: BTreeMap<String, u64>,
    /// The hooks that were complete, by commit.
    complete: BTreeSet<(u64, String)>,
    /// The objects that were made for hooks, by commit.
    made: BTreeMap<(u64, String), BTreeSet<(String, String)>>,
}

impl Moment {
    fn has(&self, name: &str, commit: u64) -> bool {
        self.objects.get(name).is_some_and(|known| *known >= commit)
    }

    fn is_complete(&self, commit: u64, hook: &HookOf) -> bool {
        self.complete.contains(&(commit, hook.name.clone()))
    }

    /// What an object of a wave had to wait for, and did not.
    fn too_early(&self, commit: u64, wanted: &Wanted, wave: i64) -> Vec<String> {
        let earlier = wanted.objects.iter().filter(|(_, of)| **of < wave);
        let objects = earlier.filter(|(name, _)| !self.has(name, commit)).map(|(name, _)| name.clone());
        let before = |hook: &&HookOf| hook.phase == "PreSync" || hook.phase == "Sync" && hook.wave < wave;
        let hooks = wanted.hooks.iter().filter(before).filter(|hook| !self.is_complete(commit, hook));
        objects.chain(hooks.map(|hook| hook.name.clone())).collect()
    }

    /// The same for a hook.
    fn hook_too_early(&self, commit: u64, wanted: &Wanted, hook: &HookOf) -> Vec<String> {
        match hook.phase {
            "PreSync" => {
                let earlier = wanted.hooks.iter().filter(|of| of.phase == "PreSync" && of.wave < hook.wave);
                earlier.filter(|of| !self.is_complete(commit, of)).map(|of| of.name.clone()).collect()
            }
            "Sync" => self.too_early(commit, wanted, hook.wave),
            _ => self.too_early(commit, wanted, i64::MAX),
        }
    }
}

/// What came too early, and what ran twice.
fn disorder(course: &Course, seen: &[Seen]) -> Vec<String> {
    let mut moment = Moment::default();
    let mut offences = Vec::new();
    for event in seen {
        match &event.what {
            What::Object(commit) => {
                let Some(wanted) = course.commits.get(commit) else { continue };
                let Some(wave) = wanted.objects.get(&event.name) else { continue };
                if !moment.has(&event.name, *commit) {
                    for missing in moment.too_early(*commit, wanted, *wave) {
                        offences.push(format!("{} of commit {commit} comes before {missing}", event.name));
                    }
                }
                let known = moment.objects.entry(event.name.clone()).or_default();
                *known = (*known).max(*commit);
            }
            What::Hook { commit, run, complete } => {
                let Some(wanted) = course.commits.get(commit) else { continue };
                let is_it = |hook: &&HookOf| match hook.name.strip_suffix('-') {
                    Some(_) => event.name.starts_with(&*hook.name),
                    None => event.name == hook.name,
                };
                let Some(hook) = wanted.hooks.iter().find(is_it) else { continue };
                let place = (*commit, hook.name.clone());
                if event.added {
                    for missing in moment.hook_too_early(*commit, wanted, hook) {
                        offences
                            .push(format!("hook {} of commit {commit} comes before {missing}", hook.name));
                    }
                    let made = moment.made.entry(place.clone()).or_default();
                    if !made.insert((event.name.clone(), run.clone())) || made.len() > 1 {
                        offences.push(format!("hook {} of commit {commit} runs again: {made:?}", hook.name));
                    }
                }
                if *complete {
                    moment.complete.insert(place);
                }
            }
        }
    }
    if let Some((last, wanted)) = course.commits.last_key_value() {
        let missing = wanted.hooks.iter().filter(|hook| !moment.is_complete(*last, hook));
        offences.extend(missing.map(|hook| format!("hook {} of the last commit never ran", hook.name)));
    }
    offences
}

/// What is not as the last commit has it.
fn unfinished(course: &Course, stage: &Stage) -> Result<Vec<String>> {
    let Some((last, wanted)) = course.commits.last_key_value() else { return Ok(Vec::new()) };
    let mut offences = Vec::new();
    let mut live = BTreeMap::new();
    for object in user::list(&stage.world, "ConfigMap")? {
        let text = |keys: &[&str]| object.str_at(keys).unwrap_or_default().to_owned();
        if text(&["metadata", "namespace"]) == "default" && text(&["metadata", "name"]).starts_with("cm-") {
            live.insert(text(&["metadata", "name"]), text(&["data", "v"]));
        }
    }
    let expected: BTreeMap<String, String> =
        wanted.objects.keys().map(|name| (name.clone(), last.to_string())).collect();
    if live != expected {
        offences.push(format!("it ends with {live:?} and not with {expected:?}"));
    }
    for application in user::list(&stage.world, "Application")? {
        let words = words(&application);
        if words != "Synced Healthy" {
            offences.push(format!("the Application ends as {words}"));
        }
    }
    Ok(offences)
}
