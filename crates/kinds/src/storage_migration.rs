//! StorageVersionMigrations.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use crate::condition::{is_true, validate_conditions};
use crate::meta::{Edit, View, dns_1035_label, dns_subdomain, immutable, invalid_internal};
use crate::naming::subdomain;
use crate::reset::{V1_STATUS_ONLY, keep_all_but_status};
use crate::strategy::{Status, Strategy};

type Errors = Vec<FieldError>;

pub(crate) const STORAGE_VERSION_MIGRATION: Strategy = Strategy {
    prepare_create: |migration| migration.set(&["status"], Value::map(Map::new())),
    prepare_update: |migration, old| migration.take_from(old, &["status"]),
    validate,
    validate_update: |migration, old| {
        let mut errors = validate(migration);
        let specs = [migration.child("spec"), old.child("spec")];
        immutable(
            &mut errors,
            &At::ROOT.field("spec"),
            "storagemigration.StorageVersionMigrationSpec",
            specs,
        );
        errors
    },
    status: Some(Status {
        prepare_update: keep_all_but_status,
        validate_update: validate_status,
        warnings: |_| Vec::new(),
    }),
    name: subdomain,
    unconditional_update: false,
    reset: V1_STATUS_ONLY,
    ..Strategy::plain("storagemigration.k8s.io", "StorageVersionMigration", &["v1"])
};

fn validate(migration: &Value) -> Errors {
    let (mut errors, target) = (Vec::new(), migration.child("spec").child("resource"));
    let at = At::ROOT.field("spec");
    let at = at.field("resource");
    let joined = |at: &At, text: &str, wrong: Vec<String>| {
        (!wrong.is_empty()).then(|| FieldError::invalid(at, text, wrong.join(",")))
    };
    let (resource, group) = (target.text("resource"), target.text("group"));
    match resource.is_empty() {
        true => errors.push(FieldError::required(&at.field("resource"), "resource is required to be set")),
        false => errors.extend(joined(&at.field("resource"), resource, dns_1035_label(resource))),
    }
    if !group.is_empty() {
        errors.extend(joined(&at.field("group"), group, dns_subdomain(group)));
    }
    errors
}

fn has(migration: &Value, kind: &str) -> bool {
    is_true(migration.child("status"), kind)
}

fn validate_status(migration: &Value, old: &Value) -> Errors {
    let (mut errors, status) = (Vec::new(), migration.child("status"));
    let at = At::ROOT.field("status");
    let (version_at, conditions_at) = (at.field("resourceVersion"), at.field("conditions"));
    let (version, before) = (status.text("resourceVersion"), old.child("status").text("resourceVersion"));
    let is_number = !version.starts_with('0') && version.bytes().all(|byte| byte.is_ascii_digit());
    if !version.is_empty() && !is_number {
        let text = format!("resource version is not well formed: {version}");
        errors.push(FieldError::invalid(&version_at, version, text));
    }
    validate_conditions(&mut errors, &conditions_at, status.items("conditions"));
    if !before.is_empty() && before != version {
        errors.push(FieldError::invalid(&version_at, version, "field is immutable"));
    }
    let mut refuse = |text: &str| {
        let shown = ("[]v1.Condition", status.child("conditions"));
        errors.push(invalid_internal(&conditions_at, shown, text));
    };
    if has(migration, "Succeeded") && has(migration, "Failed") {
        refuse("Both success and failed conditions cannot be true at the same time");
    }
    for (kind, word) in [("Succeeded", "Success"), ("Failed", "Failed")] {
        if has(old, kind) && !has(migration, kind) {
            refuse(&format!("{word} condition cannot be set to false once it is true"));
        }
    }
    errors
}
