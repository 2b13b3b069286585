//! What to do about an error, where that is known.

use std::fmt;

use cluster::{ApiError, ConnectError};
use controller::InspectError;

/// What is wrong with what a user typed or has, and what to do about it.
#[derive(Debug)]
struct Advised {
    what: String,
    hint: String,
}

impl fmt::Display for Advised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Advised {}

/// An error with a next step.
pub(crate) fn advised(what: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
    Advised { what: what.into(), hint: hint.into() }.into()
}

/// A next step for the user.
pub(crate) fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        cause
            .downcast_ref::<InspectError>()
            .and_then(of_inspect)
            .or_else(|| cause.downcast_ref::<ApiError>().and_then(of_api))
            .or_else(|| cause.downcast_ref::<ConnectError>().and_then(of_connect))
            .or_else(|| cause.downcast_ref::<Advised>().map(|advised| advised.hint.clone()))
    })
}

fn of_connect(error: &ConnectError) -> Option<String> {
    let text = match error {
        ConnectError::Pod(_) => "let the pod have the token of its ServiceAccount, or give --kubeconfig",
        ConnectError::Credentials(_) => "check the user of the context: kubectl config view --minify",
        ConnectError::Kubeconfig(_) | ConnectError::Proxy | ConnectError::Malformed(_) => return None,
    };
    Some(text.to_owned())
}

fn of_inspect(error: &InspectError) -> Option<String> {
    Some(match error {
        InspectError::NotInstalled => "run lockstep install | kubectl apply -f -".to_owned(),
        InspectError::NoApplication(_) => {
            "lockstep app list -A shows all Applications; -n chooses a namespace".to_owned()
        }
        InspectError::Forbidden { right, .. } => {
            format!("ask for a role that allows to {right}, or use another kubeconfig")
        }
        InspectError::NoInstallation { .. } => {
            "give the controller's namespace with --controller-namespace and its name with --instance; \
             the controller makes the key at its first start"
                .to_owned()
        }
        InspectError::Source { .. } => "lockstep app get shows whether the controller can read it".to_owned(),
        InspectError::Key { .. }
        | InspectError::Api { .. }
        | InspectError::Spec(_)
        | InspectError::State(..) => return None,
    })
}

fn of_api(error: &ApiError) -> Option<String> {
    let text = match error {
        ApiError::Unauthorized => "sign in again, or use another kubeconfig",
        ApiError::AlreadyExists => "change the existing one with kubectl, or choose another name",
        ApiError::Unavailable { .. } => "check the kubeconfig and its context: kubectl cluster-info",
        ApiError::NamespaceMissing => "make the namespace first: kubectl create namespace",
        _ => return None,
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_found_below_other_errors() {
        let error = anyhow::Error::new(InspectError::NotInstalled).context("cannot compare");
        assert_eq!(hint(&error).as_deref(), Some("run lockstep install | kubectl apply -f -"));
        let source = ApiError::Unauthorized;
        let error = anyhow::Error::new(InspectError::Api { doing: "read it", source });
        assert_eq!(hint(&error).as_deref(), Some("sign in again, or use another kubeconfig"));
        assert_eq!(hint(&advised("no", "try yes").context("oh")).as_deref(), Some("try yes"));
        assert_eq!(hint(&anyhow::anyhow!("no idea")), None);
    }
}
