//! Templates of pods, and what the kinds that make pods of them have in common.

use lockstep_core::{Map, Value};
use schema::{At, FieldError, Mistake};

use crate::meta::{
    Edit, Selector, View, dns_label, invalid_internal, validate_annotations, validate_labels,
    validate_selector,
};
use crate::pod::{
    Place, default_pod_spec, drop_disabled, pod_warnings, validate_pod_annotations, validate_pod_spec,
    validate_profiles_match,
};

type Errors = Vec<FieldError>;

/// Fills in the template at a field.
pub(crate) fn default_template(holder: &mut Value, key: &str) {
    let Some(template) = holder.child_mut(key) else { return };
    template.default_to("spec", Map::new());
    if let Some(spec) = template.child_mut("spec") {
        default_pod_spec(spec);
    }
}

/// What is wrong with a template.
pub(crate) fn validate_template(errors: &mut Errors, at: &At, template: &Value) {
    let (meta, spec) = (template.child("metadata"), template.child("spec"));
    let annotations = meta.child("annotations");
    validate_labels(errors, &at.field("labels"), meta.child("labels"));
    validate_annotations(errors, &at.field("annotations"), annotations);
    validate_pod_annotations(errors, &at.field("annotations"), (annotations, spec));
    let spec_at = at.field("spec");
    validate_pod_spec(errors, &spec_at, spec, Place::Template);
    validate_profiles_match(errors, &spec_at, (annotations, spec));
    if !spec.items("ephemeralContainers").is_empty() {
        let text = "ephemeral containers not allowed in pod template";
        errors.push(FieldError::forbidden(&spec_at.field("ephemeralContainers"), text));
    }
}

/// Pods that are to run for ever are started again and have no deadline; `owner` is the kind that says so.
pub(crate) fn validate_runs_on(errors: &mut Errors, at: &At, (template, owner): (&Value, &str)) {
    let (at, spec) = (at.field("spec"), template.child("spec"));
    let policy = spec.text("restartPolicy");
    if policy != "Always" {
        errors.push(FieldError::not_supported(&at.field("restartPolicy"), policy, &["Always"]));
    }
    if spec.has("activeDeadlineSeconds") {
        let text = format!("activeDeadlineSeconds in {owner} is not Supported");
        errors.push(FieldError::forbidden(&at.field("activeDeadlineSeconds"), text));
    }
}

/// A selector that must be there and say something; `kind` is what it is said to be for.
pub(crate) fn validate_owner_selector(errors: &mut Errors, at: &At, (spec, kind): (&Value, &str)) {
    if !spec.has("selector") {
        errors.push(FieldError::required(at, ""));
        return;
    }
    let selector = spec.child("selector");
    validate_selector(errors, at, selector);
    if selector.items("matchExpressions").is_empty() && selector.entries("matchLabels").next().is_none() {
        let text = format!("empty selector is invalid for {kind}");
        errors.push(invalid_internal(at, ("*v1.LabelSelector", selector), &text));
    }
}

/// The selector must select the template.
pub(crate) fn validate_selects(errors: &mut Errors, at: &At, (selector, template): (Selector<'_>, &Value)) {
    let labels = template.child("metadata").child("labels");
    if !selector.is_empty() && !selector.matches(labels) {
        does_not_select(errors, at, labels);
    }
}

/// Says that a selector does not select its template.
pub(crate) fn does_not_select(errors: &mut Errors, at: &At, labels: &Value) {
    let at = at.field("metadata");
    let text = "`selector` does not match template `labels`";
    errors.push(FieldError::new(Mistake::Invalid, &at.field("labels"), Some(labels.clone()), text));
}

/// A name that is fine for the object, but not for what is made of it.
pub(crate) fn name_warning(object: &Value) -> Vec<String> {
    let wrong = dns_label(object.child("metadata").text("name"));
    match wrong.is_empty() {
        true => Vec::new(),
        false => vec![format!(
            "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [{}]",
            wrong.join(" ")
        )],
    }
}

/// What the server warns of in the template of an object.
pub(crate) fn template_warnings(object: &Value) -> Vec<String> {
    let spec = At::ROOT.field("spec");
    match object.at(&["spec", "template"]) {
        Some(template) => pod_warnings(&spec.field("template"), template),
        None => Vec::new(),
    }
}

/// A new object has generation 1 and no status.
pub(crate) fn reset_status(object: &mut Value) {
    object.set(&["metadata", "generation"], 1.into());
    object.set(&["status"], Value::map(Map::new()));
    drop_disabled_fields(object);
}

/// Fields of features that are off are forgotten, in the template and, where it is one, in the Job.
pub(crate) fn drop_disabled_fields(object: &mut Value) {
    for job in [&["spec"][..], &["spec", "jobTemplate", "spec"]] {
        object.remove(&[job, &["scheduling"]].concat());
    }
    for path in [&["template"][..], &["spec", "template"], &["spec", "jobTemplate", "spec", "template"]] {
        let holder = path.iter().try_fold(&mut *object, |value, key| value.child_mut(key));
        if let Some(spec) = holder.and_then(|template| template.child_mut("spec")) {
            drop_disabled(spec);
        }
    }
}

/// The status is for its own endpoint.
pub(crate) fn keep_status(object: &mut Value, old: &Value) {
    object.take_from(old, &["status"]);
    drop_disabled_fields(object);
}

/// At the endpoint of the status the spec stays.
pub(crate) fn keep_spec(object: &mut Value, old: &Value) {
    object.take_from(old, &["spec"]);
}

/// Whether the spec has changed.
pub(crate) fn spec_changed(object: &Value, old: &Value) -> bool {
    object.child("spec") != old.child("spec")
}

/// Numbers of the status that may not be negative.
pub(crate) fn validate_counts(errors: &mut Errors, status: &Value, keys: &[&str]) {
    let at = At::ROOT.field("status");
    for key in keys {
        crate::meta::not_negative(errors, &at.field(key), status.number(key));
    }
}

/// One number of the status that may not be greater than another.
pub(crate) fn validate_not_more(errors: &mut Errors, status: &Value, (key, than, text): (&str, &str, &str)) {
    let at = At::ROOT.field("status");
    if status.number(key) > status.number(than) {
        errors.push(FieldError::invalid(&at.field(key), status.number(key), text));
    }
}

/// The count of collisions never falls.
pub(crate) fn validate_collisions(errors: &mut Errors, [status, old]: [&Value; 2]) {
    let at = At::ROOT.field("status");
    let count = status.number("collisionCount");
    if old.has("collisionCount") && (count < old.number("collisionCount") || !status.has("collisionCount")) {
        errors.push(FieldError::invalid(&at.field("collisionCount"), count, "cannot be decremented"));
    }
}
