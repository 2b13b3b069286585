//! Plain and quoted scalars.

use super::Scanner;
use super::chars::{self, COLON, FLOW, ORDINARY, PLAIN};
use crate::error::Fault;
use crate::node::Style;
use crate::token::{Text, TokenKind};

/// A scalar in the making: a slice of the file as long as possible, then text in the buffer.
struct Piece {
    /// Where the part that is not yet in the buffer begins.
    start: usize,
    /// The length of the buffer before this scalar, once it is used.
    buffered: Option<usize>,
}

impl Piece {
    fn new(start: usize) -> Self {
        Self { start, buffered: None }
    }
}

impl Scanner<'_> {
    /// Moves the current part, up to an offset, into the buffer.
    fn flush(&mut self, piece: &mut Piece, end: usize) {
        if piece.buffered.is_none() {
            piece.buffered = Some(self.unescaped.len());
        }
        self.unescaped.push_str(&self.text[piece.start..end]);
        piece.start = end;
    }

    fn finish(&mut self, mut piece: Piece, end: usize) -> Text {
        match piece.buffered {
            None => self.slice(piece.start, end),
            Some(since) => {
                self.flush(&mut piece, end);
                self.buffered(since)
            }
        }
    }

    /// Adds what a run of breaks and blanks reads as: one break is a space, further ones stay.
    fn fold(&mut self, from: usize, to: usize) {
        let mut at = from;
        let mut first = "";
        let mut rest = 0;
        let place = self.unescaped.len();
        while at < to {
            match chars::line_break(self.src, at) {
                Some((width, text)) if first.is_empty() => {
                    first = text;
                    at += width;
                }
                Some((width, text)) => {
                    self.unescaped.push_str(text);
                    rest += 1;
                    at += width;
                }
                None => at += 1,
            }
        }
        match first {
            "\n" if rest == 0 => self.unescaped.push(' '),
            "\n" => {}
            separator => self.unescaped.insert_str(place, separator),
        }
    }

    pub(super) fn fetch_plain(&mut self) -> Result<(), Fault> {
        self.save_key()?;
        self.key_allowed = false;
        let start = self.pos;
        let mut piece = Piece::new(start);
        let mut end = start;
        let mut broken = false;
        loop {
            if self.at_document_marker() || self.ahead(0) == b'#' {
                break;
            }
            let run = self.pos;
            self.skip_plain_run();
            if self.pos > run {
                if broken {
                    self.flush(&mut piece, end);
                    self.fold(end, run);
                    piece.start = run;
                    broken = false;
                }
                end = self.pos;
            }
            if !self.blank_or_end(0) || self.pos >= self.src.len() {
                break;
            }
            broken = self.skip_plain_space()?;
            // Without a break the text is still behind the column where it began.
            if broken && !self.in_flow() && self.blanks_before() <= self.indent {
                break;
            }
        }
        let text = self.finish(piece, end);
        let mut token = self.token(TokenKind::Scalar(Style::Plain), start);
        #[allow(clippy::cast_possible_truncation)] // files are smaller than 2 GiB
        (token.end = end as u32);
        token.text = text;
        self.queue.push_back(token);
        if broken {
            self.key_allowed = true;
        }
        Ok(())
    }

    /// Steps over characters that belong to a plain scalar, up to a blank or an indicator.
    fn skip_plain_run(&mut self) {
        let flow = self.in_flow();
        while let Some(&byte) = self.src.get(self.pos) {
            match PLAIN[byte as usize] {
                ORDINARY => {}
                COLON if self.blank_or_end(1) => return,
                COLON => {}
                FLOW if flow => return,
                FLOW => {}
                _ if self.blank_or_end(0) => return,
                _ => {}
            }
            self.pos += 1;
        }
    }

    /// Steps over blanks and breaks inside or behind a plain scalar, and tells whether there was a break.
    fn skip_plain_space(&mut self) -> Result<bool, Fault> {
        let mut broken = false;
        loop {
            let byte = self.ahead(0);
            if chars::is_blank(byte) {
                if broken && byte == b'\t' && self.blanks_before() <= self.indent {
                    return Err(self.fault("found a tab character that violates indentation"));
                }
                self.pos += 1;
            } else if self.take_break().is_some() {
                broken = true;
            } else {
                return Ok(broken);
            }
        }
    }

    pub(super) fn fetch_quoted(&mut self) -> Result<(), Fault> {
        self.save_key()?;
        self.key_allowed = false;
        let start = self.pos;
        let quote = self.ahead(0);
        self.pos += 1;
        let mut piece = Piece::new(self.pos);
        loop {
            if self.at_document_marker() {
                return Err(self.fault("found unexpected document indicator"));
            }
            if self.pos >= self.src.len() {
                return Err(self.fault("found unexpected end of stream"));
            }
            let escaped_break = self.take_quoted_run(quote, &mut piece)?;
            if self.ahead(0) == quote && self.pos < self.src.len() {
                break;
            }
            self.take_quoted_space(escaped_break, &mut piece);
        }
        let text = self.finish(piece, self.pos);
        self.pos += 1;
        let style = if quote == b'"' { Style::DoubleQuoted } else { Style::SingleQuoted };
        let mut token = self.token(TokenKind::Scalar(style), start);
        token.text = text;
        self.queue.push_back(token);
        Ok(())
    }

    /// Takes characters up to a blank or the closing quote. Tells whether it stopped behind an escaped line break.
    fn take_quoted_run(&mut self, quote: u8, piece: &mut Piece) -> Result<bool, Fault> {
        while let Some(&byte) = self.src.get(self.pos) {
            match byte {
                b'\'' if quote == byte && self.ahead(1) == byte => {
                    self.flush(piece, self.pos + 1);
                    self.pos += 2;
                    piece.start = self.pos;
                }
                _ if byte == quote => return Ok(false),
                b'\\' if quote == b'"' => {
                    self.flush(piece, self.pos);
                    self.pos += 1;
                    let broken = self.take_break().is_some();
                    if !broken {
                        self.take_escape()?;
                    }
                    piece.start = self.pos;
                    if broken {
                        return Ok(true);
                    }
                }
                b' ' | b'\t' => return Ok(false),
                b'\r' | b'\n' | 0xC2 | 0xE2 if self.blank_or_end(0) => return Ok(false),
                _ => self.pos += 1,
            }
        }
        Ok(false)
    }

    /// Takes blanks and breaks inside a quoted scalar. Blanks around breaks are dropped, others stay.
    fn take_quoted_space(&mut self, escaped_break: bool, piece: &mut Piece) {
        let start = self.pos;
        let mut broken = false;
        loop {
            if chars::is_blank(self.ahead(0)) {
                self.pos += 1;
            } else if self.take_break().is_some() {
                broken = true;
            } else {
                break;
            }
        }
        if escaped_break {
            // The escaped break joins the lines with nothing between; breaks behind it stay.
            let mut at = start;
            while at < self.pos {
                let (width, text) = chars::line_break(self.src, at).unwrap_or((1, ""));
                self.unescaped.push_str(text);
                at += width;
            }
            piece.start = self.pos;
        } else if broken {
            self.flush(piece, start);
            self.fold(start, self.pos);
            piece.start = self.pos;
        }
    }

    /// Takes an escape sequence behind its backslash. `\/` is not one here: go-yaml v2 follows YAML 1.1.
    fn take_escape(&mut self) -> Result<(), Fault> {
        let code = self.ahead(0);
        let text = match code {
            b'0' => "\0",
            b'a' => "\x07",
            b'b' => "\x08",
            b't' | b'\t' => "\t",
            b'n' => "\n",
            b'v' => "\x0B",
            b'f' => "\x0C",
            b'r' => "\r",
            b'e' => "\x1B",
            b' ' => " ",
            b'"' => "\"",
            b'\'' => "'",
            b'\\' => "\\",
            b'N' => "\u{85}",
            b'_' => "\u{A0}",
            b'L' => "\u{2028}",
            b'P' => "\u{2029}",
            b'x' => return self.take_code(2),
            b'u' => return self.take_code(4),
            b'U' => return self.take_code(8),
            _ => return Err(Fault::syntax(self.pos - 1, "found unknown escape character")),
        };
        self.unescaped.push_str(text);
        self.pos += 1;
        Ok(())
    }

    /// Takes the hexadecimal digits of an escape sequence behind its letter.
    fn take_code(&mut self, digits: usize) -> Result<(), Fault> {
        let mut value: u32 = 0;
        for at in 1..=digits {
            let digit = char::from(self.ahead(at)).to_digit(16);
            let digit = digit.ok_or_else(|| self.fault("did not find expected hexdecimal number"))?;
            // Eight digits fit; what is too large is refused below.
            value = (value << 4) | digit;
        }
        let found =
            char::from_u32(value).ok_or_else(|| self.fault("found invalid Unicode character escape code"))?;
        self.unescaped.push(found);
        self.pos += digits + 1;
        Ok(())
    }
}
