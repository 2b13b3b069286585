//! What things cost the API server, counted by itself.
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use xtask::{Resource, SOON, Scenario, eventually, text};

use crate::harness::witness::{SHOP, deployed, restart, until_logged, until_written, workload, written};
use crate::harness::{config_map, drift, heal, scenario};

/// Writes by verb and resource.
type Counts = BTreeMap<(String, String), usize>;

/// The controller's writes, without the Secret with its key.
fn counted(stage: &Scenario) -> Counts {
    let mut counts = Counts::new();
    for (verb, resource, name) in written(stage) {
        if !(resource == "secrets" && name.ends_with("-key")) {
            *counts.entry((verb, resource)).or_default() += 1;
        }
    }
    counts
}

/// Waits until the log has these writes, and refuses more.
async fn until_counted(stage: &Scenario, want: &Counts) {
    eventually(SOON, || async {
        let found = counted(stage);
        let more = found.iter().any(|(write, count)| count > want.get(write).unwrap_or(&0));
        assert!(!more, "{found:#?} instead of {want:#?}");
        if found == *want { Ok(()) } else { Err(format!("{found:#?} instead of {want:#?}")) }
    })
    .await;
}

/// Nothing that a healthy Application has to wait for: as many writes as there are objects and three.
const FILES: [(&str, &str); 3] = [
    ("app/account.yaml", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n"),
    (
        "app/service.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n",
    ),
    ("app/config.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {value: blue}\n"),
];

/// What a first sync of [`FILES`] writes, with so many ConfigMaps.
fn first_sync(config_maps: usize) -> Counts {
    let writes = [
        (("patch", "applications"), 1),
        (("patch", "applications/status"), 1),
        (("create", "secrets"), 1),
        (("patch", "serviceaccounts"), 1),
        (("patch", "services"), 1),
        (("patch", "configmaps"), config_maps),
    ];
    writes.map(|((verb, resource), count)| ((verb.to_owned(), resource.to_owned()), count)).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_sync_is_a_finalizer_a_record_a_status_and_its_objects() {
    let web = workload("web", "replicas: 0, ", "");
    let files = [&FILES[..], &[("app/web.yaml", &web)]].concat();
    let Some(mut stage) = deployed("first-sync", &files, json!({})).await else { return };
    let mut want = first_sync(1);
    want.insert(("patch".to_owned(), "deployments".to_owned()), 1);
    until_counted(&stage, &want).await;
    // No Event either: what goes well is in the status. And nothing of it is written again.
    restart(&mut stage);
    until_counted(&stage, &want).await;
}

/// The Secrets of the controller's namespace, each in its version.
async fn records(stage: &Scenario) -> BTreeMap<String, String> {
    let collection = Resource::of("v1", "Secret").collection(Some(&stage.own));
    let (secrets, _) = stage.cluster.rest().list(&collection).await.expect("list");
    let of = |secret, field| text(secret, field).to_owned();
    let versions = |secret| (of(secret, "/metadata/name"), of(secret, "/metadata/resourceVersion"));
    secrets.iter().map(versions).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heal_is_one_write() {
    let Some(stage) = deployed("one-heal", &FILES, json!({})).await else { return };
    heal(&stage, "web", "blue").await;
    // The second one is answered after everything that the first one led to.
    heal(&stage, "web", "blue").await;
    until_counted(&stage, &first_sync(3)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_writes_nothing_and_misses_nothing() {
    let files: Vec<(String, String)> =
        (0..30).map(|i| (format!("app/{i}.yaml"), config_map(&format!("c{i}"), "1"))).collect();
    let mut files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
    files.extend(FILES);
    let Some(mut stage) = deployed("restart", &files, json!({})).await else { return };
    restart(&mut stage);
    until_counted(&stage, &first_sync(31)).await;
    // What happens while it is away is found: drift, and a commit.
    stage.controller.terminate(SOON).expect("an orderly end");
    drift(&stage, "c1").await;
    stage.repo.write("app/2.yaml", &config_map("c2", "2"));
    let sha = stage.repo.commit("while away");
    stage.controller.restart().expect("start");
    stage.controller.wait_ready(SOON).expect("readiness");
    stage.ready(SHOP, &sha).await;
    for (name, value, writes) in [("c0", "1", 1), ("c1", "1", 2), ("c2", "2", 2), ("c3", "1", 1)] {
        assert_eq!(crate::harness::value(&stage, name).await, value);
        until_written(&stage, "configmaps", name, writes).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_objects_are_one_application() {
    let Some(mut stage) = scenario("large").await else { return };
    for part in 0..20 {
        let objects: Vec<String> = (0..100).map(|i| config_map(&format!("c{part}-{i}"), "1")).collect();
        stage.repo.write(&format!("app/{part}.yaml"), &objects.join("---\n"));
    }
    let sha = stage.push(&[]);
    let start = Instant::now();
    stage.application(SHOP, json!({})).await;
    let app = stage.ready(SHOP, &sha).await;
    let took = start.elapsed();
    eprintln!("2,000 objects took {took:.1?}");
    assert!(took < Duration::from_secs(25), "{took:?}");
    assert_eq!(app["status"]["summary"]["objects"]["total"], 2000);
    // A heal in the midst of all of them is one write more, and a restart none.
    let records = records(&stage).await;
    heal(&stage, "c7-50", "1").await;
    restart(&mut stage);
    let of = |plural: &str| written(&stage).iter().filter(|(_, of, _)| of == plural).count();
    until_logged(|| (of("configmaps"), of("applications/status")), &(2001, 1)).await;
    assert_eq!(self::records(&stage).await, records);
}
