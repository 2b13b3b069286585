//! Objects that Git does not have any more.

use crate::check;
use crate::world::World;

#[test]
fn what_left_git_is_deleted_after_the_applies_in_reverse_order() {
    check(
        "git ConfigMap/new x=1
         applied ConfigMap/old x=1
         applied Deployment/old x=1
         applied Widget/old x=1
         applied RoleBinding/old x=1",
        "Syncing Progressing
         ConfigMap/new: creates, it does not exist
         ConfigMap/old: deletes, Git does not have it
         Deployment/old: deletes, Git does not have it
         Widget.example.com/old: deletes, Git does not have it
         RoleBinding/old: deletes, Git does not have it
         > foundations: create ConfigMap/new
         > delete others: delete Widget.example.com/old uid-old
         > delete workloads: delete Deployment/old uid-old
         > delete bindings: delete RoleBinding/old uid-old
         > delete foundations: delete ConfigMap/old uid-old",
    );
}

#[test]
fn prune_off_leaves_objects_over() {
    check(
        "policy no-prune
         in-sync ConfigMap/a x=1
         applied ConfigMap/old x=1",
        "OutOfSync OutOfSync
         ConfigMap/a: in sync
         ConfigMap/old: left over (prune is off); would delete it",
    );
}

#[test]
fn a_commit_is_live_although_something_is_left_over() {
    for (world, live) in [
        ("policy no-prune\nin-sync ConfigMap/a x=1\napplied ConfigMap/old x=1", true),
        ("in-sync ConfigMap/a x=1\napplied ConfigMap/old x=1", false),
        ("policy no-prune\ngit ConfigMap/a x=1\napplied ConfigMap/old x=1", false),
    ] {
        let (_, report) = World::play(world).decide();
        assert_eq!(report.is_live(), live, "{world}");
    }
}

#[test]
fn what_is_gone_is_forgotten() {
    check(
        "in-sync ConfigMap/a x=1
         applied ConfigMap/old x=1
         delete ConfigMap/old",
        "Syncing Progressing
         ConfigMap/a: in sync
         ConfigMap/old: forgets, Git does not have it and it is gone
         > records: forget ConfigMap/old",
    );
    check(
        "in-sync ConfigMap/a x=1
         applied Widget/old x=1
         unserved Widget",
        "Syncing Progressing
         ConfigMap/a: in sync
         Widget.example.com/old: forgets, Git does not have it and it is gone
         > records: forget Widget.example.com/old",
    );
}

#[test]
fn a_failing_group_or_list_is_not_an_empty_one() {
    check(
        "in-sync ConfigMap/a x=1
         applied Widget/old x=1
         failing Widget
         applied ConfigMap/old x=1
         unknown ConfigMap/old",
        "Unknown LiveUnknown
         ConfigMap/a: in sync
         ConfigMap/old: unknown, not allowed to list
         Widget.example.com/old: unknown, its API group fails",
    );
}

#[test]
fn an_owned_object_without_record_is_deleted_too() {
    check(
        "in-sync ConfigMap/a x=1
         applied ConfigMap/old x=1
         unrecord ConfigMap/old",
        "Syncing Progressing
         ConfigMap/a: in sync
         ConfigMap/old: deletes, Git does not have it
         > delete foundations: delete ConfigMap/old uid-old",
    );
}

#[test]
fn an_object_that_says_so_stays_and_goes_on_being_told() {
    check(
        "in-sync ConfigMap/a x=1
         applied ConfigMap/old @prune=disabled",
        "Synced Synced
         ConfigMap/a: in sync
         ConfigMap/old: stays, it is annotated `lockstep.dev/prune: disabled`",
    );
}

#[test]
fn an_object_made_again_by_others_is_not_ours() {
    check(
        "in-sync ConfigMap/a x=1
         applied ConfigMap/old x=1
         replace ConfigMap/old x=1 by kubectl",
        "Synced Synced
         ConfigMap/a: in sync
         ConfigMap/old: stays, it is not the object that was applied
         > records: abandon ConfigMap/old",
    );
    check(
        "in-sync ConfigMap/a x=1
         applied ConfigMap/old x=1
         replace ConfigMap/old x=1 by kubectl
         owner ConfigMap/old lockstep team/shop",
        "Syncing Progressing
         ConfigMap/a: in sync
         ConfigMap/old: deletes, Git does not have it
         > delete foundations: delete ConfigMap/old uid-new",
    );
}

#[test]
fn another_owner_keeps_its_object() {
    check(
        "in-sync ConfigMap/a x=1
         applied ConfigMap/old x=1
         owner ConfigMap/old lockstep team/other
         applied ConfigMap/older x=1
         owner ConfigMap/older second team/shop",
        "Synced Synced
         ConfigMap/a: in sync
         ConfigMap/old: stays, it belongs to team/other (lockstep)
         ConfigMap/older: stays, it belongs to team/shop (second)
         > records: abandon ConfigMap/old, abandon ConfigMap/older",
    );
}

#[test]
fn an_object_that_moves_is_handed_on() {
    let scenario = "in-sync ConfigMap/a x=1
         applied ConfigMap/old x=1";
    check(
        &format!("{scenario}\nclaim ConfigMap/old team/other desired"),
        "Synced Synced
         ConfigMap/a: in sync
         ConfigMap/old: stays, team/other has it now
         > records: abandon ConfigMap/old",
    );
    check(
        &format!("{scenario}\nclaim ConfigMap/old team/other idle"),
        "Synced Synced
         ConfigMap/a: in sync
         ConfigMap/old: stays, team/other has it now
         > records: abandon ConfigMap/old",
    );
    check(
        &format!("{scenario}\nunrendered team/other\nunrendered team/broken failed"),
        "Syncing Waiting
         ConfigMap/a: in sync
         ConfigMap/old: held, it may be moving to team/other (not rendered yet), team/broken (its render failed); would delete it",
    );
    check(
        &format!("{scenario}\nclaim ConfigMap/old team/other stale"),
        "Syncing Waiting
         ConfigMap/a: in sync
         ConfigMap/old: held, it may be moving to team/other (not rendered yet); would delete it",
    );
}

#[test]
fn an_empty_render_deletes_nothing_unless_it_may() {
    check(
        "applied ConfigMap/a x=1
         applied ConfigMap/b @prune=disabled",
        "OutOfSync EmptyRender
         ConfigMap/a: held, the render is empty; would delete it
         ConfigMap/b: stays, it is annotated `lockstep.dev/prune: disabled`",
    );
    check(
        "policy allow-empty
         applied ConfigMap/a x=1",
        "Syncing Progressing
         ConfigMap/a: deletes, Git does not have it
         > delete foundations: delete ConfigMap/a uid-a",
    );
    check("", "Synced Synced");
}

#[test]
fn a_deletion_under_way_is_waited_for() {
    check(
        "in-sync ConfigMap/a x=1
         applied ConfigMap/old x=1
         terminate ConfigMap/old",
        "Syncing Waiting
         ConfigMap/a: in sync
         ConfigMap/old: waits, it is being deleted; would delete it",
    );
}

#[test]
fn a_dropped_version_does_not_hide_the_object() {
    check(
        "in-sync ConfigMap/a x=1
         applied Widget/old x=1
         dropped Widget",
        "Syncing Progressing
         ConfigMap/a: in sync
         Widget.example.com/old: deletes, Git does not have it
         > delete others: delete Widget.example.com/old uid-old",
    );
}

const THREE: &str = "in-sync ConfigMap/a x=1
     applied ConfigMap/b x=1
     applied ConfigMap/c x=1
     applied ConfigMap/d x=1";

#[test]
fn more_deletions_than_the_budget_block_and_the_rest_goes_on() {
    check(
        &format!("policy budget=2\n{THREE}\ngit ConfigMap/e x=1"),
        "Syncing Progressing
         ConfigMap/a: in sync
         ConfigMap/b: blocked by the deletion budget; would delete it
         ConfigMap/c: blocked by the deletion budget; would delete it
         ConfigMap/d: blocked by the deletion budget; would delete it
         ConfigMap/e: creates, it does not exist
         > foundations: create ConfigMap/e",
    );
    let deleted = "Syncing Progressing
         ConfigMap/a: in sync
         ConfigMap/b: deletes, Git does not have it
         ConfigMap/c: deletes, Git does not have it
         ConfigMap/d: deletes, Git does not have it
         > delete foundations: delete ConfigMap/b uid-b, delete ConfigMap/c uid-c, delete ConfigMap/d uid-d";
    let blocked = "Blocked Blocked
         ConfigMap/a: in sync
         ConfigMap/b: blocked by the deletion budget; would delete it
         ConfigMap/c: blocked by the deletion budget; would delete it
         ConfigMap/d: blocked by the deletion budget; would delete it";
    for (scenario, expected) in [
        ("policy budget=3", deleted),
        ("policy budget=75%", deleted),
        ("policy budget=74%", blocked),
        ("policy budget=0", blocked),
    ] {
        check(&format!("{scenario}\n{THREE}"), expected);
    }
    check(&format!("policy budget=0\n{THREE}\napprove"), deleted);
    check(&format!("policy budget=0\n{THREE}\napprove-nothing"), blocked);
}

#[test]
fn an_approval_is_for_these_deletions_and_what_is_left_of_them() {
    check(
        &format!("policy budget=0\n{THREE}\napprove\napplied ConfigMap/f x=1"),
        "Blocked Blocked
         ConfigMap/a: in sync
         ConfigMap/b: blocked by the deletion budget; would delete it
         ConfigMap/c: blocked by the deletion budget; would delete it
         ConfigMap/d: blocked by the deletion budget; would delete it
         ConfigMap/f: blocked by the deletion budget; would delete it",
    );
    let mut world = crate::World::play(&format!("policy budget=0\n{THREE}\napprove"));
    world.plan();
    world.act("delete ConfigMap/b");
    crate::compare(
        &world.plan(),
        "Syncing Progressing
         ConfigMap/a: in sync
         ConfigMap/b: forgets, Git does not have it and it is gone
         ConfigMap/c: deletes, Git does not have it
         ConfigMap/d: deletes, Git does not have it
         > records: forget ConfigMap/b
         > delete foundations: delete ConfigMap/c uid-c, delete ConfigMap/d uid-d",
    );
    world.act("revision b");
    let (_, report) = world.decide();
    assert!(report.block.is_some(), "an approval is for one revision");
}

#[test]
fn in_mode_manual_an_approval_asks_for_what_it_names_and_nothing_else() {
    let scenario = format!("policy manual budget=0\n{THREE}\ngit ConfigMap/e x=1");
    let waits = "OutOfSync OutOfSync
         ConfigMap/a: in sync
         ConfigMap/b: waits for a sync (mode Manual); would delete it
         ConfigMap/c: waits for a sync (mode Manual); would delete it
         ConfigMap/d: waits for a sync (mode Manual); would delete it
         ConfigMap/e: waits for a sync (mode Manual); would create it";
    check(&scenario, waits);
    check(&format!("{scenario}\napprove-nothing"), waits);
    check(
        &format!("{scenario}\nask\napprove\nunask"),
        "Syncing Progressing
         ConfigMap/a: in sync
         ConfigMap/b: deletes, Git does not have it
         ConfigMap/c: deletes, Git does not have it
         ConfigMap/d: deletes, Git does not have it
         ConfigMap/e: waits for a sync (mode Manual); would create it
         > delete foundations: delete ConfigMap/b uid-b, delete ConfigMap/c uid-c, delete ConfigMap/d uid-d",
    );
}

#[test]
fn some_kinds_always_need_an_approval_or_a_word_of_their_own() {
    check(
        "in-sync ConfigMap/a x=1
         applied PersistentVolumeClaim/data x=1
         applied PersistentVolumeClaim/scratch @prune=allowed
         applied CustomResourceDefinition/w group=g",
        "Syncing Progressing
         ConfigMap/a: in sync
         PersistentVolumeClaim/data: blocked, its deletion needs an approval; would delete it
         PersistentVolumeClaim/scratch: deletes, Git does not have it
         CustomResourceDefinition/w: blocked, its deletion needs an approval; would delete it
         > delete foundations: delete PersistentVolumeClaim/scratch uid-scratch",
    );
    check(
        "in-sync ConfigMap/a x=1
         applied Namespace/old x=1
         approve",
        "Syncing Progressing
         ConfigMap/a: in sync
         Namespace/old: deletes, Git does not have it
         > delete definitions: delete Namespace/old uid-old",
    );
}
