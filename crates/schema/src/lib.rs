//! What the API server knows about the shape of objects.
//!
//! For now: the sets of fields by which server-side apply tracks who owns what (`metadata.managedFields`, FieldsV1, as
//! sigs.k8s.io/structured-merge-diff writes them), and the way from a value to the parts that such a set names.

mod field_set;
mod fields_v1;
mod navigate;

pub use field_set::FieldSet;
pub use fields_v1::FieldsError;
pub use navigate::{Children, Found, find, step};
