//! One wave after the other, and deletions the other way round.

use crate::world::World;
use crate::{check, check_deletion, compare};

#[test]
fn a_wave_starts_when_the_one_before_is_applied() {
    check(
        "git ConfigMap/late x=1 @wave=5
         git ConfigMap/early x=1 @wave=-2
         git Deployment/web image=1",
        "Syncing Progressing
         ConfigMap/early: creates, it does not exist
         ConfigMap/late: waits for wave -2: ConfigMap/early is not applied yet; would create it
         Deployment/web: waits for wave -2: ConfigMap/early is not applied yet; would create it
         > foundations: create ConfigMap/early",
    );
}

#[test]
fn a_wave_starts_when_the_one_before_is_healthy() {
    let scenario = "in-sync ConfigMap/early x=1 @wave=-2
         in-sync Deployment/web image=1
         git ConfigMap/late x=1 @wave=5";
    check(
        &format!("{scenario}\nis Deployment/web progressing 1 of 3 replicas available"),
        "Syncing Waiting
         ConfigMap/early: in sync
         ConfigMap/late: waits for wave 0: Deployment/web is Progressing (1 of 3 replicas available); would create it
         Deployment/web: in sync",
    );
    for state in ["healthy", "suspended"] {
        check(
            &format!("{scenario}\nis Deployment/web {state}"),
            "Syncing Progressing
             ConfigMap/early: in sync
             ConfigMap/late: creates, it does not exist
             Deployment/web: in sync
             > foundations: create ConfigMap/late",
        );
    }
}

#[test]
fn a_degraded_object_fails_its_wave_and_a_change_of_it_goes_first() {
    check(
        "in-sync Deployment/web image=1
         is Deployment/web degraded crashes
         git ConfigMap/late x=1 @wave=1",
        "OutOfSync SyncFailed
         ConfigMap/late: waits for wave 0: Deployment/web is Degraded (crashes); would create it
         Deployment/web: in sync",
    );
    check(
        "applied Deployment/web image=1
         is Deployment/web degraded crashes
         git Deployment/web image=2
         git ConfigMap/late x=1 @wave=1",
        "Syncing Progressing
         ConfigMap/late: waits for wave 0: Deployment/web is not applied yet; would create it
         Deployment/web: changes, Git has it otherwise than it was applied
         > workloads: change Deployment/web",
    );
}

#[test]
fn a_step_that_fails_holds_the_later_waves() {
    check(
        "git ConfigMap/early x=1
         failed ConfigMap/early Invalid 1
         git ConfigMap/late x=1 @wave=1",
        "Syncing SyncFailed
         ConfigMap/early: failed (Invalid, attempt 1): no; would create it
         ConfigMap/late: waits for wave 0: ConfigMap/early is not applied yet; would create it",
    );
}

#[test]
fn drift_of_fields_is_healed_whatever_an_earlier_wave_is_like() {
    check(
        "in-sync Deployment/web image=1
         is Deployment/web degraded crashes
         in-sync ConfigMap/late x=1 @wave=1
         in-sync ConfigMap/lost x=1 @wave=1
         edit ConfigMap/late x=2 by kubectl-edit
         delete ConfigMap/lost",
        "Syncing SyncFailed
         ConfigMap/late: heals, .data.x changed by kubectl-edit
         ConfigMap/lost: waits for wave 0: Deployment/web is Degraded (crashes); would heal: it was deleted
         Deployment/web: in sync
         > foundations: heal ConfigMap/late",
    );
}

#[test]
fn what_an_earlier_wave_brings_is_not_missed() {
    check(
        "unserved Widget
         git Deployment/operator image=1
         git Widget/w x=1 @wave=1",
        "Syncing Progressing
         Deployment/operator: creates, it does not exist
         Widget.example.com/w: waits for wave 0: Deployment/operator is not applied yet; would create it
         > workloads: create Deployment/operator",
    );
}

#[test]
fn a_namespace_and_a_definition_are_as_early_as_what_needs_them() {
    check(
        "git Namespace/shop x=1 @wave=7
         git CustomResourceDefinition/widgets.example.com group=example.com kind=Widget @wave=7
         git Widget/w x=1 @wave=-1
         git ConfigMap/a x=1",
        "Syncing Progressing
         ConfigMap/a: waits for wave -1: Namespace/shop is not applied yet; would create it
         Namespace/shop: creates, it does not exist
         CustomResourceDefinition/widgets.example.com: creates, it does not exist
         Widget.example.com/w: creates, it does not exist
         > definitions: create Namespace/shop, create CustomResourceDefinition/widgets.example.com
         > others: create Widget.example.com/w",
    );
}

#[test]
fn what_the_policy_leaves_alone_is_not_waited_for() {
    check(
        "policy no-heal
         in-sync ConfigMap/early x=1
         edit ConfigMap/early x=2 by kubectl-edit
         dry ConfigMap/early changed
         git ConfigMap/late x=1 @wave=1",
        "Syncing Progressing
         ConfigMap/early: drifted (selfHeal is off); would heal: .data.x changed by kubectl-edit
         ConfigMap/late: creates, it does not exist
         > foundations: create ConfigMap/late",
    );
}

#[test]
fn deletions_wait_for_the_waves_and_go_in_reverse() {
    let scenario = "applied ConfigMap/first x=1 @wave=1
         applied ConfigMap/second x=1 @wave=2
         in-sync Deployment/web image=1";
    check(
        &format!("{scenario}\ngit ConfigMap/late x=1 @wave=1\nis Deployment/web progressing"),
        "Syncing Waiting
         ConfigMap/first: waits for wave 0: Deployment/web is Progressing; would delete it
         ConfigMap/late: waits for wave 0: Deployment/web is Progressing; would create it
         ConfigMap/second: waits for wave 0: Deployment/web is Progressing; would delete it
         Deployment/web: in sync",
    );
    check(
        scenario,
        "Syncing Progressing
         ConfigMap/first: waits, what may depend on it goes first; would delete it
         ConfigMap/second: deletes, Git does not have it
         Deployment/web: in sync
         > delete foundations: delete ConfigMap/second uid-second",
    );
    check(
        &format!("{scenario}\nterminate ConfigMap/second"),
        "Syncing Waiting
         ConfigMap/first: waits, what may depend on it goes first; would delete it
         ConfigMap/second: waits, it is being deleted; would delete it
         Deployment/web: in sync",
    );
}

#[test]
fn the_last_deletions_wait_for_everything_to_be_healthy() {
    let scenario = "applied ConfigMap/old x=1 @prune=last
         applied ConfigMap/plain x=1
         in-sync Deployment/web image=1";
    check(
        &format!("{scenario}\nis Deployment/web progressing"),
        "Syncing Progressing
         ConfigMap/old: waits for wave 0: Deployment/web is Progressing; would delete it
         ConfigMap/plain: deletes, Git does not have it
         Deployment/web: in sync
         > delete foundations: delete ConfigMap/plain uid-plain",
    );
    check(
        scenario,
        "Syncing Progressing
         ConfigMap/old: deletes, Git does not have it
         ConfigMap/plain: deletes, Git does not have it
         Deployment/web: in sync
         > delete foundations: delete ConfigMap/old uid-old, delete ConfigMap/plain uid-plain",
    );
}

#[test]
fn an_application_goes_from_its_last_wave_to_its_first() {
    check_deletion(
        "applied Deployment/web image=1 @wave=-1
         applied ConfigMap/a x=1
         applied ConfigMap/b x=1 @wave=3",
        "not done
         Syncing Deleting
         ConfigMap/a: waits, what may depend on it goes first; would delete it
         ConfigMap/b: deletes, Git does not have it
         Deployment/web: waits, what may depend on it goes first; would delete it
         > delete foundations: delete ConfigMap/b uid-b",
    );
}

#[test]
fn health_is_asked_for_only_where_something_waits_for_it() {
    let mut world = World::play(
        "in-sync ConfigMap/a x=1
         in-sync ConfigMap/b x=1 @wave=1",
    );
    compare(&world.plan(), "Synced Synced\nConfigMap/a: in sync\nConfigMap/b: in sync");
    assert_eq!(world.asked.borrow().len(), 0);
    world.act("git ConfigMap/c x=1 @wave=2");
    world.act("is ConfigMap/b progressing");
    world.decide();
    world.decide();
    // What was healthy and did not change is not asked again.
    let asked: Vec<String> = world.asked.borrow().iter().map(|key| key.name.to_string()).collect();
    assert_eq!(asked, ["a", "b", "b"]);
}

#[test]
fn an_object_whose_health_does_not_count_holds_nothing() {
    check(
        "in-sync Deployment/web image=1 @ignore-health=true
         is Deployment/web degraded crashes
         git ConfigMap/late x=1 @wave=1",
        "Syncing Progressing
         ConfigMap/late: creates, it does not exist
         Deployment/web: in sync
         > foundations: create ConfigMap/late",
    );
}
