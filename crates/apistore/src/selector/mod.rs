//! What lists and watches choose by: labels and fields.

mod field;
mod label;
mod name;

pub(crate) use field::FieldSelector;
pub(crate) use label::LabelSelector;
