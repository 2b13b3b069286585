//! Status: written, read back, and not written when nothing changed.

use lockstep_api::{
    Condition, ConditionType, Counts, Handled, HealthStatus, HistoryEntry, Operation, OperationPhase, Status,
    SyncState, SyncStatus,
};
use lockstep_core::{
    CommitId, HealthState, HookEnd, HookFailure, Map, Run, RunScope, RunStage, Timestamp, Value, from_json,
    to_json,
};

fn commit(digit: &str) -> CommitId {
    CommitId::parse(&digit.repeat(40)).unwrap()
}

fn entry(digit: &str) -> HistoryEntry {
    HistoryEntry {
        revision: commit(digit),
        author: "Ada <ada@example.com>".into(),
        subject: "Change".into(),
        plan: "p".into(),
        result: OperationPhase::Succeeded,
        at: Timestamp(1_795_503_000),
    }
}

fn full() -> Status {
    Status {
        observed_generation: 3,
        sync: SyncStatus {
            state: SyncState::Syncing,
            revisions: vec![commit("a"), commit("b")],
            plan: Some("d1".into()),
        },
        health: Some(HealthStatus {
            state: HealthState::Degraded,
            reason: "Deployment/web: crash".into(),
            since: Timestamp(1_795_503_000),
        }),
        operation: Some(Operation {
            phase: OperationPhase::Running,
            wave: Some(-2),
            plan: "d1".into(),
            revision: Some(commit("b")),
            started_at: Timestamp(1_795_503_000),
            finished_at: None,
            message: "2 of 4".into(),
        }),
        history: vec![entry("a")],
        conditions: vec![Condition {
            kind: ConditionType::Ready,
            holds: false,
            reason: "Syncing".into(),
            message: "outstanding".into(),
            since: Timestamp(1_795_503_000),
            observed_generation: 3,
        }],
        objects: Counts { total: 4, out_of_sync: 2, degraded: 1 },
        images: vec!["nginx:1".into()],
        urls: vec!["https://shop.example".into()],
        run: Some(Run {
            target: "t".into(),
            revision: "abc+def".into(),
            number: 3,
            attempt: 2,
            scope: RunScope::Always,
            stage: RunStage::Failing,
            started: Some(Timestamp(1_795_502_000)),
            ended: Some(Timestamp(1_795_503_000)),
            failure: Some("waits for wave 0".into()),
            hooks: [
                ("PreSync batch/Job:n/a".into(), HookEnd::Succeeded),
                (
                    "Sync batch/Job:n/b".into(),
                    HookEnd::Failed(HookFailure { why: "no".into(), log: "a\nb".into() }),
                ),
                ("Sync batch/Job:n/c".into(), HookEnd::Again { failures: 2, why: "exit code 1".into() }),
                ("PostDelete batch/Job:n/d".into(), HookEnd::Skipped),
            ]
            .into(),
        }),
        deletion_hooks: vec!["Job/goodbye".into()],
        handled: Handled { sync: Some("1".into()), refresh: None, abort: Some("2".into()) },
    }
}

fn with_status(status: Value) -> Value {
    Value::map(Map::from([("status".into(), status)]))
}

/// Merges a patch as the server does.
fn merged(target: &Value, patch: &Value) -> Value {
    let Some(changes) = patch.as_map() else { return patch.clone() };
    let mut entries = target.as_map().cloned().unwrap_or_default();
    for (key, change) in changes {
        match change {
            Value::Null => entries.remove(key),
            _ => entries.insert(key.clone(), merged(entries.get(key).unwrap_or(&Value::Null), change)),
        };
    }
    Value::map(entries)
}

#[test]
fn a_status_is_read_as_it_was_written() {
    for status in [full(), Status::default()] {
        assert_eq!(Status::read(&with_status(status.to_value())), status);
    }
    let text = String::from_utf8(to_json(&full().to_value())).unwrap();
    assert!(text.contains(&format!(r#""revision":"{}""#, "a".repeat(40))), "{text}");
}

#[test]
fn an_unchanged_status_is_not_written() {
    let status = full();
    assert_eq!(status.patch(&with_status(status.to_value())), None);
    assert!(status.patch(&from_json(b"{}").unwrap()).is_some());
}

#[test]
fn a_patch_turns_one_status_into_the_other() {
    let mut other = full();
    other.operation = None;
    other.health = None;
    other.images.clear();
    other.handled = Handled::default();
    other.sync.revisions.pop();
    other.history.push(entry("c"));
    for (from, to) in
        [(full(), other.clone()), (other, full()), (Status::default(), full()), (full(), Status::default())]
    {
        let live = with_status(from.to_value());
        let patch = to.patch(&live).unwrap();
        assert_eq!(Status::read(&merged(&live, &patch)), to);
        assert_eq!(to.patch(&merged(&live, &patch)), None);
    }
}

#[test]
fn a_further_attempt_at_the_same_plan_is_no_further_line_of_history() {
    let mut status = Status::default();
    let failed = HistoryEntry { result: OperationPhase::Failed, ..entry("a") };
    let later = Timestamp(1_795_503_005);
    for entry in [failed.clone(), HistoryEntry { at: later, ..failed.clone() }] {
        status.remember(entry, 10);
    }
    assert_eq!(status.history, [HistoryEntry { at: later, ..failed.clone() }]);
    for other in [entry("a"), HistoryEntry { plan: "q".into(), ..entry("a") }, entry("b"), failed] {
        status.remember(other, 10);
    }
    assert_eq!(status.history.len(), 5);
}

#[test]
fn history_keeps_the_newest_and_cuts_long_lines() {
    let mut status = Status::default();
    for digit in ["a", "b", "c"] {
        status.remember(HistoryEntry { subject: "é".repeat(1000), ..entry(digit) }, 2);
    }
    let kept: Vec<&str> = status.history.iter().map(|entry| entry.revision.short()).collect();
    assert_eq!(kept, ["cccccccc", "bbbbbbbb"]);
    assert_eq!(status.history[0].subject.chars().count(), 201);
    status.remember(entry("d"), 0);
    assert_eq!(status.history, []);
}

#[test]
fn what_cannot_be_read_is_left_out_and_the_rest_stays() {
    let json = br#"{"status":{"observedGeneration":"x","sync":{"state":"Odd","revision":"short"},"health":{"state":"Fine"},
        "history":[{"revision":"short"},7],"conditions":[{"type":"Other","status":"True"}],"summary":{"objects":{"total":-1}},
        "lastHandled":{"sync":"1"}}}"#;
    let status = Status::read(&from_json(json).unwrap());
    let handled = Handled { sync: Some("1".into()), ..Handled::default() };
    assert_eq!(status, Status { handled, ..Status::default() });
}

#[test]
fn nothing_is_longer_than_the_schema_allows() {
    let mut status = full();
    let long = "é".repeat(100_000);
    status.images = vec![long.clone(); 1000];
    status.urls = vec![long.clone(); 1000];
    status.operation = status.operation.map(|operation| Operation { message: long.clone(), ..operation });
    status.health = status.health.map(|health| HealthStatus { reason: long.clone(), ..health });
    let read = Status::read(&with_status(status.to_value()));
    assert!(read.images.len() <= 256 && read.urls.len() <= 256);
    let texts =
        [&read.images[0], &read.urls[0], &read.operation.unwrap().message, &read.health.unwrap().reason];
    assert!(texts.iter().all(|text| text.chars().count() <= 4096));
    assert_eq!(status.patch(&with_status(status.to_value())), None);
}
