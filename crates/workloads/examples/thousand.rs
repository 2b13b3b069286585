//! How long 1,000 Deployments take until each is available, and what one change among them costs. Run with `--release`;
//! `cargo xtask bench cluster` runs it too.

use std::time::{Duration, Instant};

use apistore::{Answers, Handled, Method, Request, Settings, Store};
use lockstep_workloads::Workloads;

fn send(store: &mut Store, request: &Request, now: Duration) -> u16 {
    match store.handle(request, &Answers::new(), now) {
        Handled::Done(response) => response.code,
        Handled::Need(_) => 0,
    }
}

fn apply(store: &mut Store, index: usize, replicas: u32, now: Duration) {
    let body = format!(
        r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"d{index}"}},"spec":{{"replicas":{replicas},"selector":{{"matchLabels":{{"app":"d{index}"}}}},
        "template":{{"metadata":{{"labels":{{"app":"d{index}"}}}},"spec":{{"containers":[{{"name":"main","image":"img:1"}}]}}}}}}}}"#
    );
    let path = format!("/apis/apps/v1/namespaces/default/deployments/d{index}");
    let request = Request::system(Method::Patch, path).with("fieldManager", "example").with("force", "true");
    let code = send(store, &request.body("application/apply-patch+yaml", body.into_bytes()), now);
    assert!(code < 300, "{code}");
}

/// Lets a second pass; returns in how many ticks, and the longest of them.
fn second(workloads: &mut Workloads, store: &mut Store, now: &mut Duration) -> (usize, Duration) {
    let until = *now + Duration::from_secs(1);
    let (mut ticks, mut longest) = (0, Duration::ZERO);
    loop {
        let begun = Instant::now();
        let next = workloads.tick(store, *now);
        longest = longest.max(begun.elapsed());
        ticks += 1;
        match next {
            Some(next) if next <= until => *now = next.max(*now),
            _ => {
                *now = until;
                return (ticks, longest);
            }
        }
    }
}

#[allow(clippy::print_stdout, reason = "an example tells what it finds")]
fn main() {
    let mut now = Duration::from_secs(1_700_000_000);
    let mut store = Store::new(Settings { seed: 1, history: 20_000 }, now);
    let mut workloads = Workloads::new("PEM");
    second(&mut workloads, &mut store, &mut now);
    let begun = Instant::now();
    (0..1000).for_each(|index| apply(&mut store, index, 1, now));
    println!("thousand_applies_seconds: {:.2}", begun.elapsed().as_secs_f64());
    let (begun, before) = (Instant::now(), store.revision());
    let (ticks, longest) = second(&mut workloads, &mut store, &mut now);
    let writes = store.revision() - before;
    let available = (0..1000)
        .filter_map(|index| store.object("apps", "deployments", "default", &format!("d{index}")))
        .filter(|object| object.int_at(&["status", "availableReplicas"]) == Some(1))
        .count();
    println!("thousand_available: {available}\nthousand_writes: {writes}\nthousand_ticks: {ticks}");
    println!("thousand_rollout_seconds: {:.2}", begun.elapsed().as_secs_f64());
    println!("thousand_longest_tick_ms: {:.1}", longest.as_secs_f64() * 1e3);
    apply(&mut store, 500, 2, now);
    let (begun, before) = (Instant::now(), store.revision());
    second(&mut workloads, &mut store, &mut now);
    println!("thousand_scale_ms: {:.2}", begun.elapsed().as_secs_f64() * 1e3);
    println!("thousand_scale_writes: {}", store.revision() - before);
    let begun = Instant::now();
    workloads.tick(&mut store, now);
    println!("thousand_idle_tick_us: {:.0}", begun.elapsed().as_secs_f64() * 1e6);
}
