//! Block scalars: `|` and `>`.

use super::Scanner;
use super::chars;
use crate::error::Fault;
use crate::node::Style;
use crate::token::TokenKind;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

impl Scanner<'_> {
    pub(super) fn fetch_block_scalar(&mut self) -> Result<(), Fault> {
        self.drop_key(self.keys.len() - 1)?;
        self.key_allowed = true;
        let start = self.pos;
        let literal = self.ahead(0) == b'|';
        self.pos += 1;
        let (chomping, increment) = self.take_block_header()?;
        let mut indent = match increment {
            0 => 0,
            n => self.indent.max(0) + n,
        };
        let since = self.unescaped.len();
        let end = self.take_block_lines(literal, chomping, &mut indent)?;
        let style = if literal { Style::Literal } else { Style::Folded };
        let mut token = self.token(TokenKind::Scalar(style), start);
        #[allow(clippy::cast_possible_truncation)] // files are smaller than 2 GiB
        (token.end = end as u32);
        token.text = self.buffered(since);
        self.queue.push_back(token);
        Ok(())
    }

    /// Takes the rest of the first line: how to treat the last breaks, and how much deeper the text is (0: to be found).
    fn take_block_header(&mut self) -> Result<(Chomping, i32), Fault> {
        let mut chomping = self.take_chomping();
        let mut increment = 0;
        if self.ahead(0).is_ascii_digit() {
            if self.ahead(0) == b'0' {
                return Err(self.fault("found an indentation indicator equal to 0"));
            }
            increment = i32::from(self.ahead(0) - b'0');
            self.pos += 1;
            chomping = chomping.or_else(|| self.take_chomping());
        }
        while chars::is_blank(self.ahead(0)) {
            self.pos += 1;
        }
        self.skip_comment();
        if !chars::is_break_or_end(self.src, self.pos) {
            return Err(self.fault("did not find expected comment or line break"));
        }
        self.take_break();
        Ok((chomping.unwrap_or(Chomping::Clip), increment))
    }

    fn take_chomping(&mut self) -> Option<Chomping> {
        let chomping = match self.ahead(0) {
            b'+' => Chomping::Keep,
            b'-' => Chomping::Strip,
            _ => return None,
        };
        self.pos += 1;
        Some(chomping)
    }

    /// Takes the lines of the text into the buffer and returns where the last one ends.
    fn take_block_lines(
        &mut self,
        literal: bool,
        chomping: Chomping,
        indent: &mut i32,
    ) -> Result<usize, Fault> {
        let mut end = self.pos;
        let mut empty_lines = self.take_empty_lines(indent, &mut end)?;
        let mut last_break = "";
        let mut indented = false;
        while self.pos < self.src.len() && self.blanks_before() == *indent {
            let was_indented = std::mem::replace(&mut indented, chars::is_blank(self.ahead(0)));
            // One break between two lines of text folds to a space; around indented lines it stays.
            match last_break {
                "\n" if !literal && !was_indented && !indented => {
                    if empty_lines.is_empty() {
                        self.unescaped.push(' ');
                    }
                }
                other => self.unescaped.push_str(other),
            }
            self.unescaped.push_str(&empty_lines);
            let line = self.pos;
            while !chars::is_break_or_end(self.src, self.pos) {
                self.pos += 1;
            }
            self.unescaped.push_str(&self.text[line..self.pos]);
            end = self.pos;
            last_break = self.take_break().unwrap_or("");
            empty_lines = self.take_empty_lines(indent, &mut end)?;
        }
        if chomping != Chomping::Strip {
            self.unescaped.push_str(last_break);
        }
        if chomping == Chomping::Keep {
            self.unescaped.push_str(&empty_lines);
        }
        Ok(end)
    }

    /// Takes indentation and empty lines, and finds the indentation of the text where it is not given.
    fn take_empty_lines(&mut self, indent: &mut i32, end: &mut usize) -> Result<String, Fault> {
        let mut breaks = String::new();
        let mut deepest = 0;
        loop {
            while self.ahead(0) == b' ' && (*indent == 0 || self.blanks_before() < *indent) {
                self.pos += 1;
            }
            deepest = deepest.max(self.blanks_before());
            if self.ahead(0) == b'\t' && (*indent == 0 || self.blanks_before() < *indent) {
                return Err(self.fault("found a tab character where an indentation space is expected"));
            }
            match self.take_break() {
                Some(text) => breaks.push_str(text),
                None => break,
            }
            *end = self.pos;
        }
        if *indent == 0 {
            *indent = deepest.max(self.indent + 1).max(1);
        }
        Ok(breaks)
    }
}
