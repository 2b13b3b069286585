//! What a controller needs before it can work: its resources, its namespace, its key.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cluster::{
    ApiError, ApplyOptions, Discovery, FieldValidation, Force, Lookup, Resource, ResourceScope, Writer,
};
use lockstep_core::{Gvk, Key, ObjectKey, Value, from_json, to_json};

use crate::context::{applications, projects};
use crate::records::secrets;
use crate::store::Proxy;

/// The pause before the Project `default` is tried to be made again.
const AGAIN: Duration = Duration::from_secs(10);

/// How to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The installation's name: field manager and first part of owner annotations.
    pub instance: Arc<str>,
    /// The controller's namespace, for records, the key and controller-wide credentials.
    pub namespace: Arc<str>,
    /// Only Applications of these namespaces; empty for all.
    pub namespaces: BTreeSet<Arc<str>>,
    /// The directory of the disk cache.
    pub state: PathBuf,
    /// How often a repository is looked at unasked.
    pub poll: Duration,
    /// The managers whose fields are taken over at the first apply of an object.
    pub adopted_managers: Vec<Arc<str>>,
    /// The HTTP proxy for repositories.
    pub proxy: Option<Proxy>,
}

impl Settings {
    /// The field manager of what the controller writes for itself (finalizers, status, records). Not the instance's own: a
    /// parent Application's apply under that one would strip them.
    pub(crate) fn controller_manager(&self) -> Arc<str> {
        format!("{}-controller", self.instance).into()
    }

    pub(crate) fn adopted_managers(&self) -> Vec<&str> {
        self.adopted_managers.iter().map(|manager| &**manager).collect()
    }
}

/// Why a controller cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The API server did not do what is needed.
    #[error("cannot {doing}")]
    Api {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: ApiError,
    },
    /// The Secret with the installation's key is damaged. Without it nothing that was recorded can be compared.
    #[error("the installation's key in Secret {secret} cannot be read")]
    Key {
        /// Its name.
        secret: String,
        /// Why.
        #[source]
        source: api::KeyError,
    },
    /// The operating system gave no random numbers.
    #[error("no random numbers for a new installation key")]
    Random,
    /// The disk cache cannot be used.
    #[error("cannot use the directory {0}")]
    State(PathBuf, #[source] git::Error),
    /// A resource of ours is not served although its definition was applied.
    #[error("the API server does not serve {0} after its definition was applied")]
    NotServed(Arc<str>),
}

fn api(doing: &'static str) -> impl FnOnce(ApiError) -> SetupError {
    move |source| SetupError::Api { doing, source }
}

/// Makes sure that Applications and Projects are served. Writes only what differs: a restart costs no write.
pub(crate) async fn install(
    writer: &Writer,
    discovery: &Discovery,
    settings: &Settings,
) -> Result<(), SetupError> {
    let resource = Resource::new(
        Gvk::new("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
        "customresourcedefinitions",
        ResourceScope::Cluster,
    );
    for (_, definition) in api::custom_resources() {
        let name = definition.str_at(&["metadata", "name"]).unwrap_or_default().to_owned();
        let key = ObjectKey::new("apiextensions.k8s.io", "CustomResourceDefinition", "", &name);
        apply(writer, &resource, &key, &definition, settings)
            .await
            .map_err(api("install the CustomResourceDefinitions"))?;
    }
    for resource in [applications(), projects()] {
        await_served(discovery, &resource).await?;
    }
    Ok(())
}

async fn await_served(discovery: &Discovery, resource: &Resource) -> Result<(), SetupError> {
    for _ in 0..100 {
        let lookup =
            discovery.resource_now(&resource.gvk).await.map_err(api("read what the API server serves"))?;
        if matches!(lookup, Lookup::Served(_)) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        discovery.refresh().await.map_err(api("read what the API server serves"))?;
    }
    Err(SetupError::NotServed(resource.plural.clone()))
}

async fn apply(
    writer: &Writer,
    resource: &Resource,
    key: &ObjectKey,
    wanted: &Value,
    settings: &Settings,
) -> Result<(), ApiError> {
    match writer.connection().get(resource, key).await {
        Ok(live) if from_json(live.bytes()).is_ok_and(|live| live.covers(wanted)) => return Ok(()),
        Ok(_) | Err(ApiError::NotFound) => {}
        Err(error) => return Err(error),
    }
    let options = ApplyOptions {
        manager: settings.controller_manager(),
        force: Force::Yes,
        validation: FieldValidation::Warn,
        ..ApplyOptions::default()
    };
    writer.apply(resource, key, Bytes::from(to_json(wanted)), &options).await.map(drop)
}

/// Makes sure that the controller's namespace is there.
pub(crate) async fn furnish(writer: &Writer, settings: &Settings) -> Result<(), SetupError> {
    let namespaces = Resource::new(crate::cluster_view::namespaces(), "namespaces", ResourceScope::Cluster);
    let key = ObjectKey::new("", "Namespace", "", &settings.namespace);
    let mut namespace = Value::default();
    namespace.set(&["apiVersion"], "v1".into());
    namespace.set(&["kind"], "Namespace".into());
    namespace.set(&["metadata", "name"], (*settings.namespace).into());
    create(writer, &namespaces, &key, &namespace, settings)
        .await
        .map_err(api("make the controller's namespace"))
}

/// The Project `default`, if it is not there and is to be made.
pub(crate) async fn missing_project(writer: &Writer) -> Result<Option<Value>, SetupError> {
    match writer.connection().get(&projects(), &default_project_key()).await {
        Ok(_) => Ok(None),
        Err(ApiError::NotFound) => Ok(Some(::api::default_project())),
        Err(error) => Err(api("read the Project default")(error)),
    }
}

/// Makes the Project `default`. An API server holds the first create of a new kind back for two seconds, so that nobody
/// should wait for this.
pub(crate) async fn make_project(writer: Writer, project: Value, settings: Settings) {
    while let Err(error) = create(&writer, &projects(), &default_project_key(), &project, &settings).await {
        tracing::warn!(%error, "The Project default could not be made");
        tokio::time::sleep(AGAIN).await;
    }
}

fn default_project_key() -> ObjectKey {
    ObjectKey::new(::api::GROUP, "Project", "", ::api::DEFAULT_PROJECT)
}

async fn create(
    writer: &Writer,
    resource: &Resource,
    key: &ObjectKey,
    object: &Value,
    settings: &Settings,
) -> Result<(), ApiError> {
    match writer.connection().get(resource, key).await {
        Err(ApiError::NotFound) => {}
        answer => return answer.map(drop),
    }
    let options = ApplyOptions { manager: settings.controller_manager(), ..ApplyOptions::default() };
    match writer.create(resource, key, Bytes::from(to_json(object)), &options).await {
        Ok(_) | Err(ApiError::AlreadyExists) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Reads the installation's key, or makes one. Of two that are made at the same time one stays, for both.
pub(crate) async fn key(writer: &Writer, settings: &Settings) -> Result<Key, SetupError> {
    let name = ::api::instance_key_name(&settings.instance);
    let key = ObjectKey::new("", "Secret", &settings.namespace, &name);
    let found = writer.connection().get(&secrets(), &key).await;
    if !matches!(found, Err(ApiError::NotFound)) {
        return read_key(&name, found.map_err(api("read the installation's key"))?.bytes());
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| SetupError::Random)?;
    let secret = ::api::instance_key_secret(&settings.namespace, &settings.instance, &bytes);
    let options = ApplyOptions { manager: settings.controller_manager(), ..ApplyOptions::default() };
    match writer.create(&secrets(), &key, Bytes::from(to_json(&secret)), &options).await {
        Ok(_) => Ok(Key::new(bytes)),
        Err(ApiError::AlreadyExists) => {
            let found = writer
                .connection()
                .get(&secrets(), &key)
                .await
                .map_err(api("read the installation's key"))?;
            read_key(&name, found.bytes())
        }
        Err(error) => Err(api("store the installation's key")(error)),
    }
}

fn read_key(secret: &str, bytes: &[u8]) -> Result<Key, SetupError> {
    let value = from_json(bytes).unwrap_or_default();
    ::api::instance_key(&value).map_err(|source| SetupError::Key { secret: secret.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_of_the_server_are_no_difference() {
        let parse = |text: &str| from_json(text.as_bytes()).unwrap();
        let wanted = parse(r#"{"spec":{"names":{"kind":"A"},"versions":[{"name":"v1"}]}}"#);
        for (live, expected) in [
            (
                r#"{"spec":{"names":{"kind":"A","listKind":"AList"},"versions":[{"name":"v1","x":1}]},"status":{}}"#,
                true,
            ),
            (r#"{"spec":{"names":{"kind":"B"},"versions":[{"name":"v1"}]}}"#, false),
            (r#"{"spec":{"names":{"kind":"A"},"versions":[]}}"#, false),
            (r#"{"spec":{"names":{"kind":"A"}}}"#, false),
        ] {
            assert_eq!(parse(live).covers(&wanted), expected, "{live}");
        }
    }
}
