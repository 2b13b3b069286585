//! The demo's objects in the cluster.

use std::path::Path;

use anyhow::{Context, bail};
use cluster::{
    ApiError, ApplyOptions, Connection, DeleteOptions, DryRun, Force, Limiter, Resource, ResourceScope,
    Selector, Watch, Writer,
};
use lockstep_core::{Gvk, ObjectKey, Propagation, Value, to_json};

use super::{APPLICATIONS, NAME, PATIENCE};

/// How often is looked whether something is gone.
const GLANCE: std::time::Duration = std::time::Duration::from_millis(100);

/// The demo's objects in the cluster.
pub(super) struct Stage {
    connection: Connection,
    writer: Writer,
    kubectl: String,
}

impl Stage {
    /// `kubeconfig` is the one that the user named, if any.
    pub(super) fn new(connection: &Connection, kubeconfig: Option<&Path>) -> Self {
        let file = kubeconfig.map(|file| format!(" --kubeconfig {}", file.display()));
        let context = connection.context().map(|context| format!(" --context {context}"));
        let kubectl = format!("kubectl{}{} -n {NAME}", file.unwrap_or_default(), context.unwrap_or_default());
        let writer = Writer::new(connection, &Limiter::default());
        Self { connection: connection.clone(), writer, kubectl }
    }

    /// How the user calls kubectl for this cluster and namespace.
    pub(super) fn kubectl(&self) -> &str {
        &self.kubectl
    }

    /// Makes the namespace. One that is on its way out, of a demo before this one, goes first.
    pub(super) async fn furnish(&self) -> anyhow::Result<()> {
        let (resource, key) = address("Namespace", NAME);
        if self.connection.get(&resource, &key).await.is_ok_and(|old| old.meta.deleting_since.is_some()) {
            self.gone("Namespace", NAME).await?;
        }
        let mut namespace = Value::default();
        namespace.set(&["apiVersion"], "v1".into());
        namespace.set(&["kind"], "Namespace".into());
        namespace.set(&["metadata", "name"], NAME.into());
        self.apply(&namespace).await
    }

    /// Makes the namespace or an Application.
    pub(super) async fn apply(&self, object: &Value) -> anyhow::Result<()> {
        let text = |keys: &[&str]| object.str_at(keys).unwrap_or_default();
        let (resource, key) = address(text(&["kind"]), text(&["metadata", "name"]));
        let options = ApplyOptions { manager: NAME.into(), force: Force::Yes, ..ApplyOptions::default() };
        let written = self.writer.apply(&resource, &key, to_json(object).into(), &options).await;
        written.map(drop).with_context(|| format!("cannot make {key}"))
    }

    /// Follows the Applications.
    pub(super) fn watch(&self) -> Watch {
        let (resource, _) = address("Application", "");
        Watch::start(&self.connection, &resource, Some(NAME), Selector::default())
    }

    /// Deletes the Applications, waits until the controller has deleted their objects, and deletes the namespace too.
    pub(super) async fn remove(&self) -> anyhow::Result<()> {
        for name in APPLICATIONS {
            self.delete("Application", name).await?;
        }
        for name in APPLICATIONS {
            self.gone("Application", name).await?;
        }
        self.delete("Namespace", NAME).await?;
        self.gone("Namespace", NAME).await
    }

    async fn delete(&self, kind: &str, name: &str) -> anyhow::Result<()> {
        let (resource, key) = address(kind, name);
        let options = DeleteOptions {
            uid: None,
            resource_version: None,
            propagation: Propagation::Background,
            dry_run: DryRun::No,
        };
        match self.writer.delete(&resource, &key, &options).await {
            Ok(_) | Err(ApiError::NotFound) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("cannot delete {key}")),
        }
    }

    async fn gone(&self, kind: &str, name: &str) -> anyhow::Result<()> {
        let (resource, key) = address(kind, name);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < deadline {
            match self.connection.get(&resource, &key).await {
                Ok(_) => tokio::time::sleep(GLANCE).await,
                Err(ApiError::NotFound) => return Ok(()),
                Err(error) => return Err(error).with_context(|| format!("cannot read {key}")),
            }
        }
        bail!("{key} is still being deleted; {} get lapp -o wide says why", self.kubectl)
    }
}

/// Where an object of the demo is.
fn address(kind: &str, name: &str) -> (Resource, ObjectKey) {
    match kind {
        "Namespace" => (
            Resource::new(Gvk::new("", "v1", kind), "namespaces", ResourceScope::Cluster),
            ObjectKey::new("", kind, "", name),
        ),
        _ => (
            Resource::new(
                Gvk::new(api::GROUP, api::VERSION, kind),
                "applications",
                ResourceScope::Namespaced,
            ),
            ObjectKey::new(api::GROUP, kind, NAME, name),
        ),
    }
}
