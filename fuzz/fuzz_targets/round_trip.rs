//! What is written reads back: `cargo +nightly fuzz run round_trip fuzz/corpus fuzz/seeds`.
#![no_main]

#[path = "../../crates/goyaml/tests/it/property.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::what_is_written_reads_back(data));
