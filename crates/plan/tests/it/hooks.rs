//! Hooks: what runs when, what waits for it, and that nothing runs twice.

use std::collections::BTreeMap;

use lockstep_core::*;
use lockstep_plan::*;

use crate::compare;
use crate::objects::key_of;
use crate::text::render;
use crate::world::World;

impl World {
    /// Says in the status what is to be told of the run.
    pub(crate) fn tell(&mut self) {
        self.run = self.decide().1.run;
    }

    pub(crate) fn fares(&mut self, object: &str, state: HealthState, reason: &str) {
        self.health.insert(key_of(object), Health::new(state, reason));
    }

    /// Takes every step that is planned, and tells.
    pub(crate) fn work(&mut self) {
        let (plan, report) = self.decide();
        plan.steps().for_each(|step| self.take(step));
        self.run = report.run;
    }

    pub(crate) fn take(&mut self, step: &Step) {
        match &step.action {
            Action::Apply(apply) => self.apply(&apply.desired),
            Action::Prune(_) => {
                self.live.remove(&step.key);
                self.record.objects.remove(&step.key);
            }
            Action::Record(record) => drop(self.record.objects.insert(step.key.clone(), (**record).clone())),
            Action::Forget | Action::Abandon(_) => drop(self.record.objects.remove(&step.key)),
            Action::Recreate(_) => unreachable!("{step}"),
        }
    }

    pub(crate) fn stage(&self) -> &'static str {
        self.run.as_ref().map_or("none", |run| run.stage.as_str())
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, expected: &str) {
        let (plan, report) = self.decide();
        compare(&render(&plan, &report), expected);
    }
}

const ALL: &str = "git ConfigMap/before x=1 @hook=PreSync
    git ConfigMap/a x=1
    git ConfigMap/after x=1 @hook=PostSync
    git ConfigMap/sorry x=1 @hook=SyncFail";

#[test]
fn a_sync_is_told_before_its_first_hook_and_each_end_before_the_next_step() {
    let mut world = World::play(ALL);
    world.fares("ConfigMap/before", HealthState::Progressing, "0 of 1");
    world.expect(
        "Syncing Waiting
         ConfigMap/a: waits for the sync to begin; would create it",
    );
    world.tell();
    world.expect(
        "Syncing Progressing
         ConfigMap/a: waits for hook ConfigMap/before of PreSync: is about to start; would create it
         ConfigMap/before: starts, a hook of PreSync
         > foundations: create ConfigMap/before",
    );
    world.work();
    world.expect(
        "Syncing Waiting
         ConfigMap/a: waits for hook ConfigMap/before of PreSync: runs, 0 of 1; would create it
         ConfigMap/before: is on its way: 0 of 1; would start it, a hook of PreSync",
    );
    world.fares("ConfigMap/before", HealthState::Healthy, "");
    world.work();
    world.expect(
        "Syncing Progressing
         ConfigMap/a: creates, it does not exist
         ConfigMap/before: in sync
         > foundations: create ConfigMap/a",
    );
    world.work();
    world.expect(
        "Syncing Progressing
         ConfigMap/a: in sync
         ConfigMap/after: starts, a hook of PostSync
         ConfigMap/before: in sync
         > foundations: create ConfigMap/after",
    );
    for _ in 0..3 {
        world.work();
    }
    assert_eq!(world.stage(), "Succeeded");
    world.expect("Synced Synced\nConfigMap/a: in sync");
    // To heal is no sync, and what is left of hooks is no drift.
    world.act("delete ConfigMap/a");
    world.act("delete ConfigMap/before");
    world.expect(
        "Syncing Progressing
         ConfigMap/a: heals, it was deleted
         > foundations: heal ConfigMap/a",
    );
}

#[test]
fn the_next_sync_runs_its_hooks_again_in_the_place_of_the_old_ones() {
    let mut world = World::play(ALL);
    (0..8).for_each(|_| world.work());
    assert_eq!(world.stage(), "Succeeded");
    world.desired.retain(|object| &*object.key.name != "a");
    world.act("git ConfigMap/a x=2");
    world.tell();
    world.expect(
        "Syncing Progressing
         ConfigMap/a: waits for hook ConfigMap/before of PreSync: replaces one of an earlier sync; would change it
         ConfigMap/before: deletes, what a hook has left
         > delete foundations: delete ConfigMap/before uid-before",
    );
    (0..8).for_each(|_| world.work());
    assert_eq!((world.stage(), world.run.as_ref().map(|run| run.number)), ("Succeeded", Some(2)));
}

#[test]
fn a_hook_that_fails_fails_the_sync_and_a_newer_one_does_not_wait_for_it() {
    let mut world = World::play(ALL);
    world.fares("ConfigMap/before", HealthState::Degraded, "exit code 1");
    (0..4).for_each(|_| world.work());
    assert_eq!(world.stage(), "Failing");
    world.expect(
        "Syncing SyncFailed
         ConfigMap/a: waits for hook ConfigMap/before of PreSync: exit code 1; would create it
         ConfigMap/before: failed: exit code 1; would start it, a hook of PreSync
         ConfigMap/sorry: starts, a hook of SyncFail
         > foundations: create ConfigMap/sorry",
    );
    (0..3).for_each(|_| world.work());
    assert_eq!(world.stage(), "Failed");
    world.expect(
        "OutOfSync SyncFailed
         ConfigMap/a: waits for hook ConfigMap/before of PreSync: exit code 1; would create it
         ConfigMap/before: failed: exit code 1; would start it, a hook of PreSync",
    );
    // The fix.
    world.desired.retain(|object| &*object.key.name != "before");
    world.act("git ConfigMap/before x=2 @hook=PreSync");
    world.fares("ConfigMap/before", HealthState::Healthy, "");
    (0..9).for_each(|_| world.work());
    assert_eq!(world.stage(), "Succeeded");
    assert!(world.live.contains_key(&key_of("ConfigMap/a")));
}

#[test]
fn a_newer_sync_ends_one_that_waits_for_a_hook() {
    let mut world = World::play(ALL);
    world.fares("ConfigMap/before", HealthState::Progressing, "");
    (0..3).for_each(|_| world.work());
    world.desired.retain(|object| &*object.key.name != "a");
    world.act("git ConfigMap/a x=2");
    world.tell();
    world.expect(
        "Syncing Progressing
         ConfigMap/a: waits for hook ConfigMap/before of PreSync: replaces one of an earlier sync; would create it
         ConfigMap/before: deletes, what a hook has left
         > delete foundations: delete ConfigMap/before uid-before",
    );
}

#[test]
fn a_failed_sync_is_tried_again_after_its_pause_and_keeps_what_succeeded() {
    let mut world = World::play(&format!("{ALL}\ngit ConfigMap/first x=1 @hook=PreSync @wave=-1"));
    world.fares("ConfigMap/before", HealthState::Degraded, "exit code 1");
    (0..9).for_each(|_| world.work());
    assert_eq!(world.stage(), "Failed");
    assert!(world.decide().1.wake.is_some());
    world.act("wait 6");
    world.work();
    let run = world.run.clone().unwrap();
    assert_eq!((run.attempt, run.stage), (2, RunStage::Running));
    assert_eq!(run.hooks.keys().collect::<Vec<_>>(), ["PreSync /ConfigMap:shop/first"]);
}

#[test]
fn hooks_of_phase_sync_belong_to_their_wave() {
    let mut world = World::play(
        "git ConfigMap/a x=1
         git ConfigMap/mid x=1 @hook=Sync @wave=1
         git ConfigMap/z x=1 @wave=2",
    );
    world.fares("ConfigMap/mid", HealthState::Progressing, "0 of 1");
    (0..3).for_each(|_| world.work());
    world.expect(
        "Syncing Waiting
         ConfigMap/a: in sync
         ConfigMap/mid: is on its way: 0 of 1; would start it, a hook of Sync
         ConfigMap/z: waits for hook ConfigMap/mid of Sync: is not through yet; would create it",
    );
    world.fares("ConfigMap/mid", HealthState::Healthy, "");
    (0..4).for_each(|_| world.work());
    assert_eq!(world.stage(), "Succeeded");
    assert!(world.live.contains_key(&key_of("ConfigMap/z")));
}

#[test]
fn a_hook_that_takes_too_long_fails() {
    let mut world =
        World::play("git ConfigMap/before x=1 @hook=PreSync @hook-timeout=1m\ngit ConfigMap/a x=1");
    world.fares("ConfigMap/before", HealthState::Progressing, "0 of 1");
    (0..2).for_each(|_| world.work());
    let made = world.today.to_string();
    let live = world.live.get_mut(&key_of("ConfigMap/before")).unwrap();
    live.value.set(&["metadata", "creationTimestamp"], made.into());
    assert_eq!(world.decide().1.wake, Some(world.now.after(std::time::Duration::from_secs(60))));
    world.act("wait 60");
    (0..2).for_each(|_| world.work());
    let hooks = world.run.unwrap().hooks;
    let why = HookEnd::failed("it took longer than 60 s (0 of 1)");
    assert_eq!(hooks.get("PreSync /ConfigMap:shop/before"), Some(&why));
}

#[test]
fn what_a_hook_leaves_goes_as_it_says() {
    let mut world = World::play(
        "git ConfigMap/before x=1 @hook=PreSync @hook-delete=succeeded
         git ConfigMap/a x=1",
    );
    (0..6).for_each(|_| world.work());
    assert_eq!(world.stage(), "Succeeded");
    assert!(!world.live.contains_key(&key_of("ConfigMap/before")));
    world.expect("Synced Synced\nConfigMap/a: in sync");
}

#[test]
fn without_anything_to_do_no_hook_runs() {
    let mut world = World::play("in-sync ConfigMap/a x=1\ngit ConfigMap/before x=1 @hook=PreSync");
    world.expect("Synced Synced\nConfigMap/a: in sync");
    world.act("policy manual");
    world.act("git ConfigMap/b x=1");
    world.tell();
    assert_eq!(world.run, None, "nobody asked for a sync");
    world.act("ask");
    world.tell();
    assert_eq!(world.stage(), "Running");
}

/// A small generator of numbers that are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// The process ends between any two effects: between a write and its record, between a write and the status.
#[test]
fn whenever_the_process_ends_each_hook_runs_once_and_waves_keep_their_order() {
    for seed in 0..60 {
        let mut dice = Dice(seed);
        let mut world = World::play(
            "git ConfigMap/pre1 x=1 @hook=PreSync @wave=-1
             git ConfigMap/pre2 x=1 @hook=PreSync
             git ConfigMap/a x=1 @wave=-1
             git ConfigMap/b x=1
             git ConfigMap/mid x=1 @hook=Sync @wave=1
             git ConfigMap/c x=1 @wave=2
             git ConfigMap/post x=1 @hook=PostSync",
        );
        let mut made: BTreeMap<String, usize> = BTreeMap::new();
        let mut order = Vec::new();
        for _ in 0..250 {
            step_or_crash(&mut world, &mut dice, (&mut made, &mut order));
        }
        assert_eq!(world.stage(), "Succeeded", "seed {seed}: {order:?}");
        assert_eq!(order, ["pre1", "pre2", "a", "b", "mid", "c", "post"], "seed {seed}");
        assert!(made.values().all(|times| *times == 1), "seed {seed}: {made:?}");
        assert_eq!(world.decide().1.state, SyncState::Synced, "seed {seed}");
    }
}

fn step_or_crash(
    world: &mut World,
    dice: &mut Dice,
    (made, order): (&mut BTreeMap<String, usize>, &mut Vec<String>),
) {
    if dice.roll(4) == 0 {
        (world.memo, world.history) = (Memo::default(), History::default());
    }
    let (plan, report) = world.decide();
    for step in plan.steps() {
        if dice.roll(3) == 0 {
            return;
        }
        let record = world.record.objects.get(&step.key).cloned();
        world.take(step);
        if matches!(step.action, Action::Apply(_)) {
            let name = step.key.name.to_string();
            *made.entry(name.clone()).or_default() += 1;
            order.push(name);
            world.fares(&format!("ConfigMap/{}", step.key.name), HealthState::Progressing, "");
        }
        if dice.roll(3) == 0 {
            // The write was made; its record was not.
            match record {
                Some(record) => drop(world.record.objects.insert(step.key.clone(), record)),
                None => drop(world.record.objects.remove(&step.key)),
            }
            return;
        }
    }
    if dice.roll(3) > 0 {
        world.run = report.run;
    }
    for (key, health) in &mut world.health {
        if dice.roll(3) == 0 && world.live.contains_key(key) {
            *health = Health::healthy();
        }
    }
}
