//! Reading never panics and keeps to its limits: `cargo +nightly fuzz run parse fuzz/corpus fuzz/seeds`.
#![no_main]

#[path = "../../crates/goyaml/tests/it/property.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::reading_keeps_to_its_limits(data));
