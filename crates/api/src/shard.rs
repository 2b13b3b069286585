//! Records on the wire: Secrets of at most 64 KB, spread by the hash of the object's key, so that one object's change
//! rewrites one of them.
//!
//! The format: one byte with the version, four with the length of the text (little-endian), then the text in zlib's format.
//! The text is JSON; what many objects share (field sets, kinds, namespaces, commits) is in tables beside them.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use lockstep_core::{
    ApiVersion, AppKey, AppRecord, CommitId, Digest, Gvk, Map, ObjectKey, ObjectRecord, Value, from_json,
    to_json,
};
use zlib_rs::{DeflateConfig, InflateConfig, ReturnCode, compress_bound, compress_slice, decompress_slice};

use crate::instance::secret;
use crate::{INSTANCE_LABEL, TYPE_LABEL};

/// Names the Application whose record a Secret holds a part of.
pub(crate) const APPLICATION_ANNOTATION: &str = "lockstep.dev/application";
/// The field of the Secret.
pub(crate) const DATA_KEY: &str = "record";

const FORMAT: u8 = 1;
/// Bytes of one shard: 64 KB once they are in base64.
const LARGEST: usize = 48 * 1024;
/// Bytes of the text inside a shard. What claims to be larger is damaged or hostile.
const LARGEST_TEXT: usize = 16 * 1024 * 1024;
/// At so many shards they may grow beyond their size instead: a Secret holds up to 1 MB.
const MOST_SHARDS: u32 = 4096;

/// The label selector of the Secrets that hold an installation's records.
pub fn record_selector(instance: &str) -> String {
    format!("{TYPE_LABEL}=record,{INSTANCE_LABEL}={instance}")
}

/// How the record of one Application is spread over Secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sharding {
    /// The installation.
    pub instance: String,
    /// The namespace of the Secrets.
    pub namespace: String,
    /// The Application.
    pub app: AppKey,
    /// Over how many.
    pub count: u32,
}

/// One Secret's worth of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which of them, from 0.
    pub index: u32,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl Sharding {
    /// The Secrets to write so that `after` is recorded where `before` was; new ones first, so that a crash loses no entry.
    ///
    /// Usually these are those with a changed object. Where one of them grows too large, the number of shards doubles (`self`
    /// then has the new number) and all are written.
    pub fn update(&mut self, before: &AppRecord, after: &AppRecord) -> Vec<Shard> {
        let changed = self.changed(before, after);
        let shards: Option<Vec<Shard>> = self.encode(after, &changed);
        if let Some(shards) = shards {
            return shards;
        }
        self.grow(after)
    }

    /// Every Secret of a record, whatever was written before.
    pub fn all(&mut self, record: &AppRecord) -> Vec<Shard> {
        let every = (0..self.count).collect();
        self.encode(record, &every).unwrap_or_else(|| self.grow(record))
    }

    /// The name of one of the Secrets. The Application's name is in it as a digest: together with an index it could be too long.
    pub fn secret_name(&self, index: u32) -> String {
        let digest = Digest::of(format!("{}:{}", self.instance, self.app).as_bytes());
        format!("{}-record-{}-{index}", self.instance, &digest.to_string()[..16])
    }

    /// The Secret of a shard.
    pub fn secret(&self, shard: &Shard) -> Value {
        let mut secret = secret(&self.namespace, &self.secret_name(shard.index), &self.instance, "record");
        secret.set(&["metadata", "annotations", APPLICATION_ANNOTATION], self.app.to_string().into());
        secret.set(&["data", DATA_KEY], STANDARD.encode(&shard.bytes).into());
        secret
    }

    fn grow(&mut self, record: &AppRecord) -> Vec<Shard> {
        loop {
            self.count = (self.count * 2).min(MOST_SHARDS);
            let every = (0..self.count).collect();
            if let Some(mut shards) = self.encode(record, &every) {
                shards.reverse();
                return shards;
            }
        }
    }

    fn changed(&self, before: &AppRecord, after: &AppRecord) -> BTreeSet<u32> {
        let gone = before.objects.keys().filter(|key| !after.objects.contains_key(*key));
        let new = after.objects.iter().filter(|(key, entry)| before.objects.get(*key) != Some(*entry));
        gone.chain(new.map(|(key, _)| key)).map(|key| index_of(key, self.count)).collect()
    }

    fn encode(&self, record: &AppRecord, indices: &BTreeSet<u32>) -> Option<Vec<Shard>> {
        let mut parts: BTreeMap<u32, Vec<(&ObjectKey, &ObjectRecord)>> = BTreeMap::new();
        for (key, entry) in &record.objects {
            let index = index_of(key, self.count);
            if indices.contains(&index) {
                parts.entry(index).or_default().push((key, entry));
            }
        }
        let shard = |index: &u32| {
            let part = parts.remove(index).unwrap_or_default();
            let alone = part.len() <= 1 || self.count == MOST_SHARDS;
            let bytes = encode(&self.app, (*index, self.count), &part);
            (alone || bytes.len() <= LARGEST).then_some(Shard { index: *index, bytes })
        };
        indices.iter().map(shard).collect()
    }
}

/// Which of `count` shards keeps an object.
pub(crate) fn index_of(key: &ObjectKey, count: u32) -> u32 {
    let [a, b, c, d, ..] = Digest::of(key.to_reference().as_bytes()).0;
    u32::from_le_bytes([a, b, c, d]) % count.max(1)
}

/// A table of values that many objects share.
struct Table<'a, T> {
    known: BTreeMap<&'a T, usize>,
    values: Vec<Value>,
}

impl<'a, T: Ord> Table<'a, T> {
    fn new() -> Self {
        Self { known: BTreeMap::new(), values: Vec::new() }
    }

    fn place(&mut self, item: &'a T, value: impl FnOnce() -> Value) -> Value {
        let next = self.values.len();
        let place = *self.known.entry(item).or_insert(next);
        if place == next {
            self.values.push(value());
        }
        Value::uint(place as u64)
    }
}

fn encode(app: &AppKey, (index, count): (u32, u32), part: &[(&ObjectKey, &ObjectRecord)]) -> Vec<u8> {
    let mut kinds = Table::new();
    let mut namespaces = Table::new();
    let mut commits = Table::new();
    let mut field_sets = Table::new();
    let mut objects = Vec::with_capacity(part.len());
    for (key, entry) in part {
        let ObjectRecord { gvk, uid, rendered, fields, presence, live, commit } = entry;
        objects.push(Value::list(vec![
            kinds.place(gvk, || Value::list(vec![gvk.api.to_string().into(), gvk.kind.clone().into()])),
            namespaces.place(&key.namespace, || key.namespace.clone().into()),
            key.name.clone().into(),
            pack_uid(uid).into(),
            pack_digest(rendered).into(),
            pack_digest(live).into(),
            field_sets.place(fields, || fields.clone()),
            field_sets.place(presence, || presence.clone()),
            commits.place(commit, || commit.as_str().into()),
        ]));
    }
    let text = Value::map(Map::from([
        ("app".into(), app.to_string().into()),
        ("shard".into(), Value::list(vec![i64::from(index).into(), i64::from(count).into()])),
        ("kinds".into(), Value::list(kinds.values)),
        ("namespaces".into(), Value::list(namespaces.values)),
        ("commits".into(), Value::list(commits.values)),
        ("fields".into(), Value::list(field_sets.values)),
        ("objects".into(), Value::list(objects)),
    ]));
    pack(&to_json(&text))
}

fn pack(text: &[u8]) -> Vec<u8> {
    let mut packed = vec![0; compress_bound(text.len())];
    let (packed, _) = compress_slice(&mut packed, text, DeflateConfig::default());
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    [&[FORMAT][..], &length.to_le_bytes(), packed].concat()
}

/// Why bytes are no shard.
pub(crate) enum DecodeError {
    Version(u8),
    Malformed,
}

/// What a shard holds.
pub(crate) struct StoredShard {
    pub(crate) app: AppKey,
    pub(crate) index: u32,
    pub(crate) count: u32,
    pub(crate) objects: Vec<(ObjectKey, ObjectRecord)>,
}

pub(crate) fn decode(bytes: &[u8]) -> Result<StoredShard, DecodeError> {
    match bytes.split_first() {
        Some((&FORMAT, rest)) => unpack(rest).and_then(|text| read(&text)).ok_or(DecodeError::Malformed),
        Some((&version, _)) => Err(DecodeError::Version(version)),
        None => Err(DecodeError::Malformed),
    }
}

fn unpack(bytes: &[u8]) -> Option<Value> {
    let (length, packed) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if length > LARGEST_TEXT {
        return None;
    }
    let mut text = vec![0; length];
    let (text, code) = decompress_slice(&mut text, packed, InflateConfig::default());
    (code == ReturnCode::Ok && text.len() == length).then_some(())?;
    from_json(text).ok()
}

fn read(text: &Value) -> Option<StoredShard> {
    let (namespace, name) = text.str_at(&["app"])?.split_once('/')?;
    let number = |at: usize| u32::try_from(text.get("shard")?.as_list()?.get(at)?.as_int()?).ok();
    let (index, count) = (number(0)?, number(1)?);
    let sound = index < count && count <= MOST_SHARDS;
    sound.then_some(())?;
    let tables = Tables::read(text)?;
    let objects: Option<Vec<_>> =
        text.get("objects")?.as_list()?.iter().map(|object| tables.object(object)).collect();
    Some(StoredShard { app: AppKey::new(namespace, name), index, count, objects: objects? })
}

struct Tables<'a> {
    kinds: Vec<Gvk>,
    namespaces: &'a [Value],
    commits: Vec<CommitId>,
    fields: &'a [Value],
}

impl<'a> Tables<'a> {
    fn read(text: &'a Value) -> Option<Self> {
        let list = |name| text.get(name)?.as_list();
        let commits: Option<Vec<CommitId>> =
            list("commits")?.iter().map(|id| CommitId::parse(id.as_str()?)).collect();
        let kinds: Option<Vec<Gvk>> = list("kinds")?.iter().map(kind).collect();
        Some(Self {
            kinds: kinds?,
            namespaces: list("namespaces")?,
            commits: commits?,
            fields: list("fields")?,
        })
    }

    fn object(&self, value: &Value) -> Option<(ObjectKey, ObjectRecord)> {
        let [kind, namespace, name, uid, rendered, live, fields, presence, commit] = value.as_list()? else {
            return None;
        };
        let gvk = self.kinds.get(place(kind)?)?.clone();
        let namespace = self.namespaces.get(place(namespace)?)?.as_str()?;
        let key = ObjectKey::new(&gvk.api.group, &gvk.kind, namespace, name.as_str()?);
        let entry = ObjectRecord {
            gvk,
            uid: unpack_uid(uid.as_str()?)?.into(),
            rendered: unpack_digest(rendered.as_str()?)?,
            live: unpack_digest(live.as_str()?)?,
            fields: self.fields.get(place(fields)?)?.clone(),
            presence: self.fields.get(place(presence)?)?.clone(),
            commit: self.commits.get(place(commit)?)?.clone(),
        };
        Some((key, entry))
    }
}

fn kind(value: &Value) -> Option<Gvk> {
    let [api, kind] = value.as_list()? else { return None };
    Some(Gvk { api: ApiVersion::parse(api.as_str()?)?, kind: kind.as_str()?.into() })
}

fn place(value: &Value) -> Option<usize> {
    usize::try_from(value.as_int()?).ok()
}

/// Keyed digests are 128 bits with zeros after them; the zeros are not stored.
fn pack_digest(digest: &Digest) -> String {
    let (first, rest) = digest.0.split_at(16);
    let bytes = if rest.iter().all(|byte| *byte == 0) { first } else { &digest.0[..] };
    STANDARD_NO_PAD.encode(bytes)
}

fn unpack_digest(text: &str) -> Option<Digest> {
    let bytes = STANDARD_NO_PAD.decode(text).ok()?;
    let mut all = [0; 32];
    matches!(bytes.len(), 16 | 32).then(|| all[..bytes.len()].copy_from_slice(&bytes))?;
    Some(Digest(all))
}

/// The 16 bytes of a UUID in 22 characters; other uids as they are, after a tilde.
fn pack_uid(uid: &str) -> String {
    let digits: String = uid.chars().filter(|c| *c != '-').collect();
    let parsed = u128::from_str_radix(&digits, 16).ok().filter(|number| print_uid(*number) == uid);
    parsed.map_or_else(|| format!("~{uid}"), |number| STANDARD_NO_PAD.encode(number.to_be_bytes()))
}

fn unpack_uid(text: &str) -> Option<String> {
    if let Some(plain) = text.strip_prefix('~') {
        return Some(plain.to_owned());
    }
    let bytes: [u8; 16] = STANDARD_NO_PAD.decode(text).ok()?.try_into().ok()?;
    Some(print_uid(u128::from_be_bytes(bytes)))
}

fn print_uid(number: u128) -> String {
    let digits = format!("{number:032x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}
