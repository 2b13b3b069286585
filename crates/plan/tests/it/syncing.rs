//! What is created, changed and healed, and in which order.

use crate::check;

#[test]
fn an_object_that_is_as_recorded_is_in_sync() {
    check("in-sync ConfigMap/a x=1", "Synced Synced\nConfigMap/a: in sync");
}

#[test]
fn objects_are_created_by_kind() {
    check(
        "git ValidatingWebhookConfiguration/w x=1
         git Deployment/web image=1
         git Widget/w x=1
         git ConfigMap/a x=1
         git RoleBinding/r x=1
         git ClusterRole/r x=1
         git Namespace/shop x=1",
        "Syncing Progressing
         ConfigMap/a: creates, it does not exist
         Namespace/shop: creates, it does not exist
         ValidatingWebhookConfiguration/w: creates, it does not exist
         Deployment/web: creates, it does not exist
         Widget.example.com/w: creates, it does not exist
         ClusterRole/r: creates, it does not exist
         RoleBinding/r: creates, it does not exist
         > definitions: create Namespace/shop
         > foundations: create ConfigMap/a, create ClusterRole/r
         > bindings: create RoleBinding/r
         > workloads: create Deployment/web
         > others: create Widget.example.com/w
         > admission: create ValidatingWebhookConfiguration/w",
    );
}

#[test]
fn a_change_in_git_is_applied() {
    check(
        "applied ConfigMap/a x=1
         git ConfigMap/a x=2",
        "Syncing Progressing
         ConfigMap/a: changes, Git has it otherwise than it was applied
         > foundations: change ConfigMap/a",
    );
}

#[test]
fn drift_is_healed_and_names_who_did_it() {
    check(
        "in-sync ConfigMap/a x=1
         edit ConfigMap/a x=2 by kubectl-edit
         in-sync ConfigMap/b x=1
         remove ConfigMap/b x
         in-sync ConfigMap/c x=1
         delete ConfigMap/c
         in-sync ConfigMap/d x=1
         replace ConfigMap/d x=1 by kubectl",
        "Syncing Progressing
         ConfigMap/a: heals, .data.x changed by kubectl-edit
         ConfigMap/b: heals, .data.x removed
         ConfigMap/c: heals, it was deleted
         ConfigMap/d: heals, it was deleted and made again
         > foundations: heal ConfigMap/a, heal ConfigMap/b, heal ConfigMap/c, heal ConfigMap/d after a rewrite (kubectl)",
    );
}

#[test]
fn fields_that_others_added_stay_and_are_named() {
    check(
        "in-sync ConfigMap/a x=1
         edit ConfigMap/a y=2 by kubectl-edit",
        "Synced Synced
         ConfigMap/a: in sync; extra .data.y (by kubectl-edit)",
    );
}

#[test]
fn what_seems_to_drift_and_an_apply_leaves_as_it_is_is_healed_once() {
    let drifted = "in-sync ConfigMap/a x=1
         edit ConfigMap/a x=2 by kubectl-edit";
    let heals = "Syncing Progressing
         ConfigMap/a: heals, .data.x changed by kubectl-edit
         > foundations: heal ConfigMap/a";
    check(drifted, heals);
    let told = format!("{drifted}\npolicy notify\ndry ConfigMap/a unchanged\npolicy automatic");
    check(&told, "Synced Synced\nConfigMap/a: in sync");
    // Another state of the live object is another question.
    check(&format!("{told}\nedit ConfigMap/a x=3 by kubectl-edit"), heals);
}

#[test]
fn what_cannot_be_compared_is_decided_by_one_dry_run() {
    let scenario = "in-sync Widget/w x=1
         watched-as Widget/w v2";
    check(
        scenario,
        "OutOfSync OutOfSync
         Widget.example.com/w: waits for a dry run; would heal: it cannot be compared field by field
         dry run: Widget.example.com/w",
    );
    check(&format!("{scenario}\ndry Widget/w unchanged"), "Synced Synced\nWidget.example.com/w: in sync");
    check(
        &format!("{scenario}\ndry Widget/w changed"),
        "Syncing Progressing
         Widget.example.com/w: heals, it cannot be compared field by field
         > others: heal Widget.example.com/w",
    );
}

#[test]
fn a_lost_record_is_recovered_without_a_write_where_live_proves_it() {
    check(
        "in-sync ConfigMap/a x=1
         unrecord ConfigMap/a",
        "Syncing Progressing
         ConfigMap/a: records, it is as Git has it
         > records: record ConfigMap/a",
    );
    check(
        "in-sync ConfigMap/a x=1
         unrecord ConfigMap/a
         edit ConfigMap/a x=2 by kubectl-edit",
        "Syncing Progressing
         ConfigMap/a: changes, Git has it otherwise than it was applied
         > foundations: change ConfigMap/a",
    );
}

#[test]
fn a_change_that_was_not_recorded_is_not_applied_twice() {
    let crashed = "in-sync ConfigMap/a x=2
         recorded-as ConfigMap/a x=1";
    check(
        crashed,
        "Syncing Progressing
         ConfigMap/a: records, it is as Git has it
         > records: record ConfigMap/a",
    );
    check(
        &format!("{crashed}\nedit ConfigMap/a x=3 by kubectl-edit"),
        "Syncing Progressing
         ConfigMap/a: changes, Git has it otherwise than it was applied
         > foundations: change ConfigMap/a",
    );
    // Where nothing may be written, the record is not either: a dry run tells that nothing differs.
    check(
        &format!("{crashed}\npolicy notify\ndry ConfigMap/a unchanged"),
        "Synced Synced
         ConfigMap/a: in sync",
    );
}

#[test]
fn a_kind_waits_for_its_definition_only_if_that_is_on_its_way() {
    check(
        "git CustomResourceDefinition/widgets.example.com group=example.com kind=Widget
         git Widget/w x=1
         unserved Widget",
        "Syncing Progressing
         CustomResourceDefinition/widgets.example.com: creates, it does not exist
         Widget.example.com/w: waits for its kind to be served; would create it
         > definitions: create CustomResourceDefinition/widgets.example.com",
    );
    check(
        "git Widget/w x=1
         unserved Widget",
        "OutOfSync SyncFailed
         Widget.example.com/w: failed, the cluster does not serve its kind; would create it",
    );
    check(
        "git Widget/w x=1
         dropped Widget",
        "OutOfSync SyncFailed
         Widget.example.com/w: failed, the cluster serves its kind in another version, example.com/v2; would create it",
    );
}

#[test]
fn what_is_known_to_differ_counts_before_what_is_not_known() {
    check(
        "policy manual
         git ConfigMap/a x=1
         unknown ConfigMap/a
         git ConfigMap/b x=1",
        "OutOfSync LiveUnknown
         ConfigMap/a: unknown, not allowed to list
         ConfigMap/b: waits for a sync (mode Manual); would create it",
    );
}

#[test]
fn what_cannot_be_told_is_not_touched() {
    check(
        "git Widget/w x=1
         failing Widget
         git ConfigMap/a x=1
         unknown ConfigMap/a",
        "Unknown LiveUnknown
         ConfigMap/a: unknown, not allowed to list
         Widget.example.com/w: unknown, its API group fails",
    );
}

#[test]
fn an_object_that_is_being_deleted_is_waited_for() {
    check(
        "in-sync ConfigMap/a x=1
         terminate ConfigMap/a",
        "Syncing Waiting
         ConfigMap/a: waits, it is being deleted; would heal: it was deleted",
    );
}

#[test]
fn namespaces_come_before_what_is_in_them() {
    let missing = "namespace missing\ngit ConfigMap/a x=1";
    check(
        missing,
        "OutOfSync SyncFailed
         ConfigMap/a: failed, its namespace does not exist; would create it",
    );
    check(
        &format!("{missing}\ngit Namespace/shop x=1"),
        "Syncing Progressing
         ConfigMap/a: creates, it does not exist
         Namespace/shop: creates, it does not exist
         > definitions: create Namespace/shop
         > foundations: create ConfigMap/a",
    );
    check(
        "namespace terminating
         git ConfigMap/a x=1",
        "Syncing Waiting
         ConfigMap/a: waits, its namespace is being deleted; would create it",
    );
}

#[test]
fn entries_of_dropped_versions_are_rewritten_before_an_apply() {
    check(
        "applied Widget/w x=1
         edit Widget/w y=1 by kubectl-edit
         git Widget/w x=2",
        "Syncing Progressing
         Widget.example.com/w: changes, Git has it otherwise than it was applied
         > others: change Widget.example.com/w",
    );
    check(
        "applied Widget/w x=1
         edit Widget/w y=1 by kubectl-edit@v0
         git Widget/w x=2",
        "Syncing Progressing
         Widget.example.com/w: changes, Git has it otherwise than it was applied
         > others: change Widget.example.com/w after a rewrite ()",
    );
}

#[test]
fn without_a_good_render_the_last_good_one_is_healed_and_nothing_deleted() {
    for (render, reason) in
        [("failed", "RenderFailed"), ("unavailable", "SourceUnavailable"), ("vanished", "PathNotFound")]
    {
        check(
            &format!(
                "render {render}
                 in-sync ConfigMap/a x=1
                 edit ConfigMap/a x=2 by kubectl-edit
                 applied ConfigMap/left x=1
                 applied ConfigMap/missed x=1
                 delete ConfigMap/missed"
            ),
            &format!(
                "Syncing {reason}
                 ConfigMap/a: heals, .data.x changed by kubectl-edit
                 ConfigMap/left: held, nothing is rendered; would delete it
                 ConfigMap/missed: held, nothing is rendered; would heal: it was deleted
                 > foundations: heal ConfigMap/a"
            ),
        );
    }
}

#[test]
fn before_the_first_good_render_nothing_is_known() {
    check("render failed-at-once", "Unknown RenderFailed");
    check(
        "render failed-at-once
         applied ConfigMap/a x=1",
        "Unknown RenderFailed
         ConfigMap/a: held, nothing is rendered; would delete it",
    );
}
