//! Records: spread over Secrets, read back, and rewritten as little as possible.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use lockstep_api::{ShardError, Sharding, read_records};
use lockstep_core::{AppKey, AppRecord, CommitId, Gvk, Key, ObjectKey, ObjectRecord, Value, from_json};

fn sharding() -> Sharding {
    Sharding {
        instance: "lockstep".into(),
        namespace: "lockstep-system".into(),
        app: AppKey::new("team", "shop"),
        count: 1,
    }
}

/// Parsed once: shared, as field sets are in the controller.
static FIELDS: LazyLock<Value> = LazyLock::new(|| {
    let fields = r#"{"f:metadata":{"f:annotations":{"f:lockstep.dev/owner":{}}},"f:data":{"f:key":{}},"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{".":{},"f:image":{},"f:name":{}}}}}}}"#;
    from_json(fields.as_bytes()).unwrap()
});

fn entry(index: usize, salt: &str) -> (ObjectKey, ObjectRecord) {
    let kinds = [
        ("", "v1", "ConfigMap"),
        ("apps", "v1", "Deployment"),
        ("", "v1", "Service"),
        ("", "v1", "ServiceAccount"),
    ];
    let (group, version, kind) = kinds[index % 4];
    let key = Key::new([7; 32]);
    let digest = |text: String| key.digest(&text.into());
    let uid = key.digest(&format!("uid{index}").into()).to_string();
    let record = ObjectRecord {
        gvk: Gvk::new(group, version, kind),
        uid: format!("{}-{}-{}-{}-{}", &uid[..8], &uid[8..12], &uid[12..16], &uid[16..20], &uid[..12]).into(),
        rendered: digest(format!("r{index}{salt}")),
        fields: FIELDS.clone(),
        presence: from_json(b"{}").unwrap(),
        live: digest(format!("l{index}{salt}")),
        commit: CommitId::parse(&"a".repeat(40)).unwrap(),
    };
    (ObjectKey::new(group, kind, "shop", &format!("web-frontend-{index:05}")), record)
}

fn record(count: usize) -> AppRecord {
    AppRecord { objects: (0..count).map(|index| entry(index, "")).collect() }
}

/// The Secrets of a cluster, by name.
type Cluster = BTreeMap<String, Value>;

fn write(cluster: &mut Cluster, sharding: &mut Sharding, before: &AppRecord, after: &AppRecord) -> usize {
    let shards = sharding.update(before, after);
    for shard in &shards {
        assert!(shard.bytes.len() <= 48 * 1024);
        cluster.insert(sharding.secret_name(shard.index), sharding.secret(shard));
    }
    shards.len()
}

fn read(cluster: &Cluster) -> (AppRecord, u32) {
    let mut records = read_records(cluster.values());
    assert_eq!(records.errors, []);
    let stored = records.applications.remove(&AppKey::new("team", "shop")).unwrap();
    assert_eq!(stored.missing, BTreeSet::new());
    (stored.record, stored.count)
}

#[test]
fn records_of_any_size_survive() {
    for count in [0, 1, 2, 100, 2000] {
        let (mut cluster, mut sharding) = (Cluster::new(), sharding());
        write(&mut cluster, &mut sharding, &AppRecord::default(), &record(count));
        if count == 0 {
            // Nothing changed, nothing is written; a first record is written with `all`.
            assert_eq!(cluster.len(), 0);
            let shards = sharding.all(&record(0));
            cluster.insert(sharding.secret_name(0), sharding.secret(&shards[0]));
        }
        assert_eq!(read(&cluster), (record(count), sharding.count), "{count}");
    }
}

#[test]
fn an_object_costs_some_sixty_bytes_and_its_change_rewrites_one_secret() {
    let (mut cluster, mut sharding) = (Cluster::new(), sharding());
    let before = record(4000);
    write(&mut cluster, &mut sharding, &AppRecord::default(), &before);
    let bytes: usize = sharding.all(&before).iter().map(|shard| shard.bytes.len()).sum();
    assert!(bytes < 65 * 4000, "{bytes} bytes in {} shards", cluster.len());

    let mut after = before.clone();
    after.objects.extend([entry(77, "changed")]);
    assert_eq!(write(&mut cluster, &mut sharding, &before, &after), 1);
    assert_eq!(read(&cluster).0, after);
    let mut less = after.clone();
    less.objects.remove(&entry(78, "").0);
    assert_eq!(write(&mut cluster, &mut sharding, &after, &less), 1);
    assert_eq!(read(&cluster).0, less);
    assert_eq!(write(&mut cluster, &mut sharding, &less, &less), 0);
}

#[test]
fn a_crash_while_the_number_of_secrets_grows_loses_and_revives_nothing() {
    let mut sharding = sharding();
    let (before, mut after) = (record(600), record(2000));
    let mut old = Cluster::new();
    write(&mut old, &mut sharding, &AppRecord::default(), &before);
    let pruned = entry(5, "").0;
    after.objects.remove(&pruned);
    let shards = sharding.update(&before, &after);
    assert!(sharding.count > 1);
    for written in 0..=shards.len() {
        let mut cluster = old.clone();
        for shard in &shards[..written] {
            cluster.insert(sharding.secret_name(shard.index), sharding.secret(shard));
        }
        let found = read_records(cluster.values()).applications.remove(&AppKey::new("team", "shop")).unwrap();
        let lost =
            before.objects.keys().filter(|key| **key != pruned && !found.record.objects.contains_key(*key));
        assert_eq!(lost.count(), 0, "after {written} of {} writes", shards.len());
        if written == shards.len() {
            assert_eq!(found.record, after);
        }
    }
}

#[test]
fn a_damaged_shard_is_an_error_of_its_own_and_names_what_is_missing() {
    let (mut cluster, mut sharding) = (Cluster::new(), sharding());
    write(&mut cluster, &mut sharding, &AppRecord::default(), &record(2000));
    let name = sharding.secret_name(1);
    let whole = cluster[&name].str_at(&["data", "record"]).unwrap().to_owned();
    let unknown = format!("Ag{}", &whole[2..]);
    for (data, version) in [
        ("AAAA", Some(0)),
        ("", None),
        (&whole[..whole.len() / 2 / 4 * 4], None),
        (&unknown, Some(2)),
        ("AQAAAAB4nAMAAAAAAQ==", None),
        ("AQ8AAAA=", None),
        ("AfD///8=", None),
    ] {
        cluster.get_mut(&name).unwrap().set(&["data", "record"], data.into());
        let records = read_records(cluster.values());
        let application = Some(sharding.app.clone());
        let secret = name.clone();
        let expected = match version {
            Some(version) => ShardError::UnknownVersion { secret, application, version },
            None => ShardError::Corrupt { secret, application },
        };
        assert_eq!(records.errors, [expected], "{data:.20}");
        let stored = &records.applications[&sharding.app];
        assert_eq!(stored.missing, BTreeSet::from([1]));
        assert!(stored.record.objects.len() > 400);
    }
}

#[test]
fn an_application_of_which_nothing_is_readable_is_still_known() {
    let mut sharding = sharding();
    let mut secret = sharding.secret(&sharding.clone().all(&record(1))[0]);
    secret.remove(&["data"]);
    let records = read_records([&secret]);
    let stored = &records.applications[&sharding.app];
    assert_eq!((stored.record.objects.len(), stored.missing.len()), (0, 1));
    assert_eq!(sharding.all(&record(1)).len(), 1);
}

#[test]
fn odd_uids_and_names_survive() {
    let mut odd = AppRecord::default();
    for (index, uid) in [
        "",
        "~",
        "not-a-uuid",
        "ABCDEF00-0000-0000-0000-000000000000",
        "00000000-0000-0000-0000-000000000001",
    ]
    .into_iter()
    .enumerate()
    {
        let (_, record) = entry(1, "");
        let key = ObjectKey::new("apps", "Deployment", "", &format!("system:{index}:é"));
        odd.objects.insert(key, ObjectRecord { uid: uid.into(), ..record });
    }
    let (mut cluster, mut sharding) = (Cluster::new(), sharding());
    write(&mut cluster, &mut sharding, &AppRecord::default(), &odd);
    assert_eq!(read(&cluster).0, odd);
}

#[test]
fn names_fit_and_tell_installations_and_applications_apart() {
    let base = sharding();
    let other = Sharding { app: AppKey::new("team", &"x".repeat(253)), ..base.clone() };
    let twin = Sharding { instance: "blue".into(), ..base.clone() };
    let names =
        BTreeSet::from([base.secret_name(0), base.secret_name(1), other.secret_name(0), twin.secret_name(0)]);
    assert_eq!(names.len(), 4);
    assert!(names.iter().all(|name| name.len() <= 63));
    assert!(base.secret_name(3).starts_with("lockstep-record-") && base.secret_name(3).ends_with("-3"));
}
