//! Anchors, aliases, tags and directives.

use super::Scanner;
use super::chars;
use crate::error::Fault;
use crate::token::TokenKind;

impl Scanner<'_> {
    pub(super) fn fetch_anchor(&mut self, kind: TokenKind) -> Result<(), Fault> {
        self.save_key()?;
        self.key_allowed = false;
        let start = self.pos;
        self.pos += 1;
        self.skip_word();
        let closes = matches!(self.ahead(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if self.pos == start + 1 || !(closes || self.blank_or_end(0)) {
            return Err(self.fault("did not find expected alphabetic or numeric character"));
        }
        let mut token = self.token(kind, start);
        token.text = self.slice(start + 1, self.pos);
        self.queue.push_back(token);
        Ok(())
    }

    fn skip_word(&mut self) {
        while chars::is_word(self.ahead(0)) {
            self.pos += 1;
        }
    }

    pub(super) fn fetch_tag(&mut self) -> Result<(), Fault> {
        self.save_key()?;
        self.key_allowed = false;
        let start = self.pos;
        let since = self.unescaped.len();
        let handle = if self.ahead(1) == b'<' {
            self.pos += 2;
            self.take_uri(true)?;
            if self.ahead(0) != b'>' {
                return Err(self.fault("did not find the expected '>'"));
            }
            self.pos += 1;
            0
        } else {
            self.take_short_tag(since)?
        };
        if !self.blank_or_end(0) {
            return Err(self.fault("did not find expected whitespace or line break"));
        }
        #[allow(clippy::cast_possible_truncation)] // files are smaller than 2 GiB
        let mut token = self.token(TokenKind::Tag(handle as u32), start);
        token.text = self.buffered(since);
        self.queue.push_back(token);
        Ok(())
    }

    /// Takes `!`, `!suffix`, `!!suffix` or `!handle!suffix` and returns the length of the handle.
    fn take_short_tag(&mut self, since: usize) -> Result<usize, Fault> {
        let start = self.pos;
        self.pos += 1;
        self.skip_word();
        if self.ahead(0) == b'!' {
            self.pos += 1;
            self.unescaped.push_str(&self.text[start..self.pos]);
            let handle = self.pos - start;
            self.take_uri(true)?;
            return Ok(handle);
        }
        // What looked like a handle is the beginning of the suffix. A lone `!` is a tag of its own, without a handle.
        self.unescaped.push_str(&self.text[start..self.pos]);
        self.take_uri(false)?;
        Ok(if self.unescaped.len() - since == 1 { 0 } else { 1 })
    }

    /// Takes the characters of a tag into the buffer.
    fn take_uri(&mut self, required: bool) -> Result<(), Fault> {
        let start = self.pos;
        loop {
            match self.ahead(0) {
                b'%' => self.take_uri_escape()?,
                byte if chars::is_word(byte) || b";/?:@&=+$,.!~*'()[]".contains(&byte) => {
                    self.unescaped.push(char::from(byte));
                    self.pos += 1;
                }
                _ if required && self.pos == start => return Err(self.fault("did not find expected tag URI")),
                _ => return Ok(()),
            }
        }
    }

    /// Takes the octets of one character, each written `%xx`.
    fn take_uri_escape(&mut self) -> Result<(), Fault> {
        let mut octets = Vec::new();
        let mut width = 1;
        while octets.len() < width {
            let digit = |at| char::from(self.ahead(at)).to_digit(16);
            let (b'%', Some(high), Some(low)) = (self.ahead(0), digit(1), digit(2)) else {
                return Err(self.fault("did not find URI escaped octet"));
            };
            #[allow(clippy::cast_possible_truncation)] // two hexadecimal digits
            let octet = (high << 4 | low) as u8;
            match (octets.is_empty(), octet) {
                (true, 0..=0x7F) => width = 1,
                (true, 0xC0..=0xDF) => width = 2,
                (true, 0xE0..=0xEF) => width = 3,
                (true, 0xF0..=0xF7) => width = 4,
                (true, _) => return Err(self.fault("found an incorrect leading UTF-8 octet")),
                (false, 0x80..=0xBF) => {}
                (false, _) => return Err(self.fault("found an incorrect trailing UTF-8 octet")),
            }
            octets.push(octet);
            self.pos += 3;
        }
        self.unescaped.push_str(&String::from_utf8_lossy(&octets));
        Ok(())
    }

    pub(super) fn fetch_directive(&mut self) -> Result<(), Fault> {
        let start = self.pos;
        self.pos += 1;
        let name = self.pos;
        self.skip_word();
        if self.pos == name {
            return Err(self.fault("could not find expected directive name"));
        }
        if !self.blank_or_end(0) {
            return Err(self.fault("found unexpected non-alphabetical character"));
        }
        let since = self.unescaped.len();
        let kind = match &self.text[name..self.pos] {
            "YAML" => self.take_version()?,
            "TAG" => self.take_tag_directive()?,
            _ => return Err(Fault::syntax(start, "found unknown directive name")),
        };
        let mut token = self.token(kind, start);
        token.text = self.buffered(since);
        self.skip_blanks();
        self.skip_comment();
        if !chars::is_break_or_end(self.src, self.pos) {
            return Err(self.fault("did not find expected comment or line break"));
        }
        self.take_break();
        self.queue.push_back(token);
        Ok(())
    }

    fn skip_blanks(&mut self) {
        while chars::is_blank(self.ahead(0)) {
            self.pos += 1;
        }
    }

    fn take_version(&mut self) -> Result<TokenKind, Fault> {
        self.skip_blanks();
        let major = self.take_version_number()?;
        if self.ahead(0) != b'.' {
            return Err(self.fault("did not find expected digit or '.' character"));
        }
        self.pos += 1;
        Ok(TokenKind::Version(major, self.take_version_number()?))
    }

    fn take_version_number(&mut self) -> Result<u8, Fault> {
        let start = self.pos;
        let mut number = 0;
        while self.ahead(0).is_ascii_digit() {
            if self.pos - start == 2 {
                return Err(self.fault("found extremely long version number"));
            }
            number = number * 10 + (self.ahead(0) - b'0');
            self.pos += 1;
        }
        match self.pos == start {
            true => Err(self.fault("did not find expected version number")),
            false => Ok(number),
        }
    }

    fn take_tag_directive(&mut self) -> Result<TokenKind, Fault> {
        self.skip_blanks();
        let start = self.pos;
        if self.ahead(0) != b'!' {
            return Err(self.fault("did not find expected '!'"));
        }
        self.pos += 1;
        self.skip_word();
        if self.ahead(0) == b'!' {
            self.pos += 1;
        } else if self.pos > start + 1 {
            return Err(self.fault("did not find expected '!'"));
        }
        let handle = self.pos - start;
        self.unescaped.push_str(&self.text[start..self.pos]);
        if !chars::is_blank(self.ahead(0)) {
            return Err(self.fault("did not find expected whitespace"));
        }
        self.skip_blanks();
        self.take_uri(true)?;
        if !self.blank_or_end(0) {
            return Err(self.fault("did not find expected whitespace or line break"));
        }
        #[allow(clippy::cast_possible_truncation)] // files are smaller than 2 GiB
        Ok(TokenKind::TagDirective(handle as u32))
    }
}
