//! How the controller hears of a commit, and how little it does about it.
use serde_json::json;
use xtask::{Availability, SOON, Scenario, condition, eventually, text};

use crate::harness::witness::until_written;
use crate::harness::{config_map, scenario};

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_is_202_for_any_address_and_400_for_what_is_none() {
    let Some(stage) = scenario("refresh-answer").await else { return };
    let check = |body: &str, status: u16| {
        let (found, answer) = stage.controller.post("/v1/refresh", body).expect("an answer");
        assert_eq!(found, status, "{body}: {answer}");
    };
    check(&json!({"url": "https://nobody.example.com/x.git"}).to_string(), 202);
    check(&json!({"url": "nonsense"}).to_string(), 202);
    check(&json!({"url": stage.repo.url(), "more": 1}).to_string(), 202);
    check("{", 400);
    check("", 400);
    check("[]", 400);
    check("{\"url\": \"\"}", 400);
    check("{\"url\": 7}", 400);
    assert_eq!(stage.controller.get("/v1/refresh").expect("an answer").0, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_found_however_its_address_is_spelled() {
    let Some(stage) = scenario("spelling").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "0"))]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    let url = stage.repo.url();
    let bare = url.trim_end_matches(".git").to_owned();
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let spellings = [
        bare.clone(),
        format!("{url}/"),
        format!("{bare}/"),
        format!("{scheme}://somebody:password@{rest}"),
        format!("{}://{rest}", scheme.to_uppercase()),
    ];
    for (index, spelling) in spellings.iter().enumerate() {
        stage.repo.write("app/a.yaml", &config_map("a", &format!("{}", index + 1)));
        let sha = stage.repo.commit("change");
        stage.controller.refresh(spelling).expect("202");
        stage.ready("shop", &sha).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_during_a_fetch_start_one_more_after_it() {
    let Some(stage) = scenario("coalesced").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1"))]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    let server = stage.repo.server();
    let before = server.listings();
    server.set_availability(Availability::Stalls);
    stage.refresh();
    eventually(SOON, || async {
        if server.stalled() > 0 { Ok(()) } else { Err("no fetch under way".to_owned()) }
    })
    .await;
    (0..10).for_each(|_| stage.refresh());
    let sha = stage.repo.write("app/a.yaml", &config_map("a", "2")).commit("during the fetch");
    (0..10).for_each(|_| stage.refresh());
    server.set_availability(Availability::Up);
    stage.ready("shop", &sha).await;
    listed(&stage, before + 2).await;
    // A third one would have begun by the time that this one is over.
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "3"))]);
    stage.ready("shop", &sha).await;
    assert_eq!(server.listings(), before + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_cuts_a_back_off_short() {
    let Some(stage) = scenario("backoff").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1"))]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    let server = stage.repo.server();
    server.set_availability(Availability::Unavailable);
    // Several failures in a row: the next attempt of its own is further away than this test waits.
    for _ in 0..6 {
        let errors = fetches(&stage, "error");
        stage.refresh();
        eventually(SOON, || async {
            if fetches(&stage, "error") > errors { Ok(()) } else { Err("no failed fetch".to_owned()) }
        })
        .await;
    }
    stage.not_ready("shop", "SourceUnavailable").await;
    server.set_availability(Availability::Up);
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "2"))]);
    stage.ready("shop", &sha).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_annotation_looks_the_revision_up_afresh() {
    let Some(stage) = scenario("refresh-annotation").await else { return };
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "1"))]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    for (round, value) in ["2", "3"].into_iter().enumerate() {
        let sha = stage.repo.write("app/a.yaml", &config_map("a", value)).commit("unannounced");
        let annotation = json!({"lockstep.dev/refresh": format!("round {round}")});
        stage.change("shop", json!({"metadata": {"annotations": annotation}})).await;
        stage.ready("shop", &sha).await;
    }
    // The same value again asks for nothing.
    let listings = stage.repo.server().listings();
    stage
        .change(
            "shop",
            json!({"metadata": {"annotations": {"lockstep.dev/refresh": "round 1", "other": "x"}}}),
        )
        .await;
    crate::harness::heal(&stage, "a", "3").await;
    assert_eq!(stage.repo.server().listings(), listings);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_applications_share_one_fetch_and_a_commit_renders_those_it_touches() {
    let Some(stage) = scenario("shared").await else { return };
    let count = 20;
    for index in 0..count {
        stage.repo.write(&format!("apps/{index}/a.yaml"), &config_map(&format!("m{index}"), "1"));
    }
    let sha = stage.push(&[]);
    for index in 0..count {
        let path = format!("apps/{index}");
        let source = json!([{"git": {"url": stage.repo.url(), "revision": "main", "path": path}}]);
        stage.application(&format!("app-{index}"), json!({"sources": source})).await;
    }
    for index in 0..count {
        stage.ready(&format!("app-{index}"), &sha).await;
    }
    let server = stage.repo.server();
    let before = (server.listings(), server.fetches(), renders(&stage));
    let touched = stage.push(&[("apps/7/a.yaml", &config_map("m7", "2"))]);
    stage.ready("app-7", &touched).await;
    assert_eq!((server.listings(), server.fetches()), (before.0 + 1, before.1 + 1), "one fetch for all");
    assert_eq!(renders(&stage), before.2 + 1.0, "only the touched one is rendered");
    for index in (0..count).filter(|index| *index != 7) {
        let app = stage.get(&format!("app-{index}")).await;
        assert_eq!(condition(&app, "Ready").map(|ready| text(ready, "/status")), Some("True"));
        until_written(&stage, "configmaps", &format!("m{index}"), 1).await;
    }
    // A commit that touches none renders none.
    let listings = server.listings();
    stage.push(&[("README.md", "hello\n")]);
    listed(&stage, listings + 1).await;
    crate::harness::heal(&stage, "m7", "2").await;
    assert_eq!(renders(&stage), before.2 + 1.0);
}

async fn listed(stage: &Scenario, wanted: u64) {
    eventually(SOON, || async {
        let found = stage.repo.server().listings();
        if found == wanted { Ok(()) } else { Err(format!("{found} listings, not {wanted}")) }
    })
    .await;
}

fn renders(stage: &Scenario) -> f64 {
    stage.controller.metrics().expect("metrics").sum("lockstep_renders_total", &[])
}

fn fetches(stage: &Scenario, result: &str) -> f64 {
    stage.controller.metrics().expect("metrics").sum("lockstep_fetches_total", &[("result", result)])
}
