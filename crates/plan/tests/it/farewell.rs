//! Hooks around the end of an Application.

use lockstep_core::*;
use lockstep_plan::*;

use crate::compare;
use crate::text::render;
use crate::world::World;

const APP: &str = "in-sync ConfigMap/a x=1
     git ConfigMap/before x=1 @hook=PreDelete
     git ConfigMap/after x=1 @hook=PostDelete";

impl World {
    /// Takes every step of the deletion that is planned, and tells. Whether it is done.
    fn part(&mut self) -> bool {
        let Deletion { plan, report, done } = self.decide_deletion();
        plan.steps().for_each(|step| self.take(step));
        self.run = report.run;
        done
    }

    #[track_caller]
    fn expect_deletion(&mut self, expected: &str) {
        let Deletion { plan, report, done } = self.decide_deletion();
        compare(&format!("{}\n{}", if done { "done" } else { "not done" }, render(&plan, &report)), expected);
    }
}

#[test]
fn no_sync_runs_them() {
    let mut world = World::play(APP);
    world.expect("Synced Synced\nConfigMap/a: in sync");
    world.act("regit ConfigMap/a x=2");
    (0..4).for_each(|_| world.work());
    assert!(world.is_live("ConfigMap/a") && !world.is_live("ConfigMap/before"));
}

#[test]
fn one_before_everything_goes_one_after_and_the_end_when_that_is_told() {
    let mut world = World::play(APP);
    world.fares("ConfigMap/before", HealthState::Progressing, "0 of 1");
    world.expect_deletion(
        "not done
         Syncing Deleting
         ConfigMap/a: waits for the sync to begin; would delete it",
    );
    world.part();
    world.expect_deletion(
        "not done
         Syncing Deleting
         ConfigMap/a: waits for hook ConfigMap/before of PreDelete: is about to start; would delete it
         ConfigMap/before: starts, a hook of PreDelete
         > foundations: create ConfigMap/before",
    );
    world.part();
    world.part();
    assert!(world.is_live("ConfigMap/a"), "it waits for the hook");
    world.fares("ConfigMap/before", HealthState::Healthy, "");
    (0..3).for_each(|_| _ = world.part());
    assert!(!world.is_live("ConfigMap/a") && !world.is_live("ConfigMap/before"));
    world.fares("ConfigMap/after", HealthState::Progressing, "0 of 1");
    world.part();
    world.expect_deletion(
        "not done
         Syncing Deleting
         ConfigMap/after: is on its way: 0 of 1; would start it, a hook of PostDelete
         ConfigMap/before: in sync",
    );
    world.fares("ConfigMap/after", HealthState::Healthy, "");
    assert!(!world.part(), "its end is told before anything rests on it");
    assert!((0..4).any(|_| world.part()));
    assert!(world.live.is_empty(), "{:?}", world.live.keys());
}

#[test]
fn one_that_fails_holds_the_deletion_and_is_tried_again() {
    let mut world = World::play(APP);
    world.fares("ConfigMap/before", HealthState::Degraded, "exit code 1");
    (0..4).for_each(|_| _ = world.part());
    assert_eq!(world.stage(), "Failed");
    world.expect_deletion(
        "not done
         Syncing Deleting
         ConfigMap/a: waits for hook ConfigMap/before of PreDelete: exit code 1; would delete it
         ConfigMap/before: failed: exit code 1; would start it, a hook of PreDelete",
    );
    assert!(world.decide_deletion().report.wake.is_some());
    // A commit that mends it.
    world.act("regit ConfigMap/before x=2 @hook=PreDelete");
    world.fares("ConfigMap/before", HealthState::Healthy, "");
    (0..12).for_each(|_| _ = world.part());
    assert!(world.part() && world.live.is_empty());
}

#[test]
fn a_user_has_one_that_failed_tried_again_at_once() {
    let mut world = World::play(APP);
    world.app.sync.retry.limit = Some(0);
    world.fares("ConfigMap/before", HealthState::Degraded, "exit code 1");
    (0..4).for_each(|_| _ = world.part());
    assert_eq!((world.stage(), world.decide_deletion().report.wake), ("Failed", None));
    world.fares("ConfigMap/before", HealthState::Healthy, "");
    world.act("ask");
    world.part();
    world.act("unask");
    (0..12).for_each(|_| _ = world.part());
    assert!(world.part() && world.live.is_empty());
}

#[test]
fn a_policy_of_orphan_runs_none_and_one_without_objects_neither() {
    let mut world = World::play(&format!("policy orphan\n{APP}"));
    assert!(world.part());
    assert!(world.is_live("ConfigMap/a") && !world.is_live("ConfigMap/before"));
    let mut world = World::play("git ConfigMap/before x=1 @hook=PreDelete");
    assert!(world.part());
}

#[test]
fn what_the_last_hook_lives_in_goes_after_it() {
    let mut world = World::play(&format!("{APP}\nin-sync Namespace/shop"));
    (0..5).for_each(|_| _ = world.part());
    assert!(world.is_live("Namespace/shop") && world.is_live("ConfigMap/after"));
    (0..4).for_each(|_| _ = world.part());
    assert!(world.part() && world.live.is_empty(), "{:?}", world.live.keys());
}

#[test]
fn in_a_namespace_that_goes_no_hook_can_be_made_and_none_is_waited_for() {
    let mut world = World::play(&format!("{APP}\nnamespace terminating"));
    (0..6).for_each(|_| _ = world.part());
    assert!(world.part() && world.live.is_empty());
}

#[test]
fn what_says_never_stays() {
    let mut world = World::play(
        "in-sync ConfigMap/a x=1
         git ConfigMap/after x=1 @hook=PostDelete @hook-delete=never",
    );
    (0..7).for_each(|_| _ = world.part());
    assert!(world.part());
    assert!(world.is_live("ConfigMap/after") && !world.is_live("ConfigMap/a"));
}

/// The process ends between a write and its record, and forgets everything.
#[test]
fn whenever_the_process_ends_each_runs_once() {
    for lost in 0..12 {
        let mut world = World::play(APP);
        let mut made = Vec::new();
        for round in 0..30 {
            let Deletion { plan, report, .. } = world.decide_deletion();
            let record = world.record.clone();
            for step in plan.steps() {
                world.take(step);
                if matches!(step.action, Action::Apply(_)) {
                    made.push(step.key.name.to_string());
                }
            }
            if round == lost {
                world.record = record;
                (world.memo, world.history) = (Memo::default(), History::default());
            } else {
                world.run = report.run;
            }
        }
        assert_eq!(made, ["before", "after"], "lost in round {lost}");
        assert!(world.live.is_empty(), "lost in round {lost}");
    }
}
