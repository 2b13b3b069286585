//! From settings to a running controller, and its orderly end.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use cluster::{Connection, Discovery, Index, Limiter, Writer};
use lockstep_core::{AppKey, RepoUrl, Value};
use parking_lot::Mutex;
use runtime::{Metrics, Readiness, Shutdown};
use source::Repositories;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::application::{End, reconcile};
use crate::autoscalers::Autoscalers;
use crate::claims::Claims;
use crate::clock::Clock;
use crate::cluster_view::{Cluster, namespaces};
use crate::context::{Context, Memory, Waiting};
use crate::dependencies::Dependencies;
use crate::events::Events;
use crate::follow::{self, Own};
use crate::owned::Owned;
use crate::queue::{Cause, Job, Queue};
use crate::reach::Reach;
use crate::renderers::Renderers;
use crate::repositories::{Hub, Ports};
use crate::retries::Retries;
use crate::setup::{self, Settings, SetupError};
use crate::store::Store;
use crate::surroundings::Surroundings;
use crate::telemetry::Telemetry;
use crate::{chain, reach, records};

/// Reconciles that are under way at once. They wait for the API server most of the time; the limiter decides how many writes run.
const SIDE_BY_SIDE: usize = 64;
/// How long steps under way may take to end after a stop was asked for.
const GRACE: Duration = Duration::from_secs(10);
/// How often mirrors that nobody uses any more are removed.
const EVICT: Duration = Duration::from_secs(3600);
/// How often counters that are kept elsewhere are taken in.
const GATHER: Duration = Duration::from_secs(1);

/// A controller that is ready to run.
pub struct Controller {
    context: Arc<Context>,
    readiness: Readiness,
    /// The Applications that were there at start and have not been reconciled since.
    first: Arc<Mutex<Option<HashSet<AppKey>>>>,
    /// The Project `default` where it has to be made.
    project: Option<Value>,
}

impl Controller {
    /// Makes ready what the controller needs: its resources, its namespace, its key; and reads what was recorded.
    pub async fn start(
        connection: &Connection,
        settings: Settings,
        metrics: Metrics,
        readiness: Readiness,
    ) -> Result<Self, SetupError> {
        Self::start_in(Surroundings::default(), connection, settings, (metrics, readiness)).await
    }

    /// The same with a time and threads that are not the machine's.
    pub async fn start_in(
        surroundings: Surroundings,
        connection: &Connection,
        settings: Settings,
        (metrics, readiness): (Metrics, Readiness),
    ) -> Result<Self, SetupError> {
        let failed = |doing| move |source| SetupError::Api { doing, source };
        let discovery =
            Discovery::load(connection).await.map_err(failed("read what the API server serves"))?;
        let writer = Writer::new(connection, &Limiter::default());
        setup::install(&writer, &discovery, &settings).await?;
        tracing::debug!("Definitions are served");
        setup::furnish(&writer, &settings).await?;
        let key = setup::key(&writer, &settings).await?;
        let project = setup::missing_project(&writer).await?;
        tracing::debug!("Namespace and key are there");
        let found = records::read(connection, &settings.namespace, &settings.instance).await;
        tracing::debug!(applications = found.applications.len(), "Records are read");
        let store = Repositories::new(settings.state.join("git"), key.clone(), git::Limits::default())
            .map_err(|source| SetupError::State(settings.state.clone(), source))?;
        let (queue, claims) = (Arc::new(Queue::default()), Arc::new(Claims::default()));
        let telemetry = Arc::new(Telemetry::new(metrics));
        let count_fetch = Box::new({
            let telemetry = telemetry.clone();
            move |result| telemetry.count_fetch(result)
        });
        let ports =
            Ports { queue: queue.clone(), claims: claims.clone(), count_fetch, work: surroundings.work };
        for (app, stored) in &found.applications {
            claims.set_recorded(app, stored.record.objects.keys().cloned().collect());
        }
        let clock = Clock::new(surroundings.clock);
        let index = Index::new(connection, &discovery, &settings.instance);
        let context = Context {
            key,
            events: Events::new(&writer, settings.controller_manager(), clock.clone()),
            clock,
            hub: Hub::new(Arc::new(store), settings.poll, ports),
            cluster: Cluster { writer, index, discovery, autoscalers: Autoscalers::default() },
            store: Store::default(),
            claims,
            dependencies: Dependencies::default(),
            owned: Owned::default(),
            queue,
            retries: Retries::default(),
            reach: Reach::default(),
            renderers: Renderers::new(surroundings.work),
            telemetry,
            waiting: Waiting::default(),
            memory: Memory::new(found.applications),
            settings,
        };
        if let Some(project) = &project {
            // As good as made: no Application has to hear in between that it does not exist.
            context.store.set_project(api::DEFAULT_PROJECT, Some(project.clone()));
        }
        Ok(Self { context: Arc::new(context), readiness, first: Arc::default(), project })
    }

    /// What `POST /v1/refresh` does: a repository changed. Returns at once.
    pub fn refresher(&self) -> impl Fn(&RepoUrl) + Send + Sync + 'static {
        let context = self.context.clone();
        move |url| {
            let used = context.hub.refresh(url);
            tracing::info!(source.url = %url, used, "Told to refresh");
        }
    }

    /// Works until it is told to stop. Steps under way are finished, new ones not begun.
    pub async fn run(self, shutdown: Shutdown) {
        let mut tasks = JoinSet::new();
        let _namespaces = self.context.cluster.want(&namespaces(), "");
        tasks.spawn(self.context.cluster.discovery.clone().follow());
        tasks.spawn(follow::live(self.context.clone(), self.context.cluster.index.subscribe()));
        tasks.spawn(follow::kinds(self.context.clone()));
        tasks.spawn(gather(self.context.clone()));
        tasks.spawn(reach::follow(self.context.clone(), self.readiness.clone()));
        tasks.spawn(evict(self.context.clone()));
        if let Some(project) = self.project.clone() {
            let writer = self.context.cluster.writer.clone();
            tasks.spawn(setup::make_project(writer, project, self.context.settings.clone()));
        }
        tokio::select! {
            biased;
            () = self.take_in(&mut tasks) => {}
            () = shutdown.requested() => return,
        }
        self.expect_all();
        self.dispatch(&shutdown).await;
        tracing::info!("Stopped");
    }

    /// Waits until everything of our own kinds is known, one kind after the other.
    async fn take_in(&self, tasks: &mut JoinSet<()>) {
        let settings = &self.context.settings;
        for kind in Own::ALL {
            self.readiness.wait_for(format!("the first list of {kind:?}"));
            for place in kind.places(&settings.namespaces, &settings.namespace) {
                let (sender, mut synced) = watch::channel(false);
                tasks.spawn(follow::own(self.context.clone(), (kind, place), sender));
                // An error would mean that the task is gone: shutting down.
                let _ = synced.wait_for(|synced| *synced).await;
                tracing::debug!(?kind, "The first list is complete");
            }
        }
    }

    fn expect_all(&self) {
        let all: HashSet<AppKey> = self.context.store.applications().into_iter().collect();
        all.iter().for_each(|app| self.context.expect_render(app));
        // Their first run finds that they are gone.
        self.context.vanished().iter().for_each(|app| self.context.mark(app, Cause::Resume));
        tracing::info!(applications = all.len(), "Started");
        self.readiness.wait_for(format!("the first reconcile of {} applications", all.len()));
        *self.first.lock() = Some(all);
        self.first_is_done(None);
    }

    fn first_is_done(&self, app: Option<&AppKey>) {
        let mut first = self.first.lock();
        let Some(waiting) = first.as_mut() else { return };
        if let Some(app) = app {
            waiting.remove(app);
        }
        if waiting.is_empty() {
            *first = None;
            self.context.memory.set_started();
            self.readiness.set_ready();
            tracing::info!("Ready");
        }
    }

    async fn dispatch(&self, shutdown: &Shutdown) {
        let turns = Arc::new(Semaphore::new(SIDE_BY_SIDE));
        let mut runs = JoinSet::new();
        let (done, mut ended) = tokio::sync::mpsc::unbounded_channel();
        loop {
            tokio::select! {
                // In this order and not by lot: what happens is to be a function of what happened before.
                biased;
                () = shutdown.requested() => break,
                Some(app) = ended.recv() => self.first_is_done(Some(&app)),
                Some(_) = runs.join_next() => {}
                (job, turn) = next(&self.context.queue, &turns) => {
                    runs.spawn(one(self.context.clone(), job, turn, done.clone()));
                }
            }
        }
        self.context.queue.raise_all();
        let finish = async { while runs.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, finish).await.is_err() {
            tracing::warn!(
                "Steps under way did not end in time; their outcome will be found at the next start"
            );
        }
    }
}

/// A job is taken only with a turn in hand: what is taken counts as running.
async fn next(queue: &Queue, turns: &Arc<Semaphore>) -> (Job, Option<tokio::sync::OwnedSemaphorePermit>) {
    let turn = turns.clone().acquire_owned().await.ok();
    (queue.next().await, turn)
}

async fn one(
    context: Arc<Context>,
    job: Job,
    turn: Option<tokio::sync::OwnedSemaphorePermit>,
    done: tokio::sync::mpsc::UnboundedSender<AppKey>,
) {
    let started = Instant::now();
    let app = job.app.clone();
    let run = tokio::spawn({
        let context = context.clone();
        context.retries.begin(&app);
        async move { reconcile(&context, &job).await }
    });
    let end = run.await;
    drop(turn);
    if matches!(end, Ok(End::Reported | End::Gone)) {
        context.retries.end(&app);
    }
    context.queue.done(&app);
    let result = match &end {
        // Nothing was decided: it is not a reconcile yet.
        Ok(End::Waiting) => None,
        Ok(End::Reported | End::Gone) => Some("ok"),
        Err(_) => Some("error"),
    };
    if let Some(result) = result {
        context.telemetry.reconciled(result, started.elapsed());
    }
    match end {
        Ok(End::Waiting) => {}
        Ok(End::Reported | End::Gone) => drop(done.send(app)),
        Err(error) => {
            tracing::error!(%app, error = %chain(&error), "A reconcile panicked: this is a defect of Lockstep");
            context.retry(&app);
            // One bad Application must not keep the controller from ever being ready.
            let _ = done.send(app);
        }
    }
}

/// Keeps the disk cache to what is used.
async fn evict(context: Arc<Context>) {
    loop {
        tokio::time::sleep(EVICT).await;
        if context.is_started() {
            let hub = context.hub.clone();
            // A panic in there is logged by its thread; the next round tries again.
            let _ = tokio::task::spawn_blocking(move || hub.evict()).await;
        }
    }
}

async fn gather(context: Arc<Context>) {
    let mut ticks = tokio::time::interval(GATHER);
    loop {
        ticks.tick().await;
        let requests = context.cluster.writer.connection().requests();
        context.telemetry.gather(requests, context.cluster.index.size(), context.queue.depth());
    }
}
