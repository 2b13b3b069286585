//! CronJobs.

mod schedule;
mod zone;

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use crate::job::{default_template_and_policy, job_warnings, validate_job_spec};
use crate::meta::{Edit, View, dns_subdomain, invalid_internal, named, not_negative};
use crate::pod_template::{keep_spec, keep_status, name_warning, reset_status, spec_changed};
use crate::strategy::{ResetField, Status, Strategy};
pub use schedule::Schedule;

type Errors = Vec<FieldError>;

/// The rules of CronJobs.
pub(crate) const CRON_JOB: Strategy = Strategy {
    default,
    prepare_create: reset_status,
    prepare_update: keep_status,
    validate: validate_create,
    validate_update: |object, old| validate_spec(object.child("spec"), Some(old.child("spec"))),
    status: Some(Status {
        prepare_update: keep_spec,
        validate_update: |_, _| Vec::new(),
        warnings: |_| Vec::new(),
    }),
    warnings,
    name: |name| named(dns_subdomain(name)),
    generation: Some(spec_changed),
    reset: &[
        ResetField { version: "v1", subresource: "", path: &["status"] },
        ResetField { version: "v1", subresource: "status", path: &["spec"] },
    ],
    ..Strategy::plain("batch", "CronJob", &["v1"])
};

fn default(object: &mut Value) {
    object.default_to("spec", Map::new());
    let Some(spec) = object.child_mut("spec") else { return };
    spec.default_text("concurrencyPolicy", "Allow");
    spec.default_to("suspend", false);
    spec.default_to("successfulJobsHistoryLimit", 3);
    spec.default_to("failedJobsHistoryLimit", 1);
    if let Some(job) = spec.child_mut("jobTemplate").and_then(|template| template.child_mut("spec")) {
        default_template_and_policy(job);
    }
}

fn validate_create(object: &Value) -> Errors {
    let mut errors = validate_spec(object.child("spec"), None);
    let name = object.child("metadata").text("name");
    if name.len() > 52 {
        let at = At::ROOT.field("metadata");
        errors.push(FieldError::invalid(&at.field("name"), name, "must be no more than 52 characters"));
    }
    errors
}

fn validate_spec(spec: &Value, old: Option<&Value>) -> Errors {
    let (mut errors, at) = (Vec::new(), At::ROOT.field("spec"));
    let missing = spec.text("schedule").is_empty();
    if !missing {
        validate_schedule(&mut errors, &at.field("schedule"), (spec, old));
    }
    not_negative(&mut errors, &at.field("startingDeadlineSeconds"), spec.number("startingDeadlineSeconds"));
    if spec.has("timeZone") && old.is_none_or(|old| old.child("timeZone") != spec.child("timeZone")) {
        zone::validate_zone(&mut errors, &at.field("timeZone"), spec.text("timeZone"));
    }
    let policy = spec.text("concurrencyPolicy");
    if !matches!(policy, "Allow" | "Forbid" | "Replace") {
        let known = ["Allow", "Forbid", "Replace"];
        errors.push(FieldError::not_supported(&at.field("concurrencyPolicy"), policy, &known));
    }
    let template_at = at.field("jobTemplate");
    validate_job_template(&mut errors, &template_at.field("spec"), spec.child("jobTemplate").child("spec"));
    for key in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        not_negative(&mut errors, &at.field(key), spec.number(key));
    }
    if missing {
        errors.push(FieldError::required(&at.field("schedule"), "")); // declarative, so it comes last
    }
    errors
}

fn validate_schedule(errors: &mut Errors, at: &At, (spec, old): (&Value, Option<&Value>)) {
    let text = spec.text("schedule");
    if let Err(wrong) = Schedule::parse(text) {
        errors.push(FieldError::invalid(at, text, wrong));
    }
    let was_there = old.is_some_and(|old| old.text("schedule").contains("TZ"));
    let zoned = text.contains("TZ");
    let wrong = match (zoned, was_there) {
        (true, true) if spec.has("timeZone") => {
            "cannot use both timeZone field and TZ or CRON_TZ in schedule"
        }
        (true, false) => "cannot use TZ or CRON_TZ in schedule, use timeZone field instead",
        _ => return,
    };
    errors.push(FieldError::invalid(at, text, wrong));
}

fn validate_job_template(errors: &mut Errors, at: &At, spec: &Value) {
    validate_job_spec(errors, at, spec);
    if spec.has("selector") {
        let shown = ("*v1.LabelSelector", spec.child("selector"));
        errors.push(invalid_internal(&at.field("selector"), shown, "`selector` will be auto-generated"));
    }
    if spec.flag("manualSelector") {
        errors.push(FieldError::not_supported(&at.field("manualSelector"), true, &["nil", "false"]));
    }
}

fn warnings(object: &Value, old: Option<&Value>) -> Vec<String> {
    let (at, spec) = (At::ROOT.field("spec"), object.child("spec"));
    let at = at.field("jobTemplate");
    let job = || job_warnings(&at.field("spec"), spec.child("jobTemplate").child("spec"));
    let Some(old) = old else { return [name_warning(object), job()].concat() };
    let mut warnings = if spec_changed(object, old) { job() } else { Vec::new() };
    if spec.text("schedule").contains("TZ") {
        warnings.push("cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details".into());
    }
    warnings
}
