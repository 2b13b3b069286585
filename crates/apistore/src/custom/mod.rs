//! Custom resources: their definitions, and the rules that those make.

mod controller;
mod conversion;
mod definition;
mod embedded;
mod managed;
mod rules;

pub(crate) use controller::{mark_deleted, next_steps};
pub(crate) use conversion::{ca_bundle, convert_by_webhook, url};
pub(crate) use definition::{Conversion, Custom, CustomVersion, is_established, rank, read, resources};
pub(crate) use managed::managed_by_server;
