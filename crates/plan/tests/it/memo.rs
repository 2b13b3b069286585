//! What is remembered between plans.

use std::time::Instant;

use crate::World;

#[test]
fn an_object_that_did_not_change_is_not_read_again() {
    let mut world = World::play(
        "in-sync ConfigMap/a x=1
         in-sync Deployment/web replicas=2 image=1
         edit Deployment/web z=1 by kubectl-edit
         policy no-prune
         applied ConfigMap/old x=1",
    );
    let first = world.plan();
    assert_eq!(world.gets.replace(0), 3);
    assert_eq!(world.plan(), first);
    assert_eq!(world.gets.replace(0), 0);
    world.act("edit ConfigMap/a x=2 by kubectl-edit");
    world.plan();
    assert_eq!(world.gets.replace(0), 1, "only the one that changed");
    world.act("delete ConfigMap/a");
    world.plan();
    assert_eq!(world.gets.replace(0), 0);
}

#[test]
fn a_new_record_or_rendering_is_compared_again() {
    let mut world = World::play("in-sync ConfigMap/a x=1");
    world.plan();
    world.gets.replace(0);
    world.desired.clear();
    world.act("git ConfigMap/a x=2");
    assert!(world.plan().contains("change ConfigMap/a"));
    world.act("applied ConfigMap/a x=2");
    assert!(world.plan().contains("in sync"));
    assert_eq!(world.gets.replace(0), 2);
}

/// Ten times what a release build is held to, as this is a debug build on a busy machine: what it guards against is reading,
/// or looking through, all objects for each of them.
#[test]
fn ten_thousand_objects_with_one_change_are_planned_in_no_time() {
    let mut world = World::play("");
    for number in 0..10_000 {
        world.act(&format!("in-sync ConfigMap/c{number:05} x=1"));
    }
    world.plan();
    world.gets.replace(0);
    world.act("edit ConfigMap/c05000 x=2 by kubectl-edit");
    let set = lockstep_plan::DesiredSet::new(world.revision.clone(), std::mem::take(&mut world.desired));
    let started = Instant::now();
    let (plan, report) = world.decide_with(&set);
    let took = started.elapsed();
    assert_eq!((plan.steps().count(), report.entries.len(), *world.gets.borrow()), (1, 10_000, 1));
    eprintln!("10,000 objects, one changed: {took:?}");
    assert!(took.as_millis() < 500, "took {took:?}");
}
