//! Workloads whose pods wait for something.

use lockstep_core::{Health, HealthState};
use lockstep_health::{WaitingPod, with_pods};

/// Pods are written `name reason reason…`.
#[track_caller]
fn check(state: HealthState, reason: &str, pods: &[&str], expected: &str) {
    let read = |text: &&str| {
        let mut words = text.split(' ');
        let name = words.next().unwrap_or_default().into();
        WaitingPod { name, reasons: words.map(Into::into).collect() }
    };
    let pods: Vec<WaitingPod> = pods.iter().map(read).collect();
    assert_eq!(with_pods(Health::new(state, reason), &pods), Health::new(state, expected));
}

const SHORT: &str = "0 of 3 replicas available";

#[track_caller]
fn progressing(pods: &[&str], expected: &str) {
    check(HealthState::Progressing, SHORT, pods, &format!("{SHORT}{expected}"));
}

#[test]
fn the_first_pod_by_name_is_told() {
    progressing(&[], "");
    progressing(&["web-1 ImagePullBackOff"], "; pod web-1: ImagePullBackOff");
    progressing(
        &["web-3 CrashLoopBackOff", "web-1 Unschedulable", "web-2 ErrImagePull"],
        "; pod web-1: Unschedulable and 2 more",
    );
    progressing(&["web-1"], "");
}

#[test]
fn what_passes_by_itself_is_told_only_where_nothing_else_is() {
    progressing(
        &["web-2 ContainerCreating", "web-1 PodInitializing"],
        "; pod web-1: PodInitializing and 1 more",
    );
    progressing(&["web-1 ContainerCreating", "web-2 CrashLoopBackOff"], "; pod web-2: CrashLoopBackOff");
    progressing(&["web-1 PodInitializing ImagePullBackOff"], "; pod web-1: ImagePullBackOff");
}

#[test]
fn the_state_is_the_workloads_own() {
    let pods = &["web-1 CrashLoopBackOff"];
    check(HealthState::Degraded, "late", pods, "late; pod web-1: CrashLoopBackOff");
    check(HealthState::Progressing, "", pods, "pod web-1: CrashLoopBackOff");
    for state in [HealthState::Healthy, HealthState::Suspended, HealthState::Missing, HealthState::Unknown] {
        check(state, "as it is", pods, "as it is");
    }
}
