//! Applications that go without their deletion: somebody takes the finalizer off by hand.
use serde_json::{Value, json};
use xtask::{Resource, SOON, Scenario, text};

use crate::harness::{config_map, scenario, uid};

/// The Secrets that hold the record of an Application.
async fn records(stage: &Scenario, app: &str) -> usize {
    let collection = Resource::of("v1", "Secret").collection(Some(&stage.own));
    let (items, _) = stage.cluster.rest().list(&collection).await.expect("list");
    let name = format!("{}/{app}", stage.namespace);
    let of = |item: &&Value| text(item, "/metadata/annotations/lockstep.dev~1application") == name;
    items.iter().filter(of).count()
}

async fn until_unrecorded(stage: &Scenario, app: &str) {
    let gone = async {
        while records(stage, app).await > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, gone).await.expect("the record goes");
}

/// Makes an Application vanish.
async fn vanish(stage: &Scenario, app: &str) {
    stage.change(app, json!({"metadata": {"finalizers": null}})).await;
    let path = stage.path("lockstep.dev/v1alpha1", "Application", app);
    stage.cluster.rest().delete(&path).await.expect("delete");
    stage.until_gone("lockstep.dev/v1alpha1", "Application", app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_of_an_application_that_vanished_goes_and_its_objects_stay() {
    let Some(mut stage) = scenario("vanish").await else { return };
    let sha = stage.push(&[
        ("seen/a.yaml", &config_map("seen", "1")),
        ("unseen/a.yaml", &config_map("unseen", "1")),
        ("kept/a.yaml", &config_map("kept", "1")),
    ]);
    for app in ["seen", "unseen", "kept"] {
        let source = json!([{"git": {"url": stage.repo.url(), "revision": "main", "path": app}}]);
        stage.application(app, json!({"sources": source})).await;
        stage.ready(app, &sha).await;
    }
    vanish(&stage, "seen").await;
    until_unrecorded(&stage, "seen").await;
    stage.controller.kill9().expect("kill -9");
    vanish(&stage, "unseen").await;
    stage.controller.restart().expect("a restart");
    stage.controller.wait_ready(SOON).expect("readiness");
    until_unrecorded(&stage, "unseen").await;
    assert_eq!(records(&stage, "kept").await, 1);
    for name in ["seen", "unseen", "kept"] {
        assert!(!uid(&stage, name).await.is_empty(), "{name}");
    }
}
