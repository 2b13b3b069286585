//! What the API server knows about the shape of objects.
//!
//! The sets of fields by which server-side apply tracks who owns what (`metadata.managedFields`, FieldsV1, as
//! sigs.k8s.io/structured-merge-diff writes them), the way from a value to the parts that such a set names, and structured
//! merge itself: schemas from OpenAPI, values that are checked against them, what such a value sets, what changed between
//! two, and one laid over another.

mod collect;
mod compare;
mod definitions;
mod field_set;
mod fields_v1;
mod go_text;
mod items;
mod merge;
mod navigate;
mod reconcile;
mod remove;
mod shape;
mod type_error;
mod typed;

pub use compare::Comparison;
pub use definitions::{Definitions, Schema};
pub use field_set::FieldSet;
pub use fields_v1::FieldsError;
pub use go_text::server_path;
pub use navigate::{Children, Found, find, step};
pub use type_error::{TypeError, TypeErrors};
pub use typed::{Duplicates, Typed};
