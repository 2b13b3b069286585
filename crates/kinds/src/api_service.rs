//! APIServices.

use lockstep_core::{Map, Value, from_json};
use schema::{At, FieldError};

use crate::meta::{Edit, View, dns_1035_label, dns_subdomain, invalid_each, port_number};
use crate::naming::segment;
use crate::reset::{V1_STATUS_ONLY, keep_all_but_status};
use crate::strategy::{Status, Strategy};

type Errors = Vec<FieldError>;

pub(crate) const API_SERVICE: Strategy = Strategy {
    default: |service| {
        if let Some(target) = service.child_mut("spec").and_then(|spec| spec.child_mut("service")) {
            target.default_to("port", 443);
        }
    },
    prepare_create,
    prepare_update: |service, old| service.take_from(old, &["status"]),
    validate,
    validate_update: |service, _| validate(service),
    status: Some(Status {
        prepare_update: keep_all_but_status,
        validate_update: |service, _| validate_status(service),
        warnings: |_| Vec::new(),
    }),
    name: segment,
    unconditional_update: false,
    reset: V1_STATUS_ONLY,
    ..Strategy::plain("apiregistration.k8s.io", "APIService", &["v1"])
};

/// What the server serves itself is available from the beginning. The time of it is the store's to fill in.
fn prepare_create(service: &mut Value) {
    const LOCAL: &str = r#"{"conditions":[{"type":"Available","status":"True","reason":"Local","message":"Local APIServices are always available","lastTransitionTime":null}]}"#;
    let status = match service.child("spec").has("service") {
        true => Value::map(Map::new()),
        false => from_json(LOCAL.as_bytes()).unwrap_or_default(),
    };
    service.set(&["status"], status);
}

fn validate(service: &Value) -> Errors {
    let (mut errors, spec) = (Vec::new(), service.child("spec"));
    let at = At::ROOT.field("spec");
    let (group, version) = (spec.text("group"), spec.text("version"));
    let required = format!("{version}.{group}");
    let name = service.child("metadata").text("name");
    if name != required {
        let at = At::ROOT.field("metadata");
        let text = format!("must be `spec.version+\".\"+spec.group`: \"{required}\"");
        errors.push(FieldError::invalid(&at.field("name"), name, text));
    }
    if group.is_empty() && version != "v1" {
        let text = "only v1 may have an empty group and it better be legacy kube";
        errors.push(FieldError::required(&at.field("group"), text));
    }
    if !group.is_empty() {
        invalid_each(&mut errors, &at.field("group"), &group.into(), dns_subdomain(group));
    }
    invalid_each(&mut errors, &at.field("version"), &version.into(), dns_1035_label(version));
    for (field, most) in [("groupPriorityMinimum", 20000), ("versionPriority", 1000)] {
        let number = spec.number(field);
        if !(1..=most).contains(&number) {
            let text = format!("must be positive and less than {most}");
            errors.push(FieldError::invalid(&at.field(field), number, text));
        }
    }
    validate_target(&mut errors, &at, spec);
    errors
}

fn validate_target(errors: &mut Errors, at: &At, spec: &Value) {
    let (bundle, skip) = (spec.text("caBundle"), spec.flag("insecureSkipTLSVerify"));
    if !spec.has("service") {
        if !bundle.is_empty() {
            let size = format!("{} bytes", crate::base64::decoded_len(bundle));
            errors.push(FieldError::invalid(
                &at.field("caBundle"),
                size,
                "local APIServices may not have a caBundle",
            ));
        }
        if skip {
            let text = "local APIServices may not have insecureSkipTLSVerify";
            errors.push(FieldError::invalid(&at.field("insecureSkipTLSVerify"), true, text));
        }
        return;
    }
    let (target_at, target) = (at.field("service"), spec.child("service"));
    for field in ["namespace", "name"] {
        if target.text(field).is_empty() {
            errors.push(FieldError::required(&target_at.field(field), ""));
        }
    }
    let port = target.number("port");
    if let [wrong] = &*port_number(port) {
        let text = format!("port is not valid: {wrong}");
        errors.push(FieldError::invalid(&target_at.field("port"), port, text));
    }
    if skip && !bundle.is_empty() {
        let text = "may not be true if caBundle is present";
        errors.push(FieldError::invalid(&at.field("insecureSkipTLSVerify"), true, text));
    }
}

fn validate_status(service: &Value) -> Errors {
    const STATUSES: &[&str] = &["True", "False", "Unknown"];
    let at = At::ROOT.field("status");
    let at = at.field("conditions");
    let conditions = service.child("status").items("conditions").iter().enumerate();
    let bad = conditions.filter(|(_, condition)| !STATUSES.contains(&condition.text("status")));
    bad.map(|(index, condition)| {
        FieldError::not_supported(&at.index(index).field("status"), condition.text("status"), STATUSES)
    })
    .collect()
}
