//! What the API server does with objects of its built-in kinds beyond what their schema says: how they are defaulted, reset,
//! validated, listed and served. One file a kind; [`strategy`] finds it.

#[allow(dead_code, unused_imports)] // building blocks; kinds come to use them
mod meta;
mod resource;
mod strategy;

pub use meta::{Quantity, Scope, invalid_on_create, invalid_on_status_update, invalid_on_update};
pub use resource::{Resource, Subresource, resources};
pub use strategy::{ResetField, Status, Strategy, strategy};
