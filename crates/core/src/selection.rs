//! Some of the objects of an Application, by kind and name.

use std::fmt;
use std::sync::Arc;

use crate::key::{GroupKind, ObjectKey};

/// Some of the objects of an Application; where none is named, all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection(Vec<(GroupKind, Arc<str>)>);

impl Selection {
    /// Of these kinds and names, in whatever namespace.
    pub fn new(named: impl IntoIterator<Item = (GroupKind, Arc<str>)>) -> Self {
        Self(named.into_iter().collect())
    }

    /// Parses what `Display` gives: `Deployment.apps/web,ConfigMap/a`. What is no object selects nothing.
    pub fn parse(text: &str) -> Self {
        let one = |word: &str| {
            let (kind, name) = word.trim().split_once('/')?;
            let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
            Some((GroupKind::new(group, kind), Arc::from(name)))
        };
        Self(text.split(',').filter_map(one).collect())
    }

    /// Whether all objects are meant.
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an object is meant.
    pub fn contains(&self, key: &ObjectKey) -> bool {
        let is_it =
            |(kind, name): &(GroupKind, Arc<str>)| kind.is(&key.group, &key.kind) && *name == key.name;
        self.is_all() || self.0.iter().any(is_it)
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (kind, name)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{kind}/{name}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_names_are_selected_in_whatever_namespace() {
        let selection = Selection::parse("Deployment.apps/web, ConfigMap/a");
        assert_eq!(selection.to_string(), "Deployment.apps/web,ConfigMap/a");
        for (group, kind, name, selected) in [
            ("apps", "Deployment", "web", true),
            ("", "ConfigMap", "a", true),
            ("", "ConfigMap", "web", false),
            ("example.com", "Deployment", "web", false),
        ] {
            let key = ObjectKey::new(group, kind, "n", name);
            assert_eq!(selection.contains(&key), selected, "{key}");
        }
        assert!(Selection::default().contains(&ObjectKey::new("", "Pod", "n", "x")));
    }
}
