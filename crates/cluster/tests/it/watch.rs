//! Following one kind.

use lockstep_cluster::{Connection, Resource, ResourceScope, Selector, Verb, Watch, WatchEvent};
use lockstep_core::Gvk;
use std::time::Duration;
use tokio::time::{Instant, sleep};

use crate::fake::{CUT, Fake, object, status};

const FOREVER: &str = "GET /api/v1/configmaps?watch=true";

fn watching(connection: &Connection) -> Watch {
    let resource = Resource::new(Gvk::new("", "v1", "ConfigMap"), "configmaps", ResourceScope::Namespaced);
    Watch::start(connection, &resource, None, Selector { labels: "a=b,c!=d".into(), ..Default::default() })
}

async fn watched(watch: &Watch) -> String {
    match watch.next().await {
        WatchEvent::Applied(object) => format!("+{}", object.meta.name),
        WatchEvent::Deleted(object) => format!("-{}", object.meta.name),
        WatchEvent::Synced => "synced".to_owned(),
        WatchEvent::Failing(failure) => format!("failing: {failure}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_of_our_own_kinds_tells_objects_then_that_it_is_complete_then_changes() {
    let mut fake = Fake::new();
    let connection = fake.connection();
    let watch = watching(&connection);
    let open = fake.watch().await;
    assert!(open.line.ends_with("&labelSelector=a%3Db%2Cc%21%3Dd"), "{}", open.line);
    open.list(&[&object("n", "a", 3), &object("n", "b", 4)], 9);
    for event in ["+a", "+b", "synced"] {
        assert_eq!(watched(&watch).await, event);
    }
    open.send("MODIFIED", &object("n", "a", 10));
    assert_eq!(watched(&watch).await, "+a");
    open.send("DELETED", &object("n", "a", 11));
    assert_eq!(watched(&watch).await, "-a");
    open.send("ERROR", &status(410, "Expired"));
    fake.watch().await.list(&[&object("n", "c", 20)], 30);
    for event in ["+c", "-b", "synced"] {
        assert_eq!(watched(&watch).await, event);
    }
    assert_eq!(connection.requests().count(Verb::Watch), 2);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_not_allowed_says_so_and_recovers() {
    let mut fake = Fake::new();
    fake.on(FOREVER, 403, &status(403, "Forbidden"));
    let watch = watching(&fake.connection());
    assert_eq!(watched(&watch).await, "failing: forbidden: scripted");
    fake.clear(FOREVER);
    fake.watch().await.list(&[], 9);
    let mut event = watched(&watch).await;
    while event.starts_with("failing") {
        event = watched(&watch).await;
    }
    assert_eq!(event, "synced");
}

/// Waits until the watch has told that everything is there.
async fn synced(watch: &Watch) {
    while watched(watch).await != "synced" {}
}

#[tokio::test(start_paused = true)]
async fn the_first_answer_after_an_outage_ends_the_pauses_of_watches() {
    let mut fake = Fake::new();
    fake.on(FOREVER, CUT, "");
    let connection = fake.connection();
    let watch = watching(&connection);
    // Long enough for pauses of half a minute.
    sleep(Duration::from_secs(600)).await;
    assert!(watched(&watch).await.starts_with("failing"));
    fake.clear(FOREVER);
    let back = Instant::now();
    assert!(connection.version().await.is_err(), "404 is an answer");
    fake.watch().await.list(&[], 9);
    synced(&watch).await;
    assert!(back.elapsed() < Duration::from_secs(1), "after {:?}", back.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_stands_again_ends_the_pauses_of_the_others() {
    let mut fake = Fake::new();
    fake.on(FOREVER, 503, &status(503, "ServiceUnavailable"));
    let connection = fake.connection();
    let watches = [0, 1, 2].map(|_| watching(&connection));
    sleep(Duration::from_secs(600)).await;
    fake.clear(FOREVER);
    fake.watch().await.list(&[], 9);
    let back = Instant::now();
    fake.watch().await.list(&[], 9);
    fake.watch().await.list(&[], 9);
    for watch in &watches {
        synced(watch).await;
    }
    assert!(back.elapsed() < Duration::from_secs(1), "after {:?}", back.elapsed());
}
