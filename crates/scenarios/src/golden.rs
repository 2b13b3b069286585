//! Playing a script, and telling what happened.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use lockstep_core::{Map, Value, to_json};

use crate::command::{Command, How, Target};
use crate::discovery::map;
use crate::script::{Scene, Script};
use crate::stage::{Manned, Stage};
use crate::story::{Entry, Outcome, Subject, What};
use crate::user;
use crate::world::Pace;

/// How long each answer takes where a scenario says nothing else.
const LATENCY: Pace = Pace::Even(Duration::from_millis(1));

/// Plays a script from its beginning. Returns it with what happened now.
///
/// # Errors
/// When there is no stage to play it on; what goes wrong in it is told in it.
pub fn play(text: &str) -> Result<String> {
    let script = Script::parse(text);
    let mut stage = Stage::new(1, LATENCY)?;
    let mut told = Vec::new();
    for scene in script.scenes() {
        let start = stage.now();
        let said = perform(&mut stage, scene).unwrap_or_else(|error| vec![format!("refused: {error:#}")]);
        let mut lines = tell(&stage.world.take_story(), start);
        lines.extend(said);
        let root = stage.forge.root();
        told.push(lines.into_iter().map(|line| line.replace(&root, "REPOS").replace('\n', " | ")).collect());
    }
    Ok(script.rewritten(&told))
}

/// Performs one command. Returns what it has to say beyond what the controller does.
pub(crate) fn perform(stage: &mut Stage, scene: &Scene) -> Result<Vec<String>> {
    let command = Command::parse(scene)?;
    match command {
        Command::Commit { repository, files, told } => {
            let now = stage.now();
            stage.forge.commit(&repository, files, now)?;
            if told {
                stage.tell(&repository)?;
            }
        }
        Command::Wait(span) => stage.pass(span)?,
        Command::Settle => {
            if !stage.settle()? {
                return Ok(vec!["it never becomes quiet".to_owned()]);
            }
        }
        Command::Restart => stage.build(Manned::Yes)?,
        Command::Stop => stage.build(Manned::No)?,
        Command::Repository { name, away: true } => stage.forge.hide(&name)?,
        Command::Repository { name, away: false } => stage.forge.show(&name)?,
        Command::Why { app } => {
            let report = stage.inspect(&app)?.report;
            return Ok(report.to_string().lines().map(str::to_owned).collect());
        }
        Command::Ask { app, what, only } => ask(stage, &app, &what, only.as_deref())?,
        Command::App { name, words } => {
            let application = application(stage, &name, &words)?;
            stage.within(|stage| user::write_object(&stage.world, How::Apply, "user", &application))?;
        }
        Command::Show { target, path } => return show(stage, &target, &path),
        other => return stage.within(|stage| disturb(stage, other)),
    }
    Ok(Vec::new())
}

/// What happens to the cluster, and on the way to it.
fn disturb(stage: &Stage, command: Command) -> Result<Vec<String>> {
    let world = &stage.world;
    match command {
        Command::Manifests { how, manager, text } => user::write(world, how, &manager, &text)?,
        Command::Patch { target, manager, patch, subresource } => {
            user::patch(world, &target, (&manager, &subresource), &patch)?;
        }
        Command::Delete { target, cascade } => user::delete(world, &target, &cascade)?,
        Command::Fault(fault) => world.inject(fault),
        Command::Calm => world.clear_faults(),
        Command::Crash(crash) => world.set_crash(crash),
        Command::Api { away } => world.set_away(away),
        Command::Break => world.break_watches(),
        Command::Expire => world.expire_watches(),
        Command::Latency(latency) => world.set_pace(Pace::Even(latency)),
        other => bail!("{other:?} cannot be done here"),
    }
    Ok(Vec::new())
}

fn ask(stage: &Stage, app: &str, what: &str, only: Option<&str>) -> Result<()> {
    let value = match what {
        "approve" => {
            let report = stage.inspect(app)?.report;
            report.block.context("nothing waits for an approval")?.digest.to_string()
        }
        _ => {
            let only = only.map(|only| format!("{}{only}", api::ONLY)).unwrap_or_default();
            format!("{}{only}", stage.now().as_millis())
        }
    };
    let target =
        Target { kind: "Application".to_owned(), namespace: "default".to_owned(), name: app.to_owned() };
    let patch = format!(r#"{{"metadata":{{"annotations":{{"lockstep.dev/{what}":"{value}"}}}}}}"#);
    stage.within(|stage| user::patch(&stage.world, &target, ("user", ""), &patch))
}

fn show(stage: &Stage, target: &Target, path: &[String]) -> Result<Vec<String>> {
    let Some(object) = stage.get(target)? else { return Ok(vec!["is not there".to_owned()]) };
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let value = object.at(&path).map(to_json);
    Ok(vec![value.map_or("nothing".to_owned(), |json| String::from_utf8_lossy(&json).into_owned())])
}

/// The resource of an Application, from words.
fn application(stage: &Stage, name: &str, words: &[String]) -> Result<Value> {
    let mut spec = Value::map(Map::new());
    let mut sources = Vec::new();
    let mut revision = "main";
    let mut namespace = "default";
    spec.set(&["sync", "mode"], "Automatic".into());
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, "true"));
        let flag = Value::from(value == "true");
        match key {
            "path" => sources.extend(value.split(',').map(|path| ("repo", path))),
            "source" => sources.push(value.split_once(':').context("a source is repo:path")?),
            "revision" => revision = value,
            "namespace" => namespace = value,
            "mode" => spec.set(&["sync", "mode"], value.into()),
            "prune" | "selfHeal" | "allowEmpty" | "replace" | "force" | "createNamespace" => {
                spec.set(&["sync", key], flag);
            }
            "after" => spec.set(&["dependsOn"], Value::list(value.split(',').map(dependency).collect())),
            "suspend" => spec.set(&["suspend"], flag),
            "budget" => spec.set(&["sync", "deletionBudget"], number(value)),
            "timeout" => spec.set(&["sync", "timeout"], value.into()),
            "retry" => spec.set(&["sync", "retry", "limit"], number(value)),
            "deletion" => spec.set(&["deletion"], value.into()),
            "project" => spec.set(&["project"], value.into()),
            other => bail!("{other} says nothing of an Application"),
        }
    }
    let source = |(repository, path): (&str, &str)| {
        let url = stage.forge.url(repository);
        let git = [("url", url.as_str().into()), ("path", path.into()), ("revision", revision.into())];
        map([("git", map(git))])
    };
    spec.set(&["sources"], Value::list(sources.into_iter().map(source).collect()));
    spec.set(&["destination", "namespace"], namespace.into());
    Ok(map([
        ("apiVersion", api::API_VERSION.into()),
        ("kind", "Application".into()),
        ("metadata", map([("name", name.into()), ("namespace", "default".into())])),
        ("spec", spec),
    ]))
}

/// `db`, an Application; or `v1:ConfigMap/gate`.
fn dependency(text: &str) -> Value {
    match text.rsplit_once('/') {
        None => map([("kind", "Application".into()), ("name", text.into())]),
        Some((kind, name)) => {
            let (version, kind) = kind.split_once(':').unwrap_or(("v1", kind));
            map([("apiVersion", version.into()), ("kind", kind.into()), ("name", name.into())])
        }
    }
}

fn number(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from)
}

/// What happened, a line each; what happens several times in a row is said once.
fn tell(story: &[Entry], start: Duration) -> Vec<String> {
    let mut lines: Vec<(String, String, u32)> = Vec::new();
    let mut said: std::collections::BTreeMap<&str, &str> = Default::default();
    for entry in story.iter().filter(|entry| is_told(&entry.what)) {
        if let What::Said { app, words } = &entry.what
            && said.insert(app, words) == Some(words)
        {
            continue;
        }
        let at = format!("{:>6.1}s", entry.at.saturating_sub(start).as_secs_f64());
        let text = entry.what.to_string();
        match lines.last_mut() {
            Some((_, last, times)) if *last == text => *times += 1,
            _ => lines.push((at, text, 1)),
        }
    }
    let line = |(at, text, times): (String, String, u32)| match times {
        1 => format!("{at} {text}"),
        times => format!("{at} {text}, {times} times"),
    };
    lines.into_iter().map(line).collect()
}

/// What the controller writes for itself is told only where it fails.
fn is_told(what: &What) -> bool {
    match what {
        What::Write(write) => {
            write.subject != Subject::Own || !matches!(write.result, Outcome::Done | Outcome::Unchanged)
        }
        _ => true,
    }
}
