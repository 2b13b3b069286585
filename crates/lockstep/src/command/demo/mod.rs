//! `lockstep demo`: the loop on a cluster of the user's, in a namespace of its own, from a sample repository in a folder.

mod repository;

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use api::{ConditionType, Status};
use cluster::{
    ApiError, ApplyOptions, Connection, DeleteOptions, DryRun, Force, Limiter, Resource, ResourceScope,
    Writer,
};
use controller::{Controller, Settings};
use lockstep_core::{Gvk, Map, ObjectKey, Propagation, Value, from_json, to_json};
use runtime::{Admin, AdminListener, Clock, LogFormat, Metrics, Readiness, Shutdown};

use crate::command::controller::state;
use crate::connect::{Connect, block_on};
use crate::exit::Exit;
use crate::terminal::Terminal;

/// The namespace of everything that the demo makes, and the name of its installation.
const NAME: &str = "lockstep-demo";
/// How long the first sync, and the clean-up, may take before the user hears of it.
const PATIENCE: Duration = Duration::from_secs(60);
const GLANCE: Duration = Duration::from_millis(100);

/// Show the loop: a sample repository in a folder, followed into namespace lockstep-demo. Ctrl-C removes what it made.
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    #[command(flatten)]
    connect: Connect,
    /// Do not ask before writing to the cluster.
    #[arg(long)]
    yes: bool,
    /// The folder of the sample repository; it is made where it is missing.
    #[arg(long, default_value = "lockstep-demo.git", value_name = "DIR")]
    dir: PathBuf,
}

impl Demo {
    pub(crate) fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        runtime::init_logging(LogFormat::Text, "warn")?;
        block_on(self.show(terminal))
    }

    async fn show(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let connection = self.connect.open().await?;
        if !self.yes && !confirm(&connection, terminal)? {
            return Ok(Exit::Error);
        }
        repository::make(&self.dir, Clock::system().now())?;
        let dir = self.dir.canonicalize().context("cannot find the repository's folder")?;
        let asked = Shutdown::on_signals().context("cannot wait for Ctrl-C")?;
        let stage = Stage::new(&connection);
        stage.furnish().await?;
        let running = Running::start(&connection).await?;
        stage.apply(&application(&dir)).await?;
        tokio::select! {
            result = stage.live() => told(terminal, &dir, &running, result?)?,
            () = asked.requested() => {}
        }
        asked.requested().await;
        writeln!(terminal.out, "\nRemoving what the demo made …")?;
        let removed = stage.remove().await;
        running.stop().await?;
        removed?;
        writeln!(terminal.out, "Done; the repository stays in {}.", dir.display())?;
        Ok(Exit::Success)
    }
}

fn confirm(connection: &Connection, terminal: &mut Terminal) -> anyhow::Result<bool> {
    let context = connection.context().unwrap_or("(none)");
    writeln!(
        terminal.out,
        "This installs Lockstep's CustomResourceDefinitions and makes namespace {NAME}\nin context {context} ({}).",
        connection.server()
    )?;
    if !std::io::stdin().is_terminal() {
        bail!("nobody is there to ask; --yes goes on without asking");
    }
    write!(terminal.out, "Go on? [y/N] ")?;
    terminal.out.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// What to do now, once it is live; where it did not get there, how far it came.
fn told(terminal: &mut Terminal, dir: &Path, running: &Running, status: Status) -> anyhow::Result<()> {
    let ready = status.condition(ConditionType::Ready);
    let message = ready.map_or("nothing was heard of it", |condition| &condition.message);
    let (dir, address) = (dir.display(), running.address);
    let text = format!(
        "
Application {NAME}: {message}

    kubectl get lapp,deployment,service,configmap -n {NAME}

Change something by hand; it is back within milliseconds:

    kubectl patch configmap greeting -n {NAME} --type merge -p '{{\"data\": {{\"text\": \"bye\"}}}}'
    kubectl get configmap greeting -n {NAME} -o yaml

Change it in Git; it is live within seconds, or at once if the controller is told:

    git clone {dir} lockstep-demo-clone && cd lockstep-demo-clone
    sed -i s/hello/goodbye/ app/greeting.yaml && git commit -a -m 'Say goodbye' && git push
    curl -X POST http://{address}/v1/refresh -d '{{\"url\": \"file://{dir}\"}}'

Ctrl-C ends the demo and removes what it made.
"
    );
    terminal.out.write_all(text.as_bytes())?;
    Ok(terminal.out.flush()?)
}

/// The demo's objects in the cluster.
struct Stage {
    connection: Connection,
    writer: Writer,
}

impl Stage {
    fn new(connection: &Connection) -> Self {
        Self { connection: connection.clone(), writer: Writer::new(connection, &Limiter::default()) }
    }

    async fn furnish(&self) -> anyhow::Result<()> {
        let mut namespace = Value::map(Map::new());
        namespace.set(&["apiVersion"], "v1".into());
        namespace.set(&["kind"], "Namespace".into());
        namespace.set(&["metadata", "name"], NAME.into());
        self.apply(&namespace).await
    }

    async fn apply(&self, object: &Value) -> anyhow::Result<()> {
        let (resource, key) = address(object.str_at(&["kind"]).unwrap_or_default());
        let options = ApplyOptions { manager: NAME.into(), force: Force::Yes, ..ApplyOptions::default() };
        let written = self.writer.apply(&resource, &key, to_json(object).into(), &options).await;
        written.map(drop).with_context(|| format!("cannot make {key}"))
    }

    /// Waits until the Application is ready, but not for ever; the last status that was seen.
    async fn live(&self) -> anyhow::Result<Status> {
        let (resource, key) = address("Application");
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let object = self.connection.get(&resource, &key).await.context("cannot read the Application")?;
            let status = Status::read(&from_json(object.bytes()).unwrap_or_default());
            let ready = status.condition(ConditionType::Ready).is_some_and(|condition| condition.holds);
            if ready || tokio::time::Instant::now() > deadline {
                return Ok(status);
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Deletes the Application, waits until the controller has deleted its objects, and deletes the namespace.
    async fn remove(&self) -> anyhow::Result<()> {
        for kind in ["Application", "Namespace"] {
            let (resource, key) = address(kind);
            let options = DeleteOptions {
                uid: None,
                resource_version: None,
                propagation: Propagation::Background,
                dry_run: DryRun::No,
            };
            match self.writer.delete(&resource, &key, &options).await {
                Ok(_) | Err(ApiError::NotFound) => {}
                Err(error) => return Err(error).with_context(|| format!("cannot delete {key}")),
            }
            if kind == "Application" {
                self.gone(&resource, &key).await?;
            }
        }
        Ok(())
    }

    async fn gone(&self, resource: &Resource, key: &ObjectKey) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < deadline {
            match self.connection.get(resource, key).await {
                Ok(_) => tokio::time::sleep(GLANCE).await,
                Err(ApiError::NotFound) => return Ok(()),
                Err(error) => return Err(error).with_context(|| format!("cannot read {key}")),
            }
        }
        bail!("{key} is still being deleted; kubectl get lapp -n {NAME} -o wide says why")
    }
}

/// Where the demo's only object of a kind is.
fn address(kind: &str) -> (Resource, ObjectKey) {
    match kind {
        "Namespace" => (
            Resource::new(Gvk::new("", "v1", kind), "namespaces", ResourceScope::Cluster),
            ObjectKey::new("", kind, "", NAME),
        ),
        _ => (
            Resource::new(
                Gvk::new(api::GROUP, api::VERSION, kind),
                "applications",
                ResourceScope::Namespaced,
            ),
            ObjectKey::new(api::GROUP, kind, NAME, NAME),
        ),
    }
}

fn application(dir: &Path) -> Value {
    let mut git = Value::map(Map::new());
    git.set(&["url"], format!("file://{}", dir.display()).into());
    git.set(&["revision"], "main".into());
    git.set(&["path"], "app".into());
    let source = Value::map(Map::from([("git".into(), git)]));
    let mut application = Value::map(Map::new());
    application.set(&["apiVersion"], api::API_VERSION.into());
    application.set(&["kind"], "Application".into());
    application.set(&["metadata", "name"], NAME.into());
    application.set(&["metadata", "namespace"], NAME.into());
    application.set(&["spec", "sources"], Value::list(vec![source]));
    application.set(&["spec", "destination", "namespace"], NAME.into());
    application.set(&["spec", "sync", "mode"], "Automatic".into());
    application.set(&["spec", "sync", "prune"], true.into());
    application
}

/// A controller that looks after the demo's namespace only.
struct Running {
    address: std::net::SocketAddr,
    stop: Shutdown,
    controller: tokio::task::JoinHandle<()>,
    endpoint: tokio::task::JoinHandle<Result<(), runtime::AdminError>>,
}

impl Running {
    async fn start(connection: &Connection) -> anyhow::Result<Self> {
        let listener = AdminListener::bind(([127, 0, 0, 1], 0).into()).await?;
        let (address, stop) = (listener.address(), Shutdown::new());
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
        let readiness = Readiness::waiting_for("the API server");
        let started = Controller::start(connection, settings()?, metrics.clone(), readiness.clone()).await;
        let controller = started.context("cannot start the controller")?;
        let admin = Admin { metrics, readiness, refresh: Arc::new(controller.refresher()) };
        let endpoint = tokio::spawn(listener.serve(admin, stop.clone()));
        let controller = tokio::spawn(controller.run(stop.clone()));
        Ok(Self { address, stop, controller, endpoint })
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.stop.request();
        self.controller.await?;
        Ok(self.endpoint.await??)
    }
}

fn settings() -> anyhow::Result<Settings> {
    Ok(Settings {
        instance: NAME.into(),
        namespace: NAME.into(),
        namespaces: BTreeSet::from([NAME.into()]),
        state: state(None, NAME)?,
        poll: Duration::from_secs(2),
        adopted_managers: Vec::new(),
        proxy: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_application_of_the_demo_is_accepted() {
        let (app, findings) = api::application(&application(Path::new("/tmp/x.git")));
        assert_eq!(findings, []);
        assert_eq!(app.unwrap().sources[0].git.url.as_str(), "file:///tmp/x.git");
    }
}
