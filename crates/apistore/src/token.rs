//! The tokens of ServiceAccounts: made on request, and checked.

mod claims;
mod request;

pub(crate) use claims::{ISSUER, check};
pub(crate) use request::create;
