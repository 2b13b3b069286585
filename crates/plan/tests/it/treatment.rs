//! How single objects are synced, and what an Application waits for.

use lockstep_plan::*;

use crate::world::World;
use crate::{check, check_deletion, compare};

#[test]
fn what_is_disabled_is_left_alone_whether_it_is_there_or_not() {
    check(
        "git ConfigMap/gone x=1 @sync=disabled
         git ConfigMap/there x=2 @sync=disabled
         foreign ConfigMap/there x=1 by helm
         applied ConfigMap/ours x=1 @sync=disabled",
        "Synced Synced
         ConfigMap/gone: stays, it is annotated to be left alone
         ConfigMap/ours: stays, it is annotated `lockstep.dev/prune: disabled`
         ConfigMap/there: stays, it is annotated to be left alone",
    );
}

#[test]
fn what_is_made_once_is_made_where_it_is_missing_whosever_it_is_to_be() {
    check(
        "git ConfigMap/gone x=1 @sync=if-not-present
         claim ConfigMap/gone other/app desired
         git ConfigMap/there x=2 @sync=if-not-present
         foreign ConfigMap/there x=1 by helm
         git ConfigMap/late x=1 @wave=1
         is ConfigMap/there progressing",
        "Syncing Progressing
         ConfigMap/gone: creates, it does not exist
         ConfigMap/late: waits for wave 0: ConfigMap/gone is not applied yet; would create it
         ConfigMap/there: stays, it is only made where it is missing
         > foundations: create ConfigMap/gone",
    );
    check(
        "git ConfigMap/there x=2 @sync=if-not-present
         foreign ConfigMap/there x=1 by helm
         git ConfigMap/late x=1 @wave=1
         is ConfigMap/there progressing 1 of 2",
        "Syncing Waiting
         ConfigMap/late: waits for wave 0: ConfigMap/there is Progressing (1 of 2); would create it
         ConfigMap/there: stays, it is only made where it is missing",
    );
}

/// The managers that the only apply takes fields over from.
fn taken(scenario: &str) -> Option<Vec<String>> {
    let (plan, _) = World::play(scenario).decide();
    let steps: Vec<&Step> = plan.steps().collect();
    let [Step { action: Action::Apply(apply), .. }] = steps[..] else { unreachable!("{steps:?}") };
    let from = apply.rewrite.as_ref()?.from.iter();
    Some(from.map(ToString::to_string).collect())
}

#[test]
fn whose_fields_go_at_a_first_apply_is_the_objects_own_word() {
    let two = |words: &str| format!("{words}\nforeign ConfigMap/a x=1 y=2 by helm");
    assert_eq!(taken(&two("git ConfigMap/a x=1")), Some(vec!["helm".to_owned()]));
    assert_eq!(taken(&two("git ConfigMap/a x=1 @sync=merge")), None);
    let edited = |words: &str| format!("{words}\nforeign ConfigMap/a x=1 y=2 by kubectl-edit");
    assert_eq!(taken(&edited("git ConfigMap/a x=1")), None);
    let all = Some(vec!["kubectl-edit".to_owned()]);
    assert_eq!(taken(&edited("git ConfigMap/a x=1 @sync=replace")), all);
    assert_eq!(taken(&edited("policy replace\ngit ConfigMap/a x=1")), all);
    assert_eq!(taken(&edited("policy replace\ngit ConfigMap/a x=1 @sync=merge")), None);
}

#[test]
fn what_is_replaced_loses_others_fields_with_each_change_and_not_before() {
    let changed = "applied ConfigMap/a x=1 @sync=replace\nedit ConfigMap/a y=2 by kubectl-edit";
    let all = Some(vec!["kubectl-edit".to_owned()]);
    assert_eq!(taken(&format!("{changed}\ngit ConfigMap/a x=2 @sync=replace")), all);
    let unchanged = format!("{changed}\ngit ConfigMap/a x=1 @sync=replace");
    assert!(World::play(&unchanged).decide().0.is_empty());
    // An autoscaler's replicas stay its own.
    let scaled =
        "applied Deployment/web image=1 @sync=replace\nedit Deployment/web replicas=5 by lockstep-handover";
    assert_eq!(taken(&format!("{scaled}\ngit Deployment/web image=2 @sync=replace")), None);
}

#[test]
fn force_is_a_word_for_making_it_again_and_for_nothing_else() {
    let refused = |policy: &str, kind: &str| {
        let scenario =
            format!("{policy}\napplied {kind}/a x=1\ngit {kind}/a x=2\nfailed {kind}/a Immutable 1");
        let (plan, _) = World::play(&scenario).decide();
        plan.steps().any(|step| matches!(step.action, Action::Recreate(_)))
    };
    assert!(refused("policy force", "ConfigMap"));
    assert!(!refused("policy automatic", "ConfigMap"));
    assert!(!refused("policy force", "PersistentVolumeClaim"));
    // It is a deletion like any other.
    assert!(!refused("policy force budget=0", "ConfigMap"));
}

#[test]
fn a_deletion_that_is_to_be_confirmed_waits_for_an_approval_but_not_with_its_application() {
    check(
        "applied ConfigMap/a x=1 @prune=confirm
         in-sync ConfigMap/b x=1",
        "Blocked Blocked
         ConfigMap/a: blocked, its deletion needs an approval; would delete it
         ConfigMap/b: in sync",
    );
    check_deletion(
        "applied ConfigMap/a x=1 @prune=confirm",
        "not done
         Syncing Deleting
         ConfigMap/a: deletes, Git does not have it
         > delete foundations: delete ConfigMap/a uid-a",
    );
}

#[test]
fn a_sync_of_some_objects_is_for_them_alone_and_runs_no_hooks() {
    check(
        "policy manual
         ask
         only ConfigMap/a
         git ConfigMap/a x=1
         git ConfigMap/b x=1
         git ConfigMap/before x=1 @hook=PreSync
         applied ConfigMap/old x=1",
        "Syncing Progressing
         ConfigMap/a: creates, it does not exist
         ConfigMap/b: waits for a sync (mode Manual); would create it
         ConfigMap/old: waits for a sync (mode Manual); would delete it
         > foundations: create ConfigMap/a",
    );
}

#[test]
fn what_was_not_asked_for_holds_no_wave_of_what_was() {
    check(
        "policy manual
         ask
         only ConfigMap/late
         git ConfigMap/a x=1
         git ConfigMap/late x=1 @wave=1",
        "Syncing Progressing
         ConfigMap/a: waits for a sync (mode Manual); would create it
         ConfigMap/late: creates, it does not exist
         > foundations: create ConfigMap/late",
    );
}

const WAITS: &str = "git ConfigMap/new x=1
    in-sync ConfigMap/drifted x=1
    edit ConfigMap/drifted x=2 by kubectl-edit
    applied ConfigMap/old x=1
    git ConfigMap/before x=1 @hook=PreSync
    waits-for Widget/db is Progressing";

#[test]
fn nothing_begins_before_what_it_depends_on_is_ready_but_drift_is_healed() {
    check(
        WAITS,
        "Syncing Progressing
         ConfigMap/drifted: heals, .data.x changed by kubectl-edit
         ConfigMap/new: waits for Widget.example.com/db in shop, which is Progressing; would create it
         ConfigMap/old: waits for Widget.example.com/db in shop, which is Progressing; would delete it
         > foundations: heal ConfigMap/drifted",
    );
    let mut world = World::play(WAITS);
    world.act("ready");
    assert!(world.decide().1.run.is_some(), "its hooks begin");
}

/// The outline of what a scenario comes to, a line a section.
fn outline(scenario: &str, expected: &str) {
    let mut world = World::play(scenario);
    let (_, report) = world.decide();
    let set = DesiredSet::new(world.revision.clone(), world.desired.iter().cloned());
    let outline = Outline::of(Some(&set), &report, &world.request.only);
    let lines = outline.sections.iter().map(|(section, items)| {
        let items: Vec<String> = items.iter().map(|item| format!("{} {}", item.key, item.words)).collect();
        format!("{section}: {}", items.join("; "))
    });
    compare(&lines.collect::<Vec<_>>().join("\n"), expected);
}

#[test]
fn an_outline_has_all_of_a_sync_in_its_order() {
    outline(
        "git ConfigMap/late x=1 @wave=2
         git Deployment/web image=1
         git ConfigMap/a x=1
         git ConfigMap/before x=1 @hook=PreSync
         git ConfigMap/between x=1 @hook=Sync @wave=2
         git ConfigMap/after x=1 @hook=PostSync,SyncFail @wave=1
         applied ConfigMap/old x=1
         applied ConfigMap/older x=1 @wave=3
         in-sync ConfigMap/same x=1",
        "PreSync: ConfigMap/before starts, a hook of PreSync
         wave 0: ConfigMap/a creates, it does not exist; Deployment/web creates, it does not exist
         wave 2: ConfigMap/between starts, a hook of Sync; ConfigMap/late creates, it does not exist
         deletions, wave 3: ConfigMap/older deletes, Git does not have it
         deletions: ConfigMap/old deletes, Git does not have it
         PostSync, wave 1: ConfigMap/after starts, a hook of PostSync
         SyncFail, wave 1 (only if it fails): ConfigMap/after starts, a hook of SyncFail",
    );
    outline(
        "policy manual
         ask
         only ConfigMap/a
         git ConfigMap/a x=1
         git ConfigMap/b x=1
         git ConfigMap/before x=1 @hook=PreSync",
        "wave 0: ConfigMap/a creates, it does not exist",
    );
    outline("in-sync ConfigMap/a x=1\ngit ConfigMap/before x=1 @hook=PreSync", "");
}
