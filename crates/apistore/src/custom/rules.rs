//! What the API server does with custom resources beyond their schema.

use kinds::{Status, Strategy};
use lockstep_core::Value;
use schema::Structural;

use super::definition::Custom;
use crate::fallback::{subdomain, take};

/// The rules of custom kinds with the endpoint `status`, and without.
pub(crate) const WITH_STATUS: Strategy = Strategy {
    prepare_create: |object| {
        object.remove(&["status"]);
    },
    prepare_update: |object, old| take(object, old, &["status"]),
    status: Some(Status {
        prepare_update: only_status,
        validate_update: |_, _| Vec::new(),
        warnings: |_| Vec::new(),
    }),
    ..PLAIN
};

pub(crate) const PLAIN: Strategy = Strategy {
    name: subdomain,
    generation: Some(|object, old| !same_but_metadata(object, old)),
    unconditional_update: false,
    ..Strategy::plain("", "", &[])
};

fn only_status(object: &mut Value, old: &Value) {
    let status = object.get("status").cloned();
    let managed = object.at(&["metadata", "managedFields"]).cloned();
    *object = old.clone();
    match managed {
        Some(managed) => object.set(&["metadata", "managedFields"], managed),
        None => {
            object.remove(&["metadata", "managedFields"]);
        }
    }
    match status {
        Some(status) => object.set(&["status"], status),
        None => {
            object.remove(&["status"]);
        }
    }
}

fn same_but_metadata(a: &Value, b: &Value) -> bool {
    let rest = |value: &Value| {
        let mut value = value.clone();
        value.remove(&["metadata"]);
        value
    };
    rest(a) == rest(b)
}

impl Custom {
    /// The rules of a version.
    pub(crate) fn strategy(&self, version: &str) -> &'static Strategy {
        match self.version(version).is_some_and(|version| version.has_status) {
            true => &WITH_STATUS,
            false => &PLAIN,
        }
    }

    /// Removes what the schema does not name, and says where that was.
    pub(crate) fn prune(&self, object: &mut Value, version: &str) -> Vec<String> {
        match self.version(version) {
            Some(version) if !self.preserve_unknown => Structural(&version.schema).prune(object),
            _ => Vec::new(),
        }
    }

    pub(crate) fn default(&self, object: &mut Value, version: &str) {
        if let Some(version) = self.version(version) {
            Structural(&version.schema).default(object);
        }
    }

    pub(crate) fn drop_nulls(&self, object: &mut Value, version: &str) {
        if let Some(version) = self.version(version) {
            Structural(&version.schema).drop_nulls(object);
        }
    }
}
