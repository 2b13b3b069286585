//! A set of field paths.

use std::cmp::Ordering;

use lockstep_core::{FieldPath, PathElement};

/// A set of field paths as a tree: a node is a path, and says whether that path itself belongs to the set.
///
/// A member without children is a leaf: a scalar, an atomic value, or a container that was empty. Members with children
/// (written `.` in FieldsV1) are map entries and list items that were set explicitly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    member: bool,
    /// Sorted by element and without nodes that hold nothing.
    children: Vec<(PathElement, FieldSet)>,
}

impl FieldSet {
    /// A node from its parts; `children` in any order, without duplicates.
    pub(crate) fn node(member: bool, mut children: Vec<(PathElement, FieldSet)>) -> Self {
        if !children.is_sorted_by(|a, b| a.0 < b.0) {
            children.sort_by(|a, b| a.0.cmp(&b.0));
        }
        Self { member, children }
    }

    /// Whether no path is in the set.
    pub fn is_empty(&self) -> bool {
        !self.member && self.children.is_empty()
    }

    /// Whether the path of this node itself is in the set.
    pub fn is_member(&self) -> bool {
        self.member
    }

    /// Whether nothing is below this node: its value is to be taken whole.
    pub fn is_leaf(&self) -> bool {
        self.children.is_empty()
    }

    /// The nodes below this one, sorted.
    pub fn children(&self) -> &[(PathElement, FieldSet)] {
        &self.children
    }

    /// The node below this one behind `element`.
    pub fn child(&self, element: &PathElement) -> Option<&FieldSet> {
        let index = self.children.binary_search_by(|(other, _)| other.cmp(element)).ok()?;
        Some(&self.children[index].1)
    }

    /// The node at a path.
    pub fn at(&self, path: &[PathElement]) -> Option<&FieldSet> {
        path.iter().try_fold(self, |node, element| node.child(element))
    }

    /// Whether exactly this path is in the set.
    pub fn contains(&self, path: &[PathElement]) -> bool {
        self.at(path).is_some_and(|node| node.member)
    }

    /// Whether this path or an atomic value around it is in the set.
    pub fn covers(&self, path: &[PathElement]) -> bool {
        let mut node = self;
        for element in path {
            match node.child(element) {
                Some(child) => node = child,
                None => return node.member && node.is_leaf(),
            }
        }
        node.member
    }

    /// Adds one path.
    pub fn insert(&mut self, path: &[PathElement]) {
        let Some((first, rest)) = path.split_first() else {
            self.member = true;
            return;
        };
        let index = match self.children.binary_search_by(|(other, _)| other.cmp(first)) {
            Ok(index) => index,
            Err(index) => {
                self.children.insert(index, (first.clone(), FieldSet::default()));
                index
            }
        };
        self.children[index].1.insert(rest);
    }

    /// The paths that are in either set.
    #[must_use]
    pub fn union(&self, other: &FieldSet) -> FieldSet {
        let join = |a: Option<&FieldSet>, b: Option<&FieldSet>| match (a, b) {
            (Some(a), Some(b)) => a.union(b),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => FieldSet::default(),
        };
        Self { member: self.member || other.member, children: self.merge(other, join) }
    }

    /// The paths of this set that are not in the other. An atomic value in one and parts of it in the other are different
    /// paths, as structured-merge-diff has it.
    #[must_use]
    pub fn difference(&self, other: &FieldSet) -> FieldSet {
        let subtract = |a: Option<&FieldSet>, b: Option<&FieldSet>| match (a, b) {
            (Some(a), Some(b)) => a.difference(b),
            (Some(a), None) => a.clone(),
            (None, _) => FieldSet::default(),
        };
        Self { member: self.member && !other.member, children: self.merge(other, subtract) }
    }

    /// The paths of this set that are not in the other and not below one of its paths.
    #[must_use]
    pub fn without_subtrees(&self, other: &FieldSet) -> FieldSet {
        let subtract = |a: Option<&FieldSet>, b: Option<&FieldSet>| match (a, b) {
            (Some(_), Some(b)) if b.member => FieldSet::default(),
            (Some(a), Some(b)) => a.without_subtrees(b),
            (Some(a), None) => a.clone(),
            (None, _) => FieldSet::default(),
        };
        Self { member: self.member && !other.member, children: self.merge(other, subtract) }
    }

    /// This node with its own path in the set.
    #[must_use]
    pub(crate) fn with_own_path(self) -> FieldSet {
        Self { member: true, ..self }
    }

    /// The paths that are in both sets.
    #[must_use]
    pub fn intersection(&self, other: &FieldSet) -> FieldSet {
        let meet = |a: Option<&FieldSet>, b: Option<&FieldSet>| match (a, b) {
            (Some(a), Some(b)) => a.intersection(b),
            _ => FieldSet::default(),
        };
        Self { member: self.member && other.member, children: self.merge(other, meet) }
    }

    /// The paths of the set, those of one depth before those below them, as the server lists conflicts.
    pub fn paths(&self) -> Vec<FieldPath> {
        let mut paths = Vec::new();
        self.collect_paths(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect_paths(&self, path: &mut Vec<PathElement>, paths: &mut Vec<FieldPath>) {
        for (element, _) in self.children.iter().filter(|(_, child)| child.member) {
            paths.push(FieldPath(path.iter().chain([element]).cloned().collect()));
        }
        for (element, child) in &self.children {
            path.push(element.clone());
            child.collect_paths(path, paths);
            path.pop();
        }
    }

    /// The paths of the set that have no other path of it below them, in order.
    pub fn leaves(&self) -> Vec<FieldPath> {
        let mut leaves = Vec::new();
        self.collect_leaves(&mut Vec::new(), &mut leaves);
        leaves
    }

    fn collect_leaves(&self, path: &mut Vec<PathElement>, leaves: &mut Vec<FieldPath>) {
        if self.children.is_empty() && self.member {
            leaves.push(FieldPath(path.clone()));
        }
        for (element, child) in &self.children {
            path.push(element.clone());
            child.collect_leaves(path, leaves);
            path.pop();
        }
    }

    fn merge(
        &self,
        other: &FieldSet,
        combine: impl Fn(Option<&FieldSet>, Option<&FieldSet>) -> FieldSet,
    ) -> Vec<(PathElement, FieldSet)> {
        let (mut left, mut right) = (self.children.iter().peekable(), other.children.iter().peekable());
        let mut merged = Vec::with_capacity(self.children.len());
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => return merged,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((a, _)), Some((b, _))) => a.cmp(b),
            };
            let a = if order.is_le() { left.next() } else { None };
            let b = if order.is_ge() { right.next() } else { None };
            let Some((element, _)) = a.or(b) else { return merged };
            let node = combine(a.map(|(_, node)| node), b.map(|(_, node)| node));
            if !node.is_empty() {
                merged.push((element.clone(), node));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::{from_json, to_json};

    fn set(json: &str) -> FieldSet {
        FieldSet::parse(&from_json(json.as_bytes()).unwrap()).unwrap()
    }

    fn text(set: &FieldSet) -> String {
        String::from_utf8(to_json(&set.to_fields_v1())).unwrap()
    }

    #[test]
    fn algebra_works_path_by_path() {
        for (a, b, union, difference, intersection) in [
            ("{}", "{}", "{}", "{}", "{}"),
            (r#"{"f:a":{}}"#, "{}", r#"{"f:a":{}}"#, r#"{"f:a":{}}"#, "{}"),
            (r#"{"f:a":{}}"#, r#"{"f:b":{}}"#, r#"{"f:a":{},"f:b":{}}"#, r#"{"f:a":{}}"#, "{}"),
            // An atomic value and its parts are different paths.
            (r#"{"f:a":{}}"#, r#"{"f:a":{"f:x":{}}}"#, r#"{"f:a":{".":{},"f:x":{}}}"#, r#"{"f:a":{}}"#, "{}"),
            (
                r#"{"f:a":{".":{},"f:x":{},"f:y":{}}}"#,
                r#"{"f:a":{"f:x":{}}}"#,
                r#"{"f:a":{".":{},"f:x":{},"f:y":{}}}"#,
                r#"{"f:a":{".":{},"f:y":{}}}"#,
                r#"{"f:a":{"f:x":{}}}"#,
            ),
            // Keys are equal by number, whatever the spelling.
            (
                r#"{"f:p":{"k:{\"port\":80}":{".":{},"f:x":{}}}}"#,
                r#"{"f:p":{"k:{\"port\":80.0}":{".":{}}}}"#,
                r#"{"f:p":{"k:{\"port\":80}":{".":{},"f:x":{}}}}"#,
                r#"{"f:p":{"k:{\"port\":80}":{"f:x":{}}}}"#,
                r#"{"f:p":{"k:{\"port\":80}":{}}}"#,
            ),
        ] {
            let (a, b) = (set(a), set(b));
            assert_eq!(text(&a.union(&b)), union);
            assert_eq!(text(&a.difference(&b)), difference);
            assert_eq!(text(&a.intersection(&b)), intersection);
        }
    }

    #[test]
    fn members_are_told_from_parents_and_from_parts_of_atomic_values() {
        let set = set(r#"{"f:a":{".":{},"f:x":{}},"f:b":{"f:y":{}}}"#);
        for (path, contains, covers) in [
            (&["a"][..], true, true),
            (&["a", "x"], true, true),
            (&["a", "x", "deep"], false, true),
            (&["a", "z"], false, false),
            (&["b"], false, false),
            (&["b", "y"], true, true),
            (&["c"], false, false),
        ] {
            let path = FieldPath::fields(path).0;
            assert_eq!(set.contains(&path), contains, "{path:?}");
            assert_eq!(set.covers(&path), covers, "{path:?}");
        }
    }

    #[test]
    fn leaves_are_what_has_nothing_below() {
        let set = set(r#"{"f:b":{},"f:a":{".":{},"k:{\"name\":\"x\"}":{".":{},"f:name":{}},"v:\"s\"":{}}}"#);
        let leaves: Vec<String> = set.leaves().iter().map(ToString::to_string).collect();
        assert_eq!(leaves, [".a[name=x].name", ".a[=s]", ".b"]);
    }

    #[test]
    fn whole_subtrees_are_taken_away() {
        for (a, b, want) in [
            (r#"{"f:a":{"f:x":{}},"f:b":{}}"#, r#"{"f:a":{}}"#, r#"{"f:b":{}}"#),
            (
                r#"{"f:a":{".":{},"f:x":{},"f:y":{}}}"#,
                r#"{"f:a":{"f:x":{}}}"#,
                r#"{"f:a":{".":{},"f:y":{}}}"#,
            ),
            (r#"{"f:a":{}}"#, r#"{"f:a":{"f:x":{}}}"#, r#"{"f:a":{}}"#),
        ] {
            assert_eq!(text(&set(a).without_subtrees(&set(b))), want);
        }
    }

    #[test]
    fn paths_are_listed_by_depth() {
        let set = set(r#"{"f:a":{"f:x":{}},"f:b":{".":{},"f:y":{}},"f:c":{}}"#);
        let paths: Vec<String> = set.paths().iter().map(ToString::to_string).collect();
        assert_eq!(paths, [".b", ".c", ".a.x", ".b.y"]);
    }

    #[test]
    fn inserting_builds_the_same_set_as_parsing() {
        let parsed =
            set(r#"{"f:b":{},"f:a":{".":{},"k:{\"name\":\"x\"}":{".":{},"f:name":{}},"v:\"s\"":{}}}"#);
        let mut built = FieldSet::default();
        for path in parsed.leaves().iter().rev() {
            built.insert(&path.0);
        }
        assert!(!built.contains(&FieldPath::fields(&["a"]).0));
        built.insert(&FieldPath::fields(&["a"]).0);
        built.insert(&parsed.leaves()[0].0[..2]);
        assert_eq!(built, parsed);
    }
}
