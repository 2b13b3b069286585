//! Answers that this server gives before, or instead of, the store.

use apistore::{Body, Response};
use lockstep_core::{Map, Value, to_json};

/// A `Status` that says no.
pub(crate) fn failure(code: u16, reason: &str, message: &str) -> Response {
    respond(code, status(code, reason, message))
}

/// The same of what no kind is known for: details without anything in them.
fn generic(code: u16, reason: &str, message: &str) -> Response {
    let mut status = status(code, reason, message);
    status.insert("details".into(), Value::map(Map::new()));
    respond(code, status)
}

fn respond(code: u16, status: Map) -> Response {
    Response { code, warnings: Vec::new(), body: Body::Object(to_json(&Value::map(status)).into()) }
}

fn status(code: u16, reason: &str, message: &str) -> Map {
    let mut status = Map::new();
    let mut set = |key: &str, value: Value| status.insert(key.into(), value);
    set("apiVersion", "v1".into());
    set("kind", "Status".into());
    set("metadata", Value::map(Map::new()));
    set("status", "Failure".into());
    set("message", message.into());
    if !reason.is_empty() {
        set("reason", reason.into());
    }
    set("code", Value::Int(code.into()));
    status
}

/// Nobody whom we know.
pub(crate) fn unauthorized() -> Response {
    failure(401, "Unauthorized", "Unauthorized")
}

/// No such path.
pub(crate) fn not_found() -> Response {
    generic(404, "NotFound", "the server could not find the requested resource")
}

/// A method that is none of the API's.
pub(crate) fn method_not_allowed() -> Response {
    let message = "the server does not allow this method on the requested resource";
    generic(405, "MethodNotAllowed", message)
}

/// No form that the client accepts.
pub(crate) fn not_acceptable() -> Response {
    let offered = "application/json, application/yaml";
    generic(406, "NotAcceptable", &format!("406: Not Acceptable\n\nAvailable representations: {offered}"))
}

/// Media types that are offered, in a form that is not.
pub(crate) fn not_acceptable_form() -> Response {
    let offered = "application/json, application/yaml";
    failure(406, "NotAcceptable", &format!("only the following media types are accepted: {offered}"))
}

/// A form that the answer cannot have: that of an object for a list, or the other way round.
pub(crate) fn other_form(form: &str, found: &str) -> Response {
    let message = format!("you requested {form}, but the requested object is {found}");
    failure(406, "NotAcceptable", &message)
}

/// An `includeObject` that is none.
pub(crate) fn no_table(text: &str) -> Response {
    let text = Value::from(text);
    let text = String::from_utf8_lossy(&to_json(&text)).into_owned();
    let why = "must be 'Metadata', 'Object', 'None', or empty";
    let message =
        format!("Unable to convert to Table as requested: includeObject: Invalid value: {text}: {why}");
    failure(400, "BadRequest", &message)
}

/// No form of a watch that the client accepts.
pub(crate) fn not_acceptable_watch() -> Response {
    let offered = "application/json;stream=watch";
    failure(406, "NotAcceptable", &format!("only the following media types are accepted: {offered}"))
}

/// The body is larger than the API takes.
pub(crate) fn too_large(limit: usize) -> Response {
    failure(413, "RequestEntityTooLarge", &format!("Request entity too large: limit is {limit}"))
}

/// Something that should not happen.
pub(crate) fn internal(message: &str) -> Response {
    failure(500, "InternalError", &format!("Internal error occurred: {message}"))
}

/// The disk did not take the change: it is in memory, and gone with the process.
pub(crate) fn not_kept() -> Response {
    internal("the change could not be written to disk")
}
