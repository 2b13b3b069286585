//! ClusterRoles that gather the rules of others.

use lockstep_core::Value;

use crate::client::{Actor, Context, Refused};
use crate::controller::{Controller, Due};
use crate::kind::Kind;
use crate::object::{is_deleting, items, name};
use crate::selector::selects;
use crate::view::{Change, Id, View};

/// Keeps aggregated roles.
#[derive(Clone, Debug)]
pub(crate) struct ClusterRoles;

const SELECTORS: [&str; 2] = ["aggregationRule", "clusterRoleSelectors"];

impl Controller for ClusterRoles {
    fn actor(&self) -> Actor<'static> {
        Actor::Controller("clusterrole-aggregation-controller")
    }

    fn touched(&mut self, change: &Change, view: &View) -> Vec<Id> {
        if change.id.kind != Kind::CLUSTER_ROLES {
            return Vec::new();
        }
        let gathers = |role: &Value| !items(role, &SELECTORS).is_empty();
        let all = view.all(Kind::CLUSTER_ROLES).filter(|(_, role)| gathers(role));
        all.map(|(key, _)| Id { kind: Kind::CLUSTER_ROLES, key: key.clone() }).collect()
    }

    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let Some(role) = cx.view.get(Kind::CLUSTER_ROLES, &id.key).filter(|role| !is_deleting(role)) else {
            return Ok(None);
        };
        let mut rules: Vec<Value> = Vec::new();
        for selector in items(role, &SELECTORS) {
            for (_, other) in cx.view.all(Kind::CLUSTER_ROLES).filter(|(_, other)| name(other) != name(role))
            {
                if selects(Some(selector), other.at(&["metadata", "labels"])) {
                    let new = items(other, &["rules"]).iter().filter(|rule| !rules.contains(rule));
                    let new: Vec<Value> = new.cloned().collect();
                    rules.extend(new);
                }
            }
        }
        if items(role, &["rules"]) == rules {
            return Ok(None);
        }
        let mut after = role.clone();
        after.set(&["rules"], Value::list(rules));
        cx.update(Kind::CLUSTER_ROLES, &after).map(|_| None)
    }
}
