//! Files of manifests, with every way in which they can be wrong.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests may end a test

mod findings;
mod output;
mod places;

use lockstep_manifest::{Limits, Parsed, read};

fn parse(text: impl AsRef<[u8]>) -> Parsed {
    read("a.yaml", text.as_ref(), &Limits::default())
}

/// The objects as `Kind/name`.
fn names(parsed: &Parsed) -> Vec<String> {
    parsed.objects.iter().map(|object| object.key().to_string()).collect()
}
