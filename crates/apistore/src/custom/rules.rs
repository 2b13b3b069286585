//! What the API server does with custom resources beyond their schema.

use kinds::{Status, Strategy};
use lockstep_core::Value;
use schema::{At, FieldError, Structural, blocks_rules};

use super::definition::{Custom, CustomVersion, Scale};
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

/// Whether there is a rule anywhere in a schema.
fn has_rules(schema: &Value) -> bool {
    match schema {
        Value::Map(entries) => {
            entries.iter().any(|(key, value)| &**key == "x-kubernetes-validations" || has_rules(value))
        }
        Value::List(items) => items.iter().any(has_rules),
        _ => false,
    }
}

impl Scale {
    /// The number of replicas must be one.
    fn invalid(&self, object: &Value) -> Vec<FieldError> {
        let keys: Vec<&str> = self.spec_replicas.iter().map(String::as_str).collect();
        let Some(found) = object.at(&keys) else { return Vec::new() };
        let path = self.spec_replicas.join(".");
        let at = At::ROOT.field(&path);
        match found.as_int() {
            Some(number) if number < 0 => {
                vec![FieldError::invalid(&at, found.clone(), "should be a non-negative integer")]
            }
            Some(number) if number > i64::from(i32::MAX) => {
                let detail = format!("should be less than or equal to {}", i32::MAX);
                vec![FieldError::invalid(&at, found.clone(), detail)]
            }
            _ => Vec::new(),
        }
    }
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

    /// What is wrong with a new object, or a change of one.
    pub(crate) fn invalid(
        &self,
        version: &CustomVersion,
        object: &Value,
        old: Option<&Value>,
    ) -> Vec<FieldError> {
        let schema = Structural(&version.schema);
        let mut errors = match old {
            Some(old) => schema.validate_update(object, old, &At::ROOT),
            None => schema.validate(object, &At::ROOT),
        };
        if let Some(scale) = &version.scale {
            errors.extend(scale.invalid(object));
        }
        self.check_rules(version, (object, old), &mut errors);
        errors
    }

    /// What is wrong with a new status.
    pub(crate) fn invalid_status(
        &self,
        version: &CustomVersion,
        object: &Value,
        old: &Value,
    ) -> Vec<FieldError> {
        let none = Value::Null;
        let schema = version.schema.at(&["properties", "status"]).unwrap_or(&none);
        let (status, before) = (object.get("status").unwrap_or(&none), old.get("status").unwrap_or(&none));
        let mut errors = match object.get("status") {
            Some(_) => Structural(schema).validate_update(status, before, &At::ROOT.field("status")),
            None => Vec::new(),
        };
        self.check_rules(version, (object, Some(old)), &mut errors);
        errors
    }

    /// The rules of the schema, where the object is valid enough for them.
    fn check_rules(
        &self,
        version: &CustomVersion,
        (object, old): (&Value, Option<&Value>),
        errors: &mut Vec<FieldError>,
    ) {
        if !has_rules(&version.schema) {
            return;
        }
        match blocks_rules(errors) {
            Some(error) => errors.push(error),
            None => errors.extend(super::cel::check(&version.schema, object, old)),
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
