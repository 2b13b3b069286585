//! Replicas that an autoscaler has.

use crate::check;

#[test]
fn replicas_are_handed_over_to_an_autoscaler_and_taken_back() {
    check(
        "in-sync Deployment/web replicas=2 image=1
         hpa Deployment/web",
        "Syncing Progressing
         Deployment/web: changes, Git has it otherwise than it was applied
         > workloads: change Deployment/web after lockstep-handover has 2 replicas",
    );
    check(
        "applied Deployment/web image=1
         edit Deployment/web replicas=5 by lockstep-handover
         git Deployment/web replicas=2 image=1",
        "Syncing Progressing
         Deployment/web: changes, Git has it otherwise than it was applied; extra
         > workloads: change Deployment/web with replicas"
            .replace("; extra", "")
            .as_str(),
    );
}

#[test]
fn what_the_autoscaler_wrote_is_no_drift() {
    check(
        "in-sync Deployment/web replicas=2 image=1
         hpa Deployment/web
         edit Deployment/web replicas=5 by kube-controller-manager/scale",
        "Syncing Progressing
         Deployment/web: records, it is as Git has it
         > records: record Deployment/web",
    );
    check(
        "applied Deployment/web image=1
         edit Deployment/web replicas=5 by kube-controller-manager/scale
         hpa Deployment/web
         git Deployment/web replicas=2 image=1",
        "Synced Synced
         Deployment/web: in sync; extra .spec.replicas (by kube-controller-manager)",
    );
}

#[test]
fn an_autoscaler_of_the_same_commit_counts_before_it_is_live() {
    check(
        "in-sync Deployment/web replicas=2 image=1
         git HorizontalPodAutoscaler/web target=Deployment/web",
        "Syncing Progressing
         Deployment/web: changes, Git has it otherwise than it was applied
         HorizontalPodAutoscaler/web: creates, it does not exist
         > workloads: change Deployment/web after lockstep-handover has 2 replicas
         > others: create HorizontalPodAutoscaler/web",
    );
}

#[test]
fn replicas_removed_from_git_are_handed_over_only_to_an_autoscaler() {
    let scenario = "applied Deployment/web replicas=2 image=1
         git Deployment/web image=1";
    check(
        scenario,
        "Syncing Progressing
         Deployment/web: changes, Git has it otherwise than it was applied
         > workloads: change Deployment/web",
    );
    check(
        &format!("{scenario}\nhpa Deployment/web"),
        "Syncing Progressing
         Deployment/web: changes, Git has it otherwise than it was applied
         > workloads: change Deployment/web after lockstep-handover has 2 replicas",
    );
}

#[test]
fn a_new_workload_starts_with_git_s_replicas() {
    check(
        "git Deployment/web replicas=2 image=1
         hpa Deployment/web",
        "Syncing Progressing
         Deployment/web: creates, it does not exist
         > workloads: create Deployment/web with replicas",
    );
}

#[test]
fn adopted_replicas_survive_the_adoption() {
    check(
        "foreign Deployment/web replicas=4 image=1 by helm
         hpa Deployment/web
         git Deployment/web image=1",
        "Syncing Progressing
         Deployment/web: adopts, it has no record, with the fields of helm
         > workloads: adopt Deployment/web after a rewrite (helm) after lockstep-handover has 4 replicas",
    );
}
