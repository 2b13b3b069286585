//! PersistentVolumeClaims.

use std::cmp::Ordering;

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use super::{
    IMMUTABLE, STORAGE_CLASS_ANNOTATION, validate_access_modes, validate_class_name, validate_volume_mode,
};
use crate::meta::{
    Edit, Quantity, View, dns_label, dns_subdomain, internal_diff, invalid_each, validate_selector,
};
use crate::naming::subdomain;
use crate::policy::{amount_of, round_amounts, validate_amount};
use crate::reset::V1;
use crate::strategy::{Status, Strategy};

type Errors = Vec<FieldError>;

pub(crate) const PERSISTENT_VOLUME_CLAIM: Strategy = Strategy {
    default,
    prepare_create: |claim| {
        // That it is pending is a default, which comes only when it is read.
        claim.set(&["status"], Value::map(Map::new()));
        prepare_sources(claim, None);
    },
    prepare_update: |claim, old| {
        claim.take_from(old, &["status"]);
        prepare_sources(claim, Some(old));
    },
    validate: |claim| {
        let mut errors = Vec::new();
        validate_claim_spec(&mut errors, &At::ROOT.field("spec"), claim.child("spec"));
        errors
    },
    validate_update: validate_change,
    status: Some(Status { validate_update: validate_status, ..Status::PLAIN }),
    warnings: |claim, _| warnings(claim),
    name: subdomain,
    reset: V1,
    selectable: |claim| vec![("name", claim.child("metadata").text("name").into())],
    ..Strategy::plain("", "PersistentVolumeClaim", &["v1"])
};

fn default(claim: &mut Value) {
    claim.default_to("spec", Map::new());
    if let Some(spec) = claim.child_mut("spec") {
        default_claim_spec(spec);
    }
    claim.default_to("status", Map::new());
    if let Some(status) = claim.child_mut("status") {
        status.default_text("phase", "Pending");
    }
}

/// What a claim that says nothing else asks for; the templates of StatefulSets and Pods are defaulted alike.
pub(crate) fn default_claim_spec(spec: &mut Value) {
    spec.default_to("volumeMode", "Filesystem");
    for field in ["requests", "limits"] {
        let Some(amounts) = spec.child_mut("resources").and_then(|resources| resources.child_mut(field))
        else {
            continue;
        };
        round_amounts(amounts);
    }
}

/// `dataSource` and `dataSourceRef` say the same where both can; what neither can say is dropped.
fn prepare_sources(claim: &mut Value, old: Option<&Value>) {
    let old = old.map(|old| old.child("spec"));
    let Some(spec) = claim.child_mut("spec") else { return };
    let crosses = !spec.child("dataSourceRef").text("namespace").is_empty();
    if crosses && !old.is_some_and(|old| old.has("dataSourceRef")) {
        spec.remove(&["dataSourceRef"]);
    }
    let in_use = old.is_some_and(|old| old.has("dataSource") || old.has("dataSourceRef"));
    if !in_use && !spec.has("dataSourceRef") && !is_claim_or_snapshot(spec.child("dataSource")) {
        spec.remove(&["dataSource"]);
    }
    let (source, reference) = (spec.child("dataSource").clone(), spec.child("dataSourceRef").clone());
    match (spec.has("dataSource"), spec.has("dataSourceRef")) {
        (true, false) => spec.set(&["dataSourceRef"], source),
        (false, true) if reference.text("namespace").is_empty() => {
            let mut source = reference;
            source.remove(&["namespace"]);
            spec.set(&["dataSource"], source);
        }
        _ => {}
    }
}

fn is_claim_or_snapshot(source: &Value) -> bool {
    match source.text("apiGroup") {
        "" => source.text("kind") == "PersistentVolumeClaim",
        "snapshot.storage.k8s.io" => source.text("kind") == "VolumeSnapshot",
        _ => false,
    }
}

/// What is wrong with what a claim asks for.
pub(crate) fn validate_claim_spec(errors: &mut Errors, at: &At, spec: &Value) {
    let modes = spec.items("accessModes");
    if modes.is_empty() {
        errors.push(FieldError::required(&at.field("accessModes"), "at least 1 access mode is required"));
    }
    if spec.has("selector") {
        validate_selector(errors, &at.field("selector"), spec.child("selector"));
    }
    validate_access_modes(errors, &at.field("accessModes"), modes);
    let resources = at.field("resources");
    let storage_at = resources.key("storage");
    match spec.at(&["resources", "requests", "storage"]) {
        None => errors.push(FieldError::required(&storage_at, "")),
        Some(amount) if amount_of(amount).sign() != Ordering::Greater => {
            let shown = amount_of(amount).to_string();
            errors.push(FieldError::invalid(&storage_at, shown, "must be greater than zero"));
        }
        Some(amount) => validate_amount(errors, &storage_at, ("storage", amount)),
    }
    validate_class_name(errors, &at.field("storageClassName"), spec.text("storageClassName"));
    validate_volume_mode(errors, at, spec);
    validate_sources(errors, at, spec);
    let class_at = at.field("volumeAttributesClassName");
    validate_class_name(errors, &class_at, spec.text("volumeAttributesClassName"));
}

fn validate_sources(errors: &mut Errors, at: &At, spec: &Value) {
    let (source, reference) = (spec.child("dataSource"), spec.child("dataSourceRef"));
    for field in ["dataSource", "dataSourceRef"].into_iter().filter(|field| spec.has(field)) {
        validate_source(errors, &at.field(field), spec.child(field));
    }
    let both = spec.has("dataSource") && spec.has("dataSourceRef");
    let namespace = reference.text("namespace");
    let same = ["apiGroup", "kind", "name"].iter().all(|field| source.child(field) == reference.child(field));
    let wrong = match both {
        true if !namespace.is_empty() => "may not be specified when dataSourceRef.namespace is specified",
        true if !same => "must match dataSourceRef",
        _ => "",
    };
    if !namespace.is_empty() {
        let at = at.field("dataSourceRef");
        invalid_each(errors, &at.field("namespace"), &namespace.into(), dns_label(namespace));
    }
    if !wrong.is_empty() {
        errors.push(FieldError::invalid(at, Map::new(), wrong));
    }
}

fn validate_source(errors: &mut Errors, at: &At, source: &Value) {
    let (group, kind) = (source.text("apiGroup"), source.text("kind"));
    for field in ["name", "kind"] {
        if source.text(field).is_empty() {
            errors.push(FieldError::required(&at.field(field), ""));
        }
    }
    if group.is_empty() && kind != "PersistentVolumeClaim" {
        let text = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
        errors.push(FieldError::invalid(at, kind, text));
    }
    if !group.is_empty() {
        invalid_each(errors, &at.field("apiGroup"), &group.into(), dns_subdomain(group));
    }
}

fn validate_change(claim: &Value, old: &Value) -> Errors {
    let mut errors = Vec::new();
    let at = At::ROOT.field("spec");
    validate_claim_spec(&mut errors, &at, claim.child("spec"));
    let (was, is) = (old.child("spec"), claim.child("spec"));
    let (compared_old, compared_new) = compared(&mut errors, claim, old);
    if compared_old != compared_new {
        let diff = internal_diff("core.PersistentVolumeClaimSpec", &compared_old, &compared_new);
        let text = format!(
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n{diff}"
        );
        errors.push(FieldError::forbidden(&at, text));
    }
    let storage =
        |spec: &Value| spec.at(&["resources", "requests", "storage"]).map_or(Quantity::ZERO, amount_of);
    let capacity = claim.at(&["status", "capacity", "storage"]).map_or(Quantity::ZERO, amount_of);
    let capacity = old.at(&["status", "capacity", "storage"]).map_or(capacity, amount_of);
    if storage(is) < storage(was) && storage(is) <= capacity {
        let at = at.field("resources");
        let at = at.field("requests");
        errors
            .push(FieldError::forbidden(&at.field("storage"), "field can not be less than status.capacity"));
    }
    if was.child("volumeMode") != is.child("volumeMode") {
        let value = is.child("volumeMode").clone();
        errors.push(FieldError::invalid(&At::ROOT.field("volumeMode"), value, IMMUTABLE));
    }
    validate_attributes_class(&mut errors, &at.field("volumeAttributesClassName"), (claim, old));
    errors
}

/// The old and the new spec without what may change: the volume once, the class where there was none, and of bound claims the
/// request and the class of attributes.
fn compared(errors: &mut Errors, claim: &Value, old: &Value) -> (Value, Value) {
    let (mut was, mut is) = (old.child("spec").clone(), claim.child("spec").clone());
    if was.text("volumeName").is_empty() {
        let name = is.clone();
        was.take_from(&name, &["volumeName"]);
    }
    let annotation = |claim: &Value| {
        claim.str_at(&["metadata", "annotations", STORAGE_CLASS_ANNOTATION]).map(str::to_owned)
    };
    let (had, has) = (annotation(old), annotation(claim));
    let class = is.get("storageClassName").and_then(Value::as_str).map(str::to_owned);
    let fresh = !was.has("storageClassName") && class.is_some();
    if fresh && had.is_some() && class == had && (has.is_none() || has == had) {
        is.remove(&["storageClassName"]);
    } else {
        if had.clone().unwrap_or_default() != has.clone().unwrap_or_default() {
            let at = At::ROOT.field("metadata");
            let at = at.field("annotations");
            let at = at.field(STORAGE_CLASS_ANNOTATION);
            errors.push(FieldError::invalid(&at, has.unwrap_or_default(), IMMUTABLE));
        }
        if fresh && (had.is_none() || class == had) {
            is.remove(&["storageClassName"]);
        }
    }
    if claim.str_at(&["status", "phase"]) == Some("Bound") {
        if is.at(&["resources", "requests"]).is_some() {
            let before = was.clone();
            is.take_from(&before, &["resources", "requests", "storage"]);
        }
        let before = was.clone();
        is.take_from(&before, &["volumeAttributesClassName"]);
    }
    (was, is)
}

fn validate_attributes_class(errors: &mut Errors, at: &At, (claim, old): (&Value, &Value)) {
    const FIELD: &str = "volumeAttributesClassName";
    let (was, is) = (old.child("spec"), claim.child("spec"));
    if was.child(FIELD) == is.child(FIELD) || !old.child("status").has("currentVolumeAttributesClassName") {
        return;
    }
    let to = match is.has(FIELD) {
        false => "nil",
        true if is.text(FIELD).is_empty() => "empty string",
        true => return,
    };
    let text = format!("update to {to} is forbidden when status.currentVolumeAttributesClassName is not nil");
    errors.push(FieldError::forbidden(at, text));
}

fn validate_status(claim: &Value, _: &Value) -> Errors {
    let mut errors = Vec::new();
    if claim.child("spec").items("accessModes").is_empty() {
        let at = At::ROOT.field("Spec");
        errors.push(FieldError::required(&at.field("accessModes"), ""));
    }
    let at = At::ROOT.field("status");
    let at = at.field("capacity");
    for (name, amount) in claim.child("status").entries("capacity") {
        let amount = amount_of(amount);
        if amount.sign() == Ordering::Less {
            let text = "must be a valid resource quantity";
            errors.push(FieldError::invalid(&at.key(name), amount.value(), text));
        }
    }
    errors
}

fn warnings(claim: &Value) -> Vec<String> {
    let mut warnings = Vec::new();
    if claim.child("metadata").child("annotations").has(STORAGE_CLASS_ANNOTATION) {
        warnings.push(format!(
            "metadata.annotations[{STORAGE_CLASS_ANNOTATION}]: deprecated since v1.8; use \"storageClassName\" attribute instead"
        ));
    }
    for field in ["requests", "limits"] {
        let amount = claim.at(&["spec", "resources", field, "storage"]).map_or(Quantity::ZERO, amount_of);
        if amount.milli_value() % 1000 != 0 {
            warnings.push(format!(
                "spec.resources.{field}[storage]: fractional byte value \"{amount}\" is invalid, must be an integer"
            ));
        }
    }
    warnings
}
