//! The text of a file, its lines and its documents.

use crate::error::{Error, ErrorKind, Fault};
use crate::limits::Limits;

/// A range of bytes of a [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// The offset of the first byte.
    pub start: u32,
    /// The offset behind the last byte.
    pub end: u32,
}

/// A place for people, both numbers from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, as editors count them.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

/// The content of a file as UTF-8, without a byte order mark at its start.
#[derive(Debug)]
pub struct Source {
    text: String,
    /// Where each line begins.
    lines: Vec<u32>,
    /// Where the text has U+FFFD in place of bytes that are no UTF-8.
    invalid: Vec<u32>,
}

impl Source {
    /// Takes the bytes of a file. UTF-16 is told by its byte order mark and is converted.
    ///
    /// Wrong UTF-8 and control characters are the fault of the document that holds them, so that the others can be read.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        let size = limits.file_bytes.min(u32::MAX as usize / 2);
        if bytes.len() > size {
            let fault = Fault::new(ErrorKind::Limit, 0, format!("the file is larger than {size} bytes"));
            return Err(Self::new(String::new(), Vec::new()).error(fault));
        }
        match bytes {
            [0xFF, 0xFE, rest @ ..] => from_utf16(rest, u16::from_le_bytes),
            [0xFE, 0xFF, rest @ ..] => from_utf16(rest, u16::from_be_bytes),
            [0xEF, 0xBB, 0xBF, rest @ ..] => Ok(Self::from_utf8(rest)),
            _ => Ok(Self::from_utf8(bytes)),
        }
    }

    fn new(text: String, invalid: Vec<u32>) -> Self {
        Self { lines: line_starts(text.as_bytes()), text, invalid }
    }

    #[allow(clippy::cast_possible_truncation)] // files are smaller than 4 GiB
    fn from_utf8(bytes: &[u8]) -> Self {
        let mut text = String::with_capacity(bytes.len());
        let mut invalid = Vec::new();
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            if !chunk.invalid().is_empty() {
                invalid.push(text.len() as u32);
                text.push('\u{FFFD}');
            }
        }
        Self::new(text, invalid)
    }

    /// The whole text. Bytes that are no UTF-8 are U+FFFD here, in documents that [`parse`](crate::parse) refuses.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line and column of an offset.
    #[allow(clippy::cast_possible_truncation)] // files are smaller than 4 GiB
    pub fn position(&self, offset: u32) -> Position {
        let offset = offset.min(self.text.len() as u32);
        let line = self.lines.partition_point(|&start| start <= offset).max(1);
        let start = self.lines[line - 1] as usize;
        let before = &self.text.as_bytes()[start..offset as usize];
        let column = before.iter().filter(|&&b| b & 0xC0 != 0x80).count() + 1;
        Position { line: line as u32, column: column as u32 }
    }

    /// The text of a line, counted from 1, without its break; empty for lines that are not there.
    pub fn line(&self, line: u32) -> &str {
        let at = |line: u32| self.lines.get(line as usize).map(|&start| start as usize);
        let Some(start) = line.checked_sub(1).and_then(at) else { return "" };
        let end = at(line).unwrap_or(self.text.len());
        self.text[start..end].trim_end_matches(['\r', '\n'])
    }

    /// The documents of the file, divided at lines that begin with `---`, which YAML allows nowhere inside a document.
    ///
    /// Each can be parsed on its own, so that one broken document does not hide the others. A document begins with its
    /// `---` line, if it has one. Documents divided by `...` alone stay together, as they do for kubectl.
    #[allow(clippy::cast_possible_truncation)] // files are smaller than 4 GiB
    pub fn documents(&self) -> Vec<Span> {
        let mut starts = vec![0_usize];
        let (mut content, mut directives) = (false, false);
        for (index, &start) in self.lines.iter().enumerate() {
            let start = start as usize;
            let end = self.lines.get(index + 1).map_or(self.text.len(), |&next| next as usize);
            match &self.text.as_bytes()[start..end] {
                [b'-', b'-', b'-', rest @ ..]
                    if matches!(rest.first(), None | Some(b' ' | b'\t' | b'\r' | b'\n')) =>
                {
                    // Directives belong to the document behind them.
                    if start > 0 && !directives {
                        starts.push(start);
                    }
                    (content, directives) = (true, false);
                }
                [b'%', ..] if !content => directives = true,
                line => content |= !matches!(line.trim_ascii_start().first(), None | Some(b'#')),
            }
        }
        let ends = starts[1..].iter().copied().chain([self.text.len()]);
        starts.iter().zip(ends).map(|(&start, end)| Span { start: start as u32, end: end as u32 }).collect()
    }

    /// Whether a range was UTF-8.
    pub(crate) fn is_valid(&self, span: Span) -> bool {
        self.invalid_in(span).is_none()
    }

    fn invalid_in(&self, span: Span) -> Option<u32> {
        self.invalid.iter().copied().find(|&at| (span.start..span.end).contains(&at))
    }

    /// Checks the text of one document: it was UTF-8, and has no character that YAML forbids.
    pub(crate) fn check(&self, span: Span) -> Result<(), Fault> {
        if let Some(at) = self.invalid_in(span) {
            return Err(Fault::new(ErrorKind::Encoding, at as usize, "invalid UTF-8 octet sequence"));
        }
        let text = &self.text[span.start as usize..span.end as usize];
        // Nearly every document is printable ASCII: this loop runs without branches.
        let odd = text.bytes().fold(false, |odd, b| odd | ((b < 0x20) & (b != b'\n')) | (b >= 0x7F));
        if !odd {
            return Ok(());
        }
        let forbidden = |&(_, c): &(usize, char)| match c {
            '\t' | '\n' | '\r' | '\u{85}' => false,
            _ => c < ' ' || ('\u{7F}'..'\u{A0}').contains(&c) || matches!(c, '\u{FFFE}' | '\u{FFFF}'),
        };
        match text.char_indices().find(forbidden) {
            Some((at, _)) => {
                let offset = span.start as usize + at;
                Err(Fault::new(ErrorKind::Encoding, offset, "control characters are not allowed"))
            }
            None => Ok(()),
        }
    }

    pub(crate) fn error(&self, fault: Fault) -> Error {
        #[allow(clippy::cast_possible_truncation)] // files are smaller than 4 GiB
        let offset = fault.offset as u32;
        Error { kind: fault.kind, message: fault.message, offset, position: self.position(offset) }
    }
}

/// Lines end with LF, CR LF or a lone CR.
#[allow(clippy::cast_possible_truncation)] // files are smaller than 4 GiB
fn line_starts(text: &[u8]) -> Vec<u32> {
    let mut lines = Vec::with_capacity(text.len() / 24 + 1);
    lines.push(0);
    for (at, &byte) in text.iter().enumerate() {
        if byte == b'\n' || (byte == b'\r' && text.get(at + 1) != Some(&b'\n')) {
            lines.push(at as u32 + 1);
        }
    }
    lines
}

fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Source, Error> {
    let units = bytes.chunks(2).map(|pair| match pair {
        [a, b] => unit([*a, *b]),
        _ => 0xDC00, // half a unit: refused below like any lone surrogate
    });
    let mut text = String::with_capacity(bytes.len());
    for decoded in char::decode_utf16(units) {
        match decoded {
            Ok(c) => text.push(c),
            Err(_) => {
                let fault = Fault::new(ErrorKind::Encoding, text.len(), "invalid UTF-16 text");
                return Err(Source::new(text, Vec::new()).error(fault));
            }
        }
    }
    Ok(Source::new(text, Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &[u8]) -> Source {
        Source::read(text, &Limits::default()).unwrap()
    }

    fn documents(text: &str) -> Vec<String> {
        let source = source(text.as_bytes());
        let text = |span: Span| source.text()[span.start as usize..span.end as usize].to_owned();
        source.documents().into_iter().map(text).collect()
    }

    #[test]
    fn positions_count_lines_as_editors_do_and_columns_in_characters() {
        let source = source("a\nb\r\nç é: x\rd".as_bytes());
        let at = |offset| {
            let p = source.position(offset);
            (p.line, p.column)
        };
        assert_eq!(
            [at(0), at(2), at(5), at(10), at(12), at(99)],
            [(1, 1), (2, 1), (3, 1), (3, 4), (3, 6), (4, 2)]
        );
        assert_eq!([1, 2, 3, 4, 5].map(|n| source.line(n)), ["a", "b", "ç é: x", "d", ""]);
    }

    #[test]
    fn byte_order_marks_tell_the_encoding() {
        let utf16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "\u{FEFF}a: é😀".encode_utf16().flat_map(bytes).collect()
        };
        for bytes in
            [utf16(u16::to_le_bytes), utf16(u16::to_be_bytes), "\u{FEFF}a: é😀".into(), "a: é😀".into()]
        {
            assert_eq!(source(&bytes).text(), "a: é😀");
        }
        for bytes in [&b"\xFF\xFEa\0\x00\xD8"[..], b"\xFF\xFEa\0b"] {
            let error = Source::read(bytes, &Limits::default()).unwrap_err();
            assert_eq!((error.kind, error.position.column), (ErrorKind::Encoding, 2));
        }
    }

    #[test]
    fn documents_begin_at_their_marker() {
        assert_eq!(documents("a\n---\nb\n--- c\n---d\n"), ["a\n", "---\nb\n", "--- c\n---d\n"]);
        assert_eq!(documents("---\r\na\r\n---\r\nb"), ["---\r\na\r\n", "---\r\nb"]);
        assert_eq!(documents(""), [""]);
        assert_eq!(documents("%YAML 1.1\n---\na\n---\nb"), ["%YAML 1.1\n---\na\n", "---\nb"]);
        assert_eq!(
            documents("a: |\n  ---\nb: 1\n...\n%TAG ! x\n---\nc"),
            ["a: |\n  ---\nb: 1\n...\n%TAG ! x\n", "---\nc"]
        );
    }

    #[test]
    fn text_that_yaml_forbids_is_found() {
        for (text, at) in [
            (&b"ab\x7F"[..], Some(2)),
            (b"a\tb\r\n", None),
            (b"x\x01", Some(1)),
            ("é\u{9F}".as_bytes(), Some(2)),
            (b"a\xFFb", Some(1)),
            (b"a\xC3", Some(1)),
            ("\u{FFFD}".as_bytes(), None),
        ] {
            let source = source(text);
            let whole = source.documents()[0];
            assert_eq!(source.check(whole).err().map(|f| f.offset), at);
        }
    }
}
