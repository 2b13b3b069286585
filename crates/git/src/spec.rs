//! What a user asks for: a revision by name.

use std::fmt;
use std::sync::Arc;

use gostd::semver::Constraint;

/// A revision as written: `refs/…`, a branch, a tag, a full id, a semver range over tags or a short id; empty or `HEAD`
/// for the default branch. They are tried in this order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RevisionSpec(Arc<str>);

impl RevisionSpec {
    /// Takes a revision as the user wrote it; spaces around it do not count.
    pub fn new(text: &str) -> Self {
        Self(text.trim().into())
    }

    /// The text; empty for the default branch.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_head(&self) -> bool {
        matches!(&*self.0, "" | "HEAD")
    }

    /// Whether this can be the name of a reference at all; others never match one and are not sent to a server.
    pub(crate) fn is_ref_name(&self) -> bool {
        gix::validate::reference::name_partial(self.0.as_bytes().into()).is_ok()
    }

    /// The semver range that this reads as.
    pub(crate) fn range(&self) -> Option<Constraint> {
        Constraint::parse(&self.0).ok()
    }

    pub(crate) fn full_id(&self) -> Option<gix::ObjectId> {
        (self.0.len() == 40)
            .then(|| gix::ObjectId::from_hex(self.0.to_ascii_lowercase().as_bytes()).ok())
            .flatten()
    }

    /// The hexadecimal digits of a short id: at least four, as git has it.
    pub(crate) fn short_id(&self) -> Option<String> {
        let hex = self.0.bytes().all(|b| b.is_ascii_hexdigit());
        (hex && (4..40).contains(&self.0.len())).then(|| self.0.to_ascii_lowercase())
    }

    /// The prefixes of the references that resolving this has to see.
    pub(crate) fn prefixes(&self) -> Vec<String> {
        if self.is_head() {
            return vec!["HEAD".to_owned()];
        }
        let text = &*self.0;
        if text.starts_with("refs/") {
            return if self.is_ref_name() { vec![text.to_owned()] } else { Vec::new() };
        }
        let mut prefixes = Vec::new();
        if self.is_ref_name() {
            prefixes.push(format!("refs/heads/{text}"));
            prefixes.push(format!("refs/tags/{text}"));
        }
        if self.range().is_some() || self.short_id().is_some() {
            prefixes.push("refs/tags/".to_owned());
        }
        if self.short_id().is_some() {
            prefixes.push("refs/heads/".to_owned());
        }
        prefixes
    }
}

impl fmt::Display for RevisionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "HEAD" } else { &self.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_references_that_matter_are_asked_for() {
        for (spec, expected) in [
            ("", &["HEAD"][..]),
            ("HEAD", &["HEAD"]),
            (" main ", &["refs/heads/main", "refs/tags/main"]),
            ("feature/x", &["refs/heads/feature/x", "refs/tags/feature/x"]),
            ("refs/pull/1/head", &["refs/pull/1/head"]),
            ("1.x", &["refs/heads/1.x", "refs/tags/1.x", "refs/tags/"]),
            (">=1.2 <2", &["refs/tags/"]),
            ("^1.2", &["refs/tags/"]),
            ("deadbee", &["refs/heads/deadbee", "refs/tags/deadbee", "refs/tags/", "refs/heads/"]),
            ("a b", &[]),
            ("refs/heads/a..b", &[]),
        ] {
            assert_eq!(RevisionSpec::new(spec).prefixes(), expected, "{spec:?}");
        }
    }
}
