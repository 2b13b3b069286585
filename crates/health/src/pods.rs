//! What the pods of a workload add to its health.

use std::fmt::Write as _;
use std::sync::Arc;

use lockstep_core::{Health, HealthState};

/// A pod that waits for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingPod {
    /// Its name.
    pub name: Arc<str>,
    /// What for, as the API server shows it: `Unschedulable`, `ContainerCreating`, `ImagePullBackOff`, `CrashLoopBackOff`…
    pub reasons: Vec<Arc<str>>,
}

/// The health of a workload with what its pods wait for: `0 of 2 replicas available; pod web-1: ImagePullBackOff and 1 more`.
///
/// The first pod by name is told, and how many more there are. Pods that are only being made are told where there are no others.
///
/// The state stays as it is. A workload whose pods crash or cannot pull their image is Progressing in Argo CD and in kstatus alike
/// until its own status says that it failed (a Deployment's progress deadline is over): the next pull may well succeed.
pub fn with_pods(health: Health, pods: &[WaitingPod]) -> Health {
    if !matches!(health.state, HealthState::Progressing | HealthState::Degraded) {
        return health;
    }
    let told: Vec<(bool, &str, &str)> = pods.iter().filter_map(told).collect();
    let Some((passes, name, reason)) = told.iter().min() else { return health };
    let more = told.iter().filter(|(other, ..)| other == passes).count() - 1;
    let mut words = match &*health.reason {
        "" => String::new(),
        reason => format!("{reason}; "),
    };
    // Writing to a string does not fail.
    _ = write!(words, "pod {name}: {reason}");
    if more > 0 {
        _ = write!(words, " and {more} more");
    }
    Health::new(health.state, words)
}

/// Whether a pod's reason passes by itself, the pod's name, and that reason: the first that does not pass, else the first.
fn told(pod: &WaitingPod) -> Option<(bool, &str, &str)> {
    let lasting = pod.reasons.iter().find(|reason| !passes(reason));
    let reason = lasting.or(pod.reasons.first())?;
    Some((lasting.is_none(), &pod.name, reason))
}

/// What every pod waits for while it is being made.
fn passes(reason: &str) -> bool {
    matches!(reason, "ContainerCreating" | "PodInitializing")
}
