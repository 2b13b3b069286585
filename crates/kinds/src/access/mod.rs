//! Who may do what, and the certificates by which they are known.

mod binding;
mod certificate_request;
mod role;

pub(crate) use binding::{CLUSTER_ROLE_BINDING, ROLE_BINDING};
pub(crate) use certificate_request::CERTIFICATE_SIGNING_REQUEST;
pub use certificate_request::{prepare_approval, validate_approval};
pub(crate) use role::{CLUSTER_ROLE, ROLE};

const GROUP: &str = "rbac.authorization.k8s.io";
