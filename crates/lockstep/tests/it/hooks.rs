//! Hooks against a cluster: Jobs that run, fail, hang and are mended.
use std::time::Duration;

use serde_json::{Value, json};
use xtask::{Scenario, text};

use crate::harness::witness::{
    APPLICATION, SHOP, is_part_of, killed, restart, until_logged, until_written, written,
};
use crate::harness::{config_map, scenario};
use crate::waves::in_wave;

/// A Job whose pod fares as told.
pub(crate) fn job(name: &str, annotations: &str, (spec, pod): (&str, &str)) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, annotations: {{{annotations}}}}}\n\
         spec:\n  backoffLimit: 0\n{spec}  template:\n    metadata: {{annotations: {{{pod}}}}}\n    \
         spec: {{restartPolicy: Never, containers: [{{name: c, image: i}}]}}\n"
    )
}

pub(crate) const PRE_SYNC: &str = "lockstep.dev/hook: PreSync";
pub(crate) const GOOD: (&str, &str) = ("", "");
pub(crate) const BAD: (&str, &str) = ("  activeDeadlineSeconds: 1\n", "cluster.lockstep.dev/pull: fail");
pub(crate) const STUCK: (&str, &str) = ("", "cluster.lockstep.dev/pull: fail");

/// How far the sync is, as the status has it.
pub(crate) fn stage_of(found: &Value) -> &str {
    text(found, "/status/run/stage")
}

/// Waits until so many syncs with hooks have begun, and the last has succeeded.
pub(crate) async fn until_run(stage: &Scenario, number: u64) {
    let over = |found: &Value| {
        found.pointer("/status/run/number") == Some(&json!(number)) && stage_of(found) == "Succeeded"
    };
    stage.until(APPLICATION, over).await;
}

/// The Jobs and ConfigMaps that the controller wrote, oldest first.
fn names(stage: &Scenario, counts: impl Fn(&str) -> bool) -> Vec<String> {
    let kinds = ["jobs", "configmaps"];
    let writes = written(stage).into_iter();
    let ours = writes.filter(|(verb, resource, _)| counts(verb) && kinds.contains(&&**resource));
    ours.map(|(_, _, name)| name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_runs_before_the_change_and_once_and_not_again_after_a_restart() {
    let Some(mut stage) = scenario("hooks").await else { return };
    let sha = stage.push(&[
        ("app/migrate.yaml", &job("migrate", PRE_SYNC, GOOD)),
        ("app/smoke.yaml", &job("smoke", "argocd.argoproj.io/hook: PostSync", GOOD)),
        ("app/test.yaml", &job("test", "helm.sh/hook: test", GOOD)),
        ("app/a.yaml", &config_map("a", "1")),
    ]);
    stage.application(SHOP, json!({})).await;
    stage.ready(SHOP, &sha).await;
    let found = stage.until(APPLICATION, |found| stage_of(found) == "Succeeded").await;
    assert_eq!(found.pointer("/status/run/hooks").and_then(Value::as_array).map(Vec::len), Some(2));
    let once = ["migrate", "a", "smoke"].map(str::to_owned);
    until_logged(|| names(&stage, |_| true), &once.to_vec()).await;
    assert!(stage.find("batch/v1", "Job", "test").await.is_none(), "tests of Helm never run");
    restart(&mut stage);
    until_written(&stage, "jobs", "migrate", 1).await;
    // The next change runs them again.
    let sha = stage.push(&[("app/a.yaml", &config_map("a", "2"))]);
    stage.ready(SHOP, &sha).await;
    until_run(&stage, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_hangs_is_mended_by_a_commit() {
    let Some(stage) = scenario("hooks-stuck").await else { return };
    stage.push(&[
        ("app/migrate.yaml", &job("migrate", PRE_SYNC, STUCK)),
        ("app/a.yaml", &config_map("a", "1")),
    ]);
    stage.application(SHOP, json!({})).await;
    stage.until(("batch/v1", "Job", "migrate"), |_| true).await;
    let sha = stage.push(&[("app/migrate.yaml", &job("migrate", PRE_SYNC, GOOD))]);
    stage.ready(SHOP, &sha).await;
    assert!(stage.find("v1", "ConfigMap", "a").await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_fails_is_named_and_nothing_else_is_written() {
    let Some(stage) = scenario("hooks-fail").await else { return };
    stage.push(&[
        ("app/migrate.yaml", &job("migrate", PRE_SYNC, BAD)),
        ("app/sorry.yaml", &job("sorry", "lockstep.dev/hook: SyncFail", GOOD)),
        ("app/a.yaml", &config_map("a", "1")),
    ]);
    stage.application(SHOP, json!({"sync": {"mode": "Automatic", "retry": {"limit": 0}}})).await;
    stage.until(APPLICATION, |found| stage_of(found) == "Failed").await;
    let message = stage.not_ready(SHOP, "SyncFailed").await;
    assert!(message.contains("Job/migrate"), "{message}");
    assert!(stage.find("batch/v1", "Job", "sorry").await.is_some());
    assert!(stage.find("v1", "ConfigMap", "a").await.is_none());
    let sha = stage.push(&[("app/migrate.yaml", &job("migrate", PRE_SYNC, GOOD))]);
    stage.ready(SHOP, &sha).await;
}

/// So many times the controller is killed in the midst of a sync, a little later in it each time.
const KILLS: u64 = 24;

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_each_hook_runs_once_a_sync_and_waves_keep_their_order() {
    let Some(mut stage) = scenario("hooks-crash").await else { return };
    stage.push(&[
        ("app/migrate.yaml", &job("migrate", PRE_SYNC, GOOD)),
        ("app/between.yaml", &job("between", "lockstep.dev/hook: Sync, lockstep.dev/wave: '1'", GOOD)),
        ("app/smoke.yaml", &job("smoke", "lockstep.dev/hook: PostSync", GOOD)),
    ]);
    stage.application(SHOP, json!({})).await;
    for round in 1..=KILLS {
        let value = round.to_string();
        let late = in_wave("late", &value, 2);
        let sha = stage.push(&[("app/early.yaml", &config_map("early", &value)), ("app/late.yaml", &late)]);
        tokio::time::sleep(Duration::from_millis(round * 17)).await;
        killed(&mut stage);
        stage.ready(SHOP, &sha).await;
        until_run(&stage, round).await;
    }
    let once = ["migrate", "early", "between", "late", "smoke"].map(str::to_owned);
    let expected: Vec<String> = (0..KILLS).flat_map(|_| once.clone()).collect();
    let written = || names(&stage, |verb| verb == "patch");
    if stage.cluster.logs_all() {
        until_logged(written, &expected).await;
    } else {
        let found = written();
        assert!(is_part_of(&found, &expected), "{found:?}");
    }
}
