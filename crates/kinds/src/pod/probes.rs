//! Probes and lifecycle hooks of containers.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::Errors;
use crate::meta::{View, http_header_name, invalid_each, not_negative, validate_port_or_name};

const PROBE: [&str; 4] = ["exec", "httpGet", "tcpSocket", "grpc"];
const HOOK: [&str; 4] = ["exec", "httpGet", "tcpSocket", "sleep"];

/// The three probes of a container.
pub(super) fn validate_probes(errors: &mut Errors, at: &At, container: &Value) {
    for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let (at, probe) = (at.field(key), container.child(key));
        if container.has(key) {
            validate_probe(errors, &at, probe);
            let (success, period) =
                (probe.number("successThreshold"), probe.child("terminationGracePeriodSeconds"));
            if key != "readinessProbe" && success != 1 {
                errors.push(FieldError::invalid(&at.field("successThreshold"), success, "must be 1"));
            }
            if key == "readinessProbe" && probe.has("terminationGracePeriodSeconds") {
                let at = at.field("terminationGracePeriodSeconds");
                errors.push(FieldError::invalid(&at, period.clone(), "must not be set for readinessProbes"));
            }
        }
    }
}

fn validate_probe(errors: &mut Errors, at: &At, probe: &Value) {
    validate_handler(errors, at, probe, (&PROBE, None));
    for key in
        ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
    {
        not_negative(errors, &at.field(key), probe.number(key));
    }
    if let Some(period) = probe.int("terminationGracePeriodSeconds").filter(|period| *period <= 0) {
        errors.push(FieldError::invalid(
            &at.field("terminationGracePeriodSeconds"),
            period,
            "must be greater than 0",
        ));
    }
}

/// What runs after a container has started and before it is stopped.
pub(super) fn validate_lifecycle(errors: &mut Errors, at: &At, lifecycle: &Value, period: Option<i64>) {
    for hook in ["postStart", "preStop"] {
        if lifecycle.has(hook) {
            validate_handler(errors, &at.field(hook), lifecycle.child(hook), (&HOOK, period));
        }
    }
}

fn validate_handler(errors: &mut Errors, at: &At, handler: &Value, (kinds, period): (&[&str], Option<i64>)) {
    let given: Vec<&str> = kinds.iter().copied().filter(|kind| handler.has(kind)).collect();
    for (index, kind) in given.iter().enumerate() {
        let (at, action) = (at.field(kind), handler.child(kind));
        match *kind {
            _ if index > 0 => {
                errors.push(FieldError::forbidden(&at, "may not specify more than 1 handler type"))
            }
            "exec" if action.items("command").is_empty() => {
                errors.push(FieldError::required(&at.field("command"), ""));
            }
            "httpGet" => validate_http(errors, &at, action),
            "tcpSocket" => validate_port_or_name(errors, &at.field("port"), action.child("port")),
            "grpc" => validate_grpc(errors, &at, action),
            "sleep" => validate_sleep(errors, &at, action.number("seconds"), period),
            _ => {}
        }
    }
    if given.is_empty() {
        errors.push(FieldError::required(at, "must specify a handler type"));
    }
}

fn validate_http(errors: &mut Errors, at: &At, http: &Value) {
    if http.text("path").is_empty() {
        errors.push(FieldError::required(&at.field("path"), ""));
    }
    validate_port_or_name(errors, &at.field("port"), http.child("port"));
    if !matches!(http.text("scheme"), "HTTP" | "HTTPS") {
        errors.push(FieldError::not_supported(&at.field("scheme"), http.text("scheme"), &["HTTP", "HTTPS"]));
    }
    for header in http.items("httpHeaders") {
        let name = header.text("name");
        invalid_each(errors, &at.field("httpHeaders"), &name.into(), http_header_name(name));
    }
}

fn validate_grpc(errors: &mut Errors, at: &At, grpc: &Value) {
    validate_port_or_name(errors, &at.field("port"), &grpc.number("port").into());
}

fn validate_sleep(errors: &mut Errors, at: &At, seconds: i64, period: Option<i64>) {
    if let Some(period) = period.filter(|period| seconds < 0 || seconds > *period) {
        let text = format!("must be non-negative and less than terminationGracePeriodSeconds ({period})");
        errors.push(FieldError::invalid(at, seconds, text));
    }
}
