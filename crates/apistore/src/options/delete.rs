//! DeleteOptions.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::{check_dry_run, flag, number, refuse, values};
use crate::failure::Failure;
use crate::request::Request;

/// What happens to what a deleted object owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagation {
    Orphan,
    Background,
    Foreground,
}

/// DeleteOptions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeleteOptions {
    pub(crate) grace: Option<i64>,
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
    pub(crate) orphan_dependents: Option<bool>,
    pub(crate) propagation: Option<Propagation>,
    pub(crate) dry_run: bool,
}

impl DeleteOptions {
    /// From the body where there is one, else from the query.
    pub(crate) fn read(request: &Request, body: Option<&Value>) -> Result<Self, Failure> {
        match body {
            Some(body) => Self::of_body(body),
            None => Self::of_query(request),
        }
    }

    fn of_query(request: &Request) -> Result<Self, Failure> {
        let dry_run: Vec<&str> = values(request, "dryRun").collect();
        let options = Self {
            grace: number(request, "gracePeriodSeconds")?,
            orphan_dependents: flag(request, "orphanDependents"),
            ..Self::default()
        };
        options.checked(request.parameter("propagationPolicy"), &dry_run)
    }

    fn of_body(body: &Value) -> Result<Self, Failure> {
        let mistyped = |found: &Value, field: &str, kind: &str| {
            let found = match found {
                Value::Float(number) if kind == "int64" => format!("number {number}"),
                other => crate::body::go_kind(other).to_owned(),
            };
            Failure::bad_request(format!(
                "json: cannot unmarshal {found} into Go struct field {field} of type {kind}"
            ))
        };
        let field = |name: &str| body.get(name).filter(|value| !matches!(value, Value::Null));
        let grace = field("gracePeriodSeconds")
            .map(|value| {
                value.as_int().ok_or_else(|| mistyped(value, "DeleteOptions.gracePeriodSeconds", "int64"))
            })
            .transpose()?;
        let orphan_dependents = field("orphanDependents")
            .map(|value| {
                value.as_bool().ok_or_else(|| mistyped(value, "DeleteOptions.orphanDependents", "bool"))
            })
            .transpose()?;
        let policy = field("propagationPolicy")
            .map(|value| {
                value.as_str().ok_or_else(|| {
                    mistyped(value, "DeleteOptions.propagationPolicy", "v1.DeletionPropagation")
                })
            })
            .transpose()?;
        let text = |key: &str, kind: &str| match body.at(&["preconditions", key]) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.to_string())),
            Some(other) => Err(mistyped(other, &format!("Preconditions.preconditions.{key}"), kind)),
        };
        let dry_run = field("dryRun").and_then(Value::as_list).unwrap_or_default();
        let dry_run: Vec<&str> = dry_run.iter().filter_map(Value::as_str).collect();
        let options = Self {
            grace,
            uid: text("uid", "types.UID")?,
            resource_version: text("resourceVersion", "string")?,
            orphan_dependents,
            ..Self::default()
        };
        options.checked(policy, &dry_run)
    }

    fn checked(mut self, policy: Option<&str>, dry_run: &[&str]) -> Result<Self, Failure> {
        let at = At::ROOT.field("propagationPolicy");
        let mut errors = Vec::new();
        if let Some(policy) = policy {
            if self.orphan_dependents.is_some() {
                let detail = "orphanDependents and deletionPropagation cannot be both set";
                errors.push(FieldError::invalid(&at, policy, detail));
            }
            self.propagation = match policy {
                "Orphan" => Some(Propagation::Orphan),
                "Background" => Some(Propagation::Background),
                "Foreground" => Some(Propagation::Foreground),
                other => {
                    let known = ["Foreground", "Background", "Orphan", "nil"];
                    errors.push(FieldError::not_supported(&at, other, &known));
                    None
                }
            };
        }
        check_dry_run(&mut errors, dry_run);
        refuse("DeleteOptions", &errors)?;
        self.dry_run = !dry_run.is_empty();
        Ok(self)
    }
}

impl DeleteOptions {
    /// As admission sees them.
    pub(crate) fn value(&self) -> Value {
        let mut value = Value::default();
        value.set(&["kind"], "DeleteOptions".into());
        value.set(&["apiVersion"], "meta.k8s.io/v1".into());
        if let Some(grace) = self.grace {
            value.set(&["gracePeriodSeconds"], grace.into());
        }
        for (key, text) in [("uid", &self.uid), ("resourceVersion", &self.resource_version)] {
            if let Some(text) = text {
                value.set(&["preconditions", key], text.clone().into());
            }
        }
        if let Some(orphan) = self.orphan_dependents {
            value.set(&["orphanDependents"], orphan.into());
        }
        if let Some(propagation) = self.propagation {
            value.set(&["propagationPolicy"], format!("{propagation:?}").into());
        }
        if self.dry_run {
            value.set(&["dryRun"], Value::list(vec!["All".into()]));
        }
        value
    }
}
