//! Applications as the command line reads and writes them.

use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use cluster::{
    ApiError, ApplyOptions, Connection, FieldValidation, Limiter, Patch, Resource, ResourceScope, Selector,
    Watch, Writer,
};
use controller::InspectError;
use lockstep_core::{AppKey, Gvk, ObjectKey, Value, from_json, to_json};

use crate::connect::Connect;

/// The field manager of what the command line writes.
const MANAGER: &str = "lockstep-cli";

/// Which cluster and which namespace.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Place {
    #[command(flatten)]
    pub(crate) connect: Connect,
    /// The namespace; else that of the context.
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
}

impl Place {
    /// Opens the connection.
    pub(crate) async fn open(&self) -> anyhow::Result<Applications> {
        let connection = self.connect.open().await?;
        let namespace = self.namespace.as_deref().unwrap_or_else(|| connection.default_namespace()).into();
        Ok(Applications { writer: Writer::new(&connection, &Limiter::default()), connection, namespace })
    }
}

/// The Applications of one namespace.
pub(crate) struct Applications {
    pub(crate) connection: Connection,
    pub(crate) namespace: Arc<str>,
    writer: Writer,
}

impl Applications {
    /// The name of an Application here.
    pub(crate) fn key(&self, name: &str) -> AppKey {
        AppKey::new(&self.namespace, name)
    }

    /// Reads one.
    pub(crate) async fn get(&self, name: &str) -> anyhow::Result<Value> {
        Ok(controller::read_application(&self.connection, &self.key(name)).await?)
    }

    /// Reads those of the namespace, or of all namespaces.
    pub(crate) async fn list(&self, namespace: Option<&str>) -> anyhow::Result<Vec<Value>> {
        let found = self.connection.list(&resource(), namespace, &Selector::default()).await;
        let found = found.map_err(|error| failed("list the Applications", error))?;
        let mut applications: Vec<Value> = Vec::with_capacity(found.len());
        for raw in &found {
            // Items of a list lack both.
            let mut application = from_json(raw.bytes()).context("the API server's answer is no JSON")?;
            application.set(&["apiVersion"], api::API_VERSION.into());
            application.set(&["kind"], "Application".into());
            applications.push(application);
        }
        applications.sort_by_key(|application| {
            let text = |key| application.str_at(&["metadata", key]).unwrap_or_default().to_owned();
            (text("namespace"), text("name"))
        });
        Ok(applications)
    }

    /// Makes one.
    pub(crate) async fn create(&self, application: &Value) -> anyhow::Result<Value> {
        let text = |key| application.str_at(&["metadata", key]).unwrap_or_default();
        let (namespace, name) = (text("namespace"), text("name"));
        let key = ObjectKey::new(api::GROUP, "Application", namespace, name);
        let options = ApplyOptions {
            manager: MANAGER.into(),
            validation: FieldValidation::Strict,
            ..ApplyOptions::default()
        };
        let body = Bytes::from(to_json(application));
        match self.writer.create(&resource(), &key, body, &options).await {
            Ok(written) => Ok(from_json(written.object.bytes()).unwrap_or_default()),
            Err(ApiError::NotServed) => Err(InspectError::NotInstalled.into()),
            // A file may hold many.
            Err(error) => Err(anyhow::Error::new(error)
                .context(format!("cannot create Application {name} in namespace {namespace}"))),
        }
    }

    /// Changes a part of one.
    pub(crate) async fn patch(&self, name: &str, patch: &Value) -> anyhow::Result<Value> {
        let key = self.object(name);
        let options = ApplyOptions { manager: MANAGER.into(), ..ApplyOptions::default() };
        let patch = Patch::Merge(Bytes::from(to_json(patch)));
        match self.writer.patch(&resource(), &key, "", patch, &options).await {
            Ok(written) => Ok(from_json(written.object.bytes()).unwrap_or_default()),
            Err(error) => Err(self.failed(name, "change the Application", error)),
        }
    }

    /// Asks for the deletion of one.
    pub(crate) async fn delete(&self, name: &str) -> anyhow::Result<()> {
        let options = cluster::DeleteOptions {
            uid: None,
            resource_version: None,
            propagation: lockstep_core::Propagation::Background,
            dry_run: cluster::DryRun::No,
        };
        match self.writer.delete(&resource(), &self.object(name), &options).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(name, "delete the Application", error)),
        }
    }

    /// Follows one.
    pub(crate) fn watch(&self, name: &str) -> Watch {
        let selector = Selector { fields: format!("metadata.name={name}"), labels: String::new() };
        Watch::start(&self.connection, &resource(), Some(&self.namespace), selector)
    }

    fn object(&self, name: &str) -> ObjectKey {
        ObjectKey::new(api::GROUP, "Application", &self.namespace, name)
    }

    fn failed(&self, name: &str, doing: &'static str, error: ApiError) -> anyhow::Error {
        match error {
            ApiError::NotFound | ApiError::NamespaceMissing => {
                InspectError::NoApplication(self.key(name)).into()
            }
            error => failed(doing, error),
        }
    }
}

fn failed(doing: &'static str, error: ApiError) -> anyhow::Error {
    match error {
        ApiError::NotServed => InspectError::NotInstalled.into(),
        source => InspectError::Api { doing, source }.into(),
    }
}

fn resource() -> Resource {
    let gvk = Gvk::new(api::GROUP, api::VERSION, "Application");
    Resource::new(gvk, "applications", ResourceScope::Namespaced)
}
