//! Conditions as a function of everything they are made of.

use lockstep_api::{
    Condition, ConditionType, Obstacle, Reason, Standing, SyncState, conditions, list_items, ready_reason,
};
use lockstep_core::{Finding, Health, HealthState, Origin, Timestamp};

fn standing<'a>(health: &'a Health) -> Standing<'a> {
    Standing {
        generation: 2,
        suspended: false,
        obstacle: None,
        source_error: None,
        sync: SyncState::Synced,
        revision: None,
        objects: 4,
        conflicts: &[],
        failures: &[],
        logs: &[],
        pending: &[],
        retry_at: None,
        stalled: None,
        fights: &[],
        health,
    }
}

fn find(all: &[Condition], kind: ConditionType) -> Option<&Condition> {
    all.iter().find(|condition| condition.kind == kind)
}

/// `Type=reason` of everything that holds, and Ready.
fn told(standing: &Standing<'_>) -> Vec<String> {
    let all = conditions(standing, &[], Timestamp(5));
    all.iter().map(|c| format!("{}={} {}", c.kind, c.holds, c.reason)).collect()
}

#[test]
fn ready_holds_only_when_everything_does() {
    let healthy = Health::healthy();
    let items = ["ConfigMap/a".to_owned()];
    let good = standing(&healthy);
    let health = |state| Health::new(state, "why");
    let degraded = health(HealthState::Degraded);
    let progressing = health(HealthState::Progressing);
    let suspended = health(HealthState::Suspended);
    for (standing, expected) in [
        (good.clone(), &["Ready=true Ready"][..]),
        (Standing { suspended: true, ..good.clone() }, &["Ready=false Suspended"]),
        (Standing { source_error: Some("refused"), ..good.clone() }, &["Ready=false SourceUnavailable"]),
        (
            Standing { obstacle: Some(Obstacle::InvalidSpec(&[])), suspended: true, ..good.clone() },
            &["Ready=false InvalidSpec", "Stalled=true InvalidSpec"],
        ),
        (
            Standing { obstacle: Some(Obstacle::Deleting(&items)), source_error: Some("x"), ..good.clone() },
            &["Ready=false Deleting"],
        ),
        (
            Standing { obstacle: Some(Obstacle::ProjectNotFound("p")), ..good.clone() },
            &["Ready=false ProjectNotFound", "Stalled=true ProjectNotFound"],
        ),
        (
            Standing { obstacle: Some(Obstacle::RenderFailed(&[])), ..good.clone() },
            &["Ready=false RenderFailed", "Stalled=true RenderFailed"],
        ),
        (
            Standing { conflicts: &items, failures: &items, ..good.clone() },
            &["Ready=false Conflict", "Stalled=true Conflict"],
        ),
        (
            Standing { failures: &items, sync: SyncState::Syncing, ..good.clone() },
            &["Ready=false SyncFailed", "Reconciling=true SyncFailed"],
        ),
        (
            Standing {
                failures: &items,
                sync: SyncState::OutOfSync,
                stalled: Some("retries used up"),
                ..good.clone()
            },
            &["Ready=false SyncFailed", "Stalled=true SyncFailed"],
        ),
        (
            Standing { sync: SyncState::Blocked, pending: &items, ..good.clone() },
            &["Ready=false Blocked", "Stalled=true Blocked"],
        ),
        (Standing { sync: SyncState::OutOfSync, ..good.clone() }, &["Ready=false OutOfSync"]),
        (
            Standing { sync: SyncState::Syncing, ..good.clone() },
            &["Ready=false Syncing", "Reconciling=true Syncing"],
        ),
        (
            Standing { sync: SyncState::Unknown, ..good.clone() },
            &["Ready=false Unknown", "Reconciling=true Unknown"],
        ),
        (standing(&degraded), &["Ready=false Degraded"]),
        (standing(&progressing), &["Ready=false Progressing", "Reconciling=true Progressing"]),
        (standing(&suspended), &["Ready=false HealthSuspended"]),
        (Standing { fights: &items, ..good.clone() }, &["Ready=true Ready", "Fighting=true Fighting"]),
    ] {
        assert_eq!(told(&standing), expected, "{standing:?}");
    }
}

#[test]
fn the_source_comes_before_what_was_rendered_from_it() {
    let healthy = Health::healthy();
    let standing = Standing {
        source_error: Some("refused"),
        obstacle: Some(Obstacle::RenderFailed(&[])),
        sync: SyncState::OutOfSync,
        ..standing(&healthy)
    };
    assert_eq!(ready_reason(&standing), Reason::SourceUnavailable);
}

#[test]
fn the_time_is_kept_while_the_status_is() {
    let healthy = Health::healthy();
    let good = standing(&healthy);
    let bad = Standing { sync: SyncState::OutOfSync, ..good.clone() };
    let first = conditions(&good, &[], Timestamp(1));
    let again = conditions(&good, &first, Timestamp(2));
    assert_eq!(again, first);
    let worse = conditions(&bad, &again, Timestamp(3));
    assert_eq!(find(&worse, ConditionType::Ready).unwrap().since, Timestamp(3));
    let other = Standing { sync: SyncState::Blocked, ..good.clone() };
    let still = conditions(&other, &worse, Timestamp(4));
    assert_eq!(find(&still, ConditionType::Ready).unwrap().since, Timestamp(3));
    assert_eq!(find(&still, ConditionType::Stalled).unwrap().since, Timestamp(4));
}

#[test]
fn messages_name_twenty_items_and_count_the_rest() {
    let items: Vec<String> = (0..25).map(|n| format!("ConfigMap/c{n}")).collect();
    let text = list_items(&items);
    assert!(text.starts_with("ConfigMap/c0; ConfigMap/c1; "), "{text}");
    assert!(text.ends_with("ConfigMap/c19; and 5 more"), "{text}");
    assert!(list_items(&["x".repeat(100_000)]).chars().count() < 500);
    let long: Vec<String> = (0..1000).map(|_| "y".repeat(10_000)).collect();
    let healthy = Health::healthy();
    let failing = Standing { failures: &long, ..standing(&healthy) };
    let all = conditions(&failing, &[], Timestamp(1));
    assert!(all.iter().all(|condition| condition.message.len() < 32_768));
}

#[test]
fn findings_are_named_with_their_places_and_warnings_are_not() {
    let healthy = Health::healthy();
    let findings = [
        Finding::warning("w", "odd").at(Origin::new("a.yaml", 1, 1)),
        Finding::error("e", "no kind").at(Origin::new("b.yaml", 3, 2)).with_hint("add one"),
    ];
    let broken = Standing { obstacle: Some(Obstacle::RenderFailed(&findings)), ..standing(&healthy) };
    let all = conditions(&broken, &[], Timestamp(1));
    assert_eq!(find(&all, ConditionType::Ready).unwrap().message, "b.yaml:3:2: no kind (add one)");
    let empty = Standing { obstacle: Some(Obstacle::EmptyRender(3)), ..standing(&healthy) };
    let message = conditions(&empty, &[], Timestamp(1))[0].message.clone();
    let left = ["ConfigMap/a waits, it is being deleted".to_owned()];
    let leaving = Standing { obstacle: Some(Obstacle::Deleting(&left)), ..standing(&healthy) };
    let told = conditions(&leaving, &[], Timestamp(1))[0].message.clone();
    assert_eq!(told, "being deleted: ConfigMap/a waits, it is being deleted");
    assert!(message.contains("no objects in it, while 3 are recorded; nothing is deleted"), "{message}");
}

#[test]
fn a_fight_names_the_other_manager() {
    let healthy = Health::new(HealthState::Healthy, "");
    let fights = ["kubectl-edit keeps changing .spec.replicas of Deployment/web".to_owned()];
    let fighting = Standing { fights: &fights, ..standing(&healthy) };
    let all = conditions(&fighting, &[], Timestamp(1));
    let message = &find(&all, ConditionType::Fighting).unwrap().message;
    assert_eq!(*message, fights[0]);
}

#[test]
fn what_is_not_known_is_not_called_different() {
    let health = Health::new(HealthState::Unknown, "ConfigMap/a: the server cannot be reached");
    let items = ["ConfigMap/a: the server cannot be reached".to_owned()];
    let standing = Standing { sync: SyncState::Unknown, pending: &items, ..standing(&health) };
    assert_eq!(told(&standing), ["Ready=false Unknown", "Reconciling=true Unknown"]);
    let all = conditions(&standing, &[], Timestamp(1));
    assert_eq!(all[0].message, "what is live is not known: ConfigMap/a: the server cannot be reached");
    let unseen = Standing { pending: &[], ..standing };
    assert_eq!(conditions(&unseen, &[], Timestamp(1))[0].message, "nothing was rendered yet");
}

#[test]
fn what_is_under_way_is_counted_and_the_next_attempt_is_named() {
    let healthy = Health::healthy();
    let reconciling = |standing: &Standing<'_>| {
        let all = conditions(standing, &[], Timestamp(1));
        find(&all, ConditionType::Reconciling).unwrap().message.clone()
    };
    // They are leaving: Git names none.
    let items = ["ConfigMap/a".to_owned(), "ConfigMap/b".to_owned()];
    let syncing = Standing { sync: SyncState::Syncing, objects: 0, pending: &items, ..standing(&healthy) };
    assert_eq!(reconciling(&syncing), "2 objects are outstanding");
    let one = Standing { pending: &items[..1], ..syncing.clone() };
    assert_eq!(reconciling(&one), "1 object is outstanding");
    let failed = Standing { failures: &items, retry_at: Some(Timestamp(60)), ..syncing };
    let expected = "failed steps are tried again at 1970-01-01T00:01:00Z, or when something changes";
    assert_eq!(reconciling(&failed), expected);
    let never = Standing { retry_at: None, ..failed };
    assert_eq!(reconciling(&never), "failed steps are tried again when something changes");
}
