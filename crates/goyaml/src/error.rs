//! Why a document cannot be read.

use std::borrow::Cow;

use crate::source::Position;

/// What the reader of an error can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The bytes are no text: wrong UTF-8 or UTF-16, or a control character.
    Encoding,
    /// The text is not YAML.
    Syntax,
    /// The YAML stands for nothing that JSON can say: a list as a key, an infinite number, a value that contradicts its tag.
    Value,
    /// The document costs more than the [`Limits`](crate::Limits) allow.
    Limit,
}

/// A document that cannot be read, with the place. The message is Go's where Go has one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {}: {message}", position.line, position.column)]
pub struct Error {
    /// What can be done about it.
    pub kind: ErrorKind,
    /// What is wrong, without the source's text.
    pub message: Cow<'static, str>,
    /// The place, as a byte offset into [`Source::text`](crate::Source::text).
    pub offset: u32,
    /// The same place for people.
    pub position: Position,
}

/// An error before its line and column are looked up.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: ErrorKind,
    pub(crate) message: Cow<'static, str>,
    pub(crate) offset: usize,
}

impl Fault {
    pub(crate) fn new(kind: ErrorKind, offset: usize, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), offset }
    }

    pub(crate) fn syntax(offset: usize, message: &'static str) -> Self {
        Self::new(ErrorKind::Syntax, offset, message)
    }
}
