//! `lockstep app sync` and `lockstep app refresh`: intents, written as annotations.

use std::time::Duration;

use anyhow::bail;
use api::{ConditionType, OperationPhase, Reason, Status, SyncState};
use lockstep_core::{Finding, Map, Selection, Value};

use super::outline;
use super::qualified;
use super::selected::selected;
use super::wait::{self, End, Judgement};
use crate::applications::{Applications, Place};
use crate::argument;
use crate::exit::Exit;
use crate::installation::Installation;
use crate::output::{self, Output};
use crate::terminal::Terminal;

/// Arguments of `lockstep app sync`.
#[derive(Debug, clap::Args)]
pub(crate) struct Sync {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    installation: Installation,
    /// The name of the Application.
    name: String,
    /// End what is under way instead: nothing more is done until there is a newer revision, or a sync is asked for.
    #[arg(long)]
    abort: bool,
    /// Only these objects, without hooks: KIND/NAME, KIND as kubectl takes it; several with commas.
    #[arg(long, conflicts_with = "abort", value_name = "OBJECT", value_delimiter = ',')]
    only: Vec<String>,
    /// Show what it would do, wave by wave, and ask for nothing.
    #[arg(long, conflicts_with_all = ["wait", "abort"])]
    dry_run: bool,
    /// How to print what --dry-run shows.
    #[arg(short, long, value_enum, default_value_t, requires = "dry_run")]
    output: Output,
    /// Wait until it is done.
    #[arg(short, long)]
    wait: bool,
    /// How long to wait at most.
    #[arg(long, default_value = "5m", value_parser = argument::duration)]
    timeout: Duration,
}

/// Arguments of `lockstep app refresh`.
#[derive(Debug, clap::Args)]
pub(crate) struct Refresh {
    #[command(flatten)]
    place: Place,
    /// The names of the Applications.
    #[arg(required = true)]
    names: Vec<String>,
}

impl Sync {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let here = self.place.open().await?;
        let application = here.get(&self.name).await?;
        let only = selected(&here.connection, &self.only).await?;
        if self.dry_run {
            return self.rehearse(&here, only, terminal).await;
        }
        if let Some(obstacle) = obstacle(&application, &self.name) {
            bail!("{obstacle}");
        }
        let value = fresh();
        if self.abort {
            return self.end(&here, &value, terminal).await;
        }
        let named = if only.is_all() { String::new() } else { format!("{}{only}", api::ONLY) };
        let mut patch = annotation(api::SYNC_ANNOTATION, &format!("{value}{named}"));
        // A commit of a moment ago is meant too.
        patch.set(&["metadata", "annotations", api::REFRESH_ANNOTATION], value.as_str().into());
        here.patch(&self.name, &patch).await?;
        if !self.wait {
            writeln!(terminal.out, "{} sync asked for", qualified(&self.name))?;
            return Ok(Exit::Success);
        }
        let judge = |application: Option<&Value>| judge(application, &value, &only);
        let (exit, words) = match wait::until(&here, &self.name, self.timeout, judge).await? {
            End::Done(end) => end,
            End::TimedOut(seen) => {
                (Exit::No, format!("not synced after {}s: {seen}", self.timeout.as_secs()))
            }
        };
        match exit {
            Exit::Success => writeln!(terminal.out, "{} {words}", qualified(&self.name))?,
            Exit::No | Exit::Error => writeln!(terminal.err, "{} {words}", qualified(&self.name))?,
        }
        Ok(exit)
    }
}

impl Sync {
    async fn end(&self, here: &Applications, value: &str, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        here.patch(&self.name, &annotation(api::ABORT_ANNOTATION, value)).await?;
        if !self.wait {
            writeln!(terminal.out, "{} abort asked for", qualified(&self.name))?;
            return Ok(Exit::Success);
        }
        let judge = |application: Option<&Value>| match application {
            None => Judgement::Done("is gone"),
            Some(found) if Status::read(found).handled.abort.as_deref() == Some(value) => {
                Judgement::Done("aborted")
            }
            Some(found) => Judgement::Not(wait::seen(found, &Status::read(found))),
        };
        match wait::until(here, &self.name, self.timeout, judge).await? {
            End::Done(words) => writeln!(terminal.out, "{} {words}", qualified(&self.name))?,
            End::TimedOut(seen) => {
                writeln!(terminal.err, "{} not aborted: {seen}", qualified(&self.name))?;
                return Ok(Exit::No);
            }
        }
        Ok(Exit::Success)
    }

    async fn rehearse(
        &self,
        here: &Applications,
        only: Selection,
        terminal: &mut Terminal,
    ) -> anyhow::Result<Exit> {
        let inspection = self.installation.inspect_sync(here, (&self.name, only), terminal).await?;
        let machine = outline::machine(&inspection);
        if !output::value(terminal, self.output, &machine, &qualified(&self.name))? {
            let text = outline::describe(&inspection, terminal.paint);
            terminal.out.write_all(text.as_bytes())?;
        }
        let broken = inspection.findings.iter().any(Finding::is_error);
        Ok(if broken { Exit::Error } else { Exit::Success })
    }
}

impl Refresh {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let here = self.place.open().await?;
        for name in &self.names {
            here.patch(name, &annotation(api::REFRESH_ANNOTATION, &fresh())).await?;
            writeln!(terminal.out, "{} refresh asked for", qualified(name))?;
        }
        Ok(Exit::Success)
    }
}

/// A value that no earlier request had: the time, and the process for two in one second.
pub(super) fn fresh() -> String {
    format!("{} {}", runtime::Clock::system().now(), std::process::id())
}

pub(super) fn annotation(name: &str, value: &str) -> Value {
    let mut patch = Value::map(Map::new());
    patch.set(&["metadata", "annotations", name], value.into());
    patch
}

/// Asks for a sync along with something else.
pub(super) async fn ask(here: &Applications, name: &str, mut patch: Value) -> anyhow::Result<()> {
    patch.set(&["metadata", "annotations", api::SYNC_ANNOTATION], fresh().into());
    here.patch(name, &patch).await.map(drop)
}

/// Why a request would not be acted on.
fn obstacle(application: &Value, name: &str) -> Option<String> {
    if application.at(&["spec", "suspend"]).and_then(Value::as_bool) == Some(true) {
        return Some(format!("{name} is suspended; lockstep app resume {name} ends it"));
    }
    if application.str_at(&["spec", "sync", "mode"]) == Some("Notify") {
        return Some(format!("{name} has mode Notify, which never writes; change spec.sync.mode"));
    }
    // Hooks of its deletion are tried again.
    let hooks = !Status::read(application).deletion_hooks.is_empty();
    let deleting = application.at(&["metadata", "deletionTimestamp"]).is_some() && !hooks;
    deleting.then(|| format!("{name} is being deleted"))
}

/// Whether a reason of Ready means that what is synced is not the newest commit.
fn is_obstacle(reason: &str) -> bool {
    let obstacles = [
        Reason::InvalidSpec,
        Reason::ProjectNotFound,
        Reason::ProjectBlocked,
        Reason::RenderFailed,
        Reason::EmptyRender,
        Reason::SourceUnavailable,
    ];
    obstacles.iter().any(|obstacle| obstacle.as_str() == reason)
}

/// What the state of an Application says about a request to sync it.
fn judge(application: Option<&Value>, asked: &str, only: &Selection) -> Judgement<(Exit, String)> {
    let Some(application) = application else {
        return Judgement::Done((Exit::Error, "is gone".to_owned()));
    };
    let status = Status::read(application);
    let message =
        || status.condition(ConditionType::Ready).map(|ready| ready.message.clone()).unwrap_or_default();
    // A sync that is blocked stays asked for; that it was looked at shows in the refresh that was asked for along with it.
    let looked_at = status.handled.refresh.as_deref() == Some(asked);
    let blocked = looked_at && status.sync.state == SyncState::Blocked;
    let is_it = |handled: &str| {
        handled.strip_prefix(asked).is_some_and(|rest| rest.is_empty() || rest.starts_with(api::ONLY))
    };
    if !status.handled.sync.as_deref().is_some_and(is_it) && !blocked {
        return Judgement::Not(wait::seen(application, &status));
    }
    let failed = status.operation.as_ref().is_some_and(|last| last.phase == OperationPhase::Failed);
    let stale = status.condition(ConditionType::Ready).filter(|ready| is_obstacle(&ready.reason));
    Judgement::Done(match status.sync.state {
        SyncState::Synced if stale.is_some() => (Exit::Error, format!("failed: {}", message())),
        SyncState::Synced => {
            let revision = status.sync.revisions.first().map_or("", |revision| revision.short());
            (Exit::Success, format!("synced to {revision}"))
        }
        SyncState::Blocked => {
            (Exit::No, format!("waits for an approval: {}; lockstep app approve gives it", message()))
        }
        _ if failed => (Exit::Error, format!("failed: {}", message())),
        // The others are as they were.
        SyncState::OutOfSync if !only.is_all() => (Exit::Success, format!("synced {only}")),
        state => (Exit::No, format!("is {state}: {}", message())),
    })
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    fn application(rest: &str) -> Value {
        from_json(format!(r#"{{"metadata":{{"generation":1}},{rest}}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn a_sync_is_over_when_the_request_was_handled() {
        let all = Selection::default();
        let status = |state: &str, handled: &str| {
            application(&format!(
                r#""status":{{"observedGeneration":1,"sync":{{"state":"{state}"}},"lastHandled":{{"sync":"{handled}"}}}}"#
            ))
        };
        assert!(matches!(judge(Some(&status("Synced", "1")), "2", &all), Judgement::Not(_)));
        let blocked = application(r#""status":{"sync":{"state":"Blocked"},"lastHandled":{"refresh":"2"}}"#);
        assert!(matches!(judge(Some(&blocked), "2", &all), Judgement::Done((Exit::No, _))));
        assert!(matches!(judge(Some(&blocked), "3", &all), Judgement::Not(_)));
        for (state, exit) in [("Synced", Exit::Success), ("Blocked", Exit::No), ("OutOfSync", Exit::No)] {
            let Judgement::Done((end, _)) = judge(Some(&status(state, "2")), "2", &all) else {
                panic!("{state} is an end")
            };
            assert_eq!(end, exit, "{state}");
        }
        assert!(matches!(judge(None, "2", &all), Judgement::Done((Exit::Error, _))));
        // Of a sync of some objects the others are none of its business.
        let some = Selection::parse("ConfigMap/a");
        let of = |state: &str, handled: &str| judge(Some(&status(state, handled)), "2", &some);
        assert!(matches!(of("OutOfSync", "2; only=ConfigMap/a"), Judgement::Done((Exit::Success, _))));
        assert!(matches!(of("OutOfSync", "23"), Judgement::Not(_)));
    }

    #[test]
    fn requests_that_nobody_would_act_on_are_not_made() {
        for (spec, expected) in [
            (r#""spec":{"suspend":true}"#, true),
            (r#""spec":{"sync":{"mode":"Notify"}}"#, true),
            (r#""spec":{"sync":{"mode":"Manual"}}"#, false),
            (r#""spec":{}"#, false),
        ] {
            assert_eq!(obstacle(&application(spec), "a").is_some(), expected, "{spec}");
        }
    }
}
