//! The words of CEL.

use crate::expr::Issue;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// An operator, a bracket or a reserved literal.
    Mark(&'static str),
    Ident(String),
    Int(String),
    Uint(String),
    Float(String),
    Text(String),
    Bytes(Vec<u8>),
    End,
}

/// A token with its place and its text.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    pub(crate) at: usize,
    pub(crate) token: Token,
    pub(crate) text: String,
}

const MARKS: [&str; 29] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "[", "]", "{", "}", "(", ")", ".", ",", "-", "!", "?", ":",
    "+", "*", "/", "%", "true", "false", "null", "in", "`",
];

/// Reads all words of a text; the last is the end.
pub(crate) fn words(text: &str) -> (Vec<Word>, Vec<Issue>) {
    let chars: Vec<char> = text.chars().collect();
    let mut lexer = Lexer { chars, at: 0, issues: Vec::new() };
    let mut words = Vec::new();
    loop {
        lexer.skip();
        let start = lexer.at;
        let token = if start >= lexer.chars.len() { Some(Token::End) } else { lexer.token() };
        let Some(token) = token else { continue };
        let end = token == Token::End;
        let text = if end { "<EOF>".into() } else { lexer.chars[start..lexer.at].iter().collect() };
        words.push(Word { at: start, token, text });
        if end {
            return (words, lexer.issues);
        }
    }
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    issues: Vec<Issue>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn skip(&mut self) {
        while self.at < self.chars.len() {
            if self.peek(0) == '/' && self.peek(1) == '/' {
                while self.at < self.chars.len() && self.peek(0) != '\n' {
                    self.at += 1;
                }
            } else if self.peek(0).is_ascii_whitespace() {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    fn take(&mut self, fits: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.at < self.chars.len() && fits(self.peek(0)) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    fn token(&mut self) -> Option<Token> {
        let char = self.peek(0);
        if let Some(token) = self.quoted() {
            return token;
        }
        if char.is_ascii_alphabetic() || char == '_' {
            let word = self.take(|char| char.is_ascii_alphanumeric() || char == '_');
            let mark = ["true", "false", "null", "in"].into_iter().find(|mark| *mark == word);
            return Some(mark.map_or(Token::Ident(word), Token::Mark));
        }
        if char.is_ascii_digit() || (char == '.' && self.peek(1).is_ascii_digit()) {
            return Some(self.number());
        }
        if char == '`' {
            let start = self.at;
            self.at += 1;
            let name = self.take(|char| char.is_ascii_alphanumeric() || "_.-/ ".contains(char));
            if self.peek(0) != '`' {
                return self.broken(start);
            }
            self.at += 1;
            return Some(Token::Ident(name));
        }
        let rest: String = self.chars[self.at..].iter().take(2).collect();
        if let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            self.at += mark.len();
            return Some(Token::Mark(mark));
        }
        let text = format!("Syntax error: token recognition error at: '{char}'");
        self.issues.push(Issue { at: self.at, text });
        self.at += 1;
        None
    }

    fn number(&mut self) -> Token {
        if self.peek(0) == '0' && self.peek(1) == 'x' {
            self.at += 2;
            let digits = format!("0x{}", self.take(|char| char.is_ascii_hexdigit()));
            return self.integer(digits);
        }
        let mut text = self.take(|char| char.is_ascii_digit());
        let mut float = false;
        if self.peek(0) == '.' && self.peek(1).is_ascii_digit() {
            self.at += 1;
            float = true;
            text.push('.');
            text.push_str(&self.take(|char| char.is_ascii_digit()));
        }
        let signed = usize::from(matches!(self.peek(1), '+' | '-'));
        if matches!(self.peek(0), 'e' | 'E') && self.peek(1 + signed).is_ascii_digit() {
            float = true;
            for _ in 0..=signed {
                text.push(self.peek(0));
                self.at += 1;
            }
            text.push_str(&self.take(|char| char.is_ascii_digit()));
        }
        if float { Token::Float(text) } else { self.integer(text) }
    }

    fn integer(&mut self, text: String) -> Token {
        if matches!(self.peek(0), 'u' | 'U') {
            self.at += 1;
            return Token::Uint(text);
        }
        Token::Int(text)
    }

    /// A text or bytes; `None` where none starts here, `Some(None)` where it is broken.
    fn quoted(&mut self) -> Option<Option<Token>> {
        let mut prefix = 0;
        let (mut raw, mut bytes) = (false, false);
        while prefix < 2 {
            match self.peek(prefix) {
                'r' | 'R' if !raw => raw = true,
                'b' | 'B' if !bytes => bytes = true,
                _ => break,
            }
            prefix += 1;
        }
        let quote = self.peek(prefix);
        if quote != '"' && quote != '\'' {
            return None;
        }
        let start = self.at;
        let triple = self.peek(prefix + 1) == quote && self.peek(prefix + 2) == quote;
        let width = if triple { 3 } else { 1 };
        self.at += prefix + width;
        let mut body = Vec::new();
        loop {
            let char = self.peek(0);
            let closes = (0..width).all(|ahead| self.peek(ahead) == quote);
            if self.at >= self.chars.len() || (!triple && char == '\n') {
                return Some(self.broken(start));
            }
            if closes {
                self.at += width;
                break;
            }
            self.at += 1;
            match char {
                '\\' if !raw => match self.escape(bytes, &mut body) {
                    Some(()) => {}
                    None => return Some(self.broken(start)),
                },
                '\\' => {
                    body.push(b'\\');
                    let next = self.peek(0);
                    self.at += 1;
                    push(&mut body, next);
                }
                _ => push(&mut body, char),
            }
        }
        Some(Some(match bytes {
            true => Token::Bytes(body),
            false => Token::Text(String::from_utf8_lossy(&body).into_owned()),
        }))
    }

    fn broken(&mut self, start: usize) -> Option<Token> {
        let end = (self.at + 1).min(self.chars.len());
        let seen: String = self.chars[start..end].iter().collect();
        self.issues
            .push(Issue { at: start, text: format!("Syntax error: token recognition error at: '{seen}'") });
        self.at = end;
        None
    }

    fn escape(&mut self, bytes: bool, body: &mut Vec<u8>) -> Option<()> {
        let char = self.peek(0);
        self.at += 1;
        let simple = match char {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '\\' | '\'' | '"' | '`' | '?' => char,
            'x' | 'X' | 'u' | 'U' | '0'..='3' => return self.code(char, bytes, body),
            _ => return None,
        };
        push(body, simple);
        Some(())
    }

    fn code(&mut self, kind: char, bytes: bool, body: &mut Vec<u8>) -> Option<()> {
        let (radix, width) = match kind {
            'x' | 'X' => (16, 2),
            'u' => (16, 4),
            'U' => (16, 8),
            _ => (8, 3),
        };
        let start = if radix == 8 { self.at - 1 } else { self.at };
        let digits: String = self.chars.get(start..start + width)?.iter().collect();
        let code = u32::from_str_radix(&digits, radix).ok()?;
        self.at = start + width;
        match bytes && width < 4 {
            true => body.push(u8::try_from(code).ok()?),
            false => push(body, char::from_u32(code)?),
        }
        Some(())
    }
}

fn push(body: &mut Vec<u8>, char: char) {
    body.extend(char.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_names_end() {
        let check = |text: &str, names: &[&str], issues: &[&str]| {
            let (words, found) = words(text);
            let idents = words.iter().filter_map(|word| match &word.token {
                Token::Ident(name) => Some(name.as_str()),
                _ => None,
            });
            assert_eq!(idents.collect::<Vec<_>>(), names, "{text}");
            let found: Vec<_> = found.iter().map(|issue| issue.text.as_str()).collect();
            assert_eq!(found, issues, "{text}");
        };
        check("self.`a/b`", &["self", "a/b"], &[]);
        check("self.`a", &["self"], &["Syntax error: token recognition error at: '`a'"]);
        check("`", &[], &["Syntax error: token recognition error at: '`'"]);
        check("`a(b", &["b"], &["Syntax error: token recognition error at: '`a('"]);
    }
}
