//! CertificateSigningRequests. Who asks is the store's to fill in; whether the request is well signed nobody looks at here.

use std::cmp::Ordering;

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use crate::address::texts;
use crate::meta::{Edit, View, Wrong, dns_label, dns_subdomain, invalid_each};
use crate::reset::CERTIFICATE_REQUEST;
use crate::strategy::{Status, Strategy};

type Errors = Vec<FieldError>;

const USAGES: &[&str] = &[
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];

pub(crate) const CERTIFICATE_SIGNING_REQUEST: Strategy = Strategy {
    prepare_create: |request| {
        for field in ["username", "uid", "groups", "extra"] {
            request.remove(&["spec", field]);
        }
        request.set(&["status"], Value::map(Map::new()));
    },
    prepare_update: |request, old| {
        request.take_from(old, &["spec"]);
        request.take_from(old, &["status"]);
    },
    validate,
    validate_update: |request, _| validate(request),
    status: Some(Status { validate_update: validate_status, ..Status::PLAIN }),
    reset: CERTIFICATE_REQUEST,
    selectable: |request| vec![("spec.signerName", request.child("spec").text("signerName").into())],
    ..Strategy::plain("certificates.k8s.io", "CertificateSigningRequest", &["v1"])
};

/// What a writer of the endpoint `approval` may not change is taken from `old`: all of the status but its conditions, and `spec`.
pub fn prepare_approval(request: &mut Value, old: &Value) {
    let conditions = request.at(&["status", "conditions"]).cloned();
    for key in ["spec", "status"] {
        request.take_from(old, &[key]);
    }
    match conditions {
        Some(conditions) => request.set(&["status", "conditions"], conditions),
        None => drop(request.remove(&["status", "conditions"])),
    }
}

/// What is wrong with an update of the endpoint `approval`, its metadata apart.
pub fn validate_approval(request: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = validate(request);
    errors.extend(removed(request, old));
    errors
}

fn of(request: &Value, kind: &str) -> Vec<Value> {
    let conditions = request.child("status").items("conditions").iter();
    conditions.filter(|condition| condition.text("type") == kind).cloned().collect()
}

fn forbidden(what: &str, kind: &str) -> FieldError {
    let at = At::ROOT.field("status");
    let text = format!("updates may not {what} a condition of type \"{kind}\"");
    FieldError::forbidden(&at.field("conditions"), text)
}

fn removed(request: &Value, old: &Value) -> Errors {
    let kinds = ["Approved", "Denied", "Failed"].into_iter();
    let gone = kinds.filter(|kind| of(request, kind).len() < of(old, kind).len());
    gone.map(|kind| forbidden("remove", kind)).collect()
}

/// The status does not approve or deny: the endpoint `approval` does.
fn validate_status(request: &Value, old: &Value) -> Errors {
    let mut errors = validate(request);
    let at = At::ROOT.field("status");
    errors.extend(removed(request, old));
    for kind in ["Approved", "Denied"] {
        let (had, has) = (of(old, kind), of(request, kind));
        match has.len().cmp(&had.len()) {
            Ordering::Greater => errors.push(forbidden("add", kind)),
            Ordering::Equal if has != had => errors.push(forbidden("modify", kind)),
            _ => {}
        }
    }
    let (had, has) = (old.child("status").text("certificate"), request.child("status").text("certificate"));
    if !had.is_empty() && had != has {
        let text = "updates may not modify existing certificate content";
        errors.push(FieldError::forbidden(&at.field("certificate"), text));
    }
    errors
}

fn validate(request: &Value) -> Errors {
    let (mut errors, spec) = (Vec::new(), request.child("spec"));
    let at = At::ROOT.field("spec");
    let (list, usages) = (at.field("usages"), texts(spec.items("usages")));
    if usages.is_empty() {
        errors.push(FieldError::required(&list, ""));
    }
    for (index, usage) in usages.iter().enumerate().filter(|(_, usage)| !USAGES.contains(usage)) {
        errors.push(FieldError::not_supported(&list.index(index), *usage, USAGES));
    }
    for (index, usage) in usages.iter().enumerate().filter(|(index, usage)| usages[..*index].contains(usage))
    {
        errors.push(FieldError::duplicate(&list.index(index), *usage));
    }
    validate_signer(&mut errors, &at.field("signerName"), spec.text("signerName"));
    if let Some(seconds) = spec.int("expirationSeconds").filter(|seconds| *seconds < 600) {
        let text = "may not specify a duration less than 600 seconds (10 minutes)";
        errors.push(FieldError::invalid(&at.field("expirationSeconds"), seconds, text));
    }
    validate_conditions(&mut errors, request.child("status").items("conditions"));
    errors
}

fn validate_signer(errors: &mut Errors, at: &At, signer: &str) {
    if signer.is_empty() {
        errors.push(FieldError::required(at, ""));
        return;
    }
    if signer == "kubernetes.io/legacy-unknown" {
        let text = "the legacy signerName is not allowed via this API version";
        errors.push(FieldError::invalid(at, signer, text));
        return;
    }
    let Some((domain, path)) = signer.split_once('/').filter(|(_, path)| !path.contains('/')) else {
        let text = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        errors.push(FieldError::invalid(at, signer, text));
        return;
    };
    first_bad_label(errors, at, (domain, dns_label));
    if domain.split('.').count() < 2 {
        let text = "should be a domain with at least two segments separated by dots";
        errors.push(FieldError::invalid(at, domain, text));
    }
    first_bad_label(errors, at, (path, dns_subdomain));
}

fn first_bad_label(errors: &mut Errors, at: &At, (name, form): (&str, fn(&str) -> Wrong)) {
    if let Some(label) = name.split('.').find(|label| !form(label).is_empty()) {
        let wrong = form(label).into_iter();
        let wrong = wrong.map(|text| format!("validating label \"{label}\": {text}")).collect();
        invalid_each(errors, at, &name.into(), wrong);
    }
}

fn validate_conditions(errors: &mut Errors, conditions: &[Value]) {
    let at = At::ROOT.field("status");
    let at = at.field("conditions");
    for (index, condition) in conditions.iter().enumerate() {
        let (place, kind, status) = (at.index(index), condition.text("type"), condition.text("status"));
        if kind.is_empty() {
            errors.push(FieldError::required(&place.field("type"), ""));
        }
        let known: &[&str] = if ["Approved", "Denied", "Failed"].contains(&kind) {
            &["True"]
        } else {
            &["False", "True", "Unknown"]
        };
        match status {
            "" => errors.push(FieldError::required(&place.field("status"), "")),
            other if !known.contains(&other) => {
                errors.push(FieldError::not_supported(&place.field("status"), other, known));
            }
            _ => {}
        }
        if conditions[..index].iter().any(|other| other.text("type") == kind) {
            errors.push(FieldError::duplicate(&place.field("type"), kind));
        }
    }
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    #[test]
    fn approval_is_given_by_its_endpoint_once() {
        let read = |conditions: &str, certificate: &str| {
            let text = format!(
                r#"{{"spec":{{"signerName":"a.b/c","usages":["client auth"]}},"status":{{"certificate":"{certificate}","conditions":[{conditions}]}}}}"#
            );
            from_json(text.as_bytes()).unwrap()
        };
        let approved = r#"{"type":"Approved","status":"True"}"#;
        let (old, mut new) = (read("", "QQ=="), read(approved, "QkI="));
        prepare_approval(&mut new, &old);
        assert_eq!(validate_approval(&new, &old), []);
        assert_eq!(new.str_at(&["status", "certificate"]), Some("QQ=="));
        let errors = validate_approval(&read("", ""), &new);
        let text = "status.conditions: Forbidden: updates may not remove a condition of type \"Approved\"";
        assert_eq!(errors[0].to_string(), text);
        assert_eq!(
            validate_status(&read(approved, "QQ=="), &old)[0].detail,
            "updates may not add a condition of type \"Approved\""
        );
    }
}
