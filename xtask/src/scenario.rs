//! The stage of one end-to-end test: a repository, a controller of its own, and namespaces that only it uses.
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::{Cluster, eventually};
use crate::controller::{Controller, ControllerOptions};
use crate::git::GitRepo;
use crate::kubeone::Write;
use crate::rest::{Resource, text};

/// How long anything that should happen may take: generous, since tests share two cores.
pub const SOON: Duration = Duration::from_secs(40);

const APPLICATIONS: (&str, &str) = ("lockstep.dev/v1alpha1", "Application");
/// The directory of the repository that an Application reads unless told otherwise.
const PATH: &str = "app";

/// What a scenario's controller is started with.
#[derive(Debug, Clone)]
pub struct ScenarioOptions {
    /// How often the controller looks at the repository unasked. Seldom by default: a test says when.
    pub poll: Duration,
    /// Further flags of the controller.
    pub flags: Vec<String>,
}

impl Default for ScenarioOptions {
    fn default() -> Self {
        Self { poll: Duration::from_secs(3600), flags: Vec::new() }
    }
}

/// The stage. Its methods panic, with what they saw, where the API server refuses or time runs out.
pub struct Scenario {
    /// The shared control plane.
    pub cluster: Cluster,
    /// The namespace of the Applications and of what they deploy.
    pub namespace: String,
    /// The namespace of the controller's own objects.
    pub own: String,
    /// The repository.
    pub repo: GitRepo,
    /// The controller.
    pub controller: Controller,
    binary: PathBuf,
    state: tempfile::TempDir,
}

impl Scenario {
    /// Sets the stage and waits until the controller is ready; `None` where there is no control plane.
    ///
    /// # Panics
    /// When the controller does not become ready.
    pub async fn start(binary: &Path, name: &str, options: ScenarioOptions) -> Option<Self> {
        let cluster = Cluster::get().await?;
        let namespace = cluster.namespace(name).await;
        let own = cluster.namespace(&format!("{name}-own")).await;
        let state = tempfile::tempdir().expect("temporary directory");
        let options = ControllerOptions {
            kubeconfig: cluster.kubeconfig().to_path_buf(),
            instance: Cluster::unique("e2e"),
            namespace: own.clone(),
            watched: vec![namespace.clone()],
            state: state.path().to_path_buf(),
            poll: options.poll,
            flags: options.flags,
        };
        let mut controller = Controller::start(binary, options).expect("controller");
        controller.wait_ready(SOON).expect("readiness");
        let binary = binary.to_path_buf();
        Some(Self { cluster, namespace, own, repo: GitRepo::new(), controller, binary, state })
    }

    /// Writes files of the repository, commits them all and tells the controller. Returns the full SHA.
    ///
    /// # Panics
    /// When the controller does not take the news.
    pub fn push(&self, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            self.repo.write(path, text);
        }
        let sha = self.repo.commit("change");
        self.refresh();
        sha
    }

    /// Tells the controller that the repository has changed.
    ///
    /// # Panics
    /// When it does not answer 202.
    pub fn refresh(&self) {
        self.controller.refresh(&self.repo.url()).expect("refresh");
    }

    /// Makes an Application: the repository's `main`, directory `app`, Automatic with pruning, into the
    /// scenario's namespace. `changes` is a JSON merge patch to that spec.
    ///
    /// # Panics
    /// When the API server refuses it.
    pub async fn application(&self, name: &str, changes: Value) -> Value {
        let mut spec = json!({
            "sources": [{"git": {"url": self.repo.url(), "revision": "main", "path": PATH}}],
            "destination": {"namespace": self.namespace},
            "sync": {"mode": "Automatic", "prune": true},
        });
        merge(&mut spec, changes);
        let (api_version, kind) = APPLICATIONS;
        let metadata = json!({"name": name, "namespace": self.namespace});
        let object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec});
        self.cluster.rest().create(&object).await.expect("Application")
    }

    /// Merges into an Application: its spec, its annotations.
    ///
    /// # Panics
    /// When the API server refuses.
    pub async fn change(&self, application: &str, patch: Value) {
        let path = self.path(APPLICATIONS.0, APPLICATIONS.1, application);
        self.cluster.rest().merge(&path, &patch, "tester").await.expect("change of the Application");
    }

    /// The directory of what the controller may lose, and of its log.
    pub fn state(&self) -> &Path {
        self.state.path()
    }

    /// Removes what the controller may lose: the cache of the repositories. For a time when it does not run.
    ///
    /// # Panics
    /// When there is none.
    pub fn lose_cache(&self) {
        std::fs::remove_dir_all(self.state.path().join("git")).expect("the cache");
    }

    /// The URL path of an object in the scenario's namespace.
    pub fn path(&self, api_version: &str, kind: &str, name: &str) -> String {
        Resource::of(api_version, kind).object(&self.namespace, name)
    }

    /// An object of the scenario's namespace (or without one), or `None`.
    ///
    /// # Panics
    /// When the API server does not answer.
    pub async fn find(&self, api_version: &str, kind: &str, name: &str) -> Option<Value> {
        self.cluster.rest().find(&self.path(api_version, kind, name)).await.expect("API server")
    }

    /// The Application as it is now.
    ///
    /// # Panics
    /// When there is none.
    pub async fn get(&self, application: &str) -> Value {
        self.find(APPLICATIONS.0, APPLICATIONS.1, application).await.expect("the Application")
    }

    /// Waits until an object is as wanted, and returns it.
    ///
    /// # Panics
    /// With the object as it is, when it does not become so.
    pub async fn until(&self, object: (&str, &str, &str), wanted: impl Fn(&Value) -> bool) -> Value {
        let (api_version, kind, name) = object;
        eventually(SOON, || async {
            match self.find(api_version, kind, name).await {
                Some(found) if wanted(&found) => Ok(found),
                Some(found) => Err(format!("{kind}/{name} is {found:#}")),
                None => Err(format!("there is no {kind}/{name}")),
            }
        })
        .await
    }

    /// Waits until an object is gone.
    ///
    /// # Panics
    /// With the object, when it stays.
    pub async fn until_gone(&self, api_version: &str, kind: &str, name: &str) {
        eventually(SOON, || async {
            match self.find(api_version, kind, name).await {
                None => Ok(()),
                Some(found) => Err(format!("{kind}/{name} is still there: {found:#}")),
            }
        })
        .await;
    }

    /// Waits until an Application is Ready at a revision, and returns it.
    ///
    /// # Panics
    /// With the Application as it is, when it does not become so.
    pub async fn ready(&self, application: &str, sha: &str) -> Value {
        let synced = |found: &Value| {
            condition(found, "Ready").is_some_and(|ready| text(ready, "/status") == "True")
                && text(found, "/status/sync/revision") == sha
                && found.pointer("/status/observedGeneration") == found.pointer("/metadata/generation")
        };
        self.until((APPLICATIONS.0, APPLICATIONS.1, application), synced).await
    }

    /// Waits until an Application is not Ready for a reason, and returns the message.
    ///
    /// # Panics
    /// With the Application as it is, when it does not become so.
    pub async fn not_ready(&self, application: &str, reason: &str) -> String {
        let says = |found: &Value| {
            condition(found, "Ready")
                .is_some_and(|ready| text(ready, "/status") == "False" && text(ready, "/reason") == reason)
        };
        let found = self.until((APPLICATIONS.0, APPLICATIONS.1, application), says).await;
        condition(&found, "Ready").map(|ready| text(ready, "/message").to_owned()).unwrap_or_default()
    }

    /// Every write that the API server let through in the two namespaces, from the controller and from
    /// everyone else.
    pub fn writes(&self) -> Vec<Write> {
        self.cluster.writes(&[&self.namespace, &self.own])
    }

    /// Runs a command of the product's binary as a user would, with the scenario's namespace as the context's.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn cli(&self, arguments: &[&str]) -> Output {
        Command::new(&self.binary)
            .args(arguments)
            .args(["-n", &self.namespace])
            .env("KUBECONFIG", self.cluster.kubeconfig())
            .env("XDG_CACHE_HOME", self.state.path().join("cache"))
            .env("NO_COLOR", "1")
            .output()
            .expect("the binary")
    }
}

/// A condition of an object's status.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)
}

/// RFC 7396.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Value::Object(fields) = target else { return };
    for (key, value) in patch {
        match value {
            Value::Null => drop(fields.remove(&key)),
            value => merge(fields.entry(key).or_insert(Value::Null), value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_merge_replace_and_remove() {
        let mut spec = json!({"sync": {"mode": "Automatic", "prune": true}, "sources": [1]});
        merge(
            &mut spec,
            json!({"sync": {"mode": "Manual", "prune": null}, "sources": [2, 3], "project": "p"}),
        );
        assert_eq!(spec, json!({"sync": {"mode": "Manual"}, "sources": [2, 3], "project": "p"}));
    }

    #[test]
    fn conditions_are_found_by_type() {
        let object = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        assert_eq!(condition(&object, "Ready").map(|found| text(found, "/status")), Some("True"));
        assert_eq!(condition(&object, "Stalled"), None);
    }
}
