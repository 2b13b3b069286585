//! What holds for every input. The fuzz targets include this file; fuzz/seeds is replayed as a test.
#![allow(dead_code, clippy::unwrap_used)] // each target uses one of the functions

use std::sync::Arc;

use lockstep_core::Value;
use lockstep_goyaml::{Document, Error, Limits, NodeKind, Source, decode, emit, parse, parse_json};

fn limits() -> Limits {
    Limits { file_bytes: 1 << 16, depth: 64, nodes: 10_000 }
}

/// No panic, no more than the limits, and every node inside its document.
pub(crate) fn reading_keeps_to_its_limits(data: &[u8]) {
    let limits = limits();
    let Ok(source) = Source::read(data, &limits) else { return };
    let source = Arc::new(source);
    for span in source.documents() {
        let yaml = parse(&source, span, &limits).ok().and_then(|parsed| parsed.document);
        let json = parse_json(&source, span, &limits).unwrap_or_default();
        for document in yaml.into_iter().chain(json) {
            check_nodes(&document, span.start, span.end, &limits);
            match decode(&document, &limits) {
                Ok(decoded) => check_value(&decoded.value, limits.depth),
                Err(error) => assert!(error.position.line > 0 && error.position.column > 0),
            }
        }
    }
}

fn check_nodes(document: &Document, start: u32, end: u32, limits: &Limits) {
    assert!(document.len() <= limits.nodes);
    let mut open = vec![document.root()];
    let mut seen = 0;
    while let Some(node) = open.pop() {
        let span = node.span();
        assert!(
            start <= span.start && span.start <= span.end && span.end <= end,
            "{span:?} in {start}..{end}"
        );
        let written = document.source().text().get(span.start as usize..span.end as usize);
        assert!(written.is_some(), "a span divides a character");
        if node.kind() == NodeKind::Mapping {
            assert!(node.len().is_multiple_of(2));
        }
        open.extend(node.children());
        seen += 1;
    }
    assert_eq!(seen, document.len());
}

fn check_value(value: &Value, depth: u32) {
    assert!(depth > 0 || !matches!(value, Value::List(_) | Value::Map(_)), "deeper than the limit");
    match value {
        Value::Uint(_) => panic!("numbers are int64, else float64"),
        Value::Float(number) => assert!(number.is_finite()),
        Value::List(items) => items.iter().for_each(|item| check_value(item, depth - 1)),
        Value::Map(entries) => entries.values().for_each(|item| check_value(item, depth - 1)),
        _ => {}
    }
}

/// A value that was read is the same after it was written and read once more.
pub(crate) fn what_is_written_reads_back(data: &[u8]) {
    let Ok(Some(value)) = first(data, &limits()) else { return };
    let written = emit(&value);
    let generous = Limits { nodes: usize::MAX, depth: 200, ..Limits::default() };
    let again = first(written.as_bytes(), &generous).unwrap();
    assert_eq!(again.as_ref(), Some(&value), "written as\n{written}");
    assert_eq!(format!("{again:?}"), format!("{:?}", Some(&value)), "the kinds of numbers");
}

fn first(data: &[u8], limits: &Limits) -> Result<Option<Value>, Error> {
    let source = Arc::new(Source::read(data, limits)?);
    let document = parse(&source, source.documents()[0], limits)?.document;
    document.map(|document| Ok(decode(&document, limits)?.value)).transpose()
}
