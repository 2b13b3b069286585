//! From the API server's answer to the class that plan decides on.

use cluster::ApiError;
use plan::Refusal;

use crate::outcome::Failed;

/// Classifies an error. A 422 is `Invalid` here; only a probe can tell that the transition is what is forbidden.
pub(crate) fn failed(error: &ApiError) -> Failed {
    let refusal = match error {
        ApiError::NotFound
        | ApiError::NotServed
        | ApiError::NamespaceMissing
        | ApiError::NamespaceTerminating => Refusal::NotFound,
        ApiError::AlreadyExists | ApiError::Conflict { .. } | ApiError::Stale | ApiError::Gone => {
            Refusal::Conflict
        }
        ApiError::Invalid { .. } | ApiError::BadRequest { .. } | ApiError::Unsupported => Refusal::Invalid,
        ApiError::Forbidden { .. } | ApiError::Unauthorized => Refusal::Forbidden,
        ApiError::ServerError { .. } => Refusal::Internal,
        ApiError::TooManyRequests { .. } | ApiError::Expired | ApiError::Unavailable { .. } => {
            Refusal::Unavailable
        }
    };
    Failed { refusal, message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_of_answer_has_its_consequence() {
        let invalid = ApiError::Invalid { causes: vec![], message: "spec.x: Invalid value".into() };
        let server =
            ApiError::ServerError { code: 500, reason: "Unknown".into(), message: "no field y".into() };
        for (error, refusal, text) in [
            (invalid, Refusal::Invalid, "the object is not valid: spec.x: Invalid value"),
            (server, Refusal::Internal, "server error 500 Unknown: no field y"),
            (ApiError::NotServed, Refusal::NotFound, "the server does not serve this kind in this version"),
            (ApiError::Stale, Refusal::Conflict, "the object has changed since it was read"),
            (ApiError::Unauthorized, Refusal::Forbidden, "the credentials are not accepted"),
            (
                ApiError::TooManyRequests { retry_after: None },
                Refusal::Unavailable,
                "the server asks to slow down",
            ),
        ] {
            assert_eq!(failed(&error), Failed { refusal, message: text.to_owned() });
        }
    }
}
