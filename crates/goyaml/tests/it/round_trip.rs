//! What is written reads back.

use lockstep_core::Value;
use lockstep_goyaml::emit;

use crate::{json, read};

#[test]
fn the_corpus_survives_emit_and_read() {
    let mut count = 0;
    for case in json("tests/conformance/yaml/cases.json") {
        if let Ok(value) = read(case["yaml"].as_str().unwrap().as_bytes()) {
            assert_eq!(read(emit(&value).as_bytes()).unwrap(), value, "{}", case["name"]);
            count += 1;
        }
    }
    assert!(count > 100);
}

#[test]
fn odd_text_survives_as_value_and_as_key() {
    let words = [
        "",
        " ",
        "a",
        "- ",
        ": ",
        " #",
        "#",
        "\n",
        "\t",
        "'",
        "\"",
        "\\",
        "é",
        "😀",
        "\u{85}",
        "\u{A0}",
        "\u{2028}",
        "\u{FEFF}",
        "\0",
        "\x7F",
        "yes",
        "0",
        "1_0",
        "<<",
        "|",
        ">",
        "%",
        "@",
        "!",
        "&",
        "*",
        "?",
        "[",
        "}",
        ",",
        "---",
        "...",
        "a very long text that has to be folded because it is longer than eighty columns are, is it not",
    ];
    for a in words {
        for b in words {
            for c in ["", "x", " ", "\n"] {
                let text = format!("{a}{b}{c}");
                let mut value =
                    Value::map([(text.as_str().into(), Value::list(vec![text.as_str().into()]))].into());
                value.set(&["nested", &text, "key"], text.as_str().into());
                let written = emit(&value);
                assert_eq!(read(written.as_bytes()).as_ref(), Ok(&value), "{text:?} as\n{written}");
            }
        }
    }
}
