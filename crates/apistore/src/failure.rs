//! Why a request is refused: the `Status` that the API server answers with, in its words.

use std::fmt;
use std::sync::Arc;

use lockstep_core::{Map, Value, to_json};
use schema::{Conflict, FieldError};

use crate::demand::Demand;

/// A refused request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure(Box<Status>);

/// One cause in the details of a `Status`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cause {
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) field: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Status {
    code: u16,
    reason: String,
    message: String,
    details: Option<Details>,
    continue_token: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Details {
    name: String,
    group: String,
    kind: String,
    causes: Vec<Cause>,
    retry_after: u32,
}

/// Why a request has no answer yet: it is refused, or more must be known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Halt {
    Failed(Failure),
    Need(Vec<Demand>),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What a request is about, as messages name it: `deployments.apps`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GroupResource {
    pub(crate) group: String,
    pub(crate) resource: String,
}

impl GroupResource {
    pub(crate) fn new(group: &str, resource: &str) -> Self {
        Self { group: group.to_owned(), resource: resource.to_owned() }
    }
}

impl fmt::Display for GroupResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.resource)?;
        if self.group.is_empty() { Ok(()) } else { write!(f, ".{}", self.group) }
    }
}

impl Failure {
    pub(crate) fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        let (reason, message) = (reason.to_owned(), message.into());
        Self(Box::new(Status { code, reason, message, ..Status::default() }))
    }

    /// The same with details about an object.
    pub(crate) fn about(mut self, resource: &GroupResource, name: &str) -> Self {
        let details = self.0.details.get_or_insert_default();
        details.group.clone_from(&resource.group);
        details.kind.clone_from(&resource.resource);
        name.clone_into(&mut details.name);
        self
    }

    fn details(mut self) -> Self {
        self.0.details.get_or_insert_default();
        self
    }

    fn causes(mut self, causes: Vec<Cause>) -> Self {
        self.0.details.get_or_insert_default().causes = causes;
        self
    }

    /// The same with one cause more.
    pub(crate) fn with_cause(mut self, cause: Cause) -> Self {
        self.0.details.get_or_insert_default().causes.push(cause);
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.0.details.get_or_insert_default().retry_after = seconds;
        self
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn not_found(resource: &GroupResource, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{resource} {} not found", quoted(name))).about(resource, name)
    }

    /// Nothing is served under the path.
    pub(crate) fn no_such_resource() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource").details()
    }

    /// What the path names does not take the method.
    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, "MethodNotAllowed", message).details()
    }

    pub(crate) fn already_exists(resource: &GroupResource, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{resource} {} already exists", quoted(name)))
            .about(resource, name)
    }

    /// A name was generated and is taken.
    pub(crate) fn no_free_name(resource: &GroupResource, name: &str) -> Self {
        let name_text = quoted(name);
        let message = format!(
            "{resource} {name_text} already exists, the server was not able to generate a unique name for the object"
        );
        Self::new(409, "AlreadyExists", message).about(resource, name).retry_after(1)
    }

    pub(crate) fn conflict(resource: &GroupResource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {resource} {}: {why}", quoted(name));
        Self::new(409, "Conflict", message).about(resource, name)
    }

    /// The version that the writer has read is not the current one.
    pub(crate) fn modified(resource: &GroupResource, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    pub(crate) fn apply_conflicts(conflicts: &[Conflict], message: String) -> Self {
        let cause = |conflict: &Conflict| Cause {
            reason: "FieldManagerConflict".into(),
            message: conflict.message(),
            field: conflict.field(),
        };
        Self::new(409, "Conflict", message).causes(conflicts.iter().map(cause).collect())
    }

    pub(crate) fn forbidden(resource: &GroupResource, name: &str, why: &str) -> Self {
        let message = match (&*resource.resource, name) {
            ("", _) => format!("forbidden: {why}"),
            (_, "") => format!("{resource} is forbidden: {why}"),
            _ => format!("{resource} {} is forbidden: {why}", quoted(name)),
        };
        Self::new(403, "Forbidden", message).about(resource, name)
    }

    /// `kind` is a group and kind; the text joins the errors as Go's aggregates do.
    pub(crate) fn invalid(kind: &GroupResource, name: &str, errors: &[FieldError]) -> Self {
        let mut seen: Vec<String> = Vec::new();
        for error in errors {
            let text = error.to_string();
            if !seen.contains(&text) {
                seen.push(text);
            }
        }
        let list = match &seen[..] {
            [only] => only.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        let message = match seen.is_empty() {
            true => format!("{kind} {} is invalid", quoted(name)),
            false => format!("{kind} {} is invalid: {list}", quoted(name)),
        };
        let cause = |error: &FieldError| Cause {
            reason: error.mistake.reason().into(),
            message: error.body(),
            field: error.field.clone(),
        };
        Self::new(422, "Invalid", message).about(kind, name).causes(errors.iter().map(cause).collect())
    }

    /// What the server says where the cause is only its own to know.
    pub(crate) fn unprocessable() -> Self {
        let message = "the server rejected our request due to an error in our request";
        Self::new(422, "Invalid", message).details()
    }

    pub(crate) fn too_large(message: &str) -> Self {
        Self::new(413, "RequestEntityTooLarge", format!("Request entity too large: {message}"))
    }

    pub(crate) fn unsupported_media_type(accepted: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    pub(crate) fn media_type_not_routed() -> Self {
        Self::new(415, "UnsupportedMediaType", "415: Unsupported Media Type").details()
    }

    /// An error that is not one of the API's own: 500 without a reason.
    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    pub(crate) fn internal(why: &str) -> Self {
        let cause = Cause { message: why.to_owned(), ..Cause::default() };
        Self::new(500, "InternalError", format!("Internal error occurred: {why}")).causes(vec![cause])
    }

    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// The same with where to go on.
    pub(crate) fn go_on(mut self, continue_token: String) -> Self {
        self.0.continue_token = continue_token;
        self
    }

    pub(crate) fn too_new(wanted: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {wanted}, current: {current}");
        let cause = Cause {
            reason: "ResourceVersionTooLarge".into(),
            message: "Too large resource version".into(),
            ..Cause::default()
        };
        Self::new(504, "Timeout", message).causes(vec![cause]).retry_after(1)
    }

    pub(crate) fn too_many_requests(message: &str, retry_after: u32, cause: Option<Cause>) -> Self {
        Self::new(429, "TooManyRequests", message)
            .causes(cause.into_iter().collect())
            .retry_after(retry_after)
    }

    pub(crate) fn not_implemented(what: &str) -> Self {
        let message = format!("{what} is not supported by the embedded cluster: its nodes are simulated");
        Self::new(501, "NotImplemented", message)
    }

    pub(crate) fn code(&self) -> u16 {
        self.0.code
    }

    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    /// The same with another text.
    pub(crate) fn reworded(mut self, reword: impl FnOnce(&str) -> String) -> Self {
        self.0.message = reword(&self.0.message);
        self
    }

    pub(crate) fn value(&self) -> Value {
        let status = &self.0;
        let mut value = Value::default();
        value.set(&["kind"], "Status".into());
        value.set(&["apiVersion"], "v1".into());
        value.set(&["metadata"], Value::map(Map::new()));
        set_text(&mut value, &["metadata", "continue"], &status.continue_token);
        value.set(&["status"], "Failure".into());
        set_text(&mut value, &["message"], &status.message);
        set_text(&mut value, &["reason"], &status.reason);
        if let Some(details) = &status.details {
            value.set(&["details"], details.value());
        }
        value.set(&["code"], i64::from(status.code).into());
        value
    }

    pub(crate) fn json(&self) -> Arc<[u8]> {
        to_json(&self.value()).into()
    }
}

impl Details {
    fn value(&self) -> Value {
        let mut value = Value::map(Map::new());
        set_text(&mut value, &["name"], &self.name);
        set_text(&mut value, &["group"], &self.group);
        set_text(&mut value, &["kind"], &self.kind);
        if !self.causes.is_empty() {
            let causes = self.causes.iter().map(|cause| {
                let mut value = Value::map(Map::new());
                set_text(&mut value, &["reason"], &cause.reason);
                set_text(&mut value, &["message"], &cause.message);
                set_text(&mut value, &["field"], &cause.field);
                value
            });
            value.set(&["causes"], Value::list(causes.collect()));
        }
        if self.retry_after > 0 {
            value.set(&["retryAfterSeconds"], i64::from(self.retry_after).into());
        }
        value
    }
}

fn set_text(value: &mut Value, path: &[&str], text: &str) {
    if !text.is_empty() {
        value.set(path, text.into());
    }
}

/// Errors as Go joins them: each once, in brackets where there are several.
pub(crate) fn joined(errors: &[String]) -> String {
    let mut seen: Vec<&str> = Vec::new();
    for error in errors {
        if !seen.contains(&&**error) {
            seen.push(error);
        }
    }
    match &seen[..] {
        [only] => (*only).to_owned(),
        several => format!("[{}]", several.join(", ")),
    }
}

/// A text as Go's `%q` prints it.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// What is answered where something was done and there is no object to show.
pub(crate) fn success(code: u16, name: &str, group: &str, kind: &str, uid: &str) -> Value {
    let mut value = Value::default();
    value.set(&["kind"], "Status".into());
    value.set(&["apiVersion"], "v1".into());
    value.set(&["metadata"], Value::map(Map::new()));
    value.set(&["status"], "Success".into());
    let mut details = Value::map(Map::new());
    set_text(&mut details, &["name"], name);
    set_text(&mut details, &["group"], group);
    set_text(&mut details, &["kind"], kind);
    set_text(&mut details, &["uid"], uid);
    if !details.is_empty_container() {
        value.set(&["details"], details);
    }
    if code != 0 {
        value.set(&["code"], i64::from(code).into());
    }
    value
}
