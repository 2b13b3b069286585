//! What is wrong with the spec of a Job, in a Job or a CronJob.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::Errors;
use super::failure_policy::validate_failure_policy;
use super::indexes::count_indexes;
use crate::meta::{View, dns_subdomain, form_error, invalid_each, invalid_internal, not_negative};
use crate::pod_template::validate_template;

const MANY: i64 = 100_000;
const FEW: i64 = 10_000;

/// All of it but the selector.
pub(crate) fn validate_job_spec(errors: &mut Errors, at: &At, spec: &Value) {
    for key in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ] {
        not_negative(errors, &at.field(key), spec.number(key));
    }
    if spec.has("maxFailedIndexes") && !spec.has("backoffLimitPerIndex") {
        errors.push(FieldError::required(
            &at.field("backoffLimitPerIndex"),
            "when maxFailedIndexes is specified",
        ));
    }
    if spec.has("managedBy") {
        validate_managed_by(errors, &at.field("managedBy"), spec.text("managedBy"));
    }
    validate_mode(errors, at, spec);
    if spec.has("podFailurePolicy") {
        validate_failure_policy(errors, &at.field("podFailurePolicy"), spec);
    }
    if spec.has("successPolicy") {
        validate_success_policy(errors, &at.field("successPolicy"), spec);
    }
    validate_replacement(errors, &at.field("podReplacementPolicy"), spec);
    let template_at = at.field("template");
    validate_template(errors, &template_at, spec.child("template"));
    let spec_at = template_at.field("spec");
    validate_restart(errors, &spec_at.field("restartPolicy"), spec);
}

fn validate_managed_by(errors: &mut Errors, at: &At, name: &str) {
    match name.split_once('/') {
        _ if name.is_empty() => errors.push(FieldError::required(at, "")),
        Some((host, path)) if !host.is_empty() && !path.is_empty() => {
            invalid_each(errors, at, &host.into(), dns_subdomain(host));
            let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte);
            if !path.bytes().all(fine) {
                let text = form_error("Invalid path", "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+", &[]);
                errors.push(FieldError::invalid(at, path, text));
            }
        }
        _ => {
            errors.push(FieldError::invalid(
                at,
                name,
                "must be a domain-prefixed path (such as \"acme.io/foo\")",
            ));
        }
    }
    if name.len() > 63 {
        errors.push(FieldError::too_long(at, 63));
    }
}

fn validate_mode(errors: &mut Errors, at: &At, spec: &Value) {
    let mode = spec.text("completionMode");
    if spec.has("completionMode") && !matches!(mode, "NonIndexed" | "Indexed") {
        errors.push(FieldError::not_supported(&at.field("completionMode"), mode, &["NonIndexed", "Indexed"]));
    }
    if mode == "Indexed" {
        validate_indexed(errors, at, spec);
    }
    if !spec.has("completionMode") || mode == "NonIndexed" {
        for key in ["backoffLimitPerIndex", "maxFailedIndexes"] {
            if let Some(number) = spec.int(key) {
                errors.push(FieldError::invalid(&at.field(key), number, "requires indexed completion mode"));
            }
        }
    }
}

fn validate_indexed(errors: &mut Errors, at: &At, spec: &Value) {
    let number = |key: &str| spec.int(key);
    let (completions, parallelism, failed) =
        (number("completions"), number("parallelism"), number("maxFailedIndexes"));
    let (parallelism_at, failed_at) = (at.field("parallelism"), at.field("maxFailedIndexes"));
    if completions.is_none() {
        errors.push(FieldError::required(&at.field("completions"), "when completion mode is Indexed"));
    }
    if let Some(number) = parallelism.filter(|number| *number > MANY) {
        let text = format!("must be less than or equal to {MANY} when completion mode is Indexed");
        errors.push(FieldError::invalid(&parallelism_at, number, text));
    }
    if let Some(number) = failed.filter(|number| completions.is_some_and(|completions| *number > completions))
    {
        errors.push(FieldError::invalid(&failed_at, number, "must be less than or equal to completions"));
    }
    if let Some(number) = failed.filter(|number| *number > MANY) {
        errors.push(FieldError::invalid(&failed_at, number, format!("must be less than or equal to {MANY}")));
    }
    if completions.is_none_or(|completions| completions <= MANY) || !spec.has("backoffLimitPerIndex") {
        return;
    }
    if failed.is_none() {
        let text = format!("must be specified when completions is above {MANY}");
        errors.push(FieldError::required(&failed_at, text));
    }
    for (at, number) in [(&parallelism_at, parallelism), (&failed_at, failed)] {
        if let Some(number) = number.filter(|number| *number > FEW) {
            let text = format!(
                "must be less than or equal to {FEW} when completions are above {MANY} and used with backoff limit per index"
            );
            errors.push(FieldError::invalid(at, number, text));
        }
    }
}

fn validate_success_policy(errors: &mut Errors, at: &At, spec: &Value) {
    let policy = spec.child("successPolicy");
    if spec.text("completionMode") != "Indexed" {
        errors.push(invalid_internal(
            at,
            ("batch.SuccessPolicy", policy),
            "requires indexed completion mode",
        ));
        return;
    }
    let (list, rules) = (at.field("rules"), policy.items("rules"));
    if rules.is_empty() {
        let text = "at least one rules must be specified when the successPolicy is specified";
        errors.push(FieldError::required(&list, text));
    }
    if rules.len() > 20 {
        errors.push(FieldError::too_many(&list, rules.len(), 20));
    }
    for (index, rule) in rules.iter().enumerate() {
        validate_success_rule(errors, &list.index(index), (rule, spec.number("completions")));
    }
}

fn validate_success_rule(errors: &mut Errors, at: &At, (rule, completions): (&Value, i64)) {
    let indexes = rule.text("succeededIndexes");
    let (indexes_at, count_at) = (at.field("succeededIndexes"), at.field("succeededCount"));
    if !rule.has("succeededCount") && !rule.has("succeededIndexes") {
        let text = "at least one of succeededCount or succeededIndexes must be specified";
        errors.push(FieldError::required(at, text));
    }
    let mut total = 0;
    if rule.has("succeededIndexes") {
        if indexes.len() > 64 * 1024 {
            errors.push(FieldError::too_long(&indexes_at, 64 * 1024));
        }
        match count_indexes(indexes, completions) {
            Ok(count) => total = count,
            Err(wrong) => {
                let text = format!("error parsing succeededIndexes: {wrong}");
                errors.push(FieldError::invalid(&indexes_at, indexes, text));
            }
        }
    }
    let Some(count) = rule.int("succeededCount") else { return };
    not_negative(errors, &count_at, count);
    if count > completions {
        let text =
            format!("must be less than or equal to {completions} (the number of specified completions)");
        errors.push(FieldError::invalid(&count_at, count, text));
    }
    if rule.has("succeededIndexes") && count > total {
        let text = format!(
            "must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)"
        );
        errors.push(FieldError::invalid(&count_at, count, text));
    }
}

fn validate_replacement(errors: &mut Errors, at: &At, spec: &Value) {
    if !spec.has("podReplacementPolicy") {
        return;
    }
    let policy = spec.text("podReplacementPolicy");
    let known: &[&str] = match spec.has("podFailurePolicy") {
        true => &["Failed"],
        false => &["Failed", "TerminatingOrFailed"],
    };
    if !known.contains(&policy) {
        errors.push(FieldError::not_supported(at, policy, known));
    }
}

fn validate_restart(errors: &mut Errors, at: &At, spec: &Value) {
    match spec.child("template").child("spec").text("restartPolicy") {
        "" | "Always" => errors.push(FieldError::required(at, "valid values: \"OnFailure\", \"Never\"")),
        "OnFailure" if spec.has("podFailurePolicy") => {
            let text = "only \"Never\" is supported when podFailurePolicy is specified";
            errors.push(FieldError::invalid(at, "OnFailure", text));
        }
        "OnFailure" | "Never" => {}
        other => errors.push(FieldError::not_supported(at, other, &["OnFailure", "Never"])),
    }
}
