//! What plan asks about the world.

use lockstep_core::*;
use lockstep_plan::*;

use crate::world::World;

impl LiveSet for World {
    fn glance(&self, key: &ObjectKey, _: &Gvk) -> Glance {
        if self.unknown.contains(key) {
            return Glance::Unknown("not allowed to list".into());
        }
        match self.live.get(key) {
            None => Glance::Absent,
            Some(live) => Glance::Present {
                uid: live.uid.clone(),
                resource_version: live.resource_version.clone(),
                deleting: live.deleting_since.is_some(),
            },
        }
    }

    fn get(&self, key: &ObjectKey, _: &Gvk) -> Live {
        *self.gets.borrow_mut() += 1;
        self.live.get(key).map_or(Live::Absent, |live| Live::Present(Box::new(live.clone())))
    }

    fn health(&self, key: &ObjectKey, _: &Gvk) -> Health {
        self.asked.borrow_mut().push(key.clone());
        match (self.live.get(key), self.health.get(key)) {
            (None, _) => Health::new(HealthState::Missing, ""),
            (Some(_), Some(health)) => health.clone(),
            (Some(_), None) => Health::healthy(),
        }
    }

    fn namespace(&self, _: &str) -> NamespaceState {
        self.namespace.unwrap_or(NamespaceState::Active)
    }

    fn is_autoscaled(&self, key: &ObjectKey) -> bool {
        self.autoscaled.contains(key)
    }
}

impl Kinds for World {
    fn serving(&self, gvk: &Gvk) -> Serving {
        match &*gvk.kind {
            kind if self.failing.contains(kind) => Serving::GroupFailing("its API group fails".into()),
            kind if self.unserved.contains(kind) => Serving::NotServed,
            kind if self.dropped.contains(kind) && &*gvk.api.version == "v1" => {
                Serving::OtherVersion(Gvk::new(&gvk.api.group, "v2", kind))
            }
            _ if &*gvk.api.version == "v0" => Serving::NotServed,
            _ => Serving::Served,
        }
    }
}

impl Claims for World {
    fn claims(&self, key: &ObjectKey, except: &AppKey) -> Vec<Claim> {
        let claims = self.claims.get(key).cloned().unwrap_or_default();
        claims.into_iter().filter(|claim| claim.app != *except).collect()
    }

    fn unrendered(&self, _: &AppKey) -> Vec<Unrendered> {
        self.unrendered.clone()
    }
}
