//! Faults that a test injects, as a client meets them.

use std::time::{Duration, Instant};

use apistore::{Effect, Fault};

use crate::harness::{Served, serve};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

async fn create(served: &Served, name: &str) -> std::io::Result<u16> {
    let body = format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}"}}}}"#);
    let reply = served.ask("POST", MAPS).body("application/json", body).try_send().await;
    reply.map(|reply| reply.code)
}

fn next(served: &Served, effect: Effect) {
    let (_, _kept) = served.api.reduce(|store, _| store.inject(Fault::next("create", "configmaps", effect)));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_break_before_or_after_the_deed() {
    let served = serve().await;
    for (name, effect, found) in [("before", Effect::ResetBefore, 404), ("after", Effect::ResetAfter, 200)] {
        next(&served, effect);
        assert!(create(&served, name).await.is_err(), "{name}");
        assert_eq!(served.get(&format!("{MAPS}/{name}")).await.code, found, "{name}");
    }
    assert_eq!(create(&served, "then").await.unwrap(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_late_or_refusals() {
    let served = serve().await;
    next(&served, Effect::Delay(Duration::from_millis(120)));
    let begun = Instant::now();
    assert_eq!(create(&served, "late").await.unwrap(), 201);
    assert!(begun.elapsed() >= Duration::from_millis(120));
    let (code, reason, message) = (503, "ServiceUnavailable".to_owned(), "not now".to_owned());
    next(&served, Effect::Status { code, reason, message, retry_after: 1 });
    assert_eq!(create(&served, "refused").await.unwrap(), 503);
    assert_eq!(served.get(&format!("{MAPS}/refused")).await.code, 404);
}
