//! The pipeline of an Application without its writes, in the process of whoever asks: for `lockstep app diff`, `why` and `plan`.
//!
//! The steps are the controller's own: the same render, the same plan, the same dry runs. What differs is where the inputs come
//! from (one read of each object in place of watches) and that nothing is ever written. What only the controller remembers (failed
//! attempts, heals of objects that are fought over) is not known here.

mod error;
mod installation;
mod rehearsal;
mod sources;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use ::plan::{
    Action, Change, Claim, Drift, Entry, Input, Memo, Outline, Plan, Report, Request, Standing, Unready,
    Verdict,
};
use api::{Intents, Status};
use apply::Executor;
use cluster::{ApiError, Connection, Discovery, Index, Limiter, Writer};
use lockstep_core::{
    AppKey, AppRecord, Application, Commit, CommitId, Dependency, DesiredObject, Digest, Finding, Gvk,
    Manner, ObjectKey, Run, Selection, Value, from_json,
};

use crate::application::{Outcome, RenderFailure, placed, vanished, why_expression, why_live, why_status};
use crate::clock::Clock;
use crate::context::applications;
use crate::store::Proxy;
pub use error::InspectError;
use installation::Installation;
use rehearsal::Adoption;
pub use rehearsal::{Rehearsal, Rehearsed};
use sources::{Rendered, Sources};
use world::{World, look};

/// How to look at an installation from outside.
#[derive(Clone, Debug)]
pub struct InspectSettings {
    /// The installation's name.
    pub instance: Arc<str>,
    /// The controller's namespace; `None`: `lockstep-system`, else the only one of the cluster that has this installation's key.
    pub namespace: Option<Arc<str>>,
    /// The directory of the disk cache.
    pub state: PathBuf,
    /// The managers whose fields an adoption takes over.
    pub adopted_managers: Vec<Arc<str>>,
    /// The HTTP proxy for repositories.
    pub proxy: Option<Proxy>,
}

/// An installation, seen from outside.
pub struct Inspector {
    connection: Connection,
    discovery: Discovery,
    settings: InspectSettings,
    installation: Installation,
    sources: Sources,
}

/// What a look at an Application shows.
pub struct Inspection {
    /// The Application.
    pub application: Arc<Application>,
    /// Its custom resource.
    pub resource: Value,
    /// What the controller last told.
    pub status: Status,
    /// The commits that its sources name now, one a source.
    pub wanted: Vec<Commit>,
    /// What is wrong, or odd, in the files.
    pub findings: Vec<Finding>,
    /// The files that findings point into, by path.
    pub files: BTreeMap<Arc<str>, String>,
    /// What there is to do about each object, and why.
    pub report: Report,
    /// The same in the order of a sync.
    pub outline: Outline,
    /// The dependencies that are not ready.
    pub unready: Vec<Unready>,
    /// What would become of the objects that are not as they should be.
    pub rehearsed: BTreeMap<ObjectKey, Rehearsed>,
    /// The commits behind the objects, as far as they can be found.
    pub commits: BTreeMap<CommitId, Commit>,
}

impl Inspector {
    /// Reads what has to be known of the installation.
    pub async fn open(connection: &Connection, settings: InspectSettings) -> Result<Self, InspectError> {
        let discovery = Discovery::load(connection)
            .await
            .map_err(|error| InspectError::api("read what the API server serves", error))?;
        if discovery.resource(&applications().gvk).served().is_none() {
            return Err(InspectError::NotInstalled);
        }
        let installation =
            Installation::read(connection, &settings.instance, settings.namespace.as_deref()).await?;
        let sources = Sources::open(&settings, installation.key.clone())?;
        Ok(Self { connection: connection.clone(), discovery, settings, installation, sources })
    }

    /// The namespace of the controller.
    pub fn namespace(&self) -> &str {
        &self.installation.namespace
    }

    /// What the cluster serves.
    pub fn discovery(&self) -> &Discovery {
        &self.discovery
    }

    /// What was applied for an Application.
    pub fn record(&self, app: &AppKey) -> AppRecord {
        self.installation.record(app)
    }

    /// What dry runs need.
    pub fn rehearsal(&self) -> Rehearsal {
        let (connection, discovery) = (&self.connection, &self.discovery);
        Rehearsal::new(connection, discovery, &self.settings.instance, self.installation.key.clone())
    }

    /// Looks at an Application.
    pub async fn inspect(&self, app: &AppKey) -> Result<Inspection, InspectError> {
        self.look(app, None).await
    }

    /// Looks at an Application as if a sync of these objects had been asked for.
    pub async fn inspect_sync(&self, app: &AppKey, only: Selection) -> Result<Inspection, InspectError> {
        self.look(app, Some(only)).await
    }

    async fn look(&self, app: &AppKey, asked: Option<Selection>) -> Result<Inspection, InspectError> {
        let resource = read_application(&self.connection, app).await?;
        let status = Status::read(&resource);
        let Rendered { application, outcome, wanted, files } = self.render(app, &resource).await?;
        let record = self.record(app);
        let world = self.observe(&application, &outcome, &record).await?;
        let unready = self.unready(&application).await;
        let mut decision = Decision {
            application: &application,
            outcome: &outcome,
            record: &record,
            world: &world,
            request: request(&resource, &status, asked),
            unready: &unready,
            history: ::plan::History::default(),
            deleting: resource.at(&["metadata", "deletionTimestamp"]).is_some(),
            run: status.run.as_ref(),
        };
        let (plan, report) = decision.decide(self);
        let rehearsal = self.rehearsal();
        let bodies = bodies(&plan, &report, &outcome);
        let adoption = Adoption(self.adopted(&decision, &report));
        let mut rehearsed = rehearsal.objects(bodies, &world, &adoption).await;
        for asked in &report.dry_runs {
            if let Some((_, Some(result))) = rehearsed.get(&asked.desired.key) {
                decision.history.dry_runs.insert(asked.desired.key.clone(), result.clone());
            }
        }
        let (_, report) = decision.decide(self);
        rehearsed.retain(|key, _| report.get(key).is_some_and(|entry| change(entry).is_some()));
        let set = outcome.rendering().map(|rendering| &rendering.set);
        let outline = Outline::of(set, &report, &decision.request.only);
        let commits = self.commits(&resource, &status, &wanted, &report).await;
        Ok(Inspection {
            resource,
            status,
            wanted,
            findings: outcome.findings(),
            files,
            report,
            outline,
            unready,
            rehearsed: rehearsed.into_iter().map(|(key, (rehearsed, _))| (key, rehearsed)).collect(),
            commits,
            application,
        })
    }

    async fn render(&self, app: &AppKey, resource: &Value) -> Result<Rendered, InspectError> {
        let credentials = self.sources.credentials(&self.connection, app, self.namespace()).await?;
        let record = self.record(app);
        self.sources.render((resource, record), &credentials, self.discovery.catalog()).await
    }

    async fn observe(
        &self,
        application: &Application,
        outcome: &Outcome,
        record: &AppRecord,
    ) -> Result<World, InspectError> {
        let mut objects: BTreeSet<(ObjectKey, Gvk)> =
            record.objects.iter().map(|(key, record)| (key.clone(), record.gvk.clone())).collect();
        let set = outcome.rendering().map(|rendering| &rendering.set);
        let wanted = set.into_iter().flat_map(|set| set.objects());
        objects.extend(wanted.clone().map(|object| (object.key.clone(), object.gvk.clone())));
        let wanted: Vec<&ObjectKey> = wanted.map(|object| &object.key).collect();
        let claims = self.claims(&application.key, &wanted).await;
        World::read(&self.connection, self.discovery.catalog(), objects, claims).await
    }

    /// The dependencies that are not ready, as far as their status tells.
    async fn unready(&self, application: &Application) -> Vec<Unready> {
        let mut unready = Vec::new();
        for dependency in &application.depends_on {
            let (key, why) = match (dependency.application(), placed(&self.discovery.catalog(), dependency)) {
                (Some(other), _) => (dependency.key(), self.why_application(&other, dependency).await),
                (None, Err(why)) => (dependency.key(), Some(why)),
                (None, Ok(key)) => {
                    let live = look(&self.connection, &self.discovery.catalog(), &key, &dependency.gvk).await;
                    let why = why_live(dependency, &live);
                    (key, why)
                }
            };
            unready.extend(why.map(|why| Unready { key, why }));
        }
        unready
    }

    async fn why_application(&self, other: &AppKey, dependency: &Dependency) -> Option<String> {
        let resource = match read_application(&self.connection, other).await {
            Ok(resource) => resource,
            Err(InspectError::NoApplication(_)) => return Some("does not exist".to_owned()),
            Err(error) => return Some(format!("cannot be looked at: {error}")),
        };
        match &dependency.ready {
            _ if resource.at(&["metadata", "deletionTimestamp"]).is_some() => {
                Some("is being deleted".to_owned())
            }
            Some(ready) => why_expression(ready, &resource),
            None => why_status(&resource),
        }
    }

    /// The tools whose fields an apply takes over, by object.
    fn adopted(&self, decision: &Decision<'_>, report: &Report) -> BTreeMap<ObjectKey, Vec<Arc<str>>> {
        let set = decision.outcome.rendering().map(|rendering| &rendering.set);
        let replaces = |key: &ObjectKey| {
            let said = set.and_then(|set| set.treatment(key).manner);
            said.map_or(decision.application.sync.replace, |manner| manner == Manner::Replaced)
        };
        let managers = |entry: &Entry| match change(entry)? {
            Change::Adopt { from, .. } => Some(from.clone()),
            // Whoever made it anew is adopted too.
            Change::Heal(Drift::Replaced) => Some(self.settings.adopted_managers.clone()),
            Change::Update if replaces(&entry.key) => Some(self.others(decision.world, &entry.key)),
            _ => None,
        };
        let adopted = report.entries.iter().filter_map(|entry| Some((entry.key.clone(), managers(entry)?)));
        adopted.filter(|(_, managers)| !managers.is_empty()).collect()
    }

    /// Everybody else who wrote an object, but for what an autoscaler was left.
    fn others(&self, world: &World, key: &ObjectKey) -> Vec<Arc<str>> {
        let ::plan::Live::Present(live) = world.any(key) else { return Vec::new() };
        let managers = live.managed_entries().into_iter().filter(|entry| entry.subresource.is_empty());
        let others = managers.map(|entry| entry.manager);
        others.filter(|name| **name != *self.settings.instance && **name != *diff::HANDOVER_MANAGER).collect()
    }

    /// Of the Applications that have recorded one of these objects, those that still want it.
    async fn claims(&self, app: &AppKey, wanted: &[&ObjectKey]) -> BTreeMap<ObjectKey, Vec<Claim>> {
        let mut claims: BTreeMap<ObjectKey, Vec<Claim>> = BTreeMap::new();
        for (other, stored) in self.installation.others(app) {
            let mut shared = wanted.iter().filter(|key| stored.record.objects.contains_key(**key)).peekable();
            if shared.peek().is_none() {
                continue;
            }
            let Ok(resource) = read_application(&self.connection, other).await else { continue };
            if resource.at(&["metadata", "deletionTimestamp"]).is_some() {
                continue;
            }
            // What cannot be rendered now may still want what it has.
            let rendered = self.render(other, &resource).await.ok();
            let set = rendered.as_ref().and_then(|rendered| rendered.outcome.rendering());
            for key in shared {
                if set.is_none_or(|rendering| rendering.set.get(key).is_some()) {
                    let claim = Claim { app: other.clone(), standing: Standing::Recorded };
                    claims.entry((*key).clone()).or_default().push(claim);
                }
            }
        }
        claims
    }

    async fn commits(
        &self,
        resource: &Value,
        status: &Status,
        wanted: &[Commit],
        report: &Report,
    ) -> BTreeMap<CommitId, Commit> {
        let mut known: BTreeMap<CommitId, Commit> =
            wanted.iter().map(|commit| (commit.id.clone(), commit.clone())).collect();
        let named = report.entries.iter().filter_map(|entry| entry.commit.clone());
        let missing: BTreeSet<CommitId> = named.filter(|id| !known.contains_key(id)).collect();
        known.extend(self.look_up(resource, status, missing).await);
        known
    }

    /// What commits of an Application's repositories say of themselves: from the repositories, else from the Application's history,
    /// whose times are those of the syncs.
    pub async fn look_up(
        &self,
        resource: &Value,
        status: &Status,
        ids: BTreeSet<CommitId>,
    ) -> BTreeMap<CommitId, Commit> {
        let past = status.history.iter().filter(|entry| ids.contains(&entry.revision)).map(|entry| {
            let (author, subject) = (entry.author.clone(), entry.subject.clone());
            let commit = Commit { id: entry.revision.clone(), author, subject, time: entry.at };
            (entry.revision.clone(), commit)
        });
        let mut found: BTreeMap<CommitId, Commit> = past.collect();
        let Some(application) = api::application(resource).0.filter(|_| !ids.is_empty()) else {
            return found;
        };
        let credentials = self.sources.credentials(&self.connection, &application.key, self.namespace());
        if let Ok(credentials) = credentials.await {
            found.extend(self.sources.commits(&application, &credentials, ids).await);
        }
        found
    }
}

/// Reads an Application.
pub async fn read_application(connection: &Connection, app: &AppKey) -> Result<Value, InspectError> {
    let key = ObjectKey::new(api::GROUP, "Application", &app.namespace, &app.name);
    match connection.get(&applications(), &key).await {
        Ok(raw) => Ok(from_json(raw.bytes()).unwrap_or_default()),
        Err(ApiError::NotServed) => Err(InspectError::NotInstalled),
        Err(ApiError::NotFound | ApiError::NamespaceMissing) => Err(InspectError::NoApplication(app.clone())),
        Err(error) => Err(InspectError::read(
            "read the Application",
            format!("get applications.lockstep.dev in namespace {}", app.namespace),
            error,
        )),
    }
}

fn request(resource: &Value, status: &Status, asked: Option<Selection>) -> Request {
    let requests = Intents::read(resource).since(&status.handled);
    let approved = requests.approve.as_deref().and_then(Digest::parse);
    let sync = requests.sync.is_some() || asked.is_some();
    let abort = requests.abort.is_some() && asked.is_none();
    Request { sync, only: asked.unwrap_or(requests.only), abort, approved }
}

/// Everything that a plan is made from.
struct Decision<'a> {
    application: &'a Application,
    outcome: &'a Outcome,
    record: &'a AppRecord,
    world: &'a World,
    request: Request,
    unready: &'a [Unready],
    history: ::plan::History,
    /// It is being deleted: nothing is synced any more.
    deleting: bool,
    run: Option<&'a Run>,
}

impl Decision<'_> {
    fn decide(&self, inspector: &Inspector) -> (Plan, Report) {
        let adopted: Vec<&str> =
            inspector.settings.adopted_managers.iter().map(|manager| &**manager).collect();
        let input = Input {
            app: self.application,
            instance: &inspector.settings.instance,
            key: &inspector.installation.key,
            adopted_managers: &adopted,
            desired: self.outcome.desired(),
            revisions: self.outcome.rendering().map(|last| &last.revisions[..]).unwrap_or_default(),
            record: self.record,
            // Leftovers of a crash are for the controller, which watches for them.
            owned: &[],
            live: self.world,
            kinds: self.world,
            claims: self.world,
            request: &self.request,
            unready: self.unready,
            history: &self.history,
            run: self.run,
            now: Clock::new(runtime::Clock::system()).millis(),
            today: runtime::Clock::system().now(),
        };
        if self.deleting {
            let ::plan::Deletion { plan, report, .. } = ::plan::plan_deletion(&input, &mut Memo::default());
            return (plan, report);
        }
        ::plan::plan(&input, &mut Memo::default())
    }
}

fn change(entry: &Entry) -> Option<&Change> {
    match &entry.verdict {
        Verdict::Act(change) | Verdict::Withheld(change, _) => Some(change),
        Verdict::InSync | Verdict::Conflict(_) | Verdict::Kept(_) | Verdict::Unknown(_) => None,
    }
}

/// What would be sent for the objects that differ; `None` for those that would go.
fn bodies(
    plan: &Plan,
    report: &Report,
    outcome: &Outcome,
) -> BTreeMap<ObjectKey, Option<Arc<DesiredObject>>> {
    let mut sent: BTreeMap<&ObjectKey, &Arc<DesiredObject>> = BTreeMap::new();
    sent.extend(report.dry_runs.iter().map(|asked| (&asked.desired.key, &asked.desired)));
    for step in plan.steps() {
        match &step.action {
            Action::Apply(apply) => drop(sent.insert(&step.key, &apply.desired)),
            Action::Recreate(recreate) => drop(sent.insert(&step.key, &recreate.apply.desired)),
            Action::Record(_) | Action::Prune(_) | Action::Abandon(_) | Action::Forget => {}
        }
    }
    let set = outcome.rendering().map(|rendering| &rendering.set);
    let body = |key: &ObjectKey| sent.get(key).copied().or_else(|| set?.get(key)).cloned();
    let entries = report.entries.iter().filter_map(|entry| {
        let body = match change(entry)? {
            Change::Recover | Change::Forget | Change::Hook(_) | Change::HookEnded => return None,
            Change::Prune { .. } => None,
            Change::Create | Change::Update | Change::Heal(_) | Change::Adopt { .. } | Change::Recreate => {
                Some(body(&entry.key)?)
            }
        };
        Some((entry.key.clone(), body))
    });
    entries.collect()
}

impl Outcome {
    /// What is wrong, or odd, in the files.
    fn findings(&self) -> Vec<Finding> {
        match self {
            Self::Ready(rendering) => rendering.findings.clone(),
            Self::Refused(refused, _) => match &refused.failure {
                RenderFailure::Findings(findings) => findings.clone(),
                RenderFailure::VanishedPath(path) => vec![vanished(path)],
            },
            Self::Unavailable(..) => Vec::new(),
        }
    }
}

/// The executor of dry runs: under the installation's own name, so that what it would take away is seen.
pub(crate) fn executor(
    connection: &Connection,
    discovery: &Discovery,
    instance: &Arc<str>,
    key: lockstep_core::Key,
) -> Executor {
    Executor {
        writer: Writer::new(connection, &Limiter::default()),
        index: Index::new(connection, discovery, instance),
        catalog: discovery.catalog(),
        manager: instance.clone(),
        key,
    }
}
