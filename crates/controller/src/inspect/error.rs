//! Why an Application cannot be looked at.

use std::path::PathBuf;
use std::sync::Arc;

use cluster::ApiError;
use lockstep_core::{AppKey, Finding};

/// Why an Application cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The CustomResourceDefinitions are not there.
    #[error("Lockstep is not installed in this cluster: it does not serve applications.lockstep.dev")]
    NotInstalled,
    /// There is no such Application.
    #[error("there is no Application {} in namespace {}", .0.name, .0.namespace)]
    NoApplication(AppKey),
    /// The user lacks a right.
    #[error("cannot {doing}: you lack the right to {right}")]
    Forbidden {
        /// What was tried.
        doing: &'static str,
        /// Verb, resource and namespace.
        right: String,
    },
    /// The installation has no key: its controller has never run.
    #[error("there is no installation {instance} in namespace {namespace}: its key is not there")]
    NoInstallation {
        /// Its name.
        instance: Arc<str>,
        /// Where its key was looked for.
        namespace: Arc<str>,
    },
    /// The Secret with the key is damaged.
    #[error("the installation's key in Secret {secret} cannot be read")]
    Key {
        /// The Secret's name.
        secret: String,
        /// Why.
        #[source]
        source: api::KeyError,
    },
    /// The API server did not do what is needed.
    #[error("cannot {doing}")]
    Api {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: ApiError,
    },
    /// The spec is refused.
    #[error("the spec of the Application is not valid")]
    Spec(Vec<Finding>),
    /// A source cannot be read.
    #[error("cannot read {url}: {reason}")]
    Source {
        /// Which one.
        url: String,
        /// Why, and what may have to do with it.
        reason: String,
    },
    /// The disk cache cannot be used.
    #[error("cannot use the directory {0}")]
    State(PathBuf, #[source] git::Error),
}

impl InspectError {
    /// A failure that no right would mend.
    pub(crate) fn api(doing: &'static str, source: ApiError) -> Self {
        Self::Api { doing, source }
    }

    /// A failed read, which may be a matter of a right.
    pub(crate) fn read(doing: &'static str, right: String, source: ApiError) -> Self {
        match source {
            ApiError::Forbidden { .. } => Self::Forbidden { doing, right },
            source => Self::Api { doing, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_right_is_named() {
        let forbidden = ApiError::Forbidden { message: "words".into() };
        let error = InspectError::read("read the records", "list secrets in namespace x".into(), forbidden);
        let expected = "cannot read the records: you lack the right to list secrets in namespace x";
        assert_eq!(error.to_string(), expected);
        let error = InspectError::read("read the records", String::new(), ApiError::Expired);
        assert!(matches!(error, InspectError::Api { source: ApiError::Expired, .. }));
    }
}
