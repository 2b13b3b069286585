//! The kinds of the core group that everything else needs.

mod config_map;
mod event;
mod namespace;
mod node;
mod secret;
mod service_account;

pub(crate) use config_map::CONFIG_MAP;
pub(crate) use event::{EVENT, NEW_EVENT};
pub(crate) use namespace::NAMESPACE;
pub(crate) use node::NODE;
pub(crate) use secret::SECRET;
pub(crate) use service_account::SERVICE_ACCOUNT;

pub use event::convert_event;
pub use namespace::finalize_namespace;

/// The most that a ConfigMap or Secret may hold, in bytes.
const SIZE_LIMIT: usize = 1024 * 1024;
/// How the server says that nothing may change any more.
const NOW_IMMUTABLE: &str = "field is immutable when `immutable` is set";
