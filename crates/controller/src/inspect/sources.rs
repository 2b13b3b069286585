//! From an Application's sources to what they want now, with the user's own disk cache.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use api::{Asker, Credential, Status};
use cluster::{ApiError, Catalog, Connection, Selector};
use git::{RevisionSpec, Snapshot};
use lockstep_core::{AppKey, AppRecord, Application, Commit, CommitId, Key, Value, from_json};
use source::Repositories;

use super::InspectSettings;
use super::error::InspectError;
use crate::application::{CatalogScopes, Inputs, Outcome, Task};
use crate::chain;
use crate::records::secrets;
use crate::repositories::Wanted;
use crate::store::{self, Proxy};

/// Repositories, and how to render what they hold.
pub(super) struct Sources {
    store: Arc<Repositories>,
    instance: Arc<str>,
    key: Key,
    proxy: Option<Proxy>,
}

/// What an Application may use to get at its repositories.
pub(super) struct Credentials {
    all: Vec<Credential>,
    /// The controller's namespace.
    controller: Arc<str>,
    /// What could not be read, for the error of a fetch that fails.
    notes: Vec<String>,
}

/// What an Application's sources want.
pub(super) struct Rendered {
    pub(super) application: Arc<Application>,
    pub(super) outcome: Outcome,
    pub(super) wanted: Vec<Commit>,
    /// The files that findings point into, by path.
    pub(super) files: BTreeMap<Arc<str>, String>,
}

impl Sources {
    pub(super) fn open(settings: &InspectSettings, key: Key) -> Result<Self, InspectError> {
        let directory: PathBuf = settings.state.join("git");
        // Whoever looks once needs no spare of a repository on this machine.
        let limits = git::Limits { spare: 0, ..git::Limits::default() };
        let store = Repositories::new(directory, key.clone(), limits)
            .map_err(|source| InspectError::State(settings.state.clone(), source))?;
        let (instance, proxy) = (settings.instance.clone(), settings.proxy.clone());
        Ok(Self { store: Arc::new(store), instance, key, proxy })
    }

    /// Reads the credentials that an Application may use. Who may not read them can still read public repositories.
    pub(super) async fn credentials(
        &self,
        connection: &Connection,
        app: &AppKey,
        controller: &str,
    ) -> Result<Credentials, InspectError> {
        let (mut all, mut notes) = (Vec::new(), Vec::new());
        let labels = format!("{}=repository", api::TYPE_LABEL);
        let selector = Selector { labels, fields: String::new() };
        let mut namespaces = vec![&*app.namespace, controller];
        namespaces.dedup();
        for namespace in namespaces {
            match connection.list(&secrets(), Some(namespace), &selector).await {
                Ok(found) => {
                    for secret in found.iter().filter_map(|raw| from_json(raw.bytes()).ok()) {
                        let (credential, findings) = api::credential(&secret);
                        all.extend(credential);
                        notes.extend(findings.iter().map(ToString::to_string));
                    }
                }
                Err(ApiError::Forbidden { .. }) => notes.push(format!(
                    "credentials in namespace {namespace} are not used, since you lack the right to list secrets there"
                )),
                Err(error) => return Err(InspectError::api("read the credentials of repositories", error)),
            }
        }
        Ok(Credentials { all, controller: controller.into(), notes })
    }

    /// Fetches and renders. A render that is refused is an outcome, a source that cannot be read is an error.
    pub(super) async fn render(
        &self,
        (resource, record): (&Value, AppRecord),
        credentials: &Credentials,
        catalog: Arc<Catalog>,
    ) -> Result<Rendered, InspectError> {
        let (application, findings) = api::application(resource);
        let application = Arc::new(application.ok_or(InspectError::Spec(findings))?);
        let wants = self.wants(&application, credentials);
        let job = Job {
            store: self.store.clone(),
            app: application.clone(),
            record,
            before: Status::read(resource).sync.revisions,
            catalog,
            instance: self.instance.clone(),
            key: self.key.clone(),
        };
        let done = tokio::task::spawn_blocking(move || job.run(&wants)).await;
        let done = done.unwrap_or_else(|_| Err((String::new(), "the render panicked".to_owned())));
        let (outcome, fetched) = done.map_err(|(url, mut reason)| {
            credentials.notes.iter().for_each(|note| reason.push_str(&format!("; {note}")));
            InspectError::Source { url, reason }
        })?;
        let (wanted, snapshots): (Vec<Commit>, Vec<Snapshot>) = fetched.into_iter().unzip();
        let files = files(&outcome, &snapshots);
        Ok(Rendered { application, outcome, wanted, files })
    }

    /// What commits say of themselves, where one of the repositories still has them.
    pub(super) async fn commits(
        &self,
        application: &Application,
        credentials: &Credentials,
        ids: BTreeSet<CommitId>,
    ) -> BTreeMap<CommitId, Commit> {
        let wants = self.wants(application, credentials);
        let store = self.store.clone();
        let job = move || {
            let mut found = BTreeMap::new();
            for want in &wants {
                let missing: Vec<&CommitId> = ids.iter().filter(|id| !found.contains_key(*id)).collect();
                let more = known(&store, want, &missing);
                found.extend(more);
            }
            found
        };
        tokio::task::spawn_blocking(job).await.unwrap_or_default()
    }

    fn wants(&self, application: &Application, credentials: &Credentials) -> Vec<Wanted> {
        let asker = Asker {
            namespace: &application.key.namespace,
            project: &application.project,
            controller: &credentials.controller,
        };
        let want = |source: &lockstep_core::Source| Wanted {
            url: source.git.url.clone(),
            access: store::access(&credentials.all, &source.git.url, asker, self.proxy.as_ref()),
            spec: RevisionSpec::new(&source.git.revision),
        };
        application.sources.iter().map(want).collect()
    }
}

/// The address of a source, and why it cannot be read.
type Unreadable = (String, String);

/// Fetching and rendering, away from the async workers.
struct Job {
    store: Arc<Repositories>,
    app: Arc<Application>,
    record: AppRecord,
    /// The commits that the last sync left live.
    before: Vec<CommitId>,
    catalog: Arc<Catalog>,
    instance: Arc<str>,
    key: Key,
}

impl Job {
    /// Where a render is refused, what the last sync left is what the cluster is compared with, as the controller does it.
    fn run(&self, wants: &[Wanted]) -> Result<(Outcome, Vec<(Commit, Snapshot)>), Unreadable> {
        let (outcome, fetched) = self.render(wants)?;
        let outcome = match outcome {
            Outcome::Refused(refused, _) if self.before.len() == wants.len() => {
                let last: Vec<Wanted> =
                    wants.iter().zip(&self.before).map(|(want, id)| want.at(id)).collect();
                let last = self.render(&last).ok().and_then(|(last, _)| last.rendering().cloned());
                Outcome::Refused(refused, last)
            }
            outcome => outcome,
        };
        Ok((outcome, fetched))
    }

    fn render(&self, wants: &[Wanted]) -> Result<(Outcome, Vec<(Commit, Snapshot)>), Unreadable> {
        let mut fetched = Vec::new();
        for want in wants {
            fetched.push(fetch(&self.store, want).map_err(|reason| (want.url.to_string(), reason))?);
        }
        let (commits, snapshots): (Vec<Commit>, Vec<Snapshot>) = fetched.iter().cloned().unzip();
        let task = Task {
            app: self.app.clone(),
            record: self.record.clone(),
            before: self.before.clone(),
            scopes: CatalogScopes(self.catalog.clone()),
            instance: self.instance.clone(),
            key: self.key.clone(),
            inputs: Inputs {
                generation: self.app.generation,
                commits: commits.iter().map(|commit| commit.id.clone()).collect(),
            },
        };
        let url = wants.first().map(|want| want.url.to_string()).unwrap_or_default();
        let made = task.run(snapshots, commits).map_err(|reason| (url, reason.to_string()))?;
        Ok((Outcome::of(made, None), fetched))
    }
}

/// The text of the files that findings name.
fn files(outcome: &Outcome, snapshots: &[Snapshot]) -> BTreeMap<Arc<str>, String> {
    let limit = ::render::Limits::default().file_bytes;
    let text = |file: &str| {
        let bytes = snapshots.iter().find_map(|snapshot| snapshot.read(file, limit).ok().flatten())?;
        String::from_utf8(bytes).ok()
    };
    let named = outcome.findings().into_iter().filter_map(|finding| Some(finding.origin?.file));
    let named: BTreeSet<Arc<str>> = named.collect();
    named.into_iter().filter_map(|file| Some((file.clone(), text(&file)?))).collect()
}

impl Wanted {
    /// The same repository at a commit.
    fn at(&self, id: &CommitId) -> Self {
        Self { spec: RevisionSpec::new(id.as_str()), ..self.clone() }
    }
}

/// Of these commits those that a repository has: in the cache, else by one fetch for all of them.
fn known(store: &Repositories, want: &Wanted, ids: &[&CommitId]) -> BTreeMap<CommitId, Commit> {
    let cached = |id: &CommitId| {
        let snapshot = store.snapshot(&want.url, &want.access, id).ok()??;
        Some((id.clone(), snapshot.commit().clone()))
    };
    let mut found: BTreeMap<CommitId, Commit> = ids.iter().filter_map(|id| cached(id)).collect();
    let missing = ids.iter().filter(|id| !found.contains_key(**id));
    let specs: Vec<RevisionSpec> = missing.map(|id| RevisionSpec::new(id.as_str())).collect();
    if specs.is_empty() {
        return found;
    }
    let fetched = store.fetch(&want.url, &specs, &want.access, &AtomicBool::new(false));
    let commits = fetched.map(|fetched| fetched.revisions).unwrap_or_default();
    found.extend(commits.into_values().flatten().map(|commit| (commit.id.clone(), commit)));
    found
}

fn fetch(store: &Repositories, want: &Wanted) -> Result<(Commit, Snapshot), String> {
    let go_on = AtomicBool::new(false);
    let specs = [want.spec.clone()];
    let mut fetched = store.fetch(&want.url, &specs, &want.access, &go_on).map_err(|error| chain(&error))?;
    let commit = match fetched.revisions.remove(&want.spec) {
        Some(found) => found.map_err(|error| chain(&error))?,
        None => return Err(format!("the revision {} was not looked up", want.spec.as_str())),
    };
    let snapshot = store.snapshot(&want.url, &want.access, &commit.id).map_err(|error| chain(&error))?;
    let snapshot = snapshot.ok_or_else(|| format!("commit {} is not there", commit.id.short()))?;
    Ok((commit, snapshot))
}
