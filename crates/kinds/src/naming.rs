//! What the names of objects must be, as a strategy says it.

use crate::meta::{Wrong, dns_label, dns_subdomain, path_segment};

fn result(wrong: Wrong) -> Result<(), Wrong> {
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// A DNS label.
pub(crate) fn label(name: &str) -> Result<(), Wrong> {
    result(dns_label(name))
}

/// A DNS subdomain.
pub(crate) fn subdomain(name: &str) -> Result<(), Wrong> {
    result(dns_subdomain(name))
}

/// A segment of a URL.
pub(crate) fn segment(name: &str) -> Result<(), Wrong> {
    result(path_segment(name))
}
