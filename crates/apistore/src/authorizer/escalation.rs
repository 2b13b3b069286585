//! Nobody grants by roles and bindings what they may not do themselves, unless a rule allows them to `escalate` or `bind`.

use lockstep_core::Value;

use super::rights::is_master;
use super::rule::{Rule, missing, quoted_list};
use super::{Asked, What};
use crate::call::Call;
use crate::failure::{Failure, quoted};
use crate::state::State;

const GROUP: &str = "rbac.authorization.k8s.io";

/// Refuses a role or binding that grants more than its writer holds.
pub(crate) fn check(
    state: &State,
    call: &Call<'_>,
    object: &Value,
    old: Option<&Value>,
) -> Result<(), Failure> {
    if call.served.resource.group != GROUP || is_master(&call.user) {
        return Ok(());
    }
    if old.is_some_and(|old| only_collected(object, old)) {
        return Ok(());
    }
    match &*call.served.resource.plural {
        "roles" | "clusterroles" => check_role(state, call, object, old),
        _ => check_binding(state, call, object),
    }
}

/// Whether only that changes which the garbage collector writes.
fn only_collected(object: &Value, old: &Value) -> bool {
    let bare = |value: &Value| {
        let mut value = value.clone();
        for field in ["ownerReferences", "finalizers", "selfLink", "managedFields"] {
            value.remove(&["metadata", field]);
        }
        value
    };
    bare(object) == bare(old)
}

fn check_role(state: &State, call: &Call<'_>, object: &Value, old: Option<&Value>) -> Result<(), Failure> {
    let info = call.info;
    let asked = Asked {
        group: GROUP,
        resource: &info.resource,
        subresource: "",
        namespace: &info.namespace,
        name: &info.name,
    };
    if state.rights.decide(&call.user, "escalate", &What::Resource(asked)).allowed {
        return Ok(());
    }
    refuse_escalation(state, call, object, &Rule::all(object))?;
    let aggregates = |role: &Value| {
        let selectors = role.at(&["aggregationRule", "clusterRoleSelectors"]);
        selectors.and_then(Value::as_list).is_some_and(|list| !list.is_empty())
    };
    if aggregates(object) || old.is_some_and(aggregates) {
        let all = || vec!["*".to_owned()];
        let everything = [
            Rule { verbs: all(), groups: all(), resources: all(), ..Rule::default() },
            Rule { verbs: all(), paths: all(), ..Rule::default() },
        ];
        if refuse_escalation(state, call, object, &everything).is_err() {
            let why = "must have cluster-admin privileges to use the aggregationRule";
            return Err(Failure::forbidden(&call.resource(), name(object), why));
        }
    }
    Ok(())
}

fn check_binding(state: &State, call: &Call<'_>, object: &Value) -> Result<(), Failure> {
    let role = |key| object.str_at(&["roleRef", key]).unwrap_or_default();
    let namespace = call.namespace();
    let resource = match role("kind") {
        "ClusterRole" => "clusterroles",
        "Role" => "roles",
        _ => "",
    };
    let asked = Asked { group: role("apiGroup"), resource, subresource: "", namespace, name: role("name") };
    if !resource.is_empty() && state.rights.decide(&call.user, "bind", &What::Resource(asked)).allowed {
        return Ok(());
    }
    let found = state.rights.role(role("kind"), role("name"), namespace);
    let rules = found.map_err(|missing| missing.failure(&call.resource()))?;
    refuse_escalation(state, call, object, rules)
}

fn name(object: &Value) -> &str {
    object.str_at(&["metadata", "name"]).unwrap_or_default()
}

fn refuse_escalation(state: &State, call: &Call<'_>, object: &Value, wanted: &[Rule]) -> Result<(), Failure> {
    let resource = call.resource();
    let tell = |missing: super::rights::MissingRole<'_>| missing.failure(&resource).message().to_owned();
    let (owned, errors) = state.rights.rules(&call.user, call.namespace(), tell);
    let missing = missing(&owned, wanted);
    if missing.is_empty() {
        return Ok(());
    }
    let mut why = format!(
        "user {} (groups={}) is attempting to grant RBAC permissions not currently held:\n{}",
        quoted(&call.user.name),
        quoted_list(&call.user.groups),
        missing.join("\n")
    );
    if let Some(errors) = errors {
        why.push_str(&format!("; resolution errors: [{errors}]"));
    }
    Err(Failure::forbidden(&call.resource(), name(object), &why))
}
