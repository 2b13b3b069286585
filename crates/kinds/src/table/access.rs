//! Who may do what, and what looks at it before.

use std::time::Duration;

use lockstep_core::Value;

use super::cell::{Row, age, name, or};
use super::elapsed::human;
use super::selector::text;
use crate::meta::View;

const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

pub(super) static PRINTERS: &[(&str, &str, Row)] = &[
    (RBAC, "RoleBinding", binding),
    (RBAC, "ClusterRoleBinding", binding),
    ("certificates.k8s.io", "CertificateSigningRequest", certificate),
    (ADMISSION, "ValidatingWebhookConfiguration", webhooks),
    (ADMISSION, "MutatingWebhookConfiguration", webhooks),
    (ADMISSION, "ValidatingAdmissionPolicy", |one, now| policy(one, ("validations", now))),
    (ADMISSION, "MutatingAdmissionPolicy", |one, now| policy(one, ("mutations", now))),
    (ADMISSION, "ValidatingAdmissionPolicyBinding", policy_binding),
    (ADMISSION, "MutatingAdmissionPolicyBinding", policy_binding),
    ("apiregistration.k8s.io", "APIService", api_service),
];

fn binding(binding: &Value, now: Duration) -> Vec<Value> {
    let role = binding.child("roleRef");
    let named = |kind: &str| {
        let subjects = binding.items("subjects").iter().filter(|subject| subject.text("kind") == kind);
        let names = subjects.map(|subject| match (kind, subject.text("namespace")) {
            ("ServiceAccount", namespace) => format!("{namespace}/{}", subject.text("name")),
            _ => subject.text("name").to_owned(),
        });
        Value::from(names.collect::<Vec<_>>().join(", "))
    };
    vec![
        name(binding),
        format!("{}/{}", role.text("kind"), role.text("name")).into(),
        age(binding, now),
        named("User"),
        named("Group"),
        named("ServiceAccount"),
    ]
}

fn certificate(request: &Value, now: Duration) -> Vec<Value> {
    let (spec, status) = (request.child("spec"), request.child("status"));
    let has = |kind: &str| status.items("conditions").iter().any(|condition| condition.text("type") == kind);
    let mut state = match (has("Denied"), has("Approved")) {
        (true, _) => "Denied",
        (false, true) => "Approved",
        (false, false) => "Pending",
    }
    .to_owned();
    if has("Failed") {
        state.push_str(",Failed");
    }
    if !status.text("certificate").is_empty() {
        state.push_str(",Issued");
    }
    let lasts = spec.int("expirationSeconds").map(|seconds| human(i128::from(seconds) * 1_000_000_000));
    vec![
        name(request),
        age(request, now),
        or(spec.text("signerName"), "<none>"),
        spec.text("username").into(),
        lasts.map_or("<none>".into(), Value::from),
        state.into(),
    ]
}

fn webhooks(config: &Value, now: Duration) -> Vec<Value> {
    vec![name(config), (config.items("webhooks").len() as u64).into(), age(config, now)]
}

fn policy(policy: &Value, (list, now): (&str, Duration)) -> Vec<Value> {
    let (spec, kind) = (policy.child("spec"), policy.child("spec").child("paramKind"));
    let kind = match spec.has("paramKind") {
        true => format!("{}/{}", kind.text("apiVersion"), kind.text("kind")),
        false => "<unset>".into(),
    };
    vec![name(policy), (spec.items(list).len() as u64).into(), kind.into(), age(policy, now)]
}

fn policy_binding(binding: &Value, now: Duration) -> Vec<Value> {
    let (spec, param) = (binding.child("spec"), binding.child("spec").child("paramRef"));
    let param = match (param.text("namespace"), param.text("name")) {
        ("", "") if param.has("selector") => text(param.child("selector")).unwrap_or_default(),
        (_, "") => "<unset>".into(),
        ("", name) => format!("*/{name}"),
        (namespace, name) => format!("{namespace}/{name}"),
    };
    vec![name(binding), spec.text("policyName").into(), param.into(), age(binding, now)]
}

fn api_service(service: &Value, now: Duration) -> Vec<Value> {
    let (spec, target) = (service.child("spec"), service.child("spec").child("service"));
    let target = match spec.has("service") {
        true => format!("{}/{}", target.text("namespace"), target.text("name")),
        false => "Local".into(),
    };
    let conditions = service.child("status").items("conditions");
    let available = conditions.iter().find(|condition| condition.text("type") == "Available");
    let state = match available.map(|condition| (condition.text("status"), condition.text("reason"))) {
        None => "Unknown".to_owned(),
        Some(("True", _)) => "True".to_owned(),
        Some((status, "")) => status.to_owned(),
        Some((status, reason)) => format!("{status} ({reason})"),
    };
    vec![name(service), target.into(), state.into(), age(service, now)]
}
