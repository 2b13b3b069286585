//! Everything that talks to a Kubernetes API server.
//!
//! A [`Connection`] carries requests (HTTP/2, credentials, impersonation, accounting). [`Discovery`] knows what the server
//! serves and never takes a failing group for a missing kind. A [`Writer`] changes objects one request at a time, paced by
//! a [`Limiter`]; what the server answers is classified once into [`ApiError`]. The [`Index`] holds what the cluster has
//! now of everything that some Application desires or owns, from watches; [`Watch`] follows one kind for the controller
//! itself.
//!
//! Nothing in here decides: it reports, and it does what it is told.

mod catalog;
mod connection;
mod connector;
mod discovery;
mod error;
mod index;
mod limiter;
mod queue;
mod raw;
mod requests;
mod resource;
mod silence;
mod stream;
mod watch;
mod writer;

pub use catalog::{Catalog, Lookup};
pub use connection::Connection;
pub use connector::{ConnectError, ConnectOptions, Impersonate};
pub use discovery::Discovery;
pub use error::{ApiError, Cause, FieldOwner};
pub use index::{
    Change, Child, Index, IndexSize, Live, LiveEvent, Namespaces, ScopeState, Subscriber, Unread, Want,
    WatchScope,
};
pub use limiter::{Limiter, Outcome, Permit, Priority};
pub use raw::{Meta, PodState, RawObject};
pub use requests::{RequestKey, RequestStat, Requests, Verb};
pub use resource::{Resource, ResourceScope, Verbs};
pub use silence::Silence;
pub use stream::{Failure, Selector};
pub use watch::{Watch, WatchEvent};
pub use writer::{ApplyOptions, DeleteOptions, DryRun, FieldValidation, Force, Patch, Writer, Written};
