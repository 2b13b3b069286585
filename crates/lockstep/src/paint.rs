//! Colours of what is asked for, for terminals only.

use std::fmt;

/// Colours text, or leaves it as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Without colours.
    Plain,
    /// With ANSI colours.
    Coloured,
}

impl Paint {
    pub(crate) fn bold(self, text: impl fmt::Display) -> String {
        self.with("1", text)
    }

    pub(crate) fn red(self, text: impl fmt::Display) -> String {
        self.with("31", text)
    }

    pub(crate) fn green(self, text: impl fmt::Display) -> String {
        self.with("32", text)
    }

    pub(crate) fn yellow(self, text: impl fmt::Display) -> String {
        self.with("33", text)
    }

    fn with(self, code: &str, text: impl fmt::Display) -> String {
        match self {
            Self::Plain => text.to_string(),
            Self::Coloured => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }

    /// A diff of `diff`, its lines coloured by their signs: at the start for paths, after four spaces for values.
    pub(crate) fn diff(self, diff: &str) -> String {
        let line = |line: &str| match line.strip_prefix("    ").unwrap_or(line).chars().next() {
            Some('+') => self.green(line),
            Some('-') => self.red(line),
            Some('~') if line.starts_with('~') => self.yellow(line),
            _ => line.to_owned(),
        };
        diff.lines().map(line).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_choose_the_colour() {
        let diff = "~ .spec.x\n    - 1\n    + 2\n+ .y\n      - item\n      ~ text";
        assert_eq!(Paint::Plain.diff(diff), diff);
        let coloured = Paint::Coloured.diff(diff);
        let codes: Vec<&str> = coloured.lines().map(|line| line.get(..5).unwrap_or_default()).collect();
        let (red, green, yellow) = ("\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m");
        assert_eq!(codes, [yellow, red, green, green, "     ", "     "]);
    }
}
