//! From text to tokens, by the rules of YAML 1.1 as go-yaml v2 applies them.
//!
//! A token that may turn out to begin a key ("simple key") is held back in the queue until the `:` is seen or cannot come any
//! more; then the tokens that open a mapping are put in front of it.

mod block;
mod chars;
mod indicator;
mod property;
mod quoted;

use std::collections::VecDeque;

use crate::error::Fault;
use crate::limits::Limits;
use crate::source::Span;
use crate::token::{Text, Token, TokenKind};

/// A place where a key without `?` may have begun.
#[derive(Clone, Copy, Debug, Default)]
struct SimpleKey {
    possible: bool,
    /// Nothing but a key can stand here: its `:` must come.
    required: bool,
    /// The number of its first token in the stream.
    token: usize,
    pos: usize,
    line: u32,
    column: i32,
}

/// The state of one pass over one document.
pub(crate) struct Scanner<'a> {
    /// The file up to the end of the document.
    src: &'a [u8],
    text: &'a str,
    pos: usize,
    line_start: usize,
    line: u32,
    unescaped: String,
    queue: VecDeque<Token>,
    /// How many tokens have left the queue.
    taken: usize,
    indent: i32,
    indents: Vec<i32>,
    /// One for each level of flow collections, and the one of the block level.
    keys: Vec<SimpleKey>,
    /// The first tokens of keys that were possible, in order, each with its level.
    candidates: VecDeque<(usize, usize)>,
    key_allowed: bool,
    /// Whether a `---` was seen.
    started: bool,
    depth: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str, span: Span, limits: &Limits) -> Self {
        let text = &text[..span.end as usize];
        let start = span.start as usize;
        Self {
            src: text.as_bytes(),
            text,
            pos: start,
            line_start: start,
            line: 0,
            unescaped: String::new(),
            queue: VecDeque::with_capacity(16),
            taken: 0,
            indent: -1,
            indents: Vec::new(),
            keys: vec![SimpleKey::default()],
            candidates: VecDeque::new(),
            key_allowed: true,
            started: false,
            depth: limits.depth as usize,
        }
    }

    /// The text of all scalars that are not slices of the file.
    pub(crate) fn into_unescaped(self) -> String {
        self.unescaped
    }

    /// The text behind a token.
    pub(crate) fn text(&self, text: Text) -> &str {
        let range = text.start as usize..(text.start + text.len) as usize;
        if text.unescaped { &self.unescaped[range] } else { &self.text[range] }
    }

    /// The next token, which stays in the queue.
    pub(crate) fn peek(&mut self) -> Result<Token, Fault> {
        loop {
            if let Some(&token) = self.queue.front()
                && !self.head_may_be_key()?
            {
                return Ok(token);
            }
            self.fetch()?;
        }
    }

    /// Drops the token that [`Scanner::peek`] showed. The end of the stream stays.
    pub(crate) fn skip(&mut self) {
        if self.queue.front().is_some_and(|token| token.kind != TokenKind::StreamEnd) {
            self.queue.pop_front();
            self.taken += 1;
        }
    }

    /// Whether the token at the head might still get a key's tokens in front of it.
    fn head_may_be_key(&mut self) -> Result<bool, Fault> {
        while let Some(&(token, level)) = self.candidates.front() {
            let current = self.keys.get(level).is_some_and(|key| key.possible && key.token == token);
            if token > self.taken {
                return Ok(false);
            }
            if current && token == self.taken && self.key_is_valid(level)? {
                return Ok(true);
            }
            self.candidates.pop_front();
        }
        Ok(false)
    }

    /// A key must end on its line, within 1024 characters.
    fn key_is_valid(&mut self, level: usize) -> Result<bool, Fault> {
        let key = self.keys[level];
        if !key.possible {
            return Ok(false);
        }
        let far = self.pos - key.pos > 1024 && self.characters(key.pos) > 1024;
        if key.line == self.line && !far {
            return Ok(true);
        }
        self.drop_key(level)?;
        Ok(false)
    }

    fn drop_key(&mut self, level: usize) -> Result<(), Fault> {
        let key = &mut self.keys[level];
        if key.possible && key.required {
            return Err(Fault::syntax(key.pos, "could not find expected ':'"));
        }
        key.possible = false;
        Ok(())
    }

    /// How many characters lie between an offset and the current place.
    fn characters(&self, from: usize) -> usize {
        self.src[from..self.pos].iter().filter(|&&b| b & 0xC0 != 0x80).count()
    }

    /// The column in characters. Only the block context asks, where lines hold few tokens.
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // files are smaller than 2 GiB
    fn column(&self) -> i32 {
        self.characters(self.line_start) as i32
    }

    /// The column where nothing but blanks stands before it on its line.
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // files are smaller than 2 GiB
    fn blanks_before(&self) -> i32 {
        (self.pos - self.line_start) as i32
    }

    fn in_flow(&self) -> bool {
        self.keys.len() > 1
    }

    /// The byte some way ahead; 0 behind the end, which no document holds.
    fn ahead(&self, by: usize) -> u8 {
        self.src.get(self.pos + by).copied().unwrap_or(0)
    }

    fn blank_or_end(&self, by: usize) -> bool {
        chars::is_blank_break_or_end(self.src, self.pos + by)
    }

    fn fault(&self, message: &'static str) -> Fault {
        Fault::syntax(self.pos, message)
    }

    #[allow(clippy::cast_possible_truncation)] // files are smaller than 2 GiB
    fn token(&self, kind: TokenKind, start: usize) -> Token {
        Token { kind, start: start as u32, end: self.pos as u32, text: Text::default() }
    }

    #[allow(clippy::cast_possible_truncation)] // files are smaller than 2 GiB
    fn slice(&self, start: usize, end: usize) -> Text {
        Text { start: start as u32, len: (end - start) as u32, unescaped: false }
    }

    /// What was added to the buffer since it had a length.
    #[allow(clippy::cast_possible_truncation)] // files are smaller than 2 GiB
    fn buffered(&self, since: usize) -> Text {
        Text { start: since as u32, len: (self.unescaped.len() - since) as u32, unescaped: true }
    }

    /// Steps over a line break, if there is one, and tells what it reads as.
    fn take_break(&mut self) -> Option<&'static str> {
        let (width, text) = chars::line_break(self.src, self.pos)?;
        self.pos += width;
        self.line_start = self.pos;
        self.line += 1;
        Some(text)
    }

    fn skip_comment(&mut self) {
        if self.ahead(0) == b'#' {
            while !chars::is_break_or_end(self.src, self.pos) {
                self.pos += 1;
            }
        }
    }

    /// kubectl divides a file at its `---` lines before it decodes the parts, so a mark may follow such a line, as where files
    /// were put together. Elsewhere it is a character like others.
    fn skip_byte_order_mark(&mut self) {
        const MARK: &[u8] = "\u{FEFF}".as_bytes();
        let at_start = self.taken == 1 && self.queue.is_empty() && self.started;
        if at_start && self.pos == self.line_start && self.src[self.pos..].starts_with(MARK) {
            self.pos += MARK.len();
            self.line_start = self.pos;
        }
    }

    fn skip_to_token(&mut self) {
        loop {
            self.skip_byte_order_mark();
            // A tab is no indentation: where a key may begin it must not be skipped.
            let tabs = self.in_flow() || !self.key_allowed;
            while self.ahead(0) == b' ' || (tabs && self.ahead(0) == b'\t') {
                self.pos += 1;
            }
            self.skip_comment();
            if self.take_break().is_none() {
                return;
            }
            if !self.in_flow() {
                self.key_allowed = true;
            }
        }
    }

    /// Whether `---` or `...` stands at the beginning of this line.
    fn at_document_marker(&self) -> bool {
        self.pos == self.line_start
            && (self.src[self.pos..].starts_with(b"---") || self.src[self.pos..].starts_with(b"..."))
            && self.blank_or_end(3)
    }

    fn fetch(&mut self) -> Result<(), Fault> {
        self.skip_to_token();
        if !self.in_flow() {
            self.close_blocks(self.column());
        }
        if self.pos >= self.src.len() {
            return self.fetch_end();
        }
        let byte = self.ahead(0);
        if self.pos == self.line_start && byte == b'%' {
            self.close_blocks(-1);
            self.drop_key(self.keys.len() - 1)?;
            self.key_allowed = false;
            return self.fetch_directive();
        }
        if self.at_document_marker() {
            return self.fetch_document_marker(byte);
        }
        match byte {
            b'[' => self.open_flow(TokenKind::FlowSequenceStart),
            b'{' => self.open_flow(TokenKind::FlowMappingStart),
            b']' => self.close_flow(TokenKind::FlowSequenceEnd),
            b'}' => self.close_flow(TokenKind::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if self.blank_or_end(1) => self.fetch_block_entry(),
            b'?' if self.in_flow() || self.blank_or_end(1) => self.fetch_key(),
            b':' if self.in_flow() || self.blank_or_end(1) => self.fetch_value(),
            b'*' => self.fetch_anchor(TokenKind::Alias),
            b'&' => self.fetch_anchor(TokenKind::Anchor),
            b'!' => self.fetch_tag(),
            b'|' | b'>' if !self.in_flow() => self.fetch_block_scalar(),
            b'\'' | b'"' => self.fetch_quoted(),
            b'#' | b'|' | b'>' | b'%' | b'@' | b'`' | b'\t' => {
                Err(self.fault("found character that cannot start any token"))
            }
            _ => self.fetch_plain(),
        }
    }

    fn fetch_end(&mut self) -> Result<(), Fault> {
        // The end counts as a new line, so that no key stays possible.
        self.line += 1;
        self.close_blocks(-1);
        self.drop_key(self.keys.len() - 1)?;
        self.key_allowed = false;
        self.queue.push_back(self.token(TokenKind::StreamEnd, self.pos));
        Ok(())
    }

    fn fetch_document_marker(&mut self, byte: u8) -> Result<(), Fault> {
        self.close_blocks(-1);
        self.drop_key(self.keys.len() - 1)?;
        self.key_allowed = false;
        let kind = if byte == b'-' { TokenKind::DocumentStart } else { TokenKind::DocumentEnd };
        self.started |= byte == b'-';
        self.push_indicator(kind, 3);
        Ok(())
    }

    fn push_indicator(&mut self, kind: TokenKind, width: usize) {
        let start = self.pos;
        self.pos += width;
        self.queue.push_back(self.token(kind, start));
    }

    /// Notes that a key may begin here.
    fn save_key(&mut self) -> Result<(), Fault> {
        if !self.key_allowed {
            return Ok(());
        }
        let level = self.keys.len() - 1;
        let column = if self.in_flow() { -2 } else { self.column() };
        self.drop_key(level)?;
        let token = self.taken + self.queue.len();
        self.candidates.push_back((token, level));
        self.keys[level] = SimpleKey {
            possible: true,
            required: !self.in_flow() && self.indent == column,
            token,
            pos: self.pos,
            line: self.line,
            column,
        };
        Ok(())
    }
}
