//! What every kind has: `metadata`, and the small values that many kinds are made of. The texts are the server's own.

mod edit;
mod internal;
mod ip;
mod line_diff;
mod names;
mod number;
mod object_meta;
mod selector;
mod view;

pub use object_meta::{
    Scope, invalid_embedded, invalid_on_create, invalid_on_status_update, invalid_on_update,
};
pub(crate) use schema::Quantity;

pub(crate) use edit::Edit;
pub(crate) use internal::{immutable, internal_diff, invalid_internal, not_supported_internal};
pub(crate) use ip::{ip_warnings, is_canonical_ip, legacy_ip, parse_ip};
pub(crate) use names::*;
pub(crate) use number::*;
pub(crate) use object_meta::{validate_annotations, validate_labels};
pub(crate) use selector::{Selector, validate_selector};
pub(crate) use view::View;
