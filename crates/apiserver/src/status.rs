//! Answers that this server gives before, or instead of, the store.

use apistore::{Body, Response};
use lockstep_core::{Map, Value, to_json};

/// A `Status` that says no.
pub(crate) fn failure(code: u16, reason: &str, message: &str) -> Response {
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
    Response { code, warnings: Vec::new(), body: Body::Object(to_json(&Value::map(status)).into()) }
}

/// Nobody whom we know.
pub(crate) fn unauthorized() -> Response {
    failure(401, "Unauthorized", "Unauthorized")
}

/// No such path.
pub(crate) fn not_found() -> Response {
    failure(404, "NotFound", "the server could not find the requested resource")
}

/// A method that is none of the API's.
pub(crate) fn method_not_allowed() -> Response {
    let message = "the server does not allow this method on the requested resource";
    failure(405, "MethodNotAllowed", message)
}

/// No form that the client accepts.
pub(crate) fn not_acceptable() -> Response {
    let offered = "application/json, application/yaml";
    failure(406, "NotAcceptable", &format!("406: Not Acceptable\n\nAvailable representations: {offered}"))
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
