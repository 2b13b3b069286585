//! goyaml against answers of Go that were recorded as data.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests may end a test

mod conformance;
mod fuzz_seeds;
mod limits;
mod property;
mod round_trip;
mod spans;

use std::path::PathBuf;
use std::sync::Arc;

use lockstep_core::Value;
use lockstep_goyaml::{Document, Error, Limits, Source, decode, parse};

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn json(path: &str) -> Vec<serde_json::Value> {
    let path = repository().join(path);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap()
}

/// The first document of a text, as `yaml.Unmarshal` reads it.
fn first(text: &[u8], limits: &Limits) -> Result<Option<Document>, Error> {
    let source = Arc::new(Source::read(text, limits)?);
    let mut whole = source.documents()[0];
    whole.end = u32::try_from(source.text().len()).unwrap();
    Ok(parse(&source, whole, limits)?.document)
}

fn read(text: &[u8]) -> Result<Value, Error> {
    let limits = Limits::default();
    match first(text, &limits)? {
        Some(document) => Ok(decode(&document, &limits)?.value),
        None => Ok(Value::Null),
    }
}
