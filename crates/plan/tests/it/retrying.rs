//! Failures, fights and objects that cannot be changed.

use std::time::Duration;

use lockstep_core::FieldPath;
use lockstep_plan::{Change, Fight, Verdict};

use crate::{World, check, compare};

const FAILED: &str = "applied ConfigMap/a x=1
     git ConfigMap/a x=2
     git ConfigMap/b x=1
     failed ConfigMap/a Forbidden 1";

#[test]
fn a_failure_waits_and_does_not_stop_the_others() {
    check(
        FAILED,
        "Syncing SyncFailed
         ConfigMap/a: failed (Forbidden, attempt 1): no; would change it
         ConfigMap/b: creates, it does not exist
         > foundations: create ConfigMap/b",
    );
}

#[test]
fn a_failure_is_tried_again_when_its_time_has_come_or_something_changed() {
    for change in ["wait 5", "ask", "revision b", "generation 2"] {
        check(
            &format!("{FAILED}\n{change}"),
            "Syncing Progressing
             ConfigMap/a: changes, Git has it otherwise than it was applied
             ConfigMap/b: creates, it does not exist
             > foundations: change ConfigMap/a, create ConfigMap/b",
        );
    }
}

#[test]
fn the_next_moment_is_told() {
    let mut world = World::play(FAILED);
    assert_eq!(world.decide().1.wake, Some(world.now.after(Duration::from_secs(5))));
    world.act("failed ConfigMap/a Forbidden 1");
    assert_eq!(world.decide().1.wake, Some(world.now.after(Duration::from_secs(10))));
    assert_eq!(World::play("in-sync ConfigMap/a x=1").decide().1.wake, None);
}

#[test]
fn after_the_limit_it_counts_as_out_of_sync() {
    check(
        "git ConfigMap/a x=1
         failed ConfigMap/a Invalid 6",
        "OutOfSync SyncFailed
         ConfigMap/a: failed (Invalid, attempt 6): no; would create it",
    );
}

#[test]
fn a_deletion_that_failed_waits_too() {
    check(
        "in-sync ConfigMap/a x=1
         applied ConfigMap/old x=1
         failed ConfigMap/old Forbidden 1",
        "Syncing SyncFailed
         ConfigMap/a: in sync
         ConfigMap/old: failed (Forbidden, attempt 1): no; would delete it",
    );
}

#[test]
fn an_immutable_field_recreates_only_what_allows_it() {
    check(
        "applied ConfigMap/a x=1
         git ConfigMap/a x=2
         failed ConfigMap/a Immutable 1",
        "Syncing SyncFailed
         ConfigMap/a: failed (Immutable, attempt 1): no (annotate it with `lockstep.dev/prune: allowed` to let it be deleted and created again); would change it",
    );
    let recreated = "Syncing Progressing
         ConfigMap/a: deletes and creates, an immutable field changed
         > foundations: recreate ConfigMap/a uid-a";
    check(
        "applied ConfigMap/a x=1 @prune=allowed
         git ConfigMap/a x=2
         failed ConfigMap/a Immutable 1",
        recreated,
    );
    check(
        "applied ConfigMap/a x=1
         git ConfigMap/a x=2 @prune=allowed
         failed ConfigMap/a Immutable 1",
        recreated,
    );
    check(
        "applied PersistentVolumeClaim/a x=1 @prune=allowed
         git PersistentVolumeClaim/a x=2 @prune=allowed
         failed PersistentVolumeClaim/a Immutable 1",
        "Syncing SyncFailed
         PersistentVolumeClaim/a: failed (Immutable, attempt 1): no (objects of this kind are never deleted to be created again); would change it",
    );
}

#[test]
fn nothing_is_recreated_without_a_good_render() {
    check(
        "render failed
         applied ConfigMap/a x=1 @prune=allowed
         git ConfigMap/a x=2 @prune=allowed
         failed ConfigMap/a Immutable 1",
        "OutOfSync RenderFailed
         ConfigMap/a: held, nothing is rendered; would change it",
    );
}

#[test]
fn a_recreation_is_a_deletion_for_the_budget_and_backs_off() {
    let scenario = "applied ConfigMap/a x=1
         git ConfigMap/a x=2 @prune=allowed";
    check(
        &format!("policy budget=0\n{scenario}\nfailed ConfigMap/a Immutable 1"),
        "Blocked Blocked
         ConfigMap/a: blocked by the deletion budget; would delete and create it, an immutable field changed",
    );
    check(
        &format!("{scenario}\nfailed ConfigMap/a Immutable 2"),
        "Syncing SyncFailed
         ConfigMap/a: failed (Immutable, attempt 2): no; would change it",
    );
}

/// Loses a field of the object and heals it, so many times.
fn fight(world: &mut World, healed: &str, times: usize) {
    for _ in 0..times {
        world.act("edit ConfigMap/a x=2 by other-controller");
        let (_, report) = world.decide();
        if let Verdict::Act(Change::Heal(drift)) = &report.entries[0].verdict {
            let key = report.entries[0].key.clone();
            let next = Fight::after_heal(world.history.fights.get(&key), drift, world.now);
            world.history.fights.insert(key, next.unwrap());
            world.act(&format!("applied ConfigMap/a {healed}"));
        }
        world.act("wait 1");
    }
}

#[test]
fn a_field_that_is_taken_again_and_again_is_healed_less_often() {
    let mut world = World::play("in-sync ConfigMap/a x=1");
    fight(&mut world, "x=1", 3);
    compare(&world.plan(), "Synced Synced\nConfigMap/a: in sync");
    fight(&mut world, "x=1", 1);
    compare(
        &world.plan(),
        "Synced Synced
         ConfigMap/a: in sync
         fight: other-controller keeps changing .data.x of ConfigMap/a, which is healed less often the longer this goes on",
    );
    world.act("edit ConfigMap/a x=2 by other-controller");
    compare(
        &world.plan(),
        "OutOfSync Fighting
         ConfigMap/a: fighting other-controller, heals less often; would heal: .data.x changed by other-controller
         fight: other-controller keeps changing .data.x of ConfigMap/a, which is healed less often the longer this goes on",
    );
    let heals = "Syncing Progressing
         ConfigMap/a: heals, .data.x changed by other-controller
         fight: other-controller keeps changing .data.x of ConfigMap/a, which is healed less often the longer this goes on
         > foundations: heal ConfigMap/a";
    world.act("wait 4");
    compare(&world.plan(), heals);
}

#[test]
fn a_fight_is_about_one_field_and_one_manager_and_ends() {
    let mut world = World::play("in-sync ConfigMap/a x=1 y=1");
    fight(&mut world, "x=1 y=1", 4);
    world.act("edit ConfigMap/a y=2 by someone");
    assert!(matches!(world.decide().1.entries[0].verdict, Verdict::Act(Change::Heal(_))), "another field");
    let key = crate::objects::key_of("ConfigMap/a");
    assert_eq!(world.history.fights[&key].path, FieldPath::fields(&["data", "x"]));
    assert!(world.decide().1.wake.is_some(), "the condition has to be taken back");
    world.act("wait 120");
    let (_, report) = world.decide();
    assert!(report.fights.is_empty() && report.wake.is_none());
}

#[test]
fn what_became_of_objects_that_are_gone_is_forgotten() {
    let mut world = World::play(FAILED);
    let report = world.decide().1;
    world.history.keep_to(&report);
    assert_eq!(world.history.failures.len(), 1, "it is wanted");
    world.desired.clear();
    world.record.objects.clear();
    world.live.clear();
    let report = world.decide().1;
    world.history.keep_to(&report);
    assert!(world.history.failures.is_empty());
}
