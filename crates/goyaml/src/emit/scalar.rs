//! How a scalar is written: which style it may have, and the styles themselves.

use super::{Emitter, WIDTH};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScalarStyle {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// The longest key, in bytes, that is written without `?`.
const SIMPLE_KEY: usize = 128;

/// Whether a key fits on one line with its value.
pub(super) fn is_simple_key(text: &str) -> bool {
    text.len() <= SIMPLE_KEY && !text.contains(is_break)
}

/// The breaks of YAML 1.1.
fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What may be written without an escape.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}') && c != '\u{FEFF}'
}

/// What a text allows.
pub(super) struct Analysis {
    plain: bool,
    single_quoted: bool,
    literal: bool,
    multiline: bool,
}

impl Analysis {
    pub(super) fn of(text: &str) -> Self {
        let mut found = Self {
            plain: !text.starts_with("---") && !text.starts_with("...") && !has_indicators(text),
            single_quoted: true,
            literal: !text.is_empty() && !text.ends_with(' '),
            multiline: false,
        };
        let (mut after_space, mut after_break) = (false, false);
        for c in text.chars() {
            let (space, line_break) = (c == ' ', is_break(c));
            found.multiline |= line_break;
            if !is_printable(c) || (line_break && after_space) {
                (found.plain, found.single_quoted, found.literal) = (false, false, false);
            }
            if space && after_break {
                (found.plain, found.single_quoted) = (false, false);
            }
            (after_space, after_break) = (space, line_break);
        }
        found.plain &= !found.multiline && !text.starts_with(' ') && !text.ends_with(' ');
        found
    }

    /// The style that is nearest to the wanted one.
    pub(super) fn style(&self, text: &str, wanted: ScalarStyle, simple_key: bool) -> ScalarStyle {
        let mut style = wanted;
        if simple_key && self.multiline {
            style = ScalarStyle::DoubleQuoted;
        }
        if style == ScalarStyle::Plain && (!self.plain || (text.is_empty() && simple_key)) {
            style = ScalarStyle::SingleQuoted;
        }
        match style {
            ScalarStyle::SingleQuoted if !self.single_quoted => ScalarStyle::DoubleQuoted,
            ScalarStyle::Literal if !self.literal || simple_key => ScalarStyle::DoubleQuoted,
            style => style,
        }
    }
}

/// Whether characters stand where they would end or change a plain scalar in a block collection.
fn has_indicators(text: &str) -> bool {
    let is_blank = |c: Option<char>| c.is_none_or(|c| c == ' ' || c == '\t');
    let mut before: Option<char> = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let ends = is_blank(chars.peek().copied());
        let indicates = match (before, c) {
            (
                None,
                '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@'
                | '`',
            ) => true,
            (None, '?' | ':' | '-') | (Some(_), ':') => ends,
            (Some(previous), '#') => previous == ' ' || previous == '\t' || is_break(previous),
            _ => false,
        };
        if indicates {
            return true;
        }
        before = Some(c);
    }
    false
}

impl Emitter {
    /// Folds at a space where the line is long enough. Tells whether it did.
    fn fold(&mut self, allowed: bool, after_space: bool) -> bool {
        let folds = allowed && !after_space && self.column > WIDTH;
        if folds {
            self.write_indent();
        }
        folds
    }

    pub(super) fn plain(&mut self, text: &str, may_fold: bool) {
        if !self.whitespace {
            self.put(' ');
        }
        let mut after_space = false;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let folds = c == ' ' && self.fold(may_fold && chars.peek() != Some(&' '), after_space);
            if !folds {
                self.put(c);
            }
            if c != ' ' {
                self.indention = false;
            }
            after_space = c == ' ';
        }
        self.whitespace = false;
        self.indention = false;
    }

    pub(super) fn single_quoted(&mut self, text: &str, may_fold: bool) {
        self.indicator("'", true, false);
        let (mut after_space, mut after_break) = (false, false);
        let mut chars = text.chars().enumerate().peekable();
        while let Some((at, c)) = chars.next() {
            if c == ' ' {
                let inside = at > 0 && chars.peek().is_some_and(|(_, next)| *next != ' ');
                if !self.fold(may_fold && inside, after_space) {
                    self.put(c);
                }
                after_space = true;
            } else if is_break(c) {
                if !after_break && c == '\n' {
                    self.put_break();
                }
                self.write_break(c);
                after_break = true;
            } else {
                if after_break {
                    self.write_indent();
                }
                if c == '\'' {
                    self.put('\'');
                }
                self.put(c);
                self.indention = false;
                (after_space, after_break) = (false, false);
            }
        }
        self.indicator("'", false, false);
    }

    fn write_break(&mut self, c: char) {
        self.out.push(c);
        self.column = 0;
        self.indention = true;
    }

    pub(super) fn double_quoted(&mut self, text: &str, may_fold: bool) {
        self.indicator("\"", true, false);
        // go-yaml looks for a byte order mark at the beginning of the text whichever character it is about to write.
        let marked = text.starts_with('\u{FEFF}');
        let mut after_space = false;
        let mut chars = text.chars().enumerate().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, next)| *next);
            if marked || !is_printable(c) || is_break(c) || c == '"' || c == '\\' {
                self.escape(c);
            } else if c == ' ' && self.fold(may_fold && at > 0 && next.is_some(), after_space) {
                if next == Some(' ') {
                    self.put('\\');
                }
            } else {
                self.put(c);
            }
            after_space = c == ' ' && !marked;
        }
        self.indicator("\"", false, false);
    }

    fn escape(&mut self, c: char) {
        let code = u32::from(c);
        let escaped = match c {
            '\0' => "\\0".into(),
            '\x07' => "\\a".into(),
            '\x08' => "\\b".into(),
            '\t' => "\\t".into(),
            '\n' => "\\n".into(),
            '\x0B' => "\\v".into(),
            '\x0C' => "\\f".into(),
            '\r' => "\\r".into(),
            '\x1B' => "\\e".into(),
            '"' => "\\\"".into(),
            '\\' => "\\\\".into(),
            '\u{85}' => "\\N".into(),
            '\u{A0}' => "\\_".into(),
            '\u{2028}' => "\\L".into(),
            '\u{2029}' => "\\P".into(),
            _ if code <= 0xFF => format!("\\x{code:02X}"),
            _ if code <= 0xFFFF => format!("\\u{code:04X}"),
            _ => format!("\\U{code:08X}"),
        };
        escaped.chars().for_each(|c| self.put(c));
    }

    pub(super) fn literal(&mut self, text: &str) {
        self.indicator("|", true, false);
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.indicator("2", false, false);
        }
        let mut last = text.chars().rev().map(is_break);
        match (last.next(), last.next()) {
            (Some(true), None | Some(true)) => self.indicator("+", false, false),
            (Some(true), _) => {}
            _ => self.indicator("-", false, false),
        }
        self.put_break();
        self.whitespace = true;
        self.indention = true;
        let mut after_break = true;
        for c in text.chars() {
            if is_break(c) {
                self.write_break(c);
                after_break = true;
                continue;
            }
            if after_break {
                self.write_indent();
            }
            self.put(c);
            self.indention = false;
            after_break = false;
        }
    }
}
