//! An installation's key and records, read once.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::StoredRecord;
use cluster::{ApiError, Connection, RawObject, Selector};
use lockstep_core::{AppKey, AppRecord, Key, ObjectKey, Value, from_json};

use super::error::InspectError;
use crate::records::secrets;

/// Where a controller keeps its Secrets if it is not told otherwise.
const USUAL_NAMESPACE: &str = "lockstep-system";

/// What an installation keeps in its namespace.
pub(super) struct Installation {
    pub(super) namespace: Arc<str>,
    pub(super) key: Key,
    records: BTreeMap<AppKey, StoredRecord>,
}

impl Installation {
    pub(super) async fn read(
        connection: &Connection,
        instance: &Arc<str>,
        namespace: Option<&str>,
    ) -> Result<Self, InspectError> {
        let (namespace, key) = find_key(connection, instance, namespace).await?;
        let selector = Selector { labels: api::record_selector(instance), fields: String::new() };
        let found = connection.list(&secrets(), Some(&namespace), &selector).await.map_err(|error| {
            let right = format!("list secrets in namespace {namespace}");
            InspectError::read("read what was applied", right, error)
        })?;
        let found: Vec<Value> = found.iter().filter_map(|raw| from_json(raw.bytes()).ok()).collect();
        Ok(Self { namespace, key, records: api::read_records(&found).applications })
    }

    pub(super) fn record(&self, app: &AppKey) -> AppRecord {
        self.records.get(app).map(|stored| stored.record.clone()).unwrap_or_default()
    }

    pub(super) fn others(&self, app: &AppKey) -> impl Iterator<Item = (&AppKey, &StoredRecord)> {
        self.records.iter().filter(move |(other, _)| *other != app)
    }
}

async fn find_key(
    connection: &Connection,
    instance: &Arc<str>,
    namespace: Option<&str>,
) -> Result<(Arc<str>, Key), InspectError> {
    let name = api::instance_key_name(instance);
    let usual = namespace.unwrap_or(USUAL_NAMESPACE);
    let at = ObjectKey::new("", "Secret", usual, &name);
    let answer = match connection.get(&secrets(), &at).await {
        Err(ApiError::NotFound | ApiError::NamespaceMissing) => {
            let elsewhere = if namespace.is_none() { search(connection, instance).await } else { None };
            elsewhere.ok_or_else(|| InspectError::NoInstallation {
                instance: instance.clone(),
                namespace: usual.into(),
            })
        }
        answer => answer.map_err(|error| {
            let right = format!("get secret {name} in namespace {usual}");
            InspectError::read("read the installation's key", right, error)
        }),
    }?;
    let value = from_json(answer.bytes()).unwrap_or_default();
    let key = api::instance_key(&value).map_err(|source| InspectError::Key { secret: name, source })?;
    Ok((answer.meta.namespace.clone(), key))
}

/// The only key of this name in the cluster. Who may not look everywhere has to say where it is.
async fn search(connection: &Connection, instance: &str) -> Option<RawObject> {
    let labels = format!("{}=instance-key,{}={instance}", api::TYPE_LABEL, api::INSTANCE_LABEL);
    let selector = Selector { labels, fields: String::new() };
    let mut found = connection.list(&secrets(), None, &selector).await.ok()?;
    if found.len() == 1 { found.pop() } else { None }
}
