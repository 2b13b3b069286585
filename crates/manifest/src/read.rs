//! From a file to its objects.

use std::sync::Arc;

use goyaml::{Document, ErrorKind, Limits, Node, NodeId, Source, Span};
use lockstep_core::{Finding, Map, Origin, Value};

use crate::check::{Subject, check};
use crate::object::{Object, origin};

/// What a file holds.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// The objects, in the order in which they are written, lists unrolled.
    pub objects: Vec<Object>,
    /// Everything that is wrong or odd, in the order of the file. The object of an error is not among the objects.
    pub findings: Vec<Finding>,
}

/// How deep lists may hold lists.
const LIST_DEPTH: usize = 8;

/// Reads a file of manifests as kubectl reads it.
///
/// The rules are those of `sigs.k8s.io/yaml`; a document that is JSON is read by Go's rules for JSON. Documents without
/// content are skipped. One broken document does not hide the others.
pub fn read(file: &str, bytes: &[u8], limits: &Limits) -> Parsed {
    let mut reader = Reader { file: file.into(), limits, parsed: Parsed::default() };
    match Source::read(bytes, limits) {
        Ok(source) => reader.source(&Arc::new(source)),
        Err(error) => reader.refuse(&error, None),
    }
    let mut parsed = reader.parsed;
    parsed.findings.sort_by(|a, b| a.origin.cmp(&b.origin));
    parsed
}

struct Reader<'a> {
    file: Arc<str>,
    limits: &'a Limits,
    parsed: Parsed,
}

impl Reader<'_> {
    fn source(&mut self, source: &Arc<Source>) {
        source.documents().into_iter().for_each(|span| self.part(source, span));
    }

    fn part(&mut self, source: &Arc<Source>, span: Span) {
        if let Some(documents) = self.json(source, span) {
            return documents.into_iter().for_each(|document| self.document(document));
        }
        let Some(rest) = self.yaml(source, span) else { return };
        if self.json(source, Span { end: rest.start, ..span }).is_none() {
            return self.warn_of_ignored(source, rest.start);
        }
        // Behind one object in JSON Go goes on in YAML, behind two it does not.
        let Some(third) = self.yaml(source, rest) else { return };
        match self.json(source, Span { end: third.start, ..rest }) {
            None => self.warn_of_ignored(source, third.start),
            Some(_) => self.refuse_broken_json(source, third.start),
        }
    }

    /// The documents of a part that is JSON, behind a `---` line or not.
    fn json(&self, source: &Arc<Source>, span: Span) -> Option<Vec<Document>> {
        let whole = &source.text()[span.start as usize..span.end as usize];
        let text = whole.strip_prefix("---").unwrap_or(whole).trim_ascii_start();
        let start = span.end - u32::try_from(text.len()).ok()?;
        let behind = Span { start, end: span.end };
        text.starts_with('{').then(|| goyaml::parse_json(source, behind, self.limits))?
    }

    /// Reads one document of YAML; what is behind it without a line that ends it is left.
    fn yaml(&mut self, source: &Arc<Source>, span: Span) -> Option<Span> {
        match goyaml::parse(source, span, self.limits) {
            Ok(parsed) => {
                parsed.document.into_iter().for_each(|document| self.document(document));
                parsed.ignored.map(|start| Span { start, ..span })
            }
            Err(error) => {
                self.refuse(&error, line(source, span, error.position.line));
                None
            }
        }
    }

    fn refuse_broken_json(&mut self, source: &Source, offset: u32) {
        let position = source.position(offset);
        let place = Origin::new(self.file.clone(), position.line, position.column);
        let message =
            "from here on the objects are not all JSON, as those before are; kubectl refuses the file";
        let finding = Finding::error("json-syntax", message).at(place);
        self.parsed
            .findings
            .push(finding.with_hint("look for commas behind the last item, and for comments"));
    }

    fn warn_of_ignored(&mut self, source: &Source, offset: u32) {
        let position = source.position(offset);
        let place = Origin::new(self.file.clone(), position.line, position.column);
        let message = "the text behind the end of the document is ignored, as kubectl does";
        let finding = Finding::warning("ignored-text", message).at(place);
        self.parsed.findings.push(finding.with_hint("begin another document with a line ---"));
    }

    fn refuse(&mut self, error: &goyaml::Error, text: Option<String>) {
        let place = Origin::new(self.file.clone(), error.position.line, error.position.column);
        let (rule, hint) = match error.kind {
            ErrorKind::Encoding => {
                ("bad-encoding", Some("save the file as UTF-8 without control characters"))
            }
            ErrorKind::Syntax => ("yaml-syntax", syntax_hint(&error.message)),
            ErrorKind::Value => ("yaml-value", None),
            ErrorKind::Limit => ("too-large", Some("divide the manifest into smaller ones")),
        };
        let mut finding = Finding::error(rule, error.message.clone()).at(place);
        finding.hint = hint.map(str::to_owned);
        finding.text = text;
        self.parsed.findings.push(finding);
    }

    fn document(&mut self, document: Document) {
        let decoded = match goyaml::decode(&document, self.limits) {
            Ok(decoded) => decoded,
            Err(error) => return self.refuse(&error, None),
        };
        for duplicate in decoded.duplicates {
            let first = document.node(duplicate.first).position();
            let message =
                format!("key {:?} was set before on line {}; this one counts", duplicate.key, first.line);
            let place = origin(&self.file, document.node(duplicate.second));
            let finding = Finding::warning("duplicate-key", message).at(place);
            self.parsed.findings.push(finding.with_hint("remove one of them"));
        }
        for key in decoded.booleans {
            let key = document.node(key);
            let message = format!(
                "key {} is a boolean in YAML 1.1, as kubectl reads it, and becomes true or false",
                key.text()
            );
            let finding = Finding::warning("boolean-key", message).at(origin(&self.file, key));
            self.parsed.findings.push(finding.with_hint(format!("write it in quotes, '{}'", key.text())));
        }
        let document = Arc::new(document);
        let root = document.root().id();
        self.object(&document, root, decoded.value, LIST_DEPTH);
    }

    fn object(&mut self, document: &Arc<Document>, id: NodeId, value: Value, depth: usize) {
        let node = document.node(id).resolved();
        if value == Value::Null {
            return; // a document of comments, or an empty item
        }
        if let Some(items) = items_of(&value).filter(|_| depth > 0) {
            return self.list(document, node, items, depth - 1);
        }
        let findings = check(&Subject { file: &self.file, node, value: &value });
        if findings.is_empty() {
            let place = origin(&self.file, document.node(id));
            self.parsed.objects.push(Object::new(value, place, document, node.id()));
        }
        self.parsed.findings.extend(findings);
    }

    fn list(&mut self, document: &Arc<Document>, node: Node<'_>, items: Vec<Value>, depth: usize) {
        let nodes = node.entry("items").map(|(_, list)| list.resolved().children());
        for (item, node) in items.into_iter().zip(nodes.into_iter().flatten()) {
            self.object(document, node.id(), item, depth);
        }
    }
}

/// A line to show with a finding; `None` where its document may be a Secret, or is all on one long line.
fn line(source: &Source, span: Span, number: u32) -> Option<String> {
    const LONGEST: usize = 200;
    let document = source.text().get(span.start as usize..span.end as usize)?;
    let text = source.line(number).trim();
    let shown = !text.is_empty() && text.len() <= LONGEST && !document.contains("Secret");
    shown.then(|| text.to_owned())
}

/// The items of a list of objects. An item of a typed list may leave out its kind and version, which the list's name tells.
fn items_of(value: &Value) -> Option<Vec<Value>> {
    let kind = value.str_at(&["kind"])?.strip_suffix("List")?;
    let version = value.str_at(&["apiVersion"])?;
    let items = value.get("items")?.as_list()?;
    let complete = |item: &Value| match item {
        Value::Map(entries) if !kind.is_empty() && !entries.contains_key("kind") => {
            let mut entries = Map::clone(entries);
            entries.insert("kind".into(), kind.into());
            entries.insert("apiVersion".into(), version.into());
            Value::map(entries)
        }
        other => other.clone(),
    };
    Some(items.iter().map(complete).collect())
}

/// What most often is behind a message of the scanner.
fn syntax_hint(message: &str) -> Option<&'static str> {
    Some(match message {
        "mapping values are not allowed in this context" => "a value that contains ': ' must be in quotes",
        "found character that cannot start any token" => {
            "indent with spaces, and put values that begin with @, `, % or a tab in quotes"
        }
        "could not find expected ':'" | "did not find expected key" => {
            "check the indentation of this line and of the one before"
        }
        "found unknown escape character" => "use single quotes for text with backslashes",
        "did not find expected alphabetic or numeric character" => {
            "put values that begin with * or & in quotes"
        }
        "did not find expected node content" => {
            "values that begin with {{, { or [ must be in quotes, or be closed"
        }
        "block sequence entries are not allowed in this context" => "begin the list on the next line",
        _ => return None,
    })
}
