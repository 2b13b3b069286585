//! DeviceTaintRules.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use super::{Errors, GROUP, validate_device, validate_driver, validate_pool};
use crate::condition::validate_conditions;
use crate::meta::{Edit, View, invalid_each, label_value, qualified_name};
use crate::naming::subdomain;
use crate::reset::{V1_STATUS_ONLY, keep_all_but_status};
use crate::strategy::{Status, Strategy};

/// When a taint was added is told to the second; a change of its effect without another time would need a clock, and keeps it.
pub(crate) const DEVICE_TAINT_RULE: Strategy = Strategy {
    prepare_create: |rule| rule.set(&["status"], Value::map(Map::new())),
    prepare_update: |rule, old| rule.take_from(old, &["status"]),
    validate: |rule| validate(rule, None),
    validate_update: |rule, old| validate(rule, Some(old)),
    status: Some(Status {
        prepare_update: keep_all_but_status,
        validate_update: |rule, _| {
            let (mut errors, conditions) = (Vec::new(), rule.child("status").items("conditions"));
            let at = At::ROOT.field("status");
            let at = at.field("conditions");
            validate_conditions(&mut errors, &at, conditions);
            if conditions.len() > 8 {
                errors.push(FieldError::too_many(&at, conditions.len(), 8));
            }
            errors
        },
        warnings: |_| Vec::new(),
    }),
    name: subdomain,
    generation: Some(crate::pod_template::spec_changed),
    unconditional_update: false,
    reset: V1_STATUS_ONLY,
    ..Strategy::plain(GROUP, "DeviceTaintRule", &["v1"])
};

const EFFECTS: &[&str] = &["NoExecute", "NoSchedule", "None"];

fn validate(rule: &Value, old: Option<&Value>) -> Errors {
    let (mut errors, spec) = (Vec::new(), rule.child("spec"));
    let at = At::ROOT.field("spec");
    let (selector_at, selector) = (at.field("deviceSelector"), spec.child("deviceSelector"));
    for (field, check) in [
        ("driver", validate_driver as fn(&mut Errors, &At, &str)),
        ("pool", validate_pool),
        ("device", validate_device),
    ] {
        if selector.has(field) {
            check(&mut errors, &selector_at.field(field), selector.text(field));
        }
    }
    let (at, taint) = (at.field("taint"), spec.child("taint"));
    let (key, value, effect) = (taint.text("key"), taint.text("value"), taint.text("effect"));
    invalid_each(&mut errors, &at.field("key"), &key.into(), qualified_name(key));
    if !value.is_empty() {
        invalid_each(&mut errors, &at.field("value"), &value.into(), label_value(value));
    }
    let before = old.map(|old| old.child("spec").child("taint").text("effect"));
    match effect {
        effect if before == Some(effect) || EFFECTS.contains(&effect) => {}
        "" => errors.push(FieldError::required(&at.field("effect"), "")),
        other => errors.push(FieldError::not_supported(&at.field("effect"), other, EFFECTS)),
    }
    errors
}
