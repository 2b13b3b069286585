//! ResourceQuotas: what is used of what is allowed.

use lockstep_core::Value;
use schema::Quantity;

use crate::client::{Actor, Context, Refused};
use crate::controller::{Controller, Due};
use crate::kind::Kind;
use crate::object::{items, namespace, text};
use crate::pod::is_finished;
use crate::view::{Change, Id, View};

/// Keeps the status of quotas.
#[derive(Clone, Debug)]
pub(crate) struct Quotas;

impl Controller for Quotas {
    fn actor(&self) -> Actor<'static> {
        Actor::Controller("resourcequota-controller")
    }

    fn touched(&mut self, change: &Change, view: &View) -> Vec<Id> {
        let quotas = view.within(Kind::QUOTAS, &change.id.key.namespace);
        let counts = change.old.is_none() || change.new.is_none() || change.id.kind.is_whole();
        let ids = quotas.filter(|_| counts && !change.id.key.namespace.is_empty());
        ids.map(|(key, _)| Id { kind: Kind::QUOTAS, key: key.clone() }).collect()
    }

    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let Some(quota) = cx.view.get(Kind::QUOTAS, &id.key) else { return Ok(None) };
        let mut after = quota.clone();
        let hard = quota.at(&["spec", "hard"]).and_then(Value::as_map).cloned().unwrap_or_default();
        let mut used = Value::map(lockstep_core::Map::new());
        for key in hard.keys() {
            if let Some(amount) = amount(quota, key, cx.view) {
                used.set(&[key], amount.to_string().into());
            }
        }
        after.set(&["status", "hard"], Value::map(hard));
        after.set(&["status", "used"], used);
        if after.get("status") != quota.get("status") {
            cx.update_status(Kind::QUOTAS, &after)?;
        }
        Ok(None)
    }
}

fn quantity(value: Option<&Value>) -> Quantity {
    value.and_then(Quantity::of).unwrap_or(Quantity::ZERO)
}

fn count(number: usize) -> Quantity {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

/// How much of a resource a namespace uses; `None` for what is not reckoned here.
fn amount(quota: &Value, resource: &str, view: &View) -> Option<Quantity> {
    let space = namespace(quota);
    let counted = |group: &str, plural: &str| {
        let contents = view.contents(space);
        let found = contents.into_iter().find(|(kind, _)| {
            let known = view.kinds.get(*kind);
            known.group == group && known.plural == plural
        });
        let number = found.map_or(0, |(_, number)| number);
        count(number)
    };
    if let Some(rest) = resource.strip_prefix("count/") {
        let (plural, group) = rest.split_once('.').unwrap_or((rest, ""));
        return Some(counted(group, plural));
    }
    match resource {
        "pods" => {
            let pods = view.within(Kind::PODS, space).filter(|(_, pod)| !is_finished(pod)).count();
            Some(count(pods))
        }
        "services"
        | "configmaps"
        | "secrets"
        | "replicationcontrollers"
        | "persistentvolumeclaims"
        | "resourcequotas" => Some(counted("", resource)),
        "services.nodeports" | "services.loadbalancers" => {
            let wanted = if resource == "services.nodeports" { "NodePort" } else { "LoadBalancer" };
            let services = view
                .within(Kind::SERVICES, space)
                .filter(|(_, service)| text(service, &["spec", "type"]) == wanted);
            Some(count(services.count()))
        }
        "requests.storage" => {
            let claims = view.within(Kind::CLAIMS, space).map(|(_, claim)| claim);
            Some(claims.fold(Quantity::ZERO, |sum, claim| {
                sum.plus(&quantity(claim.at(&["spec", "resources", "requests", "storage"])))
            }))
        }
        _ => {
            let (kind, name) = resource.split_once('.').unwrap_or(("requests", resource));
            let pods = view.within(Kind::PODS, space).map(|(_, pod)| pod).filter(|pod| !is_finished(pod));
            let containers = pods.flat_map(|pod| items(pod, &["spec", "containers"]));
            matches!(kind, "requests" | "limits").then(|| {
                containers.fold(Quantity::ZERO, |sum, container| {
                    sum.plus(&quantity(container.at(&["resources", kind, name])))
                })
            })
        }
    }
}
