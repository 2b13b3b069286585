//! Roles and ClusterRoles.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::GROUP;
use crate::meta::{Scope, View, validate_selector};
use crate::naming::segment;
use crate::strategy::Strategy;

pub(crate) const ROLE: Strategy = Strategy {
    validate: |role| validate(role, Scope::Namespaced),
    validate_update: |role, _| validate(role, Scope::Namespaced),
    name: segment,
    create_on_update: true,
    ..Strategy::plain(GROUP, "Role", &["v1"])
};

pub(crate) const CLUSTER_ROLE: Strategy = Strategy {
    validate: |role| validate(role, Scope::Cluster),
    validate_update: |role, _| validate(role, Scope::Cluster),
    name: segment,
    create_on_update: true,
    ..Strategy::plain(GROUP, "ClusterRole", &["v1"])
};

fn validate(role: &Value, scope: Scope) -> Vec<FieldError> {
    let (mut errors, mut late) = (Vec::new(), Vec::new());
    let at = At::ROOT.field("rules");
    for (index, rule) in role.items("rules").iter().enumerate() {
        validate_rule(&mut errors, &at.index(index), (rule, scope));
        if rule.items("verbs").is_empty() {
            late.push(FieldError::required(&at.index(index).field("verbs"), ""));
        }
    }
    if role.has("aggregationRule") {
        let at = At::ROOT.field("aggregationRule");
        let at = at.field("clusterRoleSelectors");
        let selectors = role.child("aggregationRule").items("clusterRoleSelectors");
        if selectors.is_empty() {
            let text = "at least one clusterRoleSelector required if aggregationRule is non-nil";
            errors.push(FieldError::required(&at, text));
        }
        for (index, selector) in selectors.iter().enumerate() {
            let before = errors.len();
            validate_selector(&mut errors, &at.index(index), selector);
            if errors.len() > before {
                errors.push(FieldError::invalid(&at.index(index), Value::Null, "invalid label selector."));
            }
        }
    }
    errors.extend(late);
    errors
}

fn validate_rule(errors: &mut Vec<FieldError>, at: &At, (rule, scope): (&Value, Scope)) {
    let none = |field: &str| rule.items(field).is_empty();
    if !none("nonResourceURLs") {
        let wrong = |text: &str| {
            FieldError::invalid(&at.field("nonResourceURLs"), rule.child("nonResourceURLs").clone(), text)
        };
        if scope == Scope::Namespaced {
            errors.push(wrong("namespaced rules cannot apply to non-resource URLs"));
        }
        if ["apiGroups", "resources", "resourceNames"].into_iter().any(|field| !none(field)) {
            errors.push(wrong("rules cannot apply to both regular resources and non-resource URLs"));
        }
        return;
    }
    for (field, what) in [("apiGroups", "api group"), ("resources", "resource")] {
        if none(field) {
            let text = format!("resource rules must supply at least one {what}");
            errors.push(FieldError::required(&at.field(field), text));
        }
    }
}
