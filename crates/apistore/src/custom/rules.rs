//! What the API server does with custom resources beyond their schema.

use kinds::{Status, Strategy};
use lockstep_core::Value;
use schema::{At, FieldError, Structural, WireError, blocks_rules, go_plain, go_type_name};

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
    warnings: finalizer_warnings,
    generation: Some(|object, old| !same_but_metadata(object, old)),
    unconditional_update: false,
    ..Strategy::plain("", "", &[])
};

/// The finalizers that need no domain.
const STANDARD: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

/// What is warned of in finalizers that are new.
fn finalizer_warnings(object: &Value, old: Option<&Value>) -> Vec<String> {
    let list = |object: &Value| -> std::collections::BTreeSet<String> {
        let list = object.at(&["metadata", "finalizers"]).and_then(Value::as_list).unwrap_or_default();
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let before = old.map(list).unwrap_or_default();
    let new = list(object).into_iter().filter(|name| !before.contains(name));
    new.filter(|name| !name.contains('/') && !STANDARD.contains(&&**name))
        .map(|name| {
            let path = if name.contains('.') { " including a path (/)" } else { "" };
            let name = crate::failure::quoted(&name);
            format!(
                "metadata.finalizers: {name}: prefer a domain-qualified finalizer name{path} to avoid accidental conflicts with other finalizer writers"
            )
        })
        .collect()
}

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

impl Scale {
    /// The number of replicas that is wanted must be one.
    fn invalid(&self, object: &Value) -> Vec<FieldError> {
        number(object, &self.spec_replicas)
    }

    /// The number of replicas that there are, and the selector, must be ones.
    fn invalid_status(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = number(object, &self.status_replicas);
        if let Some(path) = &self.selector {
            let wrong = match at(object, path) {
                Ok(Some(other)) if other.as_str().is_none() => Some(accessor(path, other, "string")),
                Ok(_) => None,
                Err(wrong) => Some(wrong),
            };
            let error = |wrong| FieldError::invalid(&At::ROOT.field(&dotted(path)), "", wrong);
            errors.extend(wrong.map(error));
        }
        errors
    }
}

fn dotted(path: &[String]) -> String {
    format!(".{}", path.join("."))
}

/// What is at a path, if anything is; or, in the server's words, why nothing can be there.
fn at<'o>(object: &'o Value, path: &[String]) -> Result<Option<&'o Value>, String> {
    let mut found = object;
    for (index, key) in path.iter().enumerate() {
        found = match found {
            Value::Map(entries) => match entries.get(&**key) {
                Some(inner) => inner,
                None => return Ok(None),
            },
            Value::Null => return Ok(None),
            other => return Err(accessor(&path[..=index], other, "map[string]interface{}")),
        };
    }
    Ok(Some(found).filter(|found| !matches!(found, Value::Null)))
}

fn accessor(path: &[String], found: &Value, wanted: &str) -> String {
    let (text, kind) = (go_plain(found), go_type_name(found));
    format!("{} accessor error: {text} is of the type {kind}, expected {wanted}", dotted(path))
}

fn number(object: &Value, path: &[String]) -> Vec<FieldError> {
    let found = at(object, path);
    let place = dotted(path);
    let at = At::ROOT.field(&place);
    let found = match found {
        Ok(Some(found)) => found,
        Ok(None) => return Vec::new(),
        Err(wrong) => return vec![FieldError::invalid(&at, 0i64, wrong)],
    };
    match found {
        Value::Int(number) if *number < 0 => {
            vec![FieldError::invalid(&at, *number, "should be a non-negative integer")]
        }
        Value::Int(number) if *number > i64::from(i32::MAX) => {
            let detail = format!("should be less than or equal to {}", i32::MAX);
            vec![FieldError::invalid(&at, *number, detail)]
        }
        Value::Int(_) => Vec::new(),
        other => vec![FieldError::invalid(&at, 0i64, accessor(path, other, "int64"))],
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

    /// Reads the `metadata` of embedded objects, and says which fields it does not know.
    pub(crate) fn read_embedded(&self, object: &mut Value, version: &str) -> Result<Vec<String>, WireError> {
        match self.version(version) {
            Some(version) if version.embeds() => super::embedded::read(&version.schema, object),
            _ => Ok(Vec::new()),
        }
    }

    /// Makes an object that was stored what it is now: its definition may have other fields and defaults than when it was written.
    pub(crate) fn settle_stored(&self, object: &mut Value) {
        let Some(version) = object.str_at(&["apiVersion"]).and_then(|version| version.rsplit('/').next())
        else {
            return;
        };
        let version = version.to_owned();
        self.fit(object, &version);
        self.drop_nulls(object, &version);
        self.default(object, &version);
    }

    /// Removes what a version has no place for.
    pub(crate) fn fit(&self, object: &mut Value, version: &str) {
        self.prune(object, version);
        // What was let in before the schema spoke of it stays as it is.
        _ = self.read_embedded(object, version);
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
            errors.extend(scale.invalid_status(object));
        }
        if version.embeds() {
            errors.extend(super::embedded::invalid(&version.schema, object));
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
        if let Some(scale) = &version.scale {
            errors.extend(scale.invalid_status(object));
        }
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
        let rules = version.rules();
        if rules.is_empty() {
            return;
        }
        match blocks_rules(errors) {
            Some(error) => errors.push(error),
            None => errors.extend(rules.validate(object, old, &At::ROOT)),
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
