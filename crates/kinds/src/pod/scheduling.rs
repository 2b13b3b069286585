//! Where a pod may run: affinity, tolerations, spread.

use std::collections::BTreeSet;

use lockstep_core::Value;
use schema::{At, FieldError};

use super::Errors;
use crate::meta::{
    View, dns_label, dns_subdomain, invalid_each, label_value, qualified_name, validate_selector,
};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// Rules about nodes and about other pods.
pub(super) fn validate_affinity(errors: &mut Errors, at: &At, affinity: &Value) {
    let (node_at, node) = (at.field("nodeAffinity"), affinity.child("nodeAffinity"));
    if node.has(REQUIRED) {
        validate_node_selector(errors, &node_at.field(REQUIRED), node.child(REQUIRED));
    }
    let list = node_at.field(PREFERRED);
    for (index, term) in node.items(PREFERRED).iter().enumerate() {
        let at = list.index(index);
        validate_weight(errors, &at, term);
        validate_node_term(errors, &at.field("preference"), (term.child("preference"), Labels::Any));
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let (at, terms) = (at.field(kind), affinity.child(kind));
        let list = at.field(REQUIRED);
        for (index, term) in terms.items(REQUIRED).iter().enumerate() {
            validate_pod_term(errors, &list.index(index), term);
        }
        let list = at.field(PREFERRED);
        for (index, term) in terms.items(PREFERRED).iter().enumerate() {
            let at = list.index(index);
            validate_weight(errors, &at, term);
            validate_pod_term(errors, &at.field("podAffinityTerm"), term.child("podAffinityTerm"));
        }
    }
}

fn validate_weight(errors: &mut Errors, at: &At, term: &Value) {
    let weight = term.number("weight");
    if !(1..=100).contains(&weight) {
        errors.push(FieldError::invalid(&at.field("weight"), weight, "must be in the range 1-100"));
    }
}

fn validate_node_selector(errors: &mut Errors, at: &At, selector: &Value) {
    let list = at.field("nodeSelectorTerms");
    let terms = selector.items("nodeSelectorTerms");
    if terms.is_empty() {
        errors.push(FieldError::required(&list, "must have at least one node selector term"));
    }
    for (index, term) in terms.iter().enumerate() {
        validate_node_term(errors, &list.index(index), (term, Labels::Valid));
    }
}

/// Whether the values of labels must be such: preferences are not checked for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Labels {
    Valid,
    Any,
}

fn validate_node_term(errors: &mut Errors, at: &At, (term, labels): (&Value, Labels)) {
    let list = at.field("matchExpressions");
    for (index, expression) in term.items("matchExpressions").iter().enumerate() {
        validate_node_expression(errors, &list.index(index), (expression, labels));
    }
    let list = at.field("matchFields");
    for (index, field) in term.items("matchFields").iter().enumerate() {
        validate_node_field(errors, &list.index(index), field);
    }
}

fn validate_node_expression(errors: &mut Errors, at: &At, (expression, labels): (&Value, Labels)) {
    let (values_at, values) = (at.field("values"), expression.items("values"));
    match expression.text("operator") {
        "In" | "NotIn" if values.is_empty() => {
            errors.push(FieldError::required(
                &values_at,
                "must be specified when `operator` is 'In' or 'NotIn'",
            ));
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => errors.push(FieldError::forbidden(
            &values_at,
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        )),
        "Gt" | "Lt" if values.len() != 1 => errors.push(FieldError::required(
            &values_at,
            "must be specified single value when `operator` is 'Lt' or 'Gt'",
        )),
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        other => {
            errors.push(FieldError::invalid(&at.field("operator"), other, "not a valid selector operator"))
        }
    }
    let key = expression.text("key");
    invalid_each(errors, &at.field("key"), &key.into(), qualified_name(key));
    for (index, value) in values.iter().enumerate().filter(|_| labels == Labels::Valid) {
        let wrong = label_value(value.as_str().unwrap_or_default());
        invalid_each(errors, &values_at.index(index), value, wrong);
    }
}

fn validate_node_field(errors: &mut Errors, at: &At, field: &Value) {
    let (list, values) = (at.field("values"), field.items("values"));
    match field.text("operator") {
        "In" | "NotIn" if values.len() == 1 => {}
        "In" | "NotIn" => errors.push(FieldError::required(
            &list,
            "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
        )),
        other => {
            errors.push(FieldError::invalid(&at.field("operator"), other, "not a valid selector operator"))
        }
    }
    match field.text("key") {
        "metadata.name" => {
            for (index, value) in values.iter().enumerate() {
                let wrong = dns_subdomain(value.as_str().unwrap_or_default());
                invalid_each(errors, &list.index(index), value, wrong);
            }
        }
        other => errors.push(FieldError::invalid(&at.field("key"), other, "not a valid field selector key")),
    }
}

fn validate_pod_term(errors: &mut Errors, at: &At, term: &Value) {
    for key in ["labelSelector", "namespaceSelector"] {
        validate_selector(errors, &at.field(key), term.child(key));
    }
    for name in term.items("namespaces") {
        invalid_each(errors, &at.field("namespace"), name, dns_label(name.as_str().unwrap_or_default()));
    }
    validate_label_keys(errors, at, term);
    let key = term.text("topologyKey");
    if key.is_empty() {
        errors.push(FieldError::required(&at.field("topologyKey"), "can not be empty"));
    }
    invalid_each(errors, &at.field("topologyKey"), &key.into(), qualified_name(key));
}

/// Keys of labels whose values are taken from the pod itself.
fn validate_label_keys(errors: &mut Errors, at: &At, term: &Value) {
    let selector = term.child("labelSelector");
    for list in ["matchLabelKeys", "mismatchLabelKeys"] {
        let (at, keys) = (at.field(list), term.items(list));
        if !keys.is_empty() && !term.has("labelSelector") {
            errors.push(FieldError::forbidden(&at, "must not be specified when labelSelector is not set"));
            continue;
        }
        for (index, key) in keys.iter().enumerate() {
            invalid_each(errors, &at.index(index), key, qualified_name(key.as_str().unwrap_or_default()));
        }
    }
    let keys: Vec<&str> = term.items("matchLabelKeys").iter().filter_map(Value::as_str).collect();
    let mut selected: BTreeSet<&str> = selector.entries("matchLabels").map(|(key, _)| key).collect();
    for expression in selector.items("matchExpressions") {
        let key = expression.text("key");
        let place = keys.iter().rposition(|other| *other == key);
        if let Some(index) = place.filter(|_| selected.contains(key)) {
            let text = "exists in both matchLabelKeys and labelSelector";
            errors.push(FieldError::invalid(&at.index(index), key, text));
        }
        selected.insert(key);
    }
    let (list, mismatch) = (at.field("matchLabelKeys"), term.items("mismatchLabelKeys"));
    for (index, key) in keys.iter().enumerate() {
        if mismatch.iter().any(|other| other.as_str() == Some(key)) {
            let text = "exists in both matchLabelKeys and mismatchLabelKeys";
            errors.push(FieldError::invalid(&list.index(index), *key, text));
        }
    }
}

/// Tolerations of taints.
pub(super) fn validate_tolerations(errors: &mut Errors, at: &At, tolerations: &[Value]) {
    for (index, toleration) in tolerations.iter().enumerate() {
        let at = at.index(index);
        let (key, operator) = (toleration.text("key"), toleration.text("operator"));
        if !key.is_empty() {
            invalid_each(errors, &at.field("key"), &key.into(), qualified_name(key));
        } else if operator != "Exists" {
            let text =
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            errors.push(FieldError::invalid(&at.field("operator"), operator, text));
        }
        let effect = toleration.text("effect");
        if toleration.has("tolerationSeconds") && effect != "NoExecute" {
            let text = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            errors.push(FieldError::invalid(&at.field("effect"), effect, text));
        }
        validate_operator(errors, &at.field("operator"), operator, toleration.text("value"));
        if !effect.is_empty() && !EFFECTS.contains(&effect) {
            errors.push(FieldError::not_supported(&at.field("effect"), effect, &EFFECTS));
        }
    }
}

fn validate_operator(errors: &mut Errors, at: &At, operator: &str, value: &str) {
    match operator {
        "" | "Equal" => {
            let wrong = label_value(value);
            if !wrong.is_empty() {
                errors.push(FieldError::invalid(at, value, wrong.join(";")));
            }
        }
        "Exists" if value.is_empty() => {}
        "Exists" => {
            errors.push(FieldError::invalid(at, value, "value must be empty when `operator` is 'Exists'"))
        }
        "Lt" | "Gt" => errors.push(FieldError::not_supported(at, operator, &["Equal", "Exists", "Lt", "Gt"])),
        _ => errors.push(FieldError::not_supported(at, operator, &["Equal", "Exists"])),
    }
}

/// How pods are spread.
pub(super) fn validate_spread(errors: &mut Errors, at: &At, constraints: &[Value]) {
    for (index, constraint) in constraints.iter().enumerate() {
        let at = at.index(index);
        let (skew, key, action) = (
            constraint.number("maxSkew"),
            constraint.text("topologyKey"),
            constraint.text("whenUnsatisfiable"),
        );
        if skew <= 0 {
            errors.push(FieldError::invalid(&at.field("maxSkew"), skew, "must be greater than zero"));
        }
        if key.is_empty() {
            errors.push(FieldError::required(&at.field("topologyKey"), "can not be empty"));
        }
        if !matches!(action, "DoNotSchedule" | "ScheduleAnyway") {
            let known = ["DoNotSchedule", "ScheduleAnyway"];
            errors.push(FieldError::not_supported(&at.field("whenUnsatisfiable"), action, &known));
        }
        let same =
            |other: &Value| other.text("topologyKey") == key && other.text("whenUnsatisfiable") == action;
        if constraints[index + 1..].iter().any(same) {
            let at = at.field("{topologyKey, whenUnsatisfiable}");
            errors.push(FieldError::duplicate(&at, format!("{{{key}, {action}}}")));
        }
        validate_domains(errors, &at.field("minDomains"), constraint);
        for policy in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            let text = constraint.text(policy);
            if constraint.has(policy) && !matches!(text, "Honor" | "Ignore") {
                errors.push(FieldError::not_supported(&at.field(policy), text, &["Honor", "Ignore"]));
            }
        }
        validate_label_keys(errors, &at, constraint);
        validate_selector(errors, &at.field("labelSelector"), constraint.child("labelSelector"));
    }
}

fn validate_domains(errors: &mut Errors, at: &At, constraint: &Value) {
    let Some(domains) = constraint.int("minDomains") else { return };
    if domains <= 0 {
        errors.push(FieldError::invalid(at, domains, "must be greater than zero"));
    }
    let action = constraint.text("whenUnsatisfiable");
    if action != "DoNotSchedule" {
        let text = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
        errors.push(FieldError::invalid(at, domains, text));
    }
}

/// What must be given free before a pod is scheduled.
pub(super) fn validate_gates(errors: &mut Errors, at: &At, gates: &[Value]) {
    let mut seen = BTreeSet::new();
    for (index, gate) in gates.iter().enumerate() {
        let (at, name) = (at.index(index), gate.text("name"));
        invalid_each(errors, &at, &name.into(), qualified_name(name));
        if !seen.insert(name) {
            errors.push(FieldError::duplicate(&at, name));
        }
    }
}
