//! Questions to the authorizer: `authorizer.group('apps').resource('deployments').check('create').allowed()`.

use std::sync::Arc;

use crate::val::Val;

/// A question whether someone may do something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// The API group.
    pub group: String,
    /// The resource; empty where a path is asked for.
    pub resource: String,
    /// The subresource; may be empty.
    pub subresource: String,
    /// The namespace; empty for all.
    pub namespace: String,
    /// The name of the object; may be empty.
    pub name: String,
    /// A path that is no resource; may be empty.
    pub path: String,
    /// What is to be done.
    pub verb: String,
    /// The namespace and name of the ServiceAccount that would do it; `None` for the user of the request.
    pub service_account: Option<(String, String)>,
}

/// The answer to a [`Check`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is allowed.
    pub allowed: bool,
    /// Why.
    pub reason: String,
    /// What went wrong when it was looked up.
    pub error: Option<String>,
}

/// Who answers questions of expressions about rights.
pub trait Authorizer {
    /// Answers one question.
    fn check(&self, check: &Check) -> Decision;
}

/// What an expression has of the authorizer so far.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Authz {
    All(Check),
    Path(Check),
    Group(Check),
    Resource(Check),
    Answer(Decision),
}

impl Authz {
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::All(_) => "kubernetes.authorization.Authorizer",
            Self::Path(_) => "kubernetes.authorization.PathCheck",
            Self::Group(_) => "kubernetes.authorization.GroupCheck",
            Self::Resource(_) => "kubernetes.authorization.ResourceCheck",
            Self::Answer(_) => "kubernetes.authorization.Decision",
        }
    }

    /// A method of it; `None` where there is none of that name.
    pub(crate) fn call(
        &self,
        name: &str,
        args: &[Val],
        authorizer: Option<&dyn Authorizer>,
    ) -> Option<Result<Val, String>> {
        let text = |at: usize| match args.get(at) {
            Some(Val::String(text)) => Some(text.to_string()),
            _ => None,
        };
        let make = |authz: Self| Some(Ok(Val::Authz(Arc::new(authz))));
        match (self, name) {
            (Self::All(check), "path") => make(Self::Path(Check { path: text(0)?, ..check.clone() })),
            (Self::All(check), "group") => make(Self::Group(Check { group: text(0)?, ..check.clone() })),
            (Self::All(check), "serviceAccount") => {
                make(Self::All(Check { service_account: Some((text(0)?, text(1)?)), ..check.clone() }))
            }
            (Self::Group(check), "resource") => {
                make(Self::Resource(Check { resource: text(0)?, ..check.clone() }))
            }
            (Self::Resource(check), "subresource") => {
                make(Self::Resource(Check { subresource: text(0)?, ..check.clone() }))
            }
            (Self::Resource(check), "namespace") => {
                make(Self::Resource(Check { namespace: text(0)?, ..check.clone() }))
            }
            (Self::Resource(check), "name") => {
                make(Self::Resource(Check { name: text(0)?, ..check.clone() }))
            }
            (Self::Resource(check) | Self::Path(check), "check") => {
                let check = Check { verb: text(0)?, ..check.clone() };
                match authorizer {
                    Some(authorizer) => make(Self::Answer(authorizer.check(&check))),
                    None => Some(Err("authorizer: no authorizer".into())),
                }
            }
            (Self::Answer(decision), "allowed") => Some(Ok(Val::Bool(decision.allowed))),
            (Self::Answer(decision), "reason") => Some(Ok(Val::text(&*decision.reason))),
            (Self::Answer(decision), "errored") => Some(Ok(Val::Bool(decision.error.is_some()))),
            (Self::Answer(decision), "error") => {
                Some(Ok(Val::text(decision.error.as_deref().unwrap_or_default())))
            }
            _ => None,
        }
    }
}
