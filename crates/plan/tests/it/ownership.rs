//! Whose an object is.

use crate::check;

#[test]
fn an_object_without_record_is_adopted_with_the_fields_of_known_tools() {
    check(
        "foreign ConfigMap/a x=1 by kubectl
         git ConfigMap/a x=1",
        "Syncing Progressing
         ConfigMap/a: adopts, it has no record, with the fields of kubectl
         > foundations: adopt ConfigMap/a after a rewrite (kubectl)",
    );
    check(
        "foreign ConfigMap/a x=1 by kubectl-edit
         git ConfigMap/a x=1",
        "Syncing Progressing
         ConfigMap/a: adopts, it has no record
         > foundations: adopt ConfigMap/a",
    );
}

#[test]
fn what_another_application_owns_and_desires_is_left_alone() {
    let scenario = "foreign ConfigMap/a x=1 by lockstep
         owner ConfigMap/a lockstep team/other
         git ConfigMap/a x=2";
    check(
        &format!("{scenario}\nclaim ConfigMap/a team/other recorded"),
        "OutOfSync Conflict
         ConfigMap/a: left alone, belongs to team/other (lockstep)",
    );
    check(
        &format!("{scenario}\nclaim ConfigMap/a team/other stale"),
        "Syncing Waiting
         ConfigMap/a: waits for team/other to render the newest commit, which has it so far; would adopt it, taken over from application team/other",
    );
    check(
        scenario,
        "Syncing Progressing
         ConfigMap/a: adopts, it has no record, taken over from application team/other
         > foundations: adopt ConfigMap/a",
    );
}

#[test]
fn the_owner_goes_on_and_names_the_other() {
    check(
        "in-sync ConfigMap/a x=1
         claim ConfigMap/a team/other desired
         in-sync ConfigMap/b x=1
         edit ConfigMap/b x=2 by kubectl-edit
         claim ConfigMap/b team/other desired
         in-sync ConfigMap/c x=1
         claim ConfigMap/c team/other stale",
        "Syncing Conflict
         ConfigMap/a: in sync; also wanted by team/other, which leaves it alone
         ConfigMap/b: heals, .data.x changed by kubectl-edit; also wanted by team/other, which leaves it alone
         ConfigMap/c: in sync
         > foundations: heal ConfigMap/b",
    );
}

#[test]
fn another_installation_s_object_is_left_alone() {
    check(
        "foreign ConfigMap/a x=1 by second
         owner ConfigMap/a second team/shop
         git ConfigMap/a x=2",
        "OutOfSync Conflict
         ConfigMap/a: left alone, belongs to team/shop (second)",
    );
}

#[test]
fn of_two_that_want_a_new_object_the_first_by_name_makes_it() {
    check(
        "git ConfigMap/a x=1
         claim ConfigMap/a team/a desired
         git ConfigMap/b x=1
         claim ConfigMap/b team/z desired
         git ConfigMap/c x=1
         claim ConfigMap/c team/z recorded",
        "Syncing Conflict
         ConfigMap/a: left alone, belongs to team/a (lockstep)
         ConfigMap/b: creates, it does not exist; also wanted by team/z, which leaves it alone
         ConfigMap/c: left alone, belongs to team/z (lockstep)
         > foundations: create ConfigMap/b",
    );
}

#[test]
fn our_deleted_object_is_healed_whoever_else_wants_it() {
    check(
        "in-sync ConfigMap/a x=1
         delete ConfigMap/a
         claim ConfigMap/a team/a desired",
        "Syncing Conflict
         ConfigMap/a: heals, it was deleted; also wanted by team/a, which leaves it alone
         > foundations: heal ConfigMap/a",
    );
}

#[test]
fn a_copied_owner_annotation_says_nothing() {
    check(
        "foreign ReplicaSet/web-1 x=1 by kube-controller-manager
         copied-owner ReplicaSet/web-1 Deployment/web",
        "Synced Synced",
    );
    check(
        "foreign ConfigMap/a x=1 by kubectl
         copied-owner ConfigMap/a ConfigMap/b
         git ConfigMap/a x=1",
        "Syncing Progressing
         ConfigMap/a: adopts, it has no record, with the fields of kubectl
         > foundations: adopt ConfigMap/a after a rewrite (kubectl)",
    );
}

#[test]
fn one_that_is_not_acted_on_takes_nothing_from_anybody() {
    check(
        "git ConfigMap/a x=1
         claim ConfigMap/a team/a idle
         in-sync ConfigMap/b x=1
         claim ConfigMap/b team/a idle",
        "Syncing Progressing
         ConfigMap/a: creates, it does not exist
         ConfigMap/b: in sync
         > foundations: create ConfigMap/a",
    );
}
