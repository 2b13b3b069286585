//! Custom resources: their definitions, and the rules that those make.

mod controller;
mod conversion;
mod definition;
mod rules;

pub(crate) use controller::next_step;
pub(crate) use conversion::{ca_bundle, convert_by_webhook, url};
pub(crate) use definition::{Conversion, Custom, CustomVersion, read, resources};
