//! A map by namespace and name that is asked with borrowed strings and keeps each namespace's name once.

use std::collections::HashMap;
use std::sync::Arc;

pub(super) struct Names<T>(HashMap<Arc<str>, HashMap<Arc<str>, T>>);

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Names<T> {
    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<&T> {
        self.0.get(namespace)?.get(name)
    }

    pub(super) fn get_mut(&mut self, namespace: &str, name: &str) -> Option<&mut T> {
        self.0.get_mut(namespace)?.get_mut(name)
    }

    /// Inserts and returns the names as they are kept, and what stood there.
    pub(super) fn insert(
        &mut self,
        namespace: &str,
        name: &str,
        value: T,
    ) -> (Arc<str>, Arc<str>, Option<T>) {
        let space = match self.0.get_key_value(namespace) {
            Some((space, _)) => space.clone(),
            None => Arc::from(namespace),
        };
        let names = self.0.entry(space.clone()).or_default();
        let kept = match names.get_key_value(name) {
            Some((kept, _)) => kept.clone(),
            None => Arc::from(name),
        };
        let before = names.insert(kept.clone(), value);
        (space, kept, before)
    }

    pub(super) fn remove(&mut self, namespace: &str, name: &str) -> Option<T> {
        let names = self.0.get_mut(namespace)?;
        let removed = names.remove(name);
        if names.is_empty() {
            self.0.remove(namespace);
        }
        removed
    }

    /// Everything, or what is in one namespace.
    pub(super) fn iter<'a>(
        &'a self,
        namespace: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a Arc<str>, &'a Arc<str>, &'a T)> {
        let spaces =
            self.0.iter().filter(move |(space, _)| namespace.is_none_or(|wanted| ***space == *wanted));
        spaces.flat_map(|(space, names)| names.iter().map(move |(name, value)| (space, name, value)))
    }

    pub(super) fn iter_mut<'a>(&'a mut self, namespace: Option<&'a str>) -> impl Iterator<Item = &'a mut T> {
        let spaces =
            self.0.iter_mut().filter(move |(space, _)| namespace.is_none_or(|wanted| ***space == *wanted));
        spaces.flat_map(|(_, names)| names.values_mut())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_kept_once_and_go_when_they_are_empty() {
        let mut names = Names::default();
        let (first, ..) = names.insert("n", "a", 1);
        let (second, ..) = names.insert("n", "b", 2);
        names.insert("m", "a", 3);
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(names.iter(Some("n")).count(), 2);
        assert_eq!(names.iter(None).count(), 3);
        assert_eq!((names.remove("n", "a"), names.remove("n", "a")), (Some(1), None));
        assert_eq!(names.get("m", "a"), Some(&3));
    }
}
