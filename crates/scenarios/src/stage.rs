//! Where a scenario is played: a cluster, repositories, and a controller that can die.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use cluster::Connection;
use controller::{Controller, InspectSettings, Inspection, Inspector, Settings, Surroundings, Work};
use lockstep_core::{AppKey, RepoUrl};
use parking_lot::Mutex;
use runtime::{Metrics, Readiness, Shutdown};
use tokio::runtime::{Builder, Runtime};

use crate::command::{How, Target};
use crate::forge::Forge;
use crate::story::What;
use crate::transport::{Transport, Watched};
use crate::user;
use crate::world::{BEGINNING, Cluster, Pace, World};

/// The namespace of the controller.
pub(crate) const NAMESPACE: &str = "lockstep-system";
/// The name of the installation.
pub(crate) const INSTANCE: &str = "lockstep";
/// How often repositories are looked at unasked.
const POLL: Duration = Duration::from_secs(60);
/// So long after the last thing that happened it is quiet: longer than every pause between two trials.
const QUIET: Duration = Duration::from_secs(100);
/// So long it may take until it is.
const PATIENCE: Duration = Duration::from_secs(3600);
/// So long after it was started a controller has nothing more to do where nothing is to be done.
const START: Duration = Duration::from_secs(10);
/// How long it takes until a controller that died is started again.
const REVIVAL: Duration = Duration::from_secs(2);

type Refresher = Arc<Mutex<Option<Box<dyn Fn(&RepoUrl) + Send + Sync>>>>;

/// The stage of one scenario.
pub(crate) struct Stage {
    pub(crate) world: Arc<World>,
    pub(crate) forge: Forge,
    runtime: Option<Runtime>,
    now: Duration,
    refresher: Refresher,
}

/// Whether there is a controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manned {
    Yes,
    No,
}

impl Stage {
    /// A cluster with a controller that has begun, and nothing else.
    pub(crate) fn new(seed: u64, pace: Pace) -> Result<Self> {
        let (cluster, now) = furnished()?;
        fastrand::seed(seed);
        let mut stage = Self::on(World::new(cluster, seed, pace), now)?;
        stage.build(Manned::Yes)?;
        stage.pass(START)?;
        stage.world.take_story();
        Ok(stage)
    }

    fn on(world: Arc<World>, now: Duration) -> Result<Self> {
        Ok(Self { world, forge: Forge::new()?, runtime: None, now, refresher: Refresher::default() })
    }

    /// The controller's namespace with a key that is the same in every run.
    fn furnish(&self) -> Result<()> {
        let text = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}}}\n");
        user::write(&self.world, How::Create, "setup", &text)?;
        let secret = api::instance_key_secret(NAMESPACE, INSTANCE, &[7; 32]);
        user::write_object(&self.world, How::Create, "setup", &secret)
    }

    /// Begins anew, with or without a controller: what the old one had begun is cut off where it stood.
    pub(crate) fn build(&mut self, manned: Manned) -> Result<()> {
        *self.refresher.lock() = None;
        drop(self.runtime.take());
        self.world.revive();
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let (world, now) = (self.world.clone(), self.now);
        let controller =
            (manned == Manned::Yes).then(|| live(world.clone(), self.settings(), self.refresher.clone()));
        runtime.block_on(async {
            world.set_time(now);
            tokio::spawn(world.clone().work());
            if let Some(controller) = controller {
                tokio::spawn(controller);
            }
        });
        self.runtime = Some(runtime);
        Ok(())
    }

    fn settings(&self) -> Settings {
        Settings {
            instance: INSTANCE.into(),
            namespace: NAMESPACE.into(),
            namespaces: Default::default(),
            state: self.forge.state(),
            poll: POLL,
            adopted_managers: diff::ADOPTABLE.iter().map(|manager| Arc::from(*manager)).collect(),
            proxy: None,
        }
    }

    fn block_on<T>(&self, future: impl Future<Output = T>) -> Result<T> {
        Ok(self.runtime.as_ref().context("there is no runtime")?.block_on(future))
    }

    /// Does something at the time that it is.
    pub(crate) fn within<T>(&self, act: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        self.block_on(async { act(self) })?
    }

    /// Lets time pass. A controller that dies meanwhile is started again.
    pub(crate) fn pass(&mut self, span: Duration) -> Result<()> {
        let end = self.now + span;
        self.run_until(end)?;
        while self.world.is_dead() {
            self.build(Manned::No)?;
            self.run_until(self.now + REVIVAL)?;
            self.build(Manned::Yes)?;
            self.run_until(end)?;
        }
        Ok(())
    }

    fn run_until(&mut self, end: Duration) -> Result<()> {
        let (world, span) = (self.world.clone(), end.saturating_sub(self.now));
        self.now = self.block_on(async {
            tokio::select! {
                biased;
                () = world.death() => {}
                () = tokio::time::sleep(span) => {}
            }
            world.now()
        })?;
        Ok(())
    }

    /// Lets time pass until nothing happens any more; `false` if that does not come.
    pub(crate) fn settle(&mut self) -> Result<bool> {
        let start = self.now;
        let mut seen = (self.happened(), self.now);
        while self.now - start < PATIENCE {
            self.pass(Duration::from_secs(10))?;
            let happened = self.happened();
            if happened != seen.0 {
                seen = (happened, self.now);
            } else if self.now - seen.1 >= QUIET {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Counts up with everything that anybody does.
    fn happened(&self) -> (u64, u64) {
        (self.world.revision(), self.world.writes())
    }

    /// What time it is, since 1970.
    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    /// A repository has changed, and the controller is told.
    pub(crate) fn tell(&self, repository: &str) -> Result<()> {
        let url = RepoUrl::new(&self.forge.url(repository));
        self.within(|stage| {
            if let Some(refresh) = &*stage.refresher.lock() {
                refresh(&url);
            }
            Ok(())
        })
    }

    /// Looks at an Application as `lockstep why` does.
    pub(crate) fn inspect(&self, app: &str) -> Result<Inspection> {
        let settings = InspectSettings {
            instance: INSTANCE.into(),
            namespace: Some(NAMESPACE.into()),
            state: self.forge.state(),
            adopted_managers: diff::ADOPTABLE.iter().map(|manager| Arc::from(*manager)).collect(),
            proxy: None,
        };
        let (world, app) = (self.world.clone(), AppKey::new("default", app));
        self.block_on(async move {
            let inspector = Inspector::open(&connection(world, Watched::No), settings).await?;
            Ok(inspector.inspect(&app).await?)
        })?
    }

    /// The object, if it is there.
    pub(crate) fn get(&self, target: &Target) -> Result<Option<lockstep_core::Value>> {
        self.within(|stage| user::get(&stage.world, target))
    }
}

/// A cluster on which a controller has begun once, and what time it is there. It is made once and cloned for each stage: half of
/// what a schedule takes would go into it.
fn furnished() -> Result<(Cluster, Duration)> {
    static FURNISHED: Mutex<Option<(Cluster, Duration)>> = Mutex::new(None);
    let mut furnished = FURNISHED.lock();
    if let Some(furnished) = &*furnished {
        return Ok(furnished.clone());
    }
    fastrand::seed(0);
    let world = World::new(Cluster::new(), 0, Pace::Even(Duration::from_millis(1)));
    let mut stage = Stage::on(world, BEGINNING)?;
    stage.build(Manned::No)?;
    stage.within(|stage| stage.furnish())?;
    stage.build(Manned::Yes)?;
    stage.settle()?;
    stage.build(Manned::No)?;
    Ok(furnished.insert((stage.world.cluster(), stage.now)).clone())
}

fn connection(world: Arc<World>, watched: Watched) -> Connection {
    Connection::over(kube::Client::new(Transport { world, watched }, "default"), "https://scenario")
}

/// A controller, started again until it can start.
async fn live(world: Arc<World>, settings: Settings, refresher: Refresher) {
    loop {
        let connection = connection(world.clone(), Watched::Yes);
        let surroundings = Surroundings { clock: world.clock(), work: Work::Inline };
        let tools = (Metrics::new("scenario"), Readiness::waiting_for("the start"));
        match Controller::start_in(surroundings, &connection, settings.clone(), tools).await {
            Ok(controller) => {
                *refresher.lock() = Some(Box::new(controller.refresher()));
                return controller.run(Shutdown::new()).await;
            }
            Err(error) => {
                let why = anyhow::Error::from(error);
                world.note(What::Unstarted(format!("{why:#}")));
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        }
    }
}
