//! Records on the API server: one Secret for each shard of an Application's record.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::{Shard, Sharding, StoredRecord};
use bytes::Bytes;
use cluster::{
    ApiError, ApplyOptions, Connection, DeleteOptions, DryRun, Priority, Resource, ResourceScope, Selector,
    Watch, WatchEvent, Writer,
};
use lockstep_core::{AppKey, AppRecord, Gvk, ObjectKey, Propagation, Value, from_json, to_json};

/// Core Secrets, known without asking discovery.
pub(crate) fn secrets() -> Resource {
    Resource::new(Gvk::new("", "v1", "Secret"), "secrets", ResourceScope::Namespaced)
}

/// Reads all records of an installation. What cannot be read is told once and recorded anew by the next syncs.
pub(crate) async fn read(connection: &Connection, namespace: &str, instance: &str) -> api::Records {
    let selector = Selector { labels: api::record_selector(instance), fields: String::new() };
    let watch = Watch::start(connection, &secrets(), Some(namespace), selector);
    let mut found: Vec<Value> = Vec::new();
    loop {
        match watch.next().await {
            WatchEvent::Applied(secret) => found.extend(from_json(secret.bytes()).ok()),
            WatchEvent::Synced => break,
            WatchEvent::Deleted(_) => {}
            WatchEvent::Failing(failure) => tracing::warn!(error = %failure, "Records cannot be read yet"),
        }
    }
    let records = api::read_records(&found);
    for error in &records.errors {
        tracing::error!(%error, "A record is lost and will be written anew");
    }
    records
}

/// The record of one Application, as it is in memory and on the API server.
#[derive(Debug)]
pub(crate) struct Recorded {
    record: AppRecord,
    sharding: Sharding,
    /// The shards that may exist on the server.
    stored: BTreeSet<u32>,
}

impl Recorded {
    /// From what was found at start, or empty.
    pub(crate) fn new(app: &AppKey, namespace: &str, instance: &str, found: Option<StoredRecord>) -> Self {
        // Whatever was found, empty shards and damaged ones among it, is to be removed in the end.
        let shards = found.as_ref().map_or(0, |found| found.count.max(1));
        let stored = (0..shards).collect();
        let StoredRecord { record, count, missing: _ } = found.unwrap_or_default();
        let count = count.max(1);
        let (instance, namespace) = (instance.to_owned(), namespace.to_owned());
        Self { record, sharding: Sharding { instance, namespace, app: app.clone(), count }, stored }
    }

    /// Whose it is.
    pub(crate) fn app(&self) -> &AppKey {
        &self.sharding.app
    }

    /// Whether there may be Secrets of it.
    pub(crate) fn is_stored(&self) -> bool {
        !self.stored.is_empty()
    }

    /// What was applied.
    pub(crate) fn record(&self) -> &AppRecord {
        &self.record
    }

    /// Makes `after` the record, on the server first. Where that fails the old one stands, and what was written is applied and
    /// recorded again by the next plan.
    pub(crate) async fn save(&mut self, writer: &Writer, after: AppRecord) -> Result<(), ApiError> {
        if after == self.record {
            return Ok(());
        }
        let mut sharding = self.sharding.clone();
        let shards = sharding.update(&self.record, &after);
        for shard in &shards {
            self.write(writer, &sharding, shard).await?;
        }
        self.sharding = sharding;
        self.record = after;
        Ok(())
    }

    /// Removes every Secret of it.
    pub(crate) async fn remove(&mut self, writer: &Writer) -> Result<(), ApiError> {
        let options = DeleteOptions {
            uid: None,
            resource_version: None,
            propagation: Propagation::Background,
            dry_run: DryRun::No,
        };
        while let Some(index) = self.stored.last().copied() {
            let key = self.key(&self.sharding, index);
            match writer.with(Priority::Record).delete(&secrets(), &key, &options).await {
                Ok(_) | Err(ApiError::NotFound | ApiError::NamespaceMissing) => self.stored.remove(&index),
                Err(error) => return Err(error),
            };
        }
        self.record = AppRecord::default();
        Ok(())
    }

    fn key(&self, sharding: &Sharding, index: u32) -> ObjectKey {
        ObjectKey::new("", "Secret", &sharding.namespace, &sharding.secret_name(index))
    }

    async fn write(&mut self, writer: &Writer, sharding: &Sharding, shard: &Shard) -> Result<(), ApiError> {
        let writer = writer.with(Priority::Record);
        let key = self.key(sharding, shard.index);
        let body = Bytes::from(to_json(&sharding.secret(shard)));
        let options = ApplyOptions { manager: Arc::from(&*sharding.instance), ..ApplyOptions::default() };
        if !self.stored.contains(&shard.index) {
            match writer.create(&secrets(), &key, body.clone(), &options).await {
                // A crash came between the write and the memory of it: ours all the same, by its name.
                Err(ApiError::AlreadyExists) => {}
                answer => {
                    answer?;
                    self.stored.insert(shard.index);
                    return Ok(());
                }
            }
        }
        match writer.update(&secrets(), &key, body.clone(), &options).await {
            // Somebody deleted it.
            Err(ApiError::NotFound) => writer.create(&secrets(), &key, body, &options).await?,
            answer => answer?,
        };
        self.stored.insert(shard.index);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_was_found_is_removed_in_the_end() {
        let app = AppKey::new("n", "a");
        let stored = |found: Option<StoredRecord>| Recorded::new(&app, "own", "lockstep", found).stored;
        assert!(stored(None).is_empty());
        let found = |count, missing: &[u32]| StoredRecord {
            record: AppRecord::default(),
            count,
            missing: missing.iter().copied().collect(),
        };
        // Everything was pruned; everything is damaged.
        assert_eq!(stored(Some(found(1, &[]))), BTreeSet::from([0]));
        assert_eq!(stored(Some(found(0, &[0]))), BTreeSet::from([0]));
        assert_eq!(stored(Some(found(2, &[1]))), BTreeSet::from([0, 1]));
    }
}
