//! Jobs.

mod failure_policy;
mod indexes;
mod spec;
mod status;
mod update;

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

pub(crate) use spec::validate_job_spec;

use crate::meta::{
    Edit, Selector, View, dns_label, dns_subdomain, invalid_internal, named, validate_selector,
};
use crate::pod::pod_warnings;
use crate::pod_template::{
    default_template, does_not_select, keep_spec, keep_status, name_warning, reset_status, spec_changed,
};
use crate::strategy::{ResetField, Status, Strategy};

type Errors = Vec<FieldError>;

const UID: &str = "batch.kubernetes.io/controller-uid";
const NAME: &str = "batch.kubernetes.io/job-name";
const OLD_UID: &str = "controller-uid";
const OLD_NAME: &str = "job-name";

/// The rules of Jobs. Their selector is made of their uid, which is there before `prepare_create`.
pub(crate) const JOB: Strategy = Strategy {
    default,
    prepare_create,
    prepare_update: keep_status,
    validate: validate_create,
    validate_update: update::validate_update,
    status: Some(Status {
        prepare_update: keep_spec,
        validate_update: status::validate_status_update,
        warnings: |_| Vec::new(),
    }),
    warnings,
    name: |name| named(dns_subdomain(name)),
    generation: Some(spec_changed),
    reset: &[
        ResetField { version: "v1", subresource: "", path: &["status"] },
        ResetField { version: "v1", subresource: "status", path: &["spec"] },
    ],
    selectable: |object| vec![("status.successful", object.child("status").number("succeeded").to_string())],
    ..Strategy::plain("batch", "Job", &["v1"])
};

fn default(object: &mut Value) {
    object.default_to("spec", Map::new());
    let labels = object.at(&["spec", "template", "metadata", "labels"]).cloned();
    if let Some(labels) = labels.filter(|labels| !labels.is_empty_container()) {
        let path = ["metadata", "labels"];
        if object.at(&path).is_none_or(Value::is_empty_container) {
            object.set(&path, labels);
        }
    }
    let Some(spec) = object.child_mut("spec") else { return };
    if !spec.has("completions") && !spec.has("parallelism") {
        spec.set(&["completions"], 1.into());
    }
    spec.default_to("parallelism", 1);
    let each = spec.has("backoffLimitPerIndex");
    spec.default_to("backoffLimit", if each { i64::from(i32::MAX) } else { 6 });
    spec.default_to("completionMode", "NonIndexed");
    spec.default_to("suspend", false);
    let policy = spec.has("podFailurePolicy");
    spec.default_to("podReplacementPolicy", if policy { "Failed" } else { "TerminatingOrFailed" });
    spec.default_to("manualSelector", false);
    default_template_and_policy(spec);
}

/// What a Job and the template of one in a CronJob have in common.
pub(crate) fn default_template_and_policy(spec: &mut Value) {
    default_template(spec, "template");
    if let Some(policy) = spec.child_mut("podFailurePolicy") {
        for condition in
            policy.items_mut("rules").iter_mut().flat_map(|rule| rule.items_mut("onPodConditions"))
        {
            condition.default_text("status", "True");
        }
    }
}

/// A Job that has its labels from its template also has those that the server adds there.
fn prepare_create(object: &mut Value) {
    let labels = |object: &Value| object.at(&["spec", "template", "metadata", "labels"]).cloned();
    // Those of the template are the Job's own where it has none. What it gets now both get, if there were any; else it comes to
    // the Job only when it is read.
    let own = object.at(&["metadata", "labels"]);
    let shared = own.is_some() && own == labels(object).as_ref();
    if !object.child("spec").flag("manualSelector") {
        let meta = object.child("metadata");
        let (name, uid) = (meta.child("name").clone(), meta.text("uid").to_owned());
        for (key, value) in
            [(OLD_NAME, &name), (NAME, &name), (OLD_UID, &uid.clone().into()), (UID, &uid.clone().into())]
        {
            let path = ["spec", "template", "metadata", "labels", key];
            if object.at(&path).is_none() {
                object.set(&path, value.clone());
            }
        }
        let path = ["spec", "selector", "matchLabels", UID];
        if object.at(&path).is_none() {
            object.set(&path, uid.into());
        }
    }
    if let Some(labels) = labels(object).filter(|_| shared) {
        object.set(&["metadata", "labels"], labels);
    }
    reset_status(object);
}

fn validate_create(object: &Value) -> Errors {
    let mut errors = Vec::new();
    validate_generated(&mut errors, object);
    validate_whole_spec(&mut errors, object.child("spec"));
    validate_name(&mut errors, object);
    errors
}

/// The labels and the selector that the server makes.
fn validate_generated(errors: &mut Errors, object: &Value) {
    let (spec, meta) = (object.child("spec"), object.child("metadata"));
    if spec.flag("manualSelector") || !spec.has("selector") {
        return;
    }
    let (name, uid) = (meta.text("name"), meta.text("uid"));
    if uid.is_empty() {
        let at = At::ROOT.field("metadata");
        errors.push(FieldError::required(&at.field("uid"), ""));
    }
    let at = At::ROOT.field("spec");
    let template_at = at.field("template");
    let meta_at = template_at.field("metadata");
    let (labels_at, labels) =
        (meta_at.field("labels"), spec.child("template").child("metadata").child("labels"));
    let expected = [(OLD_UID, uid), (OLD_NAME, name), (UID, uid), (NAME, name)];
    for (key, value) in expected {
        let (at, text) = (labels_at.key(key), format!("must be '{value}'"));
        match labels.get(key).and_then(Value::as_str) {
            None => errors.push(FieldError::required(&at, text)),
            Some(other) if other != value => errors.push(FieldError::invalid(&at, labels.clone(), text)),
            Some(_) => {}
        }
    }
    let made: Map = expected.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let selector = spec.child("selector");
    if Selector::of(selector).is_some_and(|selector| !selector.matches(&Value::map(made))) {
        let shown = ("*v1.LabelSelector", selector);
        errors.push(invalid_internal(&at.field("selector"), shown, "`selector` not auto-generated"));
    }
}

fn validate_whole_spec(errors: &mut Errors, spec: &Value) {
    let at = At::ROOT.field("spec");
    validate_job_spec(errors, &at, spec);
    let selector = spec.child("selector");
    match spec.has("selector") {
        false => errors.push(FieldError::required(&at.field("selector"), "")),
        true => validate_selector(errors, &at.field("selector"), selector),
    }
    let labels = spec.child("template").child("metadata").child("labels");
    if Selector::of(selector).is_some_and(|selector| !selector.matches(labels)) {
        does_not_select(errors, &at.field("template"), labels);
    }
}

/// The last pod of an indexed Job has a name, too.
fn validate_name(errors: &mut Errors, object: &Value) {
    let (spec, name) = (object.child("spec"), object.child("metadata").text("name"));
    let completions = spec.number("completions");
    if spec.text("completionMode") == "Indexed" && completions > 0 {
        let last = format!("{name}-{}", completions - 1);
        if !dns_label(&last).is_empty() {
            let at = At::ROOT.field("metadata");
            let text = format!("will not able to create pod with invalid DNS label: {last}");
            errors.push(FieldError::invalid(&at.field("name"), name, text));
        }
    }
}

fn warnings(object: &Value, old: Option<&Value>) -> Vec<String> {
    let at = At::ROOT.field("spec");
    match old {
        None => [name_warning(object), job_warnings(&at, object.child("spec"))].concat(),
        Some(old) if spec_changed(object, old) => job_warnings(&at, object.child("spec")),
        Some(_) => Vec::new(),
    }
}

/// What the server warns of in the spec of a Job, wherever it stands.
pub(crate) fn job_warnings(at: &At, spec: &Value) -> Vec<String> {
    let mut warnings = Vec::new();
    let many = spec.number("completions") > 100_000 && spec.number("parallelism") > 10_000;
    if spec.text("completionMode") == "Indexed" && many {
        warnings.push(format!(
            "{at}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
        ));
    }
    warnings.extend(pod_warnings(&at.field("template"), spec.child("template")));
    warnings
}
