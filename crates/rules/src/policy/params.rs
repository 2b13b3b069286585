//! The parameters of a binding.

use lockstep_core::Value;

use super::matching::selects;
use super::{Attributes, Equivalents};
use crate::library::authorizer::Authorizer;

/// Where the objects are that policies take as parameters.
pub trait Params {
    /// Whether objects of a kind live in namespaces; `None` for a kind that is not served.
    fn is_namespaced(&self, api_version: &str, kind: &str) -> Option<bool>;

    /// All objects of a kind, of one namespace where a name is given.
    fn list(&self, api_version: &str, kind: &str, namespace: &str) -> Vec<Value>;
}

/// What policies look at beside the request.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Their parameters.
    pub params: &'a dyn Params,
    /// Rights.
    pub authorizer: Option<&'a dyn Authorizer>,
    /// The object of the request in other versions.
    pub equivalents: &'a dyn Equivalents,
}

/// The parameters with which a policy is checked for one binding, one after the other; `None` is the lack of one.
pub(super) fn collect(
    policy: &Value,
    binding: &Value,
    request: &Attributes<'_>,
    params: &dyn Params,
) -> Result<Vec<Option<Value>>, String> {
    let Some(kind) = policy.at(&["spec", "paramKind"]) else { return Ok(vec![None]) };
    let Some(reference) = binding.at(&["spec", "paramRef"]) else { return Ok(vec![None]) };
    let (version, name) =
        (kind.str_at(&["apiVersion"]).unwrap_or_default(), kind.str_at(&["kind"]).unwrap_or_default());
    let Some(namespaced) = params.is_namespaced(version, name) else {
        return Err(format!("paramKind kind `&ParamKind{{APIVersion:{version},Kind:{name},}}` not known"));
    };
    let own = reference.str_at(&["namespace"]).unwrap_or_default();
    let namespace = match (namespaced, own) {
        (true, "") if request.namespace.is_empty() => {
            return Err(
                "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
                    .into(),
            );
        }
        (true, "") => request.namespace,
        (false, own) if !own.is_empty() => {
            return Err("paramRef.namespace must not be provided for a cluster-scoped `paramKind`".into());
        }
        (_, own) => own,
    };
    let wanted = reference.str_at(&["name"]).unwrap_or_default();
    let fits = |object: &Value| match wanted {
        "" => {
            let labels = object.at(&["metadata", "labels"]).cloned().unwrap_or_default();
            reference.get("selector").is_some_and(|selector| selects(selector, &labels))
        }
        wanted => object.str_at(&["metadata", "name"]) == Some(wanted),
    };
    let found: Vec<_> = params.list(version, name, namespace).into_iter().filter(fits).map(Some).collect();
    if found.is_empty() && reference.str_at(&["parameterNotFoundAction"]) == Some("Deny") {
        return Err("no params found for policy binding with `Deny` parameterNotFoundAction".into());
    }
    Ok(found)
}
