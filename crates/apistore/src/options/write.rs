//! CreateOptions, UpdateOptions and PatchOptions.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::{check_dry_run, flag, refuse, values};
use crate::failure::Failure;
use crate::request::Request;

/// How undeclared and duplicate fields are met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

/// CreateOptions, UpdateOptions and PatchOptions in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WriteOptions {
    pub(crate) dry_run: bool,
    pub(crate) field_manager: String,
    pub(crate) field_validation: FieldValidation,
    pub(crate) force: Option<bool>,
}

/// Which options are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteKind {
    Create,
    Update,
    Patch,
    Apply,
}

impl WriteKind {
    pub(crate) fn options_kind(self) -> &'static str {
        match self {
            Self::Create => "CreateOptions",
            Self::Update => "UpdateOptions",
            Self::Patch | Self::Apply => "PatchOptions",
        }
    }
}

/// How long the name of a field manager may be, in bytes.
const MANAGER_LENGTH: usize = 128;

impl WriteOptions {
    pub(crate) fn read(request: &Request, kind: WriteKind) -> Result<Self, Failure> {
        let text = |name| request.parameter(name).unwrap_or_default();
        let dry_run: Vec<&str> = values(request, "dryRun").collect();
        let manager = text("fieldManager");
        let force = flag(request, "force");
        let mut errors = Vec::new();
        match kind {
            WriteKind::Apply if manager.is_empty() => {
                errors.push(FieldError::required(
                    &At::ROOT.field("fieldManager"),
                    "is required for apply patch",
                ));
            }
            WriteKind::Patch if force.is_some() => {
                let detail = "may not be specified for non-apply patch";
                errors.push(FieldError::forbidden(&At::ROOT.field("force"), detail));
            }
            _ => {}
        }
        check_manager(&mut errors, &At::ROOT.field("fieldManager"), manager);
        check_dry_run(&mut errors, &dry_run);
        let validation = text("fieldValidation");
        let field_validation = match validation {
            "Ignore" => FieldValidation::Ignore,
            "" | "Warn" => FieldValidation::Warn,
            "Strict" => FieldValidation::Strict,
            other => {
                let known = ["", "Ignore", "Strict", "Warn"];
                errors.push(FieldError::not_supported(&At::ROOT.field("fieldValidation"), other, &known));
                FieldValidation::Warn
            }
        };
        refuse(kind.options_kind(), &errors)?;
        let field_manager = match manager {
            "" => manager_of_agent(&request.agent),
            name => name.to_owned(),
        };
        Ok(Self { dry_run: !dry_run.is_empty(), field_manager, field_validation, force })
    }

    /// As admission sees them.
    pub(crate) fn value(&self, kind: WriteKind) -> Value {
        let mut value = Value::default();
        value.set(&["kind"], kind.options_kind().into());
        value.set(&["apiVersion"], "meta.k8s.io/v1".into());
        if self.dry_run {
            value.set(&["dryRun"], Value::list(vec!["All".into()]));
        }
        if !self.field_manager.is_empty() {
            value.set(&["fieldManager"], self.field_manager.clone().into());
        }
        if let Some(force) = self.force {
            value.set(&["force"], force.into());
        }
        value
    }
}

/// What identifies a program in its `User-Agent`: what is before the first slash, as far as it can be printed and stored.
fn manager_of_agent(agent: &str) -> String {
    let mut name = String::new();
    for c in agent.split('/').next().unwrap_or_default().chars().filter(|c| !c.is_control()) {
        if name.len() + c.len_utf8() > MANAGER_LENGTH {
            break;
        }
        name.push(c);
    }
    name
}

fn check_manager(errors: &mut Vec<FieldError>, at: &At<'_>, name: &str) {
    if name.len() > MANAGER_LENGTH {
        errors.push(FieldError::too_long(at, MANAGER_LENGTH));
    }
    for (position, c) in name.char_indices().filter(|(_, c)| c.is_control()) {
        let detail = format!("invalid character U+{:04X} (at position {position})", u32::from(c));
        errors.push(FieldError::invalid(at, name, detail));
    }
}
