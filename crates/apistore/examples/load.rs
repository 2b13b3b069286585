//! What the embedded API costs: applies per second on one core, and the memory and the list of many objects.
//!
//! `cargo run --release -p lockstep-apistore --example load`; `cargo xtask bench cluster` runs it too. A ratio is at most 1 where
//! the limit is kept.

use std::io::Write;
use std::time::{Duration, Instant};

use lockstep_apistore::{Answers, Body, Handled, Method, Request, Settings, Store};

const NOW: Duration = Duration::from_secs(1_700_000_000);
const OBJECTS: usize = 100_000;
const APPLIES: usize = 2_000;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout();
    let start = Instant::now();
    let mut store = Store::new(Settings { seed: 1, history: 10_000 }, NOW);
    writeln!(out, "store_start_ms: {:.1}", start.elapsed().as_secs_f64() * 1e3)?;
    for (name, resource, body, least) in [
        (
            "configmap",
            "/api/v1/namespaces/default/configmaps",
            config_map as fn(usize, usize) -> String,
            5_000.0,
        ),
        ("deployment", "/apis/apps/v1/namespaces/default/deployments", deployment, 1_500.0),
    ] {
        for (what, round) in [("new", 0), ("unchanged", 0), ("changed", 1)] {
            let rate = applies(&mut store, resource, APPLIES, |index| body(index, round));
            writeln!(out, "store_{name}_{what}_applies_per_second: {rate:.0}")?;
            writeln!(out, "store_{name}_{what}_applies_ratio: {:.2}", least / rate)?;
        }
    }
    for index in 0..10 {
        let body = format!(r#"{{"metadata":{{"name":"n{index}"}}}}"#);
        let request = Request::system(Method::Post, "/api/v1/namespaces");
        send(&mut store, &request.body("application/json", body.into_bytes()));
    }
    let before = resident();
    for index in 0..OBJECTS {
        let body = big_map(index);
        let namespace = format!("n{}", index % 10);
        let request = Request::system(Method::Post, format!("/api/v1/namespaces/{namespace}/configmaps"));
        send(&mut store, &request.body("application/json", body.into_bytes()));
        store.take_changes();
    }
    let megabytes = (resident() - before) as f64 / 1e6;
    writeln!(out, "store_objects: {}", store.len())?;
    writeln!(out, "store_growth_mb: {megabytes:.1}\nstore_growth_ratio: {:.2}", megabytes / 500.0)?;
    let start = Instant::now();
    let body = send(&mut store, &Request::system(Method::Get, "/api/v1/configmaps"));
    let bytes = body.json().map_or(0, |json| json.len());
    let took = start.elapsed().as_secs_f64();
    writeln!(out, "store_list_mb: {:.1}\nstore_list_seconds: {took:.2}", bytes as f64 / 1e6)?;
    writeln!(out, "store_list_ratio: {:.2}", took / 1.5)?;
    let start = Instant::now();
    let some = Request::system(Method::Get, "/api/v1/configmaps").with("labelSelector", "app=a7");
    let found = send(&mut store, &some).json().map_or(0, |json| json.len());
    writeln!(out, "store_selected_mb: {:.1}", found as f64 / 1e6)?;
    writeln!(out, "store_selected_seconds: {:.3}", start.elapsed().as_secs_f64())
}

fn applies(store: &mut Store, resource: &str, count: usize, body: impl Fn(usize) -> String) -> f64 {
    let requests: Vec<Request> = (0..count)
        .map(|index| {
            Request::system(Method::Patch, format!("{resource}/o{index}"))
                .with("fieldManager", "load")
                .with("force", "true")
                .body("application/apply-patch+yaml", body(index).into_bytes())
        })
        .collect();
    let start = Instant::now();
    for request in &requests {
        send(store, request);
    }
    let rate = count as f64 / start.elapsed().as_secs_f64();
    store.take_changes();
    rate
}

fn send(store: &mut Store, request: &Request) -> Body {
    match store.handle(request, &Answers::new(), NOW) {
        Handled::Done(response) if response.code < 300 => response.body,
        other => {
            let text = format!("{other:?}");
            drop(writeln!(std::io::stderr(), "{}", &text[..text.len().min(2000)]));
            std::process::exit(1)
        }
    }
}

fn config_map(index: usize, round: usize) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"o{index}","labels":{{"app":"a{}","tier":"web"}},"annotations":{{"lockstep.dev/owner":"lockstep:default/app:/ConfigMap:default/o{index}"}}}},"data":{{"a":"{round}","b":"some text","config.yaml":"a: 1\nb: 2\nc: {index}\n"}}}}"#,
        index % 100
    )
}

fn big_map(index: usize) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c{index}","labels":{{"app":"a{}","tier":"web"}}}},"data":{{"a":"1","text":"{}"}}}}"#,
        index % 100,
        "0123456789".repeat(100)
    )
}

fn deployment(index: usize, round: usize) -> String {
    format!(
        r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"o{index}","labels":{{"app":"a"}}}},"spec":{{"replicas":0,"selector":{{"matchLabels":{{"app":"o{index}"}}}},"template":{{"metadata":{{"labels":{{"app":"o{index}"}}}},"spec":{{"containers":[{{"name":"main","image":"nginx:1.{round}","ports":[{{"containerPort":80,"name":"http"}}],"env":[{{"name":"A","value":"1"}},{{"name":"B","value":"2"}}],"resources":{{"requests":{{"cpu":"100m","memory":"64Mi"}},"limits":{{"memory":"128Mi"}}}},"readinessProbe":{{"httpGet":{{"path":"/","port":80}}}},"volumeMounts":[{{"name":"v","mountPath":"/v"}}]}},{{"name":"side","image":"busybox"}}],"volumes":[{{"name":"v","emptyDir":{{}}}}]}}}}}}}}"#
    )
}

/// The resident memory of this process, in bytes.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}
