//! How well the objects of an Application are.

use std::sync::Arc;

use ::plan::{Glance, LiveSet};
use lockstep_core::{DesiredObject, Gvk, Health, HealthState, Manner, ObjectKey, ignores_health};

use super::observe::Observed;
use super::workload;
use crate::context::Context;

/// The health of every object that is wanted, or still there.
pub(super) fn assess(context: &Context, observed: &mut Observed) -> Vec<(ObjectKey, Health)> {
    let Some(rendering) = observed.rendered.outcome.rendering().cloned() else { return Vec::new() };
    let known = &mut observed.rendered.valid.found.state.health;
    let is_ours = |key: &ObjectKey| rendering.set.treatment(key).manner != Some(Manner::Untouched);
    let counts = |object: &&Arc<DesiredObject>| is_ours(&object.key) && !ignores_health(&object.value);
    let wanted = rendering.set.objects().iter().filter(counts).map(|object| {
        let health = match context.cluster.glance(&object.key, &object.gvk) {
            Glance::Absent => Health::new(HealthState::Missing, ""),
            // As far as anybody knows it is there.
            Glance::Unknown(reason) => Health::new(HealthState::Unknown, &*reason),
            Glance::Present { resource_version: version, .. } => {
                match known.get(&object.key).filter(|(at, _)| *at == version) {
                    Some((_, health)) => health.clone(),
                    None => {
                        let health = context.cluster.health(&object.key, &object.gvk);
                        known.insert(object.key.clone(), (version, health.clone()));
                        health
                    }
                }
            }
        };
        // Never remembered: pods change without their workload.
        let health = match is_in_trouble(&object.gvk, &health) {
            true => context.cluster.with_pods(&object.key, &object.gvk, health),
            false => health,
        };
        (object.key.clone(), health)
    });
    let healths: Vec<_> = wanted.collect();
    known.retain(|key, _| rendering.set.get(key).is_some());
    healths
}

/// Whether its pods may have something to say.
fn is_in_trouble(gvk: &Gvk, health: &Health) -> bool {
    matches!(health.state, HealthState::Progressing | HealthState::Degraded) && workload::is_workload(gvk)
}
