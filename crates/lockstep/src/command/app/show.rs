//! `lockstep app get`

use std::fmt::Write as _;

use api::{ConditionType, Status};
use lockstep_core::Value;

use super::list::source_of;
use super::{name_of, qualified};
use crate::applications::Place;
use crate::exit::Exit;
use crate::output::{self, Output, cleaned};
use crate::terminal::Terminal;

/// Syncs of the history that are shown without `-o wide`.
const HISTORY: usize = 3;

/// Arguments of `lockstep app get`.
#[derive(Debug, clap::Args)]
pub(crate) struct Get {
    #[command(flatten)]
    place: Place,
    /// The name of the Application.
    name: String,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl Get {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let here = self.place.open().await?;
        let application = cleaned(here.get(&self.name).await?);
        let name = qualified(name_of(&application));
        if !output::value(terminal, self.output, &application, &name)? {
            let history = if self.output == Output::Wide { usize::MAX } else { HISTORY };
            terminal.out.write_all(describe(&application, history).as_bytes())?;
        }
        Ok(Exit::Success)
    }
}

/// What there is to know of an Application, a line each; empty lines are left out.
fn describe(application: &Value, history: usize) -> String {
    let status = Status::read(application);
    let text = |keys: &[&str]| application.str_at(keys).unwrap_or_default().to_owned();
    let mut lines: Vec<(&str, String)> = vec![
        ("Name", format!("{}/{}", text(&["metadata", "namespace"]), text(&["metadata", "name"]))),
        ("Source", source_of(application)),
        ("Namespace", text(&["spec", "destination", "namespace"])),
        ("Mode", application.str_at(&["spec", "sync", "mode"]).unwrap_or("Manual").to_owned()),
    ];
    if application.at(&["spec", "suspend"]).and_then(Value::as_bool) == Some(true) {
        lines.push(("Suspended", "yes; lockstep app resume ends it".to_owned()));
    }
    let revision = status.sync.revisions.first().map(|revision| format!(" at {}", revision.short()));
    lines.push(("Sync", format!("{}{}", status.sync.state, revision.unwrap_or_default())));
    if let Some(health) = &status.health {
        let reason = if health.reason.is_empty() { String::new() } else { format!(": {}", health.reason) };
        lines.push(("Health", format!("{} since {}{reason}", health.state, health.since)));
    }
    let counts = status.objects;
    lines.push((
        "Objects",
        format!("{} ({} out of sync, {} degraded)", counts.total, counts.out_of_sync, counts.degraded),
    ));
    lines.extend(standing(&status));
    lines.extend(status.urls.iter().map(|url| ("URL", url.clone())));
    let mut past = status.history.iter().take(history).map(|entry| {
        let (revision, at) = (entry.revision.short(), entry.at);
        format!("{at}  {revision}  {}  {} ({})", entry.result, entry.subject, entry.author)
    });
    lines.extend(past.next().map(|line| ("History", line)));
    lines.extend(past.map(|line| ("", line)));
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default() + 3;
    lines.iter().filter(|(_, text)| !text.is_empty()).fold(String::new(), |mut all, (name, text)| {
        let name = if name.is_empty() { String::new() } else { format!("{name}:") };
        // Writing to a String cannot fail.
        let _ = writeln!(all, "{name:width$}{text}");
        all
    })
}

/// What the controller told: its conditions, and how the last sync went.
pub(in crate::command) fn standing(status: &Status) -> Vec<(&'static str, String)> {
    let mut lines = conditions(status);
    if let Some(operation) = &status.operation {
        let message =
            if operation.message.is_empty() { String::new() } else { format!(": {}", operation.message) };
        let end = operation.finished_at.map(|at| format!(" to {at}")).unwrap_or_default();
        lines.push(("Last sync", format!("{}, {}{end}{message}", operation.phase, operation.started_at)));
    }
    lines
}

/// Ready always; of the others those that hold.
fn conditions(status: &Status) -> Vec<(&'static str, String)> {
    let named = [
        ("Ready", ConditionType::Ready),
        ("Reconciling", ConditionType::Reconciling),
        ("Stalled", ConditionType::Stalled),
        ("Fighting", ConditionType::Fighting),
    ];
    let shown = named.into_iter().filter_map(|(name, kind)| {
        let condition = status.condition(kind).filter(|c| c.holds || kind == ConditionType::Ready)?;
        let state = match (kind, condition.holds) {
            (ConditionType::Ready, true) => "yes".to_owned(),
            (ConditionType::Ready, false) => format!("no, {}", condition.reason),
            _ => condition.reason.clone(),
        };
        Some((name, format!("{state}: {}", condition.message)))
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    #[test]
    fn a_description_leaves_out_what_is_not_there() {
        let application = r#"{"metadata":{"name":"shop","namespace":"team"},"spec":{"sources":[{"git":{"url":"https://u:hunter2@h/x"}}]}}"#;
        let text = describe(&from_json(application.as_bytes()).unwrap(), HISTORY);
        let expected = "\
Name:       team/shop
Source:     https://h/x
Mode:       Manual
Sync:       Unknown
Objects:    0 (0 out of sync, 0 degraded)
";
        assert_eq!(text.replace("         ", "       "), expected.replace("         ", "       "));
    }

    #[test]
    fn conditions_and_history_are_told() {
        let status = r#"{"spec":{"suspend":true},"status":{"conditions":[
              {"type":"Ready","status":"False","reason":"Suspended","message":"m","lastTransitionTime":"2026-11-24T06:50:00Z"},
              {"type":"Stalled","status":"False","reason":"X","message":"x","lastTransitionTime":"2026-11-24T06:50:00Z"}],
            "history":[{"revision":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","author":"Ada","subject":"Say hi","plan":"p",
              "result":"Succeeded","at":"2026-11-24T06:50:00Z"}]}}"#;
        let text = describe(&from_json(status.as_bytes()).unwrap(), HISTORY);
        assert!(text.contains("no, Suspended: m") && !text.contains("Stalled"), "{text}");
        assert!(text.contains("2026-11-24T06:50:00Z  aaaaaaaa  Succeeded  Say hi (Ada)"), "{text}");
        assert!(text.contains("lockstep app resume"), "{text}");
    }
}
