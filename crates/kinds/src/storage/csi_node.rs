//! CSINodes.

use lockstep_core::{Value, to_json};
use schema::{At, FieldError, Mistake};

use super::{IMMUTABLE, validate_driver_name};
use crate::address::texts;
use crate::meta::{Edit, View, invalid_each, not_negative, qualified_name};
use crate::naming::subdomain;
use crate::reset::{V1_STATUS_ONLY, keep_metadata};
use crate::strategy::{Status, Strategy};

type Errors = Vec<FieldError>;

pub(crate) const CSI_NODE: Strategy = Strategy {
    prepare_create: |node| drop(node.remove(&["status"])),
    prepare_update: |node, old| node.take_from(old, &["status"]),
    validate,
    validate_update: |node, old| {
        let mut errors = validate(node);
        for was in old.child("spec").items("drivers") {
            let same = |driver: &&Value| driver.text("name") == was.text("name");
            let changed = node.child("spec").items("drivers").iter().filter(same).filter(|is| {
                ["nodeID", "topologyKeys"].iter().any(|field| is.child(field) != was.child(field))
            });
            errors.extend(changed.map(driver_changed));
        }
        errors
    },
    status: Some(Status {
        prepare_update: |node, old| {
            node.take_from(old, &["spec"]);
            keep_metadata(node, old);
            drop_health(node, old);
        },
        ..Status::PLAIN
    }),
    name: subdomain,
    unconditional_update: false,
    reset: V1_STATUS_ONLY,
    ..Strategy::plain("storage.k8s.io", "CSINode", &["v1"])
};

/// The health of volumes is a feature that is off.
fn drop_health(node: &mut Value, old: &Value) {
    if old.child("status").items("storageHealth").is_empty() {
        node.remove(&["status", "storageHealth"]);
    }
}

/// The server shows its own type, without what may change.
fn driver_changed(driver: &Value) -> FieldError {
    let keys = String::from_utf8_lossy(&to_json(driver.child("topologyKeys"))).into_owned();
    let text = format!(
        "{{\"Name\":\"{}\",\"NodeID\":\"{}\",\"TopologyKeys\":{keys},\"Allocatable\":null}}: {IMMUTABLE}",
        driver.text("name"),
        driver.text("nodeID")
    );
    let at = At::ROOT.field("spec");
    FieldError::new(Mistake::Invalid, &at.field("drivers"), None, text)
}

fn validate(node: &Value) -> Errors {
    let mut errors = Vec::new();
    let at = At::ROOT.field("spec");
    let list = at.field("drivers");
    let drivers = node.child("spec").items("drivers");
    for (index, driver) in drivers.iter().enumerate() {
        let at = list.index(index);
        let (name, id) = (driver.text("name"), driver.text("nodeID"));
        validate_driver_name(&mut errors, &at.field("name"), name);
        if id.is_empty() {
            errors.push(FieldError::required(&at.field("nodeID"), ""));
        }
        if id.len() > 256 {
            errors.push(FieldError::invalid(&at.field("nodeID"), id, "must be 256 characters or less"));
        }
        let count_at = at.field("allocatable");
        not_negative(&mut errors, &count_at.field("count"), driver.child("allocatable").number("count"));
        if drivers[..index].iter().any(|other| other.text("name") == name) {
            errors.push(FieldError::duplicate(&at.field("name"), name));
        }
        validate_keys(&mut errors, &at, driver);
    }
    errors
}

fn validate_keys(errors: &mut Errors, at: &At, driver: &Value) {
    let keys = texts(driver.items("topologyKeys"));
    for (index, key) in keys.iter().enumerate() {
        if key.is_empty() {
            errors.push(FieldError::required(at, ""));
        }
        if keys[..index].contains(key) {
            errors.push(FieldError::duplicate(at, *key));
        }
        invalid_each(errors, at, &(*key).into(), qualified_name(key));
    }
}
