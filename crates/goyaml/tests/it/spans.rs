//! Every node knows its place, its style and its tag.

use std::sync::Arc;

use lockstep_goyaml::{Limits, NodeKind, Source, Style, decode, parse};

use crate::{first, read};

fn document(text: &str) -> lockstep_goyaml::Document {
    first(text.as_bytes(), &Limits::default()).unwrap().unwrap()
}

#[test]
fn spans_cover_what_is_written() {
    let text = "é: 'a b'\nk: !!str \"x\\ny\"\nl:\n- |\n  t\n- [1, {b: c}]\nm: p\n  q\n";
    let document = document(text);
    let written =
        |node: lockstep_goyaml::Node<'_>| &text[node.span().start as usize..node.span().end as usize];
    let values: Vec<_> = document.root().entries().map(|(_, value)| value).collect();
    assert_eq!(
        (written(values[0]), values[0].text(), values[0].style()),
        ("'a b'", "a b", Style::SingleQuoted)
    );
    assert_eq!(
        (written(values[1]), values[1].text(), values[1].style()),
        ("\"x\\ny\"", "x\ny", Style::DoubleQuoted)
    );
    assert_eq!(values[1].tag(), Some("tag:yaml.org,2002:str"));
    let items: Vec<_> = values[2].children().collect();
    assert_eq!((written(items[0]), items[0].text(), items[0].style()), ("|\n  t", "t\n", Style::Literal));
    assert_eq!(
        (written(items[1]), items[1].kind(), items[1].style()),
        ("[1, {b: c}]", NodeKind::Sequence, Style::Flow)
    );
    assert_eq!((written(values[3]), values[3].text()), ("p\n  q", "p q"));
    assert_eq!((values[1].position().line, values[1].position().column), (2, 10));
    assert_eq!((values[0].position().line, values[0].position().column), (1, 4));
}

#[test]
fn duplicates_name_both_places() {
    let document = document("a: 1\nb: {c: 1}\n'a': 2\nm: &m {c: 1, c: 2}\nn: *m\no: {c: 1, <<: *m}\n");
    let decoded = decode(&document, &Limits::default()).unwrap();
    let line = |id| document.node(id).position().line;
    let found: Vec<_> = decoded.duplicates.iter().map(|d| (&*d.key, line(d.first), line(d.second))).collect();
    assert_eq!(found, [("a", 1, 3), ("c", 4, 4)]);
    assert_eq!(decoded.value.int_at(&["o", "c"]), Some(2));
}

#[test]
fn what_json_cannot_say_counts_only_where_it_survives() {
    for (text, ok) in [
        ("a: .nan\na: 1", true),
        ("a: 1\na: .nan", false),
        ("a: {~: 1}\na: 1", true),
        ("a: [.inf]", false),
        ("~: 1", false),
        ("18446744073709551615: 1", false),
    ] {
        assert_eq!(read(text.as_bytes()).is_ok(), ok, "{text}");
    }
}

#[test]
fn text_behind_a_document_is_named() {
    for (text, ignored) in [
        ("a: 1\n...\nb: 2", Some(9)),
        ("'a' b", Some(4)),
        ("a: 1\n...\n# x\n", None),
        ("a: 1\n...\n\t@", Some(9)),
    ] {
        let source = Arc::new(Source::read(text.as_bytes(), &Limits::default()).unwrap());
        let parsed = parse(&source, source.documents()[0], &Limits::default()).unwrap();
        assert_eq!(parsed.ignored, ignored, "{text:?}");
    }
}

#[test]
fn errors_name_line_and_column() {
    for (text, expected) in [
        ("a:\n  - b\n c: d", "line 3, column 2: did not find expected key"),
        ("a: b: c", "line 1, column 5: mapping values are not allowed in this context"),
        ("é: \"\\q\"", "line 1, column 5: found unknown escape character"),
        ("a: [1\nb: 2", "line 2, column 2: did not find expected ',' or ']'"),
        ("a: *x", "line 1, column 4: unknown anchor 'x' referenced"),
        ("a: 1\nb\nc: 2", "line 2, column 1: could not find expected ':'"),
        ("a: 1\n\"b\"\nc: 2", "line 2, column 1: could not find expected ':'"),
        ("a: 1\nb: \u{7F}", "line 2, column 4: control characters are not allowed"),
    ] {
        assert_eq!(read(text.as_bytes()).unwrap_err().to_string(), expected, "{text:?}");
    }
}
