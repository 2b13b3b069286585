//! JSON documents as Go's `encoding/json` reads them, into the same tree.
//!
//! JSON is not quite YAML 1.1: it allows `\/`, surrogate pairs, tabs between tokens and DEL in strings. kubectl reads a file
//! that begins with `{` as JSON, so such files must not meet the YAML scanner first.

use std::sync::Arc;

use crate::limits::Limits;
use crate::node::{Document, NodeData, NodeId, NodeKind, Style};
use crate::source::{Source, Span};
use crate::token::Text;

/// Parses a text that consists of JSON objects, one or several behind each other. `None` where it is not that, or costs more
/// than the limits allow: YAML then finds the right words.
pub fn parse_json(source: &Arc<Source>, span: Span, limits: &Limits) -> Option<Vec<Document>> {
    if !source.is_valid(span) {
        return None;
    }
    let mut parser = Parser { source, pos: span.start as usize, end: span.end as usize, limits, depth: 0 };
    let mut documents = Vec::new();
    parser.skip_space();
    while parser.pos < parser.end {
        documents.push(parser.document()?);
        parser.skip_space();
    }
    (!documents.is_empty()).then_some(documents)
}

struct Parser<'a> {
    source: &'a Arc<Source>,
    pos: usize,
    end: usize,
    limits: &'a Limits,
    depth: u32,
}

#[allow(clippy::cast_possible_truncation)] // files are smaller than 2 GiB
fn span(start: usize, end: usize) -> Span {
    Span { start: start as u32, end: end as u32 }
}

impl Parser<'_> {
    fn document(&mut self) -> Option<Document> {
        if self.peek() != Some(b'{') {
            return None;
        }
        let mut document = Document {
            source: self.source.clone(),
            nodes: Vec::new(),
            unescaped: String::new(),
            tags: Vec::new(),
            root: NodeId(0),
        };
        document.root = self.value(&mut document)?;
        document.nodes.shrink_to_fit();
        Some(document)
    }

    fn peek(&self) -> Option<u8> {
        let bytes = self.source.text().as_bytes();
        (self.pos < self.end).then(|| bytes[self.pos])
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek() == Some(byte)).then(|| self.pos += 1)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.pos += 1;
        }
    }

    fn push(&self, document: &mut Document, node: NodeData) -> Option<NodeId> {
        (document.nodes.len() < self.limits.nodes).then(|| document.push(node))
    }

    fn value(&mut self, document: &mut Document) -> Option<NodeId> {
        match self.peek()? {
            b'{' => self.collection(document, NodeKind::Mapping, b'}'),
            b'[' => self.collection(document, NodeKind::Sequence, b']'),
            b'"' => self.string(document),
            _ => self.plain(document),
        }
    }

    fn collection(&mut self, document: &mut Document, kind: NodeKind, close: u8) -> Option<NodeId> {
        if self.depth >= self.limits.depth {
            return None;
        }
        self.depth += 1;
        let start = self.pos;
        self.pos += 1;
        let id = self.push(document, NodeData::new(kind, Style::Flow, 0, span(start, start)))?;
        let mut last = None;
        self.skip_space();
        while self.take(close).is_none() {
            if last.is_some() {
                self.take(b',')?;
                self.skip_space();
            }
            if kind == NodeKind::Mapping {
                let key = self.string(document)?;
                document.append(id, last, key);
                last = Some(key);
                self.skip_space();
                self.take(b':')?;
                self.skip_space();
            }
            let value = self.value(document)?;
            document.append(id, last, value);
            last = Some(value);
            self.skip_space();
        }
        document.set_end(id, span(start, self.pos).end);
        self.depth -= 1;
        Some(id)
    }

    /// `true`, `false`, `null` or a number.
    fn plain(&mut self, document: &mut Document) -> Option<NodeId> {
        let start = self.pos;
        while self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')) {
            self.pos += 1;
        }
        let text = &self.source.text()[start..self.pos];
        if !matches!(text, "true" | "false" | "null") && !is_number(text) {
            return None;
        }
        let whole = span(start, self.pos);
        let text = Text { start: whole.start, len: whole.end - whole.start, unescaped: false };
        self.push(document, NodeData::new(NodeKind::Scalar, Style::Plain, 0, whole).with_text(text))
    }

    fn string(&mut self, document: &mut Document) -> Option<NodeId> {
        let start = self.pos;
        self.take(b'"')?;
        let mut text = Text { start: span(self.pos, 0).start, len: 0, unescaped: false };
        let mut piece = self.pos;
        let since = document.unescaped.len();
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    document.unescaped.push_str(&self.source.text()[piece..self.pos]);
                    text.unescaped = true;
                    document.unescaped.push(self.escape()?);
                    piece = self.pos;
                }
                0..=0x1F => return None,
                _ => self.pos += 1,
            }
        }
        if text.unescaped {
            document.unescaped.push_str(&self.source.text()[piece..self.pos]);
            let whole = span(since, document.unescaped.len());
            (text.start, text.len) = (whole.start, whole.end - whole.start);
        } else {
            text.len = span(piece, self.pos).end - text.start;
        }
        self.pos += 1;
        let node = NodeData::new(NodeKind::Scalar, Style::DoubleQuoted, 0, span(start, self.pos));
        self.push(document, node.with_text(text))
    }

    fn escape(&mut self) -> Option<char> {
        self.pos += 1;
        let code = self.peek()?;
        self.pos += 1;
        Some(match code {
            b'"' | b'\\' | b'/' => char::from(code),
            b'b' => '\x08',
            b'f' => '\x0C',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit()?;
                match char::from_u32(unit.into()) {
                    Some(c) => c,
                    None => self.pair(unit),
                }
            }
            _ => return None,
        })
    }

    /// The second half of a surrogate pair; a lone half reads as U+FFFD.
    fn pair(&mut self, high: u16) -> char {
        let before = self.pos;
        let low = self.take(b'\\').and_then(|()| self.take(b'u')).and_then(|()| self.unit());
        let decoded = low.and_then(|low| char::decode_utf16([high, low]).next()?.ok());
        if decoded.is_none() {
            self.pos = before;
        }
        decoded.unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn unit(&mut self) -> Option<u16> {
        let digits = self.source.text().get(self.pos..self.pos + 4).filter(|_| self.pos + 4 <= self.end)?;
        let unit =
            digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())??;
        self.pos += 4;
        Some(unit)
    }
}

/// `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?`, within the range of float64.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let whole = digits(unsigned);
    if whole == 0 || (whole > 1 && unsigned.starts_with('0')) {
        return false;
    }
    let mut rest = &unsigned[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let places = digits(fraction);
        if places == 0 {
            return false;
        }
        rest = &fraction[places..];
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        if exponent.is_empty() || digits(exponent) != exponent.len() {
            return false;
        }
        rest = "";
    }
    rest.is_empty() && text.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::decode;

    fn read(text: &str) -> Option<Vec<String>> {
        let limits = Limits { depth: 10, ..Limits::default() };
        let source = Arc::new(Source::read(text.as_bytes(), &limits).unwrap());
        let whole = span(0, source.text().len());
        let documents = parse_json(&source, whole, &limits)?;
        let value = |document| decode(document, &limits).unwrap().value;
        Some(
            documents.iter().map(|d| String::from_utf8(lockstep_core::to_json(&value(d))).unwrap()).collect(),
        )
    }

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(read(text).unwrap(), expected, "{text}");
    }

    #[test]
    fn json_reads_as_in_go() {
        check("{\"a\":\t[1, -0, 1.5e3, 0.25],\"b\":{}, \"a\": 2}\n", &[r#"{"a":2,"b":{}}"#]);
        check(r#"{"a":"x\/y\u00e9\ud83d\ude00\ud83dz\n"}"#, &["{\"a\":\"x/yé😀\u{FFFD}z\\n\"}"]);
        check("{\"y\":true}{\"<<\":null}\n{}", &[r#"{"y":true}"#, r#"{"<<":null}"#, "{}"]);
        check("{\"a\":\"\u{7F}\"}", &["{\"a\":\"\u{7F}\"}"]);
    }

    #[test]
    fn what_is_not_json_is_left_to_yaml() {
        for text in [
            "",
            "a",
            "[1]",
            "{a: 1}",
            "{\"a\":1,}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":\"\\q\"}",
            "{\"a\":'b'}",
            "{\"a\":yes}",
            "{\"a\":1e999}",
            "{\"a\":1",
            "{\"a\" 1}",
            "{\"a\":\"\n\"}",
            "{} x",
            "{\"a\":\"\\u12g4\"}",
            "{\"a\": 1} # c",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(&format!("{{\"a\":{}1{}}}", "[".repeat(20), "]".repeat(20))), None);
    }
}
