//! PriorityLevelConfigurations.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use super::{FLOW_SCHEMA, GROUP, validate_conditions};
use crate::meta::{Edit, View};
use crate::naming::subdomain;
use crate::reset::V1_STATUS_ONLY;
use crate::strategy::{Status, Strategy};

type Errors = Vec<FieldError>;

pub(crate) const PRIORITY_LEVEL_CONFIGURATION: Strategy = Strategy {
    default,
    prepare_create: |level| level.set(&["status"], Value::map(Map::new())),
    prepare_update: |level, old| level.take_from(old, &["status"]),
    validate,
    validate_update: |level, _| validate(level),
    status: match FLOW_SCHEMA.status {
        Some(status) => Some(Status { ..status }),
        None => None,
    },
    name: subdomain,
    generation: Some(crate::pod_template::spec_changed),
    reset: V1_STATUS_ONLY,
    ..Strategy::plain(GROUP, "PriorityLevelConfiguration", &["v1"])
};

fn default(level: &mut Value) {
    let Some(spec) = level.child_mut("spec") else { return };
    if let Some(exempt) = spec.child_mut("exempt") {
        exempt.default_to("nominalConcurrencyShares", 0);
        exempt.default_to("lendablePercent", 0);
    }
    let Some(limited) = spec.child_mut("limited") else { return };
    limited.default_to("nominalConcurrencyShares", 30);
    limited.default_to("lendablePercent", 0);
    if let Some(queuing) = limited.child_mut("limitResponse").and_then(|answer| answer.child_mut("queuing")) {
        queuing.default_number("handSize", 8);
        queuing.default_number("queues", 64);
        queuing.default_number("queueLengthLimit", 50);
    }
}

fn validate(level: &Value) -> Errors {
    let (mut errors, mut late, spec) = (Vec::new(), Vec::new(), level.child("spec"));
    let at = At::ROOT.field("spec");
    let (kind, kind_at) = (spec.text("type"), at.field("type"));
    let exempt = level.child("metadata").text("name") == "exempt";
    if exempt != (kind == "Exempt") {
        let text = "must be 'Exempt' if and only if `name` is 'exempt'";
        errors.push(FieldError::invalid(&kind_at, kind, text));
    }
    match kind {
        "Exempt" => {
            if spec.has("limited") {
                late.push(FieldError::forbidden(&at.field("limited"), ""));
            }
            validate_shares(&mut errors, &at.field("exempt"), spec.child("exempt"));
            validate_percent(&mut errors, &at.field("exempt"), spec.child("exempt"));
        }
        "Limited" => {
            if spec.has("exempt") {
                late.push(FieldError::forbidden(&at.field("exempt"), ""));
            }
            match spec.has("limited") {
                true => {
                    validate_limited((&mut errors, &mut late), &at.field("limited"), spec.child("limited"))
                }
                false => late.push(FieldError::required(&at.field("limited"), "")),
            }
        }
        "" => late.push(FieldError::required(&kind_at, "")),
        other => {
            errors.push(FieldError::not_supported(&kind_at, other, &["Exempt", "Limited"]));
            if spec.has("limited") {
                late.push(FieldError::forbidden(&at.field("limited"), ""));
            }
        }
    }
    errors.extend(validate_conditions(level));
    errors.extend(late);
    errors
}

fn validate_shares(errors: &mut Errors, at: &At, config: &Value) {
    let shares = config.number("nominalConcurrencyShares");
    if shares < 0 {
        let at = at.field("nominalConcurrencyShares");
        errors.push(FieldError::invalid(&at, shares, "must be a non-negative integer"));
    }
}

fn validate_percent(errors: &mut Errors, at: &At, config: &Value) {
    let percent = config.number("lendablePercent");
    if !(0..=100).contains(&percent) {
        let at = at.field("lendablePercent");
        errors.push(FieldError::invalid(&at, percent, "must be between 0 and 100, inclusive"));
    }
}

fn validate_limited((errors, late): (&mut Errors, &mut Errors), at: &At, limited: &Value) {
    validate_shares(errors, at, limited);
    let (answer_at, answer) = (at.field("limitResponse"), limited.child("limitResponse"));
    let queuing_at = answer_at.field("queuing");
    match answer.text("type") {
        "Reject" if answer.has("queuing") => late.push(FieldError::forbidden(&queuing_at, "")),
        "Reject" => {}
        "Queue" if !answer.has("queuing") => late.push(FieldError::required(&queuing_at, "")),
        "Queue" => validate_queuing(errors, &queuing_at, answer.child("queuing")),
        "" => late.push(FieldError::required(&answer_at.field("type"), "")),
        other => {
            errors.push(FieldError::not_supported(&answer_at.field("type"), other, &["Queue", "Reject"]));
        }
    }
    validate_percent(errors, at, limited);
    let borrowing = limited.number("borrowingLimitPercent");
    if borrowing < 0 {
        let at = at.field("borrowingLimitPercent");
        errors.push(FieldError::invalid(&at, borrowing, "if specified, must be a non-negative integer"));
    }
}

#[allow(clippy::cast_precision_loss)] // as the server calculates it
fn validate_queuing(errors: &mut Errors, at: &At, queuing: &Value) {
    let (length, queues, hand) =
        (queuing.number("queueLengthLimit"), queuing.number("queues"), queuing.number("handSize"));
    if length <= 0 {
        errors.push(FieldError::invalid(&at.field("queueLengthLimit"), length, "must be positive"));
    }
    let queues_at = at.field("queues");
    if queues <= 0 {
        errors.push(FieldError::invalid(&queues_at, queues, "must be positive"));
    } else if queues > 10_000_000 {
        errors.push(FieldError::invalid(&queues_at, queues, "must not be greater than 10000000"));
    }
    let hand_at = at.field("handSize");
    let entropy = ((queues as f64).log2() * hand as f64).ceil();
    if hand <= 0 {
        errors.push(FieldError::invalid(&hand_at, hand, "must be positive"));
    } else if hand > queues {
        let text = format!("should not be greater than queues ({queues})");
        errors.push(FieldError::invalid(&hand_at, hand, text));
    } else if entropy > 60.0 {
        let text = format!(
            "required entropy bits of deckSize {queues} and handSize {hand} should not be greater than 60"
        );
        errors.push(FieldError::invalid(&hand_at, hand, text));
    }
}
