//! `lockstep demo`: the loop on a cluster of the user's, in a namespace of its own, from a sample repository in a folder.

mod repository;
mod running;
mod stage;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use api::{ConditionType, Status, SyncState};
use cluster::{Connection, WatchEvent};
use lockstep_core::{Value, from_json};
use runtime::{Clock, LogFormat, Shutdown};

use crate::connect::{Connect, block_on};
use crate::exit::Exit;
use crate::paint::Paint;
use crate::terminal::Terminal;
use repository::Sample;
use running::Running;
use stage::Stage;

/// The namespace of everything that the demo makes, and the name of its installation.
const NAME: &str = "lockstep-demo";
/// The Applications, each with the directory of its manifests.
const APPLICATIONS: &[&str] = &["greeting", "web"];
/// How long the first sync, and the clean-up, may take before the user hears of it.
const PATIENCE: Duration = Duration::from_secs(60);
/// What of the controller's log the user sees: what it heals, and what goes wrong.
const LOG: &str = "warn,lockstep_controller::application::apply=info";

/// Show the loop: a sample repository in a folder, followed into namespace lockstep-demo. Ctrl-C removes what it made.
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    #[command(flatten)]
    connect: Connect,
    /// Do not ask before writing to the cluster.
    #[arg(short, long)]
    yes: bool,
    /// Make the sample repository in this folder and keep it; else it is in a temporary folder and goes with the demo.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// End, and clean up, as soon as everything is synced.
    #[arg(long)]
    exit_when_synced: bool,
}

impl Demo {
    pub(crate) fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        runtime::init_logging(LogFormat::Text, LOG)?;
        block_on(self.show(terminal))
    }

    async fn show(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let connection = self.connect.open().await?;
        announce(&connection, terminal)?;
        if !self.yes && !terminal.confirm("Go on?", "--yes")? {
            return Ok(Exit::No);
        }
        let sample = Sample::make(self.keep.as_deref(), Clock::system().now())?;
        let asked = Shutdown::on_signals().context("cannot wait for Ctrl-C")?;
        let stage = Stage::new(&connection, self.connect.kubeconfig.as_deref());
        stage.furnish().await?;
        let running = Running::start(&connection).await?;
        for name in APPLICATIONS {
            stage.apply(&application(name, sample.path())).await?;
        }
        let seen = tokio::select! {
            seen = self.watch(&stage, &sample, terminal) => seen,
            () = asked.requested() => Ok(()),
        };
        writeln!(terminal.out, "\nRemoving what the demo made …")?;
        terminal.out.flush()?;
        let removed = stage.remove().await;
        running.stop().await?;
        removed?;
        sample.end()?;
        writeln!(terminal.out, "{}", farewell(&sample))?;
        seen.map(|()| Exit::Success)
    }

    /// Tells what happens as it happens; ends where that was asked for, or if the first sync does not come.
    async fn watch(&self, stage: &Stage, sample: &Sample, terminal: &mut Terminal) -> anyhow::Result<()> {
        let watch = stage.watch();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut told: BTreeMap<String, String> = BTreeMap::new();
        let mut synced: BTreeMap<String, bool> = BTreeMap::new();
        let mut begun = false;
        loop {
            let next = async {
                match begun {
                    true => Some(watch.next().await),
                    false => tokio::time::timeout_at(deadline, watch.next()).await.ok(),
                }
            };
            let application = match next.await {
                Some(WatchEvent::Applied(raw)) => from_json(raw.bytes()).unwrap_or_default(),
                Some(_) => continue,
                None => bail!("the sample is not synced after {}s; see the log above", PATIENCE.as_secs()),
            };
            let (name, words, is_synced) = seen(&application, terminal.paint);
            if told.insert(name.clone(), words.clone()).as_ref() != Some(&words) {
                writeln!(terminal.out, "{:<9} {words}", name)?;
                terminal.out.flush()?;
            }
            synced.insert(name, is_synced);
            if !begun && APPLICATIONS.iter().all(|name| synced.get(*name) == Some(&true)) {
                begun = true;
                if self.exit_when_synced {
                    return Ok(());
                }
                let text = advice(sample.path(), stage.kubectl());
                terminal.out.write_all(text.as_bytes())?;
                terminal.out.flush()?;
            }
        }
    }
}

fn announce(connection: &Connection, terminal: &mut Terminal) -> anyhow::Result<()> {
    writeln!(
        terminal.out,
        "In context {} ({}), this installs Lockstep's CustomResourceDefinitions\nand the Project default, and makes namespace {NAME} with everything else in it.\n",
        connection.context().unwrap_or("(none)"),
        connection.server()
    )?;
    Ok(terminal.out.flush()?)
}

/// Whose state it is, the state in words, and whether it is synced.
fn seen(application: &Value, paint: Paint) -> (String, String, bool) {
    let name = application.str_at(&["metadata", "name"]).unwrap_or_default().to_owned();
    let status = Status::read(application);
    let synced = status.sync.state == SyncState::Synced;
    let revision = status.sync.revisions.first();
    let subject = revision.and_then(|revision| {
        let entry = status.history.iter().find(|entry| entry.revision == *revision)?;
        Some(format!(" “{}”", entry.subject))
    });
    let at = revision.map(|revision| format!(" at {}{}", revision.short(), subject.unwrap_or_default()));
    let health = status.health.as_ref().map(|health| format!(", {}", health.state));
    let state = if synced { paint.green(status.sync.state) } else { paint.yellow(status.sync.state) };
    let mut words = format!("{state}{}{}", at.unwrap_or_default(), health.unwrap_or_default());
    let ready = status.condition(ConditionType::Ready);
    if let Some(ready) = ready.filter(|ready| !ready.holds && !synced) {
        words.push_str(&format!(": {}", ready.message));
    }
    (name, words, synced)
}

/// What to try.
fn advice(dir: &Path, kubectl: &str) -> String {
    let dir = dir.display();
    format!(
        "
Everything is synced. Look at it, and try three things from another terminal:

    {kubectl} get lapp,deployment,service,configmap

1. Change it in Git. It is live about a second later:

    cd {dir}
    sed -i.old s/hello/ahoy/ greeting/greeting.yaml && git commit -qam 'Say ahoy'
    {kubectl} get configmap greeting -o yaml

2. Change it in the cluster. It is back within milliseconds:

    {kubectl} scale deployment web --replicas 3
    {kubectl} get deployment web

3. Take the change in Git back:

    git revert --no-edit HEAD

lockstep why web -n {NAME} --instance {NAME} says where each object comes from.
Ctrl-C ends the demo and removes what it made.

"
    )
}

fn farewell(sample: &Sample) -> String {
    let kept = match sample.is_kept() {
        true => format!("The repository stays in {}. ", sample.path().display()),
        false => String::new(),
    };
    format!(
        "Done. {kept}The CustomResourceDefinitions stay too; if nothing else uses them:\n\n    kubectl delete crd applications.lockstep.dev projects.lockstep.dev"
    )
}

fn application(name: &str, dir: &Path) -> Value {
    let mut source = Value::default();
    source.set(&["git", "url"], format!("file://{}", dir.display()).into());
    source.set(&["git", "revision"], "main".into());
    source.set(&["git", "path"], name.into());
    let mut application = Value::default();
    application.set(&["apiVersion"], api::API_VERSION.into());
    application.set(&["kind"], "Application".into());
    application.set(&["metadata", "name"], name.into());
    application.set(&["metadata", "namespace"], NAME.into());
    application.set(&["spec", "sources"], Value::list(vec![source]));
    application.set(&["spec", "destination", "namespace"], NAME.into());
    application.set(&["spec", "sync", "mode"], "Automatic".into());
    application.set(&["spec", "sync", "prune"], true.into());
    application
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_applications_of_the_demo_are_accepted() {
        for name in APPLICATIONS {
            let (app, findings) = api::application(&application(name, Path::new("/tmp/x")));
            assert_eq!(findings, []);
            let source = &app.unwrap().sources[0];
            assert_eq!((source.git.url.as_str(), &*source.git.path), ("file:///tmp/x", *name));
        }
    }

    #[test]
    fn a_state_is_told_with_its_commit() {
        let text = r#"{"metadata":{"name":"web"},"status":{
            "sync":{"state":"Synced","revision":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
            "health":{"state":"Healthy","since":"2026-11-24T06:50:00Z"},
            "history":[{"revision":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","author":"A","subject":"Say hi","plan":"p",
              "result":"Succeeded","at":"2026-11-24T06:50:00Z"}]}}"#;
        let told = seen(&from_json(text.as_bytes()).unwrap(), Paint::Plain);
        assert_eq!(told, ("web".to_owned(), "Synced at aaaaaaaa “Say hi”, Healthy".to_owned(), true));
        let new = seen(&Value::default(), Paint::Plain);
        assert_eq!(new, (String::new(), "Unknown".to_owned(), false));
    }
}
