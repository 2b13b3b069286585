//! What the API server does with objects of its built-in kinds beyond what their schema says: how they are defaulted, reset,
//! validated, listed and served. One file a kind; [`strategy`] finds it.

mod resource;
mod strategy;

pub use resource::{Resource, Subresource, resources};
pub use strategy::{ResetField, Status, Strategy, strategy};
