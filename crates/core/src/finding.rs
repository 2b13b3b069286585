//! What is wrong, or odd, in what a user wrote.

use std::fmt;

use crate::origin::Origin;

/// Whether a finding stops the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The input is accepted; the user should look.
    Warning,
    /// The input is refused.
    Error,
}

/// One thing to tell a user about an input, with its place and what to do about it.
///
/// Findings are collected, never returned one at a time. Neither `message` nor `text` may hold a secret's value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The place, where there is one. Fields of an Application have none: `message` then names the field's path.
    pub origin: Option<Origin>,
    /// Whether the input is refused.
    pub severity: Severity,
    /// A short, stable name for the rule, for example `duplicate-key`.
    pub rule: &'static str,
    /// What is wrong, in lower case, without a period.
    pub message: String,
    /// The offending line or value as written, where it helps and holds no secret.
    pub text: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Finding {
    /// An error without a place.
    pub fn error(rule: &'static str, message: impl Into<String>) -> Self {
        Self {
            origin: None,
            severity: Severity::Error,
            rule,
            message: message.into(),
            text: None,
            hint: None,
        }
    }

    /// A warning without a place.
    pub fn warning(rule: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(rule, message) }
    }

    /// This finding at a place.
    #[must_use]
    pub fn at(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// This finding with the offending text.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// This finding with what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether the input is refused.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// `file:line:column: message (hint)`, the one-line form of conditions and logs.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_prints_its_place_and_hint() {
        let finding = Finding::error("bad", "no kind").at(Origin::new("a.yaml", 3, 1)).with_hint("add one");
        assert_eq!(finding.to_string(), "a.yaml:3:1: no kind (add one)");
        assert_eq!(Finding::warning("odd", "twice").at(Origin::file("b.yaml")).to_string(), "b.yaml: twice");
    }
}
