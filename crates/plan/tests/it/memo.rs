//! What is remembered between plans.

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

/// A hundred times what a release build is held to, as this is a debug build on a busy machine: what it guards against is reading,
/// or looking through, all objects for each of them.
#[test]
fn ten_thousand_objects_with_one_change_are_planned_in_no_time() {
    let mut world = World::play("");
    for number in 0..10_000 {
        world.act(&format!("in-sync ConfigMap/c{number:05} x=1"));
    }
    world.plan();
    world.gets.replace(0);
    let set = lockstep_plan::DesiredSet::new(world.revision.clone(), std::mem::take(&mut world.desired));
    let mut runs = Vec::new();
    for number in 5000..5010 {
        world.act(&format!("edit ConfigMap/c0{number} x=2 by kubectl-edit"));
        let (plan, report, took) = world.time(&set);
        assert_eq!((plan.steps().count(), report.entries.len()), (number - 4999, 10_000));
        runs.push(took);
    }
    let took = runs.into_iter().min().unwrap();
    eprintln!("10,000 objects, one changed: {took:?}");
    assert!(took.as_millis() < 500, "took {took:?}");
}
