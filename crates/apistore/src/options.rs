//! The options of a request, from its query or its body, with the server's checks of them.

use lockstep_core::Value;
use schema::{At, FieldError};

use crate::failure::{Failure, GroupResource};
use crate::request::Request;
use crate::selector::{FieldSelector, LabelSelector};

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

const META_GROUP: &str = "meta.k8s.io";
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

fn check_dry_run(errors: &mut Vec<FieldError>, values: &[&str]) {
    if values.iter().any(|value| *value != "All") {
        let list = Value::list(values.iter().map(|value| Value::from(*value)).collect());
        errors.push(FieldError::not_supported(&At::ROOT.field("dryRun"), list, &["All"]));
    }
}

fn refuse(kind: &str, errors: &[FieldError]) -> Result<(), Failure> {
    match errors.is_empty() {
        true => Ok(()),
        false => Err(Failure::invalid(&GroupResource::new(META_GROUP, kind), "", errors)),
    }
}

fn values<'r>(request: &'r Request, name: &'static str) -> impl Iterator<Item = &'r str> {
    request.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| &**value)
}

/// A boolean as the server reads it in a query: everything is true but `false` and `0`.
fn flag(request: &Request, name: &str) -> Option<bool> {
    request.parameter(name).map(|value| !matches!(&*value.to_ascii_lowercase(), "false" | "0"))
}

fn number(request: &Request, name: &str) -> Result<Option<i64>, Failure> {
    let Some(text) = request.parameter(name) else { return Ok(None) };
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => {
            let quoted = crate::failure::quoted(text);
            Err(Failure::bad_request(format!("strconv.ParseInt: parsing {quoted}: invalid syntax")))
        }
    }
}

/// Whether a list shows exactly a version, or one that is not older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    Unset,
    Exact,
    NotOlderThan,
}

/// ListOptions.
#[derive(Clone, Debug)]
pub(crate) struct ListOptions {
    pub(crate) labels: LabelSelector,
    pub(crate) fields: FieldSelector,
    pub(crate) bookmarks: bool,
    pub(crate) resource_version: String,
    pub(crate) version_match: Match,
    pub(crate) timeout: Option<i64>,
    pub(crate) limit: u64,
    pub(crate) continue_token: String,
    pub(crate) initial_events: Option<bool>,
}

impl ListOptions {
    pub(crate) fn read(request: &Request, is_watch: bool) -> Result<Self, Failure> {
        let text = |name| request.parameter(name).unwrap_or_default();
        let labels = LabelSelector::parse(text("labelSelector")).map_err(Failure::bad_request)?;
        let fields = FieldSelector::parse(text("fieldSelector")).map_err(Failure::bad_request)?;
        let timeout = number(request, "timeoutSeconds")?;
        let limit = number(request, "limit")?.unwrap_or(0);
        let mut options = Self {
            labels,
            fields,
            bookmarks: flag(request, "allowWatchBookmarks").unwrap_or(false),
            resource_version: text("resourceVersion").to_owned(),
            version_match: Match::Unset,
            timeout,
            limit: u64::try_from(limit).unwrap_or(0),
            continue_token: text("continue").to_owned(),
            initial_events: flag(request, "sendInitialEvents"),
        };
        let wanted = text("resourceVersionMatch");
        let old = matches!(&*options.resource_version, "" | "0");
        if is_watch && options.initial_events.is_none() && wanted.is_empty() && old {
            options.initial_events = Some(true);
            options.version_match = Match::NotOlderThan;
            return Ok(options);
        }
        let errors = if is_watch { options.check_watch(wanted) } else { options.check_list(wanted) };
        refuse("ListOptions", &errors)?;
        options.version_match = match wanted {
            "Exact" => Match::Exact,
            "NotOlderThan" => Match::NotOlderThan,
            _ => Match::Unset,
        };
        Ok(options)
    }

    fn check_list(&self, wanted: &str) -> Vec<FieldError> {
        let at = At::ROOT.field("resourceVersionMatch");
        let mut errors = Vec::new();
        if !wanted.is_empty() {
            if self.resource_version.is_empty() {
                let detail = "resourceVersionMatch is forbidden unless resourceVersion is provided";
                errors.push(FieldError::forbidden(&at, detail));
            }
            if !self.continue_token.is_empty() {
                let detail = "resourceVersionMatch is forbidden when continue is provided";
                errors.push(FieldError::forbidden(&at, detail));
            }
            if !matches!(wanted, "Exact" | "NotOlderThan") {
                errors.push(FieldError::not_supported(&at, wanted, &["Exact", "NotOlderThan", ""]));
            }
            if wanted == "Exact" && self.resource_version == "0" {
                let detail = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
                errors.push(FieldError::forbidden(&at, detail));
            }
        }
        if self.initial_events.is_some() {
            let detail = "sendInitialEvents is forbidden for list";
            errors.push(FieldError::forbidden(&At::ROOT.field("sendInitialEvents"), detail));
        }
        errors
    }

    fn check_watch(&self, wanted: &str) -> Vec<FieldError> {
        let at = At::ROOT.field("resourceVersionMatch");
        let mut errors = Vec::new();
        if self.initial_events.is_some() && wanted != "NotOlderThan" {
            let detail = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            errors.push(FieldError::forbidden(&at, detail));
        }
        if !wanted.is_empty() {
            if self.initial_events.is_none() {
                let detail =
                    "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
                errors.push(FieldError::forbidden(&at, detail));
            }
            if wanted != "NotOlderThan" {
                errors.push(FieldError::not_supported(&at, wanted, &["NotOlderThan"]));
            }
            if !self.continue_token.is_empty() {
                let detail = "resourceVersionMatch is forbidden when continue is provided";
                errors.push(FieldError::forbidden(&at, detail));
            }
        }
        errors
    }
}

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
                Value::Bool(_) => "bool",
                Value::Int(_) | Value::Uint(_) | Value::Float(_) => "number",
                Value::String(_) => "string",
                Value::List(_) => "array",
                _ => "object",
            };
            Failure::bad_request(format!(
                "json: cannot unmarshal {found} into Go struct field DeleteOptions.{field} of type {kind}"
            ))
        };
        let field = |name: &str| body.get(name).filter(|value| !matches!(value, Value::Null));
        let grace = field("gracePeriodSeconds")
            .map(|value| value.as_int().ok_or_else(|| mistyped(value, "gracePeriodSeconds", "int64")))
            .transpose()?;
        let orphan_dependents = field("orphanDependents")
            .map(|value| value.as_bool().ok_or_else(|| mistyped(value, "orphanDependents", "bool")))
            .transpose()?;
        let policy = field("propagationPolicy")
            .map(|value| {
                value.as_str().ok_or_else(|| mistyped(value, "propagationPolicy", "v1.DeletionPropagation"))
            })
            .transpose()?;
        let text = |key| body.str_at(&["preconditions", key]).map(str::to_owned);
        let dry_run = field("dryRun").and_then(Value::as_list).unwrap_or_default();
        let dry_run: Vec<&str> = dry_run.iter().filter_map(Value::as_str).collect();
        let options = Self {
            grace,
            uid: text("uid"),
            resource_version: text("resourceVersion"),
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

/// A version that a client names; empty is none.
pub(crate) fn parse_version(text: &str) -> Result<u64, String> {
    match text {
        "" => Ok(0),
        text => text.parse().map_err(|_| {
            let quoted = crate::failure::quoted(text);
            let value = format!("resourceVersion: Invalid value: {quoted}");
            format!("{value}: strconv.ParseUint: parsing {quoted}: invalid syntax")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Method;

    fn request(query: &[(&str, &str)]) -> Request {
        query.iter().fold(Request::new(Method::Get, "/"), |request, (name, value)| request.with(name, *value))
    }

    #[track_caller]
    fn refuse_write(kind: WriteKind, query: &[(&str, &str)], message: &str) {
        assert_eq!(WriteOptions::read(&request(query), kind).unwrap_err().message(), message);
    }

    /// The texts are recorded from a real server.
    #[test]
    fn write_options_are_checked() {
        refuse_write(
            WriteKind::Create,
            &[("dryRun", "x")],
            r#"CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["x"]: supported values: "All""#,
        );
        refuse_write(
            WriteKind::Create,
            &[("fieldValidation", "x"), ("fieldManager", &"a".repeat(129))],
            r#"CreateOptions.meta.k8s.io "" is invalid: [fieldManager: Too long: may not be more than 128 bytes, fieldValidation: Unsupported value: "x": supported values: "", "Ignore", "Strict", "Warn"]"#,
        );
        refuse_write(
            WriteKind::Apply,
            &[],
            r#"PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch"#,
        );
    }

    #[test]
    fn the_manager_is_named_by_the_agent() {
        let request = Request::new(Method::Post, "/").agent("kubectl/v1.37 (linux)");
        assert_eq!(WriteOptions::read(&request, WriteKind::Create).unwrap().field_manager, "kubectl");
    }

    #[test]
    fn list_options_are_checked() {
        let error = |query: &[(&str, &str)], watch| {
            let failure = ListOptions::read(&request(query), watch).unwrap_err();
            (failure.code(), failure.message().to_owned())
        };
        let invalid = |text: &str| (422, format!("ListOptions.meta.k8s.io \"\" is invalid: {text}"));
        assert_eq!(
            error(&[("resourceVersionMatch", "Exact")], false),
            invalid(
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
            )
        );
        assert_eq!(
            error(&[("sendInitialEvents", "true")], true),
            invalid(
                "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            )
        );
        assert_eq!(error(&[("limit", "x")], false).1, "strconv.ParseInt: parsing \"x\": invalid syntax");
    }

    #[test]
    fn delete_options_come_from_body_or_query() {
        let body = lockstep_core::from_json(br#"{"preconditions":{"uid":"u"},"propagationPolicy":"Orphan"}"#)
            .unwrap();
        let options = DeleteOptions::read(&request(&[("gracePeriodSeconds", "5")]), Some(&body)).unwrap();
        assert_eq!((options.grace, options.uid.as_deref()), (None, Some("u")));
        assert_eq!(options.propagation, Some(Propagation::Orphan));
        let options =
            DeleteOptions::read(&request(&[("gracePeriodSeconds", "5"), ("dryRun", "All")]), None).unwrap();
        assert_eq!((options.grace, options.dry_run), (Some(5), true));
    }
}
