//! `lockstep demo`: the loop on an embedded cluster, from a sample repository; nothing else is needed on the machine.

mod folder;
mod hands;
mod sample;
mod story;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use cluster::{
    ApplyOptions, Connection, Force, Limiter, Resource, ResourceScope, Selector, Watch, WatchEvent, Writer,
};
use lockstep_core::{Gvk, ObjectKey, Value, from_json, to_json};
use runtime::{Clock, LogFormat, Shutdown};

use crate::command::controller::default_settings;
use crate::connect::block_on;
use crate::embedded::{Embedded, Kept, Start};
use crate::exit::Exit;
use crate::terminal::Terminal;
use folder::Folder;
use sample::Sample;
use story::Seen;

/// The namespace of everything that the demo makes.
const NAMESPACE: &str = "demo";
/// The Applications, each with the directory of its manifests.
const APPLICATIONS: &[&str] = &["greeting", "store", "team", "web"];
/// How long the first sync may take before the user hears of it.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the repository is looked at: somebody is watching.
const POLL: Duration = Duration::from_secs(1);
/// What of the controller's log the user sees: what it heals, and what goes wrong.
const LOG: &str = "warn,lockstep_controller::application::apply=info";

/// Show the loop: an embedded cluster, a sample repository, and Applications that follow it. Ctrl-C leaves nothing behind.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Demo {
    #[command(subcommand)]
    hand: Option<Hand>,
    /// Keep the repository and the cluster in this folder; a demo that was kept there goes on.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// End as soon as everything is synced and healthy.
    #[arg(long)]
    exit_when_synced: bool,
}

/// What to try where git or kubectl is missing.
#[derive(Debug, Subcommand)]
enum Hand {
    /// Change the greeting in Git: edit and commit.
    Edit(Which),
    /// Change the web Deployment in the cluster, as kubectl scale does, and see it healed.
    Scale(Which),
    /// Take the newest commit back, as git revert does.
    Revert(Which),
}

/// Which demo.
#[derive(Debug, Args)]
struct Which {
    /// The folder of the demo; else that of the one that runs.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Demo {
    pub(crate) fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        match self.hand {
            None => {
                runtime::init_logging(LogFormat::Text, LOG)?;
                block_on(self.show(terminal))
            }
            Some(Hand::Edit(which)) => hands::edit(&Folder::running(which.dir)?, terminal),
            Some(Hand::Scale(which)) => block_on(hands::scale(&Folder::running(which.dir)?, terminal)),
            Some(Hand::Revert(which)) => hands::revert(&Folder::running(which.dir)?, terminal),
        }
    }

    async fn show(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let asked = Shutdown::on_signals().context("cannot wait for Ctrl-C")?;
        let folder = Folder::make(self.keep.as_deref())?;
        let shown = self.show_in(&folder, &asked, terminal).await;
        let ended = folder.end();
        let ending = shown?;
        ended?;
        writeln!(terminal.out, "{}", story::farewell(&folder))?;
        Ok(match ending {
            // A script waited for something that did not come.
            Ending::Interrupted if self.exit_when_synced => Exit::No,
            Ending::Interrupted | Ending::Synced => Exit::Success,
        })
    }

    async fn show_in(
        &self,
        folder: &Folder,
        asked: &Shutdown,
        terminal: &mut Terminal,
    ) -> anyhow::Result<Ending> {
        let sample = Sample::open(&folder.repository(), Clock::system().now())?;
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let kept = if folder.is_kept() { Kept::OnDisk } else { Kept::No };
        let settings = default_settings(folder.cache(), POLL);
        let start = Start { dir: folder.state().clone(), kept, listen: free, admin: free, settings };
        let mut embedded = Embedded::start(start).await?;
        writeln!(terminal.out, "A cluster answers at {}.\n", embedded.connection().server())?;
        terminal.out.flush()?;
        let connection = embedded.connection().clone();
        let seen = async {
            furnish(&connection, &sample).await?;
            self.watch(&connection, (folder, &sample), terminal).await
        };
        let seen = tokio::select! {
            seen = seen => seen,
            () = asked.requested() => Ok(Ending::Interrupted),
            error = embedded.broken() => return Err(error),
        };
        embedded.stop().await?;
        seen
    }

    /// Tells what happens as it happens; ends where that was asked for, or if the first sync does not come.
    async fn watch(
        &self,
        connection: &Connection,
        (folder, sample): (&Folder, &Sample),
        terminal: &mut Terminal,
    ) -> anyhow::Result<Ending> {
        let watch = Watch::start(connection, &applications(), Some(NAMESPACE), Selector::default());
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut told: BTreeMap<String, Seen> = BTreeMap::new();
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
            let seen = Seen::of(&application, terminal.paint);
            if told.get(&seen.name).map(|before| &before.words) != Some(&seen.words) {
                writeln!(terminal.out, "{:<9} {}", seen.name, seen.words)?;
                terminal.out.flush()?;
            }
            told.insert(seen.name.clone(), seen);
            if !begun && is_settled(sample, &told)? {
                begun = true;
                if self.exit_when_synced {
                    return Ok(Ending::Synced);
                }
                terminal.out.write_all(story::advice(folder).as_bytes())?;
                terminal.out.flush()?;
            }
        }
    }
}

/// How a demo that did not fail has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Everything was synced, which was all that was asked.
    Synced,
    /// The user had enough of it.
    Interrupted,
}

/// Whether all Applications are synced and healthy at what the newest commit has for them: a commit that has nothing new for one
/// leaves it at an older one.
fn is_settled(sample: &Sample, told: &BTreeMap<String, Seen>) -> anyhow::Result<bool> {
    for name in APPLICATIONS {
        let settled_at = told.get(*name).and_then(|seen| seen.settled_at.as_ref());
        let Some(commit) = settled_at else { return Ok(false) };
        if !sample.is_current(name, commit)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes the namespace and the Applications.
async fn furnish(connection: &Connection, sample: &Sample) -> anyhow::Result<()> {
    let writer = Writer::new(connection, &Limiter::default());
    let options =
        ApplyOptions { manager: "lockstep-demo".into(), force: Force::Yes, ..ApplyOptions::default() };
    let mut namespace = Value::default();
    namespace.set(&["apiVersion"], "v1".into());
    namespace.set(&["kind"], "Namespace".into());
    namespace.set(&["metadata", "name"], NAMESPACE.into());
    let namespaces = Resource::new(Gvk::new("", "v1", "Namespace"), "namespaces", ResourceScope::Cluster);
    let key = ObjectKey::new("", "Namespace", "", NAMESPACE);
    let made = writer.apply(&namespaces, &key, to_json(&namespace).into(), &options).await;
    made.with_context(|| format!("cannot make {key}"))?;
    for name in APPLICATIONS {
        let key = ObjectKey::new(api::GROUP, "Application", NAMESPACE, name);
        let object = to_json(&sample.application(name));
        let made = writer.apply(&applications(), &key, object.into(), &options).await;
        made.with_context(|| format!("cannot make {key}"))?;
    }
    Ok(())
}

fn applications() -> Resource {
    let kind = Gvk::new(api::GROUP, api::VERSION, "Application");
    Resource::new(kind, "applications", ResourceScope::Namespaced)
}
