//! How well one live object is, and why: a pure function of what the API server shows of it.
//!
//! One file a kind; kinds without a file follow the conventions of `status` ([`generic`]). The verdicts are those that Argo CD's
//! gitops-engine and kstatus (sigs.k8s.io/cli-utils) agree on; where they differ the file of the kind says which one holds
//! and why. The rule of thumb: what a rollout waits for must not be called healthy too early.
//!
//! Not here: objects that are missing (only a plan knows what is desired), and since when something is so.

mod condition;
mod custom_resource_definition;
mod daemon_set;
mod deployment;
mod generic;
mod job;
mod namespace;
mod persistent_volume_claim;
mod pod;
mod pods;
mod replica_set;
mod replicas;
mod service;
mod stateful_set;
mod summary;

pub use pods::{WaitingPod, with_pods};
pub use summary::summary;

use lockstep_core::{Health, HealthState, LiveObject, ObjectKey, Value};

/// The health of a live object.
pub fn health(live: &LiveObject) -> Health {
    health_of(&live.key, &live.value)
}

/// The health of an object of which only the parts that count are at hand: `metadata.generation`,
/// `metadata.deletionTimestamp`, `spec` and `status`.
pub fn health_of(key: &ObjectKey, object: &Value) -> Health {
    // Both sources: an object on its way out is progressing towards being gone, whatever its status still says.
    if object.str_at(&["metadata", "deletionTimestamp"]).is_some() {
        return Health::new(HealthState::Progressing, "being deleted");
    }
    match (&*key.group, &*key.kind) {
        ("apps", "Deployment") => deployment::health(object),
        ("apps", "StatefulSet") => stateful_set::health(object),
        ("apps", "DaemonSet") => daemon_set::health(object),
        ("apps", "ReplicaSet") => replica_set::health(object),
        ("batch", "Job") => job::health(object),
        ("", "Pod") => pod::health(object),
        ("", "Service") => service::health(object),
        ("", "PersistentVolumeClaim") => persistent_volume_claim::health(object),
        ("", "Namespace") => namespace::health(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => custom_resource_definition::health(object),
        _ => generic::health(object),
    }
}
