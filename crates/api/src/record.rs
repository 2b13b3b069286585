//! Records read back from the Secrets that keep them.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lockstep_core::{AppKey, AppRecord, ObjectKey, ObjectRecord, Value};

use crate::shard::{APPLICATION_ANNOTATION, DATA_KEY, DecodeError, StoredShard, decode, index_of};

/// The record of one Application as it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredRecord {
    /// What was applied.
    pub record: AppRecord,
    /// Over how many shards it is spread.
    pub count: u32,
    /// Shards that are not there or could not be read. While there are any, an object without an entry may still be ours.
    pub missing: BTreeSet<u32>,
}

/// Everything that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// One record an Application.
    pub applications: BTreeMap<AppKey, StoredRecord>,
    /// What could not be read.
    pub errors: Vec<ShardError>,
}

/// A shard that could not be read. The others of its Application stand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// Another version of Lockstep wrote it: its objects are recorded anew by paced no-op applies, without alarm.
    #[error("record {secret} has format {version}, which this version does not read")]
    UnknownVersion {
        /// The Secret's name.
        secret: String,
        /// The Application, where the Secret names it.
        application: Option<AppKey>,
        /// The format.
        version: u8,
    },
    /// It is damaged: its objects are recorded anew, and somebody should know.
    #[error("record {secret} is damaged")]
    Corrupt {
        /// The Secret's name.
        secret: String,
        /// The Application, where the Secret names it.
        application: Option<AppKey>,
    },
}

/// Reads every record from the Secrets of [`crate::record_selector`].
pub fn read_records<'a>(secrets: impl IntoIterator<Item = &'a Value>) -> Records {
    let mut records = Records::default();
    let mut shards: BTreeMap<AppKey, Vec<StoredShard>> = BTreeMap::new();
    for secret in secrets {
        match read_shard(secret) {
            Ok(shard) => shards.entry(shard.app.clone()).or_default().push(shard),
            Err(error) => records.errors.push(error),
        }
    }
    // An Application all of whose shards are damaged has a record too: an empty one that says what is missing.
    for error in &records.errors {
        let (ShardError::UnknownVersion { application, .. } | ShardError::Corrupt { application, .. }) =
            error;
        shards
            .extend(application.clone().filter(|app| !shards.contains_key(app)).map(|app| (app, Vec::new())));
    }
    records.applications = shards.into_iter().map(|(app, shards)| (app, assemble(shards))).collect();
    records
}

fn read_shard(secret: &Value) -> Result<StoredShard, ShardError> {
    let name = secret.str_at(&["metadata", "name"]).unwrap_or_default().to_owned();
    let application = secret.str_at(&["metadata", "annotations", APPLICATION_ANNOTATION]);
    let application = application
        .and_then(|text| text.split_once('/'))
        .map(|(namespace, name)| AppKey::new(namespace, name));
    let bytes = secret.str_at(&["data", DATA_KEY]).and_then(|text| STANDARD.decode(text).ok());
    match decode(&bytes.unwrap_or_default()) {
        Ok(shard) => Ok(shard),
        Err(DecodeError::Version(version)) => {
            Err(ShardError::UnknownVersion { secret: name, application, version })
        }
        Err(DecodeError::Malformed) => Err(ShardError::Corrupt { secret: name, application }),
    }
}

/// Puts the shards of one Application together. A crash while the number of shards grows leaves shards of both numbers: an
/// entry counts only where no shard of a larger number is responsible for its object.
fn assemble(mut shards: Vec<StoredShard>) -> StoredRecord {
    shards.sort_by_key(|shard| std::cmp::Reverse(shard.count));
    let count = shards.first().map_or(1, |shard| shard.count);
    let present: BTreeSet<(u32, u32)> = shards.iter().map(|shard| (shard.count, shard.index)).collect();
    let counts: BTreeSet<u32> = shards.iter().map(|shard| shard.count).collect();
    let superseded = |key: &ObjectKey, of: u32| {
        let larger = counts.iter().filter(|count| **count > of);
        larger.into_iter().any(|count| present.contains(&(*count, index_of(key, *count))))
    };
    let mut objects: BTreeMap<ObjectKey, ObjectRecord> = BTreeMap::new();
    for shard in shards {
        let current = shard.objects.into_iter().filter(|(key, _)| !superseded(key, shard.count));
        for (key, entry) in current {
            objects.entry(key).or_insert(entry);
        }
    }
    let covered = |index: &u32| present.iter().any(|(smaller, at)| index % smaller == *at);
    let missing = (0..count).filter(|index| !covered(index)).collect();
    StoredRecord { record: AppRecord { objects }, count, missing }
}
