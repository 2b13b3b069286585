//! What a request can end in: one variant per decision of the caller.
//!
//! Immutability is not among them: the API server has no reason code for it, only a 422 with prose.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::requests::Verb;

/// Another manager that owns a field which an unforced apply wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldOwner {
    /// The manager's name; empty where the server's wording is new to us.
    pub manager: Arc<str>,
    /// The field, as the server prints paths: `.spec.replicas`.
    pub field: Arc<str>,
}

/// One thing that is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// `FieldValueInvalid`, `FieldValueRequired` and the like.
    pub reason: Arc<str>,
    /// The field, as the server prints paths: `spec.ports[0].port`.
    pub field: Arc<str>,
    /// The server's words; empty for Secrets, since they may repeat values.
    pub message: Arc<str>,
}

/// Why a request did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The object is not there.
    #[error("the object does not exist")]
    NotFound,
    /// The server does not serve this kind in this version (404 of the resource's path).
    #[error("the server does not serve this kind in this version")]
    NotServed,
    /// The namespace that the object belongs to is not there.
    #[error("the namespace does not exist")]
    NamespaceMissing,
    /// The namespace that the object belongs to is being deleted.
    #[error("the namespace is being deleted")]
    NamespaceTerminating,
    /// A create found an object of that name.
    #[error("an object of that name exists already")]
    AlreadyExists,
    /// An unforced apply met fields of other managers.
    #[error("fields belong to other managers")]
    Conflict {
        /// Which fields, and whose.
        owners: Vec<FieldOwner>,
        /// The server's words.
        message: Arc<str>,
    },
    /// The resourceVersion of the request is no longer the object's, or it changed during the request: read again.
    #[error("the object has changed since it was read")]
    Stale,
    /// The object of that name has another uid than the request demands: the one that was meant is gone.
    #[error("the object has been replaced by another one of the same name")]
    Gone,
    /// 422: the object is not valid, or the transition is not allowed.
    #[error("the object is not valid: {message}")]
    Invalid {
        /// What is wrong, field by field.
        causes: Vec<Cause>,
        /// The server's words.
        message: Arc<str>,
    },
    /// 400: the request itself is wrong, for instance a strict decoding error.
    #[error("bad request: {message}")]
    BadRequest {
        /// The server's words.
        message: Arc<str>,
    },
    /// 405, 406 or 415: the resource does not take this verb or encoding.
    #[error("the resource does not support this request")]
    Unsupported,
    /// The identity may not do this, or an admission policy denies it.
    #[error("forbidden: {message}")]
    Forbidden {
        /// The server's words.
        message: Arc<str>,
    },
    /// The credentials are not accepted.
    #[error("the credentials are not accepted")]
    Unauthorized,
    /// 429: too many requests, or an eviction-like budget; try again after a while.
    #[error("the server asks to slow down")]
    TooManyRequests {
        /// The pause that the server asks for.
        retry_after: Option<Duration>,
    },
    /// 410: the resourceVersion or continue token is too old.
    #[error("the resource version is too old")]
    Expired,
    /// 500 and its kin: an error of the server on this object (an apply with an undeclared field is one).
    #[error("server error {code} {reason}: {message}")]
    ServerError {
        /// The HTTP code.
        code: u16,
        /// The reason of the Status, `Unknown` where it has none.
        reason: Arc<str>,
        /// The server's words.
        message: Arc<str>,
    },
    /// No answer, or 502, 503, 504: worth another try.
    #[error("the server cannot be reached: {message}")]
    Unavailable {
        /// What went wrong.
        message: Arc<str>,
    },
}

impl ApiError {
    /// Whether the same request may succeed later without anybody changing anything.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::TooManyRequests { .. } | Self::Unavailable { .. } | Self::Stale | Self::Expired)
    }

    pub(crate) fn unavailable(error: &dyn std::error::Error) -> Self {
        // The outermost text of HTTP errors says only "error sending request": the innermost names the cause.
        let mut last = error;
        while let Some(source) = last.source() {
            last = source;
        }
        Self::Unavailable { message: last.to_string().into() }
    }
}

/// What of the request its answer's meaning depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) verb: Verb,
    /// Core Secrets: the server's words may repeat values.
    pub(crate) secret: bool,
    /// The namespace in the path, unless the kind is Namespace itself.
    pub(crate) namespace: Option<&'a str>,
    /// A delete whose only precondition is the uid.
    pub(crate) uid_only: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status<'a> {
    #[serde(borrow)]
    kind: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    reason: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    details: Option<Details<'a>>,
    code: Option<u16>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Details<'a> {
    #[serde(borrow)]
    name: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    kind: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    causes: Option<Vec<StatusCause<'a>>>,
    retry_after_seconds: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct StatusCause<'a> {
    #[serde(borrow)]
    reason: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    field: Option<std::borrow::Cow<'a, str>>,
}

const HIDDEN: &str = "(the server's words are withheld: they may repeat values of the Secret)";

impl Status<'_> {
    fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or_default()
    }

    fn words(&self, asked: &Asked<'_>) -> Arc<str> {
        match asked.secret {
            true => HIDDEN.into(),
            false => self.message.as_deref().unwrap_or_default().into(),
        }
    }

    fn causes(&self) -> &[StatusCause<'_>] {
        self.details.as_ref().and_then(|details| details.causes.as_deref()).unwrap_or_default()
    }

    fn has_cause(&self, reason: &str) -> bool {
        self.causes().iter().any(|cause| cause.reason.as_deref() == Some(reason))
    }
}

/// Classifies an answer that is not a success.
pub(crate) fn classify(asked: &Asked<'_>, code: u16, retry_after: Option<u64>, body: &[u8]) -> ApiError {
    let parsed = serde_json::from_slice::<Status<'_>>(body).ok();
    let status = parsed.filter(|status| status.kind.as_deref() == Some("Status"));
    let is_status = status.is_some();
    let status = status.unwrap_or_default();
    let pause = retry_after.or(status.details.as_ref().and_then(|details| details.retry_after_seconds));
    match code {
        400 => ApiError::BadRequest { message: status.words(asked) },
        401 => ApiError::Unauthorized,
        403 if status.has_cause("NamespaceTerminating") => ApiError::NamespaceTerminating,
        403 => ApiError::Forbidden { message: status.words(asked) },
        404 if is_status => missing(asked, &status),
        404 => ApiError::NotServed,
        405 | 406 | 415 => ApiError::Unsupported,
        409 => conflict(asked, &status),
        410 => ApiError::Expired,
        422 => ApiError::Invalid { causes: causes(asked, &status), message: status.words(asked) },
        429 => ApiError::TooManyRequests { retry_after: pause.map(Duration::from_secs) },
        // A server that is starting or draining answers 500 to 504 with Retry-After.
        502..=504 => ApiError::Unavailable { message: format!("HTTP {code}").into() },
        500 if pause.is_some() => ApiError::Unavailable { message: format!("HTTP {code}").into() },
        _ => server_error(asked, code, &status),
    }
}

/// Classifies the Status inside an ERROR frame of a watch.
pub(crate) fn classify_status(asked: &Asked<'_>, body: &[u8]) -> ApiError {
    let code = serde_json::from_slice::<Status<'_>>(body).ok().and_then(|status| status.code);
    classify(asked, code.unwrap_or(500), None, body)
}

fn server_error(asked: &Asked<'_>, code: u16, status: &Status<'_>) -> ApiError {
    let reason = match status.reason() {
        "" => "Unknown",
        reason => reason,
    };
    ApiError::ServerError { code, reason: reason.into(), message: status.words(asked) }
}

fn missing(asked: &Asked<'_>, status: &Status<'_>) -> ApiError {
    let detail = |pick: fn(&Details<'_>) -> Option<String>| status.details.as_ref().and_then(pick);
    let name = detail(|details| details.name.as_deref().map(str::to_owned));
    let kind = detail(|details| details.kind.as_deref().map(str::to_owned));
    match (name.as_deref(), kind.as_deref()) {
        (None | Some(""), _) => ApiError::NotServed,
        (Some(name), Some("namespaces")) if asked.namespace == Some(name) => ApiError::NamespaceMissing,
        _ => ApiError::NotFound,
    }
}

fn conflict(asked: &Asked<'_>, status: &Status<'_>) -> ApiError {
    if status.reason() == "AlreadyExists" {
        return ApiError::AlreadyExists;
    }
    if status.has_cause("FieldManagerConflict") {
        let owners = status.causes().iter().map(field_owner).collect();
        return ApiError::Conflict { owners, message: status.words(asked) };
    }
    match asked.verb == Verb::Delete && asked.uid_only {
        true => ApiError::Gone,
        false => ApiError::Stale,
    }
}

/// The manager's name has no field of its own in the answer: it stands in the message, `conflict with "x" …`.
fn field_owner(cause: &StatusCause<'_>) -> FieldOwner {
    let message = cause.message.as_deref().unwrap_or_default();
    let quoted = message.strip_prefix("conflict with \"").and_then(|rest| rest.split_once('"'));
    let manager = quoted.map_or("", |(manager, _)| manager);
    FieldOwner { manager: manager.into(), field: cause.field.as_deref().unwrap_or_default().into() }
}

fn causes(asked: &Asked<'_>, status: &Status<'_>) -> Vec<Cause> {
    let text = |text: &Option<std::borrow::Cow<'_, str>>| Arc::from(text.as_deref().unwrap_or_default());
    let one = |cause: &StatusCause<'_>| Cause {
        reason: text(&cause.reason),
        field: text(&cause.field),
        message: if asked.secret { "".into() } else { text(&cause.message) },
    };
    status.causes().iter().map(one).collect()
}

#[cfg(test)]
mod tests;
