//! HTTP and TLS before the embedded API.
//!
//! An [`Api`] is one store with a clock, its keys and, where there is one, a disk behind it; everything in this process asks it by
//! [`Api::call`]. A [`Server`] lets kubectl, Helm and every other client do so over the wire: discovery, OpenAPI, watch streams,
//! tables, YAML, users by token and by certificate. Nothing here decides about objects.

mod accept;
mod api;
mod audit;
mod authentication;
mod body;
mod columns;
mod discovery;
mod encode;
mod health;
mod metrics;
mod openapi;
mod openapi_proto;
mod pki;
mod route;
mod server;
mod status;
mod stream;
mod table;
mod token;
mod trust;
mod webhook;

pub use api::{Api, Keep};
pub use audit::AuditLog;
pub use authentication::{Authentication, TokenFileError, TokenUser};
pub use pki::{Authority, Credentials, PkiError};
pub use server::{Access, Server, ServerError};
pub use token::TokenKey;
