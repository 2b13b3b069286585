//! Documents that cost too much are refused, and nothing panics.

use lockstep_goyaml::{ErrorKind, Limits, decode, emit};

use crate::first;

fn check(text: &str, expected: &str) {
    let limits = Limits { file_bytes: 1 << 20, depth: 50, nodes: 20_000 };
    let result = first(text.as_bytes(), &limits).and_then(|document| decode(&document.unwrap(), &limits));
    let error = result.unwrap_err();
    assert_eq!((error.kind, &*error.message), (ErrorKind::Limit, expected));
    assert!(error.position.line > 0);
}

#[test]
fn deep_documents_are_refused() {
    let expected = "collections nest deeper than 50 levels";
    check(&"[".repeat(10_000), expected);
    check(&"{a: ".repeat(60), expected);
    check(&"- ".repeat(60), expected);
    check(&(0..60).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>(), expected);
}

/// Reading, writing and dropping recurse: the deepest document that is allowed must fit the stack of a worker thread.
#[test]
fn the_deepest_document_fits_a_worker() {
    let block: String = (0..499).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    for text in
        [format!("{}1{}", "[".repeat(499), "]".repeat(499)), "- ".repeat(499), "? ".repeat(499), block]
    {
        let worker = std::thread::Builder::new().stack_size(1 << 20).spawn(move || {
            let limits = Limits::default();
            let document = first(text.as_bytes(), &limits).unwrap().unwrap();
            decode(&document, &limits).map(|decoded| emit(&decoded.value).len())
        });
        let _ = worker.unwrap().join().unwrap();
    }
}

#[test]
fn depth_counts_through_aliases() {
    let chain: String = (1..30).map(|n| format!("a{n}: &a{n} [*a{}]\n", n - 1)).collect();
    check(&format!("a0: &a0 []\n{chain}"), "collections nest deeper than 50 levels, aliases included");
}

#[test]
fn alias_bombs_are_refused() {
    let list = |name: char, of: char| format!("{name}: &{name} [{}]\n", vec![format!("*{of}"); 9].join(","));
    let text = format!("a: &a [{}]\nb: *a\nc: *a\nd: *a\n", "1,".repeat(8_000));
    check(&text, "the document has more than 20000 nodes, aliases included");
    let limits = Limits::default();
    let bomb: String = ('b'..='h').map(|c| list(c, char::from(c as u8 - 1))).collect();
    let document = first(format!("a: &a [1,1,1]\n{bomb}").as_bytes(), &limits).unwrap().unwrap();
    assert_eq!(decode(&document, &limits).unwrap_err().message, "document contains excessive aliasing");
}

/// Each of these took minutes where a step looks at everything before it.
#[test]
fn time_grows_with_the_text_only() {
    let many = 50_000;
    let deep = format!("{}{}", "[".repeat(400), "1,".repeat(many));
    let tags: String = (0..many).map(|n| format!("- !t{n} x\n")).collect();
    let handles: String = (0..many).map(|n| format!("%TAG !t{n}! x\n")).collect();
    let duplicates = "a: 1\n".repeat(many);
    for text in
        [deep, tags, handles, duplicates, "%\n".repeat(many), "a ".repeat(many), "- a\n\n".repeat(many)]
    {
        let limits = Limits::default();
        if let Ok(Some(document)) = first(text.as_bytes(), &limits) {
            let _ = decode(&document, &limits);
        }
    }
}

#[test]
fn large_documents_are_refused() {
    check(&"- a\n".repeat(20_001), "the document has more than 20000 nodes");
    check(&" ".repeat((1 << 20) + 1), "the file is larger than 1048576 bytes");
}

#[test]
fn anchors_that_contain_themselves_are_refused() {
    let limits = Limits::default();
    for text in ["a: &a [*a]", "&a {b: *a}", "&a {<<: *a}"] {
        let document = first(text.as_bytes(), &limits).unwrap().unwrap();
        assert_eq!(decode(&document, &limits).unwrap_err().kind, ErrorKind::Value, "{text}");
    }
}
