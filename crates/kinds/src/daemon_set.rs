//! DaemonSets.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use crate::meta::{
    Edit, Selector, View, dns_subdomain, immutable, invalid_internal, named, not_more_than_all, not_negative,
    not_supported_internal, number_or_percent, validate_number_or_percent, validate_selector,
};
use crate::pod_template::{
    default_template, does_not_select, keep_spec, keep_status, reset_status, spec_changed, template_warnings,
    validate_collisions, validate_counts, validate_runs_on, validate_template,
};
use crate::strategy::{ResetField, Status, Strategy};

type Errors = Vec<FieldError>;

/// In `apps/v1` the number of templates that there have been is an annotation.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";
const COUNTS: [&str; 9] = [
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
    "observedGeneration",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberUnavailable",
    "collisionCount",
];

/// The rules of DaemonSets.
pub(crate) const DAEMON_SET: Strategy = Strategy {
    default,
    prepare_create,
    prepare_update,
    validate: |object| validate_spec(object.child("spec")),
    validate_update,
    status: Some(Status {
        prepare_update: |object, old| {
            keep_spec(object, old);
            set_template_generation(object, template_generation(old));
        },
        validate_update: validate_status,
        warnings: |_| Vec::new(),
    }),
    warnings,
    name: |name| named(dns_subdomain(name)),
    generation: Some(spec_changed),
    reset: &[
        ResetField { version: "v1", subresource: "", path: &["status"] },
        ResetField { version: "v1", subresource: "status", path: &["spec"] },
    ],
    ..Strategy::plain("apps", "DaemonSet", &["v1"])
};

fn default(object: &mut Value) {
    // To the server it is a number of the spec, which is always there: whoever leaves it out says 0.
    set_template_generation(object, template_generation(object));
    object.default_to("spec", Map::new());
    let Some(spec) = object.child_mut("spec") else { return };
    spec.default_to("updateStrategy", Map::new());
    if let Some(strategy) = spec.child_mut("updateStrategy") {
        strategy.default_text("type", "RollingUpdate");
        if strategy.text("type") == "RollingUpdate" {
            strategy.default_to("rollingUpdate", Map::new());
            if let Some(rolling) = strategy.child_mut("rollingUpdate") {
                rolling.default_to("maxUnavailable", 1);
                rolling.default_to("maxSurge", 0);
            }
        }
    }
    spec.default_to("revisionHistoryLimit", 10);
    default_template(spec, "template");
}

fn template_generation(object: &Value) -> i64 {
    let text = object.child("metadata").child("annotations").text(TEMPLATE_GENERATION);
    text.parse().unwrap_or_default()
}

fn set_template_generation(object: &mut Value, generation: i64) {
    object.set(&["metadata", "annotations", TEMPLATE_GENERATION], generation.to_string().into());
}

fn prepare_create(object: &mut Value) {
    reset_status(object);
    for key in ["currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady"] {
        object.set(&["status", key], 0.into());
    }
    set_template_generation(object, template_generation(object).max(1));
}

fn prepare_update(object: &mut Value, old: &Value) {
    keep_status(object, old);
    let changed = object.child("spec").child("template") != old.child("spec").child("template");
    set_template_generation(object, template_generation(old) + i64::from(changed));
}

fn warnings(object: &Value, old: Option<&Value>) -> Vec<String> {
    match old {
        Some(old) if template_generation(object) == template_generation(old) => Vec::new(),
        _ => template_warnings(object),
    }
}

fn validate_update(object: &Value, old: &Value) -> Errors {
    let [spec, before] = [object, old].map(|object| object.child("spec"));
    let (mut errors, at) = (Vec::new(), At::ROOT.field("spec"));
    let selectors = [spec, before].map(|spec| spec.child("selector"));
    immutable(&mut errors, &at.field("selector"), "*v1.LabelSelector", selectors);
    errors.extend(validate_spec(spec));
    errors
}

fn validate_spec(spec: &Value) -> Errors {
    let (mut errors, at, selector) = (Vec::new(), At::ROOT.field("spec"), spec.child("selector"));
    let (template_at, template) = (at.field("template"), spec.child("template"));
    validate_selector(&mut errors, &at.field("selector"), selector);
    let labels = template.child("metadata").child("labels");
    if Selector::of(selector).is_some_and(|selector| !selector.matches(labels)) {
        does_not_select(&mut errors, &template_at, labels);
    }
    if spec.has("selector") && Selector::of(selector).is_some_and(Selector::is_empty) {
        let shown = ("*v1.LabelSelector", selector);
        errors.push(invalid_internal(
            &at.field("selector"),
            shown,
            "empty selector is invalid for daemonset",
        ));
    }
    validate_template(&mut errors, &template_at, template);
    validate_runs_on(&mut errors, &template_at, (template, "DaemonSet"));
    not_negative(&mut errors, &at.field("minReadySeconds"), spec.number("minReadySeconds"));
    validate_strategy(&mut errors, &at.field("updateStrategy"), spec.child("updateStrategy"));
    not_negative(&mut errors, &at.field("revisionHistoryLimit"), spec.number("revisionHistoryLimit"));
    errors
}

fn validate_strategy(errors: &mut Errors, at: &At, strategy: &Value) {
    match strategy.text("type") {
        "OnDelete" => {}
        "RollingUpdate" => {
            validate_rolling(errors, &at.field("rollingUpdate"), strategy.child("rollingUpdate"))
        }
        _ => {
            let shown = ("apps.DaemonSetUpdateStrategy", strategy);
            errors.push(not_supported_internal(at, shown, &["RollingUpdate", "OnDelete"]));
        }
    }
}

fn validate_rolling(errors: &mut Errors, at: &At, rolling: &Value) {
    let (unavailable_at, surge_at) = (at.field("maxUnavailable"), at.field("maxSurge"));
    let (unavailable, surge) = (rolling.child("maxUnavailable"), rolling.child("maxSurge"));
    validate_number_or_percent(errors, &unavailable_at, unavailable);
    validate_number_or_percent(errors, &surge_at, surge);
    not_more_than_all(errors, &unavailable_at, unavailable);
    not_more_than_all(errors, &surge_at, surge);
    match (number_or_percent(unavailable) != 0, number_or_percent(surge) != 0) {
        (true, true) => {
            let text = "may not be set when maxUnavailable is non-zero";
            errors.push(FieldError::invalid(&surge_at, surge.clone(), text));
        }
        (false, false) => {
            errors.push(FieldError::required(&unavailable_at, "cannot be 0 when maxSurge is 0"))
        }
        _ => {}
    }
}

fn validate_status(object: &Value, old: &Value) -> Errors {
    let (mut errors, status) = (Vec::new(), object.child("status"));
    validate_counts(&mut errors, status, &COUNTS);
    validate_collisions(&mut errors, [status, old.child("status")]);
    errors
}
