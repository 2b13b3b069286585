//! The seeds of the fuzz targets, and what the targets found, replayed.

use crate::{json, property, repository};

#[test]
fn the_seeds_hold_every_property() {
    let mut count = 0;
    for entry in std::fs::read_dir(repository().join("fuzz/seeds")).unwrap() {
        let data = std::fs::read(entry.unwrap().path()).unwrap();
        property::reading_keeps_to_its_limits(&data);
        property::what_is_written_reads_back(&data);
        count += 1;
    }
    assert!(count >= 20);
}

#[test]
fn the_recorded_documents_hold_every_property_also_where_they_are_cut() {
    for path in ["tests/conformance/yaml/cases.json", "tests/conformance/yaml/extra.json"] {
        for case in json(path) {
            let text = case["yaml"].as_str().unwrap().as_bytes();
            for end in 0..=text.len() {
                property::reading_keeps_to_its_limits(&text[..end]);
            }
            property::what_is_written_reads_back(text);
        }
    }
}
