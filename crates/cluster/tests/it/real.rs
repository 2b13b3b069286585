//! Against a real API server, named by LOCKSTEP_TEST_KUBECONFIG:
//! `cargo test -p lockstep-cluster -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt as _;
use lockstep_cluster::{
    ApiError, ApplyOptions, Change, ConnectOptions, Connection, DeleteOptions, Discovery, DryRun,
    FieldValidation, Force, Impersonate, Index, Limiter, Live, LiveEvent, Lookup, Namespaces, Priority,
    Resource, ScopeState, Selector, Verb, WatchScope, Writer, Written,
};
use lockstep_core::{Gvk, ObjectKey, Propagation};

struct Cluster {
    connection: Connection,
    discovery: Discovery,
    writer: Writer,
    limiter: Limiter,
    namespace: String,
}

#[allow(clippy::disallowed_methods)] // the test's own argument
fn options() -> ConnectOptions {
    let kubeconfig =
        std::env::var("LOCKSTEP_TEST_KUBECONFIG").expect("LOCKSTEP_TEST_KUBECONFIG names a kubeconfig");
    ConnectOptions {
        kubeconfig: Some(kubeconfig.into()),
        user_agent: "lockstep-test".into(),
        ..Default::default()
    }
}

fn forced(manager: &str) -> ApplyOptions {
    ApplyOptions {
        manager: manager.into(),
        force: Force::Yes,
        dry_run: DryRun::No,
        validation: FieldValidation::Strict,
    }
}

impl Cluster {
    async fn open(test: &str) -> Self {
        let connection = Connection::open(&options()).await.unwrap();
        let discovery = Discovery::load(&connection).await.unwrap();
        let limiter = Limiter::default();
        let writer = Writer::new(&connection, &limiter);
        let namespace = format!("{test}-{}", std::process::id());
        let cluster = Self { connection, discovery, writer, limiter, namespace };
        let text = format!(
            r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{}"}}}}"#,
            cluster.namespace
        );
        let key = ObjectKey::new("", "Namespace", "", &cluster.namespace);
        cluster.apply("namespaces", &key, text, &forced("test")).await.unwrap();
        cluster
    }

    fn resource(&self, name: &str) -> Arc<Resource> {
        self.discovery.by_name(name).served().unwrap()
    }

    async fn apply(
        &self,
        resource: &str,
        key: &ObjectKey,
        body: String,
        options: &ApplyOptions,
    ) -> Result<Written, ApiError> {
        self.writer.apply(&self.resource(resource), key, body.into(), options).await
    }

    fn key(&self, name: &str) -> ObjectKey {
        ObjectKey::new("", "ConfigMap", &self.namespace, name)
    }

    fn config_map(&self, name: &str, value: &str) -> String {
        format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"{}"}},"data":{{"v":"{value}"}}}}"#,
            self.namespace
        )
    }

    async fn remove(&self) {
        let options = DeleteOptions {
            uid: None,
            resource_version: None,
            propagation: Propagation::Background,
            dry_run: DryRun::No,
        };
        let key = ObjectKey::new("", "Namespace", "", &self.namespace);
        _ = self.writer.delete(&self.resource("ns"), &key, &options).await;
    }
}

fn maps() -> Gvk {
    Gvk::new("", "v1", "ConfigMap")
}

async fn until(events: &lockstep_cluster::Subscriber, key: &ObjectKey, change: Change) -> Duration {
    let wanted = |event: &LiveEvent| match event {
        LiveEvent::Object { key: seen, change: done, received_at, .. } if seen == key && *done == change => {
            Some(*received_at)
        }
        _ => None,
    };
    let find = async {
        loop {
            if let Some(at) = wanted(&events.next().await) {
                return at.elapsed();
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), find)
        .await
        .unwrap_or_else(|_| panic!("{change:?} of {key} not seen"))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane"]
async fn the_loop_on_a_real_server() {
    let cluster = Cluster::open("loop").await;
    println!("{} {:?}", cluster.connection.version().await.unwrap(), cluster.connection);
    let index = Index::new(&cluster.connection, &cluster.discovery, "lockstep");
    let events = index.subscribe();
    let key = cluster.key("a");
    index.track(&key);
    let _want = index.want(&WatchScope { gvk: maps(), namespaces: Namespaces::one(&cluster.namespace) });
    assert_eq!(index.settled(&maps(), &cluster.namespace).await, ScopeState::Synced);
    assert!(matches!(index.get(&maps(), &key), Live::Absent));

    let written = cluster.apply("cm", &key, cluster.config_map("a", "1"), &forced("lockstep")).await.unwrap();
    assert!(written.created);
    index.observe_write(&maps(), &written.object);
    let Live::Present(live) = index.get(&maps(), &key) else { panic!("our own write is not known") };
    assert_eq!(&*live.managed_entries()[0].manager, "lockstep");

    let unforced = ApplyOptions { force: Force::No, ..forced("other") };
    let other = cluster.apply("cm", &key, cluster.config_map("a", "2"), &unforced).await;
    let Err(ApiError::Conflict { owners, .. }) = other else { panic!("no conflict") };
    assert_eq!((&*owners[0].manager, &*owners[0].field), ("lockstep", ".data.v"));
    // The watch may have been faster than the answer to our own write.
    tokio::time::sleep(Duration::from_millis(200)).await;
    while events.try_next().is_some() {}
    let takeover = forced("other");
    let write = cluster.apply("cm", &key, cluster.config_map("a", "2"), &takeover);
    let (latency, written) = tokio::join!(until(&events, &key, Change::Applied), write);
    println!("from frame to subscriber: {latency:?}");
    let Live::Present(live) = index.get(&maps(), &key) else { panic!("not there") };
    assert_eq!(live.value.str_at(&["data", "v"]), Some("2"));
    assert_eq!(live.uid, written.unwrap().object.meta.uid);

    let mut delete = DeleteOptions {
        uid: Some("00000000-0000-0000-0000-000000000000".into()),
        resource_version: None,
        propagation: Propagation::Background,
        dry_run: DryRun::No,
    };
    let maps_resource = cluster.resource("cm");
    assert_eq!(cluster.writer.delete(&maps_resource, &key, &delete).await.unwrap_err(), ApiError::Gone);
    delete.uid = Some(live.uid.clone());
    assert!(cluster.writer.delete(&maps_resource, &key, &delete).await.unwrap().is_none());
    until(&events, &key, Change::Deleted).await;
    assert!(matches!(index.get(&maps(), &key), Live::Absent));
    cluster.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane"]
async fn errors_of_a_real_server_are_told_apart() {
    let cluster = Cluster::open("errors").await;
    let missing = cluster.connection.get(&cluster.resource("cm"), &cluster.key("nobody")).await.unwrap_err();
    assert_eq!(missing, ApiError::NotFound);
    let nowhere = ObjectKey::new("", "ConfigMap", "no-such-namespace", "a");
    let text =
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"no-such-namespace"}}"#;
    let error = cluster.apply("cm", &nowhere, text.to_owned(), &forced("l")).await.unwrap_err();
    assert_eq!(error, ApiError::NamespaceMissing);

    let undeclared = cluster.config_map("a", "1").replace("\"data\"", "\"dat\"");
    let error = cluster.apply("cm", &cluster.key("a"), undeclared, &forced("l")).await.unwrap_err();
    assert!(matches!(&error, ApiError::ServerError { code: 500, .. }) && !error.retryable(), "{error:?}");

    let bad_name = cluster.config_map("Not_Valid", "1");
    let error = cluster.apply("cm", &cluster.key("Not_Valid"), bad_name, &forced("l")).await.unwrap_err();
    assert!(
        matches!(&error, ApiError::Invalid { causes, .. } if &*causes[0].field == "metadata.name"),
        "{error:?}"
    );

    let ghost =
        Resource::new(Gvk::new("ghost.example.com", "v1", "Ghost"), "ghosts", cluster.resource("cm").scope);
    let error = cluster.connection.list(&ghost, None, &Selector::default()).await.unwrap_err();
    assert_eq!(error, ApiError::NotServed);

    let secret = ObjectKey::new("", "Secret", &cluster.namespace, "s");
    let text = format!(
        r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"s","namespace":"{}"}},"data":{{"p":"%hunter2%"}}}}"#,
        cluster.namespace
    );
    let error = cluster.apply("secrets", &secret, text, &forced("l")).await.unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");

    let nobody = Impersonate { user: "nobody".into(), groups: vec![] };
    let other = Connection::open(&ConnectOptions { impersonate: Some(nobody), ..options() }).await.unwrap();
    let error = other.list(&cluster.resource("cm"), None, &Selector::default()).await.unwrap_err();
    assert!(matches!(error, ApiError::Forbidden { .. }), "{error:?}");
    assert_eq!(
        cluster
            .connection
            .list(&cluster.resource("cm"), Some(&cluster.namespace), &Selector::default())
            .await
            .unwrap()
            .len(),
        1
    );
    cluster.remove().await;
}

const CRD: &str = r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"widgets.cluster.example.com"},
"spec":{"group":"cluster.example.com","scope":"Namespaced","names":{"plural":"widgets","singular":"widget","kind":"Widget","shortNames":["wdg"]},
"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}"#;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane"]
async fn a_new_definition_is_discovered_and_watched_without_being_asked() {
    let cluster = Cluster::open("crd").await;
    tokio::spawn(cluster.discovery.clone().follow());
    let index = Index::new(&cluster.connection, &cluster.discovery, "lockstep");
    let widget = Gvk::new("cluster.example.com", "v1", "Widget");
    let _want = index.want(&WatchScope { gvk: widget.clone(), namespaces: Namespaces::All });
    let mut changes = cluster.discovery.changes();
    let started = Instant::now();
    let key =
        ObjectKey::new("apiextensions.k8s.io", "CustomResourceDefinition", "", "widgets.cluster.example.com");
    cluster.apply("crd", &key, CRD.to_owned(), &forced("test")).await.unwrap();
    while !matches!(cluster.discovery.resource(&widget), Lookup::Served(_)) {
        tokio::time::timeout(Duration::from_secs(20), changes.changed()).await.unwrap().unwrap();
    }
    println!("from the CRD to discovery: {:?}", started.elapsed());
    let synced = async {
        while index.state(&widget, &cluster.namespace) != ScopeState::Synced {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), synced).await.unwrap();
    println!("from the CRD to a complete list: {:?}", started.elapsed());
    assert!(cluster.discovery.by_name("wdg").served().is_some());
    let options = DeleteOptions {
        uid: None,
        resource_version: None,
        propagation: Propagation::Background,
        dry_run: DryRun::No,
    };
    _ = cluster.writer.delete(&cluster.resource("crd"), &key, &options).await.unwrap();
    while !matches!(cluster.discovery.resource(&widget), Lookup::NotServed) {
        tokio::time::timeout(Duration::from_secs(20), changes.changed()).await.unwrap().unwrap();
    }
    cluster.remove().await;
}

/// Resident memory of this process, in KiB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

async fn apply_many(cluster: &Cluster, width: usize, value: &str, count: usize) -> Duration {
    let (maps, options) = (cluster.resource("cm"), forced("lockstep"));
    let started = Instant::now();
    let writes = futures::stream::iter(0..count).map(|number| {
        let name = format!("cm-{number:05}");
        let (maps, options, key) = (&maps, &options, cluster.key(&name));
        let body = Bytes::from(cluster.config_map(&name, value));
        async move { cluster.writer.with(Priority::Sync).apply(maps, &key, body, options).await.map(drop) }
    });
    writes.buffer_unordered(width).for_each(|result| async { result.unwrap() }).await;
    started.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a control plane; measures"]
async fn measured() {
    const COUNT: usize = 10_000;
    let cluster = Cluster::open("measured").await;
    for (what, value) in [("new", "1".repeat(400)), ("no-op", "1".repeat(400)), ("changed", "2".repeat(400))]
    {
        let took = apply_many(&cluster, 64, &value, COUNT).await;
        #[allow(clippy::cast_precision_loss)]
        let rate = COUNT as f64 / took.as_secs_f64();
        println!("apply {what}: {rate:.0} a second, {} in flight at the end", cluster.limiter.limit());
    }
    let index = Index::new(&cluster.connection, &cluster.discovery, "lockstep");
    (0..COUNT).for_each(|number| index.track(&cluster.key(&format!("cm-{number:05}"))));
    let (before, started) = (resident(), Instant::now());
    let _want = index.want(&WatchScope { gvk: maps(), namespaces: Namespaces::one(&cluster.namespace) });
    assert_eq!(index.settled(&maps(), &cluster.namespace).await, ScopeState::Synced);
    let (size, after) = (index.size(), resident());
    println!("list of {} objects, {} bytes: {:?}", size.objects, size.bytes, started.elapsed());
    println!(
        "resident: {} bytes an object beyond its own size",
        ((after - before) * 1024).saturating_sub(size.bytes) / COUNT
    );
    println!("watches opened: {}", cluster.connection.requests().count(Verb::Watch));
    cluster.remove().await;
}
