//! Modes, suspension and self-healing.

use crate::check;

const DIFFERENT: &str = "git ConfigMap/new x=1
     in-sync ConfigMap/drifted x=1
     edit ConfigMap/drifted x=2 by kubectl-edit
     in-sync ConfigMap/same x=1
     applied ConfigMap/old x=1";

const ALL: &str = "Syncing Progressing
     ConfigMap/drifted: heals, .data.x changed by kubectl-edit
     ConfigMap/new: creates, it does not exist
     ConfigMap/old: deletes, Git does not have it
     ConfigMap/same: in sync
     > foundations: heal ConfigMap/drifted, create ConfigMap/new
     > delete foundations: delete ConfigMap/old uid-old";

#[test]
fn automatic_does_everything() {
    check(DIFFERENT, ALL);
}

#[test]
fn manual_waits_to_be_asked() {
    check(
        &format!("policy manual\n{DIFFERENT}"),
        "OutOfSync OutOfSync
         ConfigMap/drifted: waits for a sync (mode Manual); would heal: .data.x changed by kubectl-edit
         ConfigMap/new: waits for a sync (mode Manual); would create it
         ConfigMap/old: waits for a sync (mode Manual); would delete it
         ConfigMap/same: in sync
         dry run: ConfigMap/drifted",
    );
    check(&format!("policy manual\n{DIFFERENT}\nask"), ALL);
}

#[test]
fn manual_heals_where_it_is_told_to() {
    check(
        &format!("policy manual heal\n{DIFFERENT}"),
        "Syncing Progressing
         ConfigMap/drifted: heals, .data.x changed by kubectl-edit
         ConfigMap/new: waits for a sync (mode Manual); would create it
         ConfigMap/old: waits for a sync (mode Manual); would delete it
         ConfigMap/same: in sync
         > foundations: heal ConfigMap/drifted",
    );
}

#[test]
fn notify_never_writes_also_when_asked() {
    check(
        &format!("policy notify\n{DIFFERENT}\nask"),
        "OutOfSync OutOfSync
         ConfigMap/drifted: left as it is (mode Notify); would heal: .data.x changed by kubectl-edit
         ConfigMap/new: left as it is (mode Notify); would create it
         ConfigMap/old: left as it is (mode Notify); would delete it
         ConfigMap/same: in sync
         dry run: ConfigMap/drifted",
    );
}

#[test]
fn suspended_does_nothing_at_all() {
    check(
        &format!("policy suspend\n{DIFFERENT}\nask"),
        "OutOfSync Suspended
         ConfigMap/drifted: suspended; would heal: .data.x changed by kubectl-edit
         ConfigMap/new: suspended; would create it
         ConfigMap/old: suspended; would delete it
         ConfigMap/same: in sync",
    );
}

#[test]
fn self_heal_off_tells_drift_and_still_follows_git() {
    check(
        "policy no-heal
         in-sync ConfigMap/a x=1
         edit ConfigMap/a x=2 by kubectl-edit
         in-sync ConfigMap/b x=1
         delete ConfigMap/b
         applied ConfigMap/c x=1
         git ConfigMap/c x=2",
        "Syncing Progressing
         ConfigMap/a: drifted (selfHeal is off); would heal: .data.x changed by kubectl-edit
         ConfigMap/b: drifted (selfHeal is off); would heal: it was deleted
         ConfigMap/c: changes, Git has it otherwise than it was applied
         dry run: ConfigMap/a
         > foundations: change ConfigMap/c",
    );
    check(
        "policy no-heal
         in-sync ConfigMap/a x=1
         edit ConfigMap/a x=2 by kubectl-edit
         ask",
        "Syncing Progressing
         ConfigMap/a: heals, .data.x changed by kubectl-edit
         > foundations: heal ConfigMap/a",
    );
}

#[test]
fn where_nothing_may_be_written_one_dry_run_decides() {
    let scenario = "policy notify
         foreign ConfigMap/a x=1 by kubectl
         git ConfigMap/a x=1";
    let differs = "OutOfSync OutOfSync
         ConfigMap/a: left as it is (mode Notify); would adopt it, with the fields of kubectl";
    check(scenario, &format!("{differs}\ndry run: ConfigMap/a"));
    check(&format!("{scenario}\ndry ConfigMap/a changed"), differs);
    check(&format!("{scenario}\ndry ConfigMap/a unchanged"), "Synced Synced\nConfigMap/a: in sync");
    check(
        &format!("{scenario}\ndry ConfigMap/a refused"),
        "OutOfSync SyncFailed
         ConfigMap/a: failed (dry run): nope; would adopt it, with the fields of kubectl",
    );
    check(
        &format!("{scenario}\ndry ConfigMap/a unchanged\nedit ConfigMap/a x=2 by kubectl"),
        &format!("{differs}\ndry run: ConfigMap/a"),
    );
}
