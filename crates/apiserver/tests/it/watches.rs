//! Watches over connections.

use std::time::{Duration, Instant};

use crate::harness::serve;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

#[tokio::test(flavor = "multi_thread")]
async fn an_event_comes_soon_after_its_write() {
    let served = serve().await;
    let mut watch = served.ask("GET", format!("{MAPS}?watch=1")).watch().await;
    let mut fastest = Duration::MAX;
    for index in 0..20 {
        let name = format!("m-{index}");
        served.put_config_map(&name).await;
        let written = Instant::now();
        let event = watch.next().await.unwrap();
        fastest = fastest.min(written.elapsed());
        assert_eq!(event.str_at(&["type"]), Some("ADDED"));
        assert_eq!(event.str_at(&["object", "metadata", "name"]), Some(&*name));
    }
    // How fast is the benchmark's to say; here, that nothing on the way waits for a clock.
    assert!(fastest < Duration::from_millis(20), "{fastest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_watches_see_the_same() {
    let served = serve().await;
    let mut watches = Vec::new();
    for _ in 0..200 {
        watches.push(served.ask("GET", format!("{MAPS}?watch=1")).watch().await);
    }
    for name in ["a", "b", "c"] {
        served.put_config_map(name).await;
    }
    for watch in &mut watches {
        for name in ["a", "b", "c"] {
            let event = watch.next().await.unwrap();
            assert_eq!(event.str_at(&["object", "metadata", "name"]), Some(name));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_told_once_and_metadata_comes_alone() {
    let served = serve().await;
    served.put_config_map("a").await;
    served.put_config_map("b").await;
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let mut watch = served.ask("GET", format!("{MAPS}?watch=1")).header("accept", accept).watch().await;
    let (first, second) = (watch.next().await.unwrap(), watch.next().await.unwrap());
    let columns = |event: &lockstep_core::Value| {
        event.at(&["object", "columnDefinitions"]).and_then(lockstep_core::Value::as_list).map(<[_]>::len)
    };
    assert_eq!((columns(&first), columns(&second)), (Some(3), None));
    let accept = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
    let mut watch = served.ask("GET", format!("{MAPS}?watch=1")).header("accept", accept).watch().await;
    assert_eq!(watch.next().await.unwrap().str_at(&["object", "kind"]), Some("PartialObjectMetadata"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_harms_nobody() {
    let served = serve().await;
    for _ in 0..20 {
        drop(served.ask("GET", format!("{MAPS}?watch=1")).watch().await);
    }
    let mut watch = served.ask("GET", format!("{MAPS}?watch=1")).watch().await;
    served.put_config_map("a").await;
    assert!(watch.next().await.is_some());
    assert_eq!(served.get(MAPS).await.code, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_cuts_watches_and_frees_the_port() {
    let mut served = serve().await;
    let mut watch = served.ask("GET", format!("{MAPS}?watch=1")).watch().await;
    let start = Instant::now();
    served.shutdown.request();
    (&mut served.running).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(watch.next().await.is_none(), "the watch has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_ends_when_its_time_is_over() {
    let served = serve().await;
    let mut watch = served.ask("GET", format!("{MAPS}?watch=1&timeoutSeconds=1")).watch().await;
    let start = Instant::now();
    assert!(watch.next().await.is_none());
    let elapsed = start.elapsed();
    assert!(elapsed > Duration::from_millis(500) && elapsed < Duration::from_secs(5), "{elapsed:?}");
}
