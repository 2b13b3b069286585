//! Hooks whose objects have a name of their own in each sync.

use lockstep_core::*;
use lockstep_plan::*;

use crate::world::World;

fn hook(policy: &str) -> String {
    format!(
        "git ConfigMap/before-placeholder generate=before- x=1 @hook=PreSync {policy}
         git ConfigMap/a x=1"
    )
}

impl World {
    fn generated(&self) -> Vec<String> {
        let names = self.live.keys().map(|key| key.name.to_string());
        names.filter(|name| name.starts_with("before-")).collect()
    }
}

#[test]
fn each_sync_makes_one_with_a_name_that_the_run_alone_decides() {
    let mut world = World::play(&hook(""));
    (0..6).for_each(|_| world.work());
    assert_eq!(world.stage(), "Succeeded");
    let first = world.generated();
    assert_eq!(first.len(), 1);
    assert!(first[0] != "before-placeholder" && first[0].len() == "before-".len() + 8, "{first:?}");
    let live = world.live.values().find(|live| *live.key.name == *first[0]).unwrap().clone();
    let owner = Owner::of(&live.key, live.annotation(OWNER_ANNOTATION).unwrap());
    assert!(owner.is_some(), "the owner annotation names the object that it is on");
    assert_eq!(live.value.str_at(&["metadata", "generateName"]), None);
    // The next one takes its place.
    world.act("regit ConfigMap/a x=2");
    (0..9).for_each(|_| world.work());
    let second = world.generated();
    assert_eq!((world.stage(), second.len()), ("Succeeded", 1));
    assert_ne!(first, second);
    world.expect("Synced Synced\nConfigMap/a: in sync");
    let recorded = world.record.objects.keys().filter(|key| key.name.starts_with("before-")).count();
    assert_eq!(recorded, 1, "what is gone is forgotten");
}

#[test]
fn those_that_are_never_deleted_stay_side_by_side() {
    let mut world = World::play(&hook("@hook-delete=never"));
    for value in 2..5 {
        (0..9).for_each(|_| world.work());
        world.act(&format!("regit ConfigMap/a x={value}"));
    }
    (0..9).for_each(|_| world.work());
    assert_eq!((world.stage(), world.generated().len()), ("Succeeded", 4));
    world.expect("Synced Synced\nConfigMap/a: in sync");
}

#[test]
fn one_of_a_superseded_sync_finishes_where_it_says_so_and_goes_then() {
    let mut world = World::play(&hook("@hook-delete=succeeded"));
    (0..2).for_each(|_| world.work());
    let first = world.generated().pop().unwrap();
    world.fares(&format!("ConfigMap/{first}"), HealthState::Progressing, "");
    world.act("regit ConfigMap/a x=2");
    (0..7).for_each(|_| world.work());
    assert_eq!(world.stage(), "Succeeded");
    assert!(world.generated().contains(&first), "it goes on");
    world.fares(&format!("ConfigMap/{first}"), HealthState::Healthy, "");
    (0..3).for_each(|_| world.work());
    assert!(world.generated().is_empty());
}

#[test]
fn one_that_was_made_and_not_recorded_is_found_again() {
    let mut world = World::play(&hook(""));
    world.tell();
    let (plan, _) = world.decide();
    plan.steps().for_each(|step| world.take(step));
    let made = world.generated();
    world.record = AppRecord::default();
    (world.memo, world.history) = (Memo::default(), History::default());
    (0..6).for_each(|_| world.work());
    assert_eq!((world.stage(), world.generated()), ("Succeeded", made));
}

#[test]
fn one_that_fails_is_made_again_under_another_name() {
    let mut world = World::play(&hook("@hook-retries=1"));
    (0..2).for_each(|_| world.work());
    let first = world.generated().pop().unwrap();
    world.fares(&format!("ConfigMap/{first}"), HealthState::Degraded, "exit code 1");
    (0..8).for_each(|_| world.work());
    assert_eq!(world.stage(), "Succeeded");
    assert_eq!(world.generated().len(), 1);
    assert_ne!(world.generated()[0], first);
}
