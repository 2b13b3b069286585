//! The live values at a field set, as one digest.

use lockstep_core::{Digest, FieldPath, Hasher, Key, PathElement, Value};
use schema::{Children, FieldSet, Found};

/// What a projection says of an object.
pub(crate) struct Projection {
    /// The keyed digest of the values at the set.
    pub(crate) digest: Digest,
    /// The first path of the set that several items of a list fit.
    pub(crate) ambiguous: Option<FieldPath>,
}

/// Projects an object onto `fields`. Atomic values count whole; items of lists by key, whatever their order; the leaves of
/// `presence` only for being there or not.
pub(crate) fn project(fields: &FieldSet, presence: &FieldSet, object: &Value, key: &Key) -> Projection {
    let mut walk = Walk { hasher: key.hasher(), path: Vec::new(), ambiguous: None };
    walk.node(fields, Some(presence), object);
    Projection { digest: walk.hasher.finish(), ambiguous: walk.ambiguous }
}

struct Walk<'a> {
    hasher: Hasher,
    path: Vec<&'a PathElement>,
    ambiguous: Option<FieldPath>,
}

impl<'a> Walk<'a> {
    /// The set is recorded beside the digest, so only the values have to be hashed, in the order of the set. A marker and
    /// a value never start with the same byte.
    fn node(&mut self, node: &'a FieldSet, presence: Option<&FieldSet>, value: &Value) {
        if node.is_leaf() {
            match presence.is_some_and(FieldSet::is_member) {
                true => self.hasher.bytes(b"+"),
                false => self.hasher.value(value),
            }
            return;
        }
        self.hasher.bytes(b"{");
        let mut children = Children::of(value, node.children().len());
        for (element, child) in node.children() {
            self.path.push(element);
            match children.get(element) {
                Found::Absent => self.hasher.bytes(b"-"),
                Found::One(value) => self.node(child, presence.and_then(|set| set.child(element)), value),
                Found::Ambiguous => self.ambiguous(value),
            }
            self.path.pop();
        }
        self.hasher.bytes(b"}");
    }

    fn ambiguous(&mut self, list: &Value) {
        self.hasher.bytes(b"*");
        self.hasher.value(list);
        if self.ambiguous.is_none() {
            self.ambiguous = Some(FieldPath(self.path.iter().map(|element| (*element).clone()).collect()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::from_json;

    fn value(json: &str) -> Value {
        from_json(json.as_bytes()).unwrap()
    }

    fn digest(fields: &str, presence: &str, object: &str) -> (Digest, Option<String>) {
        let set = |json| FieldSet::parse(&value(json)).unwrap();
        let projection = project(&set(fields), &set(presence), &value(object), &Key::new([3; 32]));
        (projection.digest, projection.ambiguous.map(|path| path.to_string()))
    }

    fn check(fields: &str, presence: &str, objects: [&str; 2], same: bool) {
        let [a, b] = objects.map(|object| digest(fields, presence, object).0);
        assert_eq!(a == b, same, "{fields} of {objects:?}");
    }

    #[test]
    fn only_the_values_at_the_set_count() {
        check(r#"{"f:a":{}}"#, "{}", [r#"{"a":1}"#, r#"{"a":1.0,"b":2}"#], true);
        check(r#"{"f:a":{}}"#, "{}", [r#"{"a":1}"#, r#"{"a":2}"#], false);
        check(r#"{"f:a":{}}"#, "{}", [r#"{"a":1}"#, "{}"], false);
        check(r#"{"f:a":{"f:x":{}}}"#, "{}", [r#"{"a":{"x":1}}"#, r#"{"a":{"x":1,"y":2}}"#], true);
        check(r#"{"f:a":{"f:x":{}}}"#, "{}", [r#"{"a":{"x":1}}"#, r#"{"a":[1]}"#], false);
        check(r#"{"f:a":{"f:x":{}}}"#, "{}", [r#"{"a":{}}"#, r#"{"b":1}"#], false);
    }

    #[test]
    fn atomic_values_count_whole_and_in_order() {
        check(r#"{"f:a":{}}"#, "{}", [r#"{"a":{"x":1}}"#, r#"{"a":{"x":1,"y":2}}"#], false);
        check(r#"{"f:a":{}}"#, "{}", [r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#], false);
    }

    #[test]
    fn items_of_sets_and_maps_count_without_order() {
        check(r#"{"f:a":{"v:1":{},"v:2":{}}}"#, "{}", [r#"{"a":[1,2,3]}"#, r#"{"a":[2,4,1]}"#], true);
        check(r#"{"f:a":{"v:1":{},"v:2":{}}}"#, "{}", [r#"{"a":[1,2]}"#, r#"{"a":[2]}"#], false);
        let items = r#"{"f:a":{"k:{\"n\":1}":{".":{},"f:x":{}},"k:{\"n\":2}":{".":{},"f:x":{}}}}"#;
        let one = r#"{"a":[{"n":1,"x":1},{"n":2,"x":2}]}"#;
        check(items, "{}", [one, r#"{"a":[{"n":3},{"n":2,"x":2},{"n":1,"x":1,"y":1}]}"#], true);
        check(items, "{}", [one, r#"{"a":[{"n":1,"x":2},{"n":2,"x":1}]}"#], false);
    }

    #[test]
    fn presence_leaves_count_for_being_there() {
        let leaf = r#"{"f:a":{}}"#;
        check(leaf, leaf, [r#"{"a":{}}"#, r#"{"a":{"foreign":1}}"#], true);
        check(leaf, leaf, [r#"{"a":null}"#, r#"{"a":[]}"#], true);
        check(leaf, leaf, [r#"{"a":{}}"#, "{}"], false);
        check(leaf, leaf, ["{}", r#"{"b":1}"#], true);
    }

    #[test]
    fn duplicates_are_named_and_still_compared() {
        let fields = r#"{"f:a":{"k:{\"n\":1}":{"f:x":{}}}}"#;
        let twice = r#"{"a":[{"n":1,"x":1},{"n":1,"x":2}]}"#;
        assert_eq!(digest(fields, "{}", twice).1.as_deref(), Some(".a[n=1]"));
        assert_eq!(digest(fields, "{}", r#"{"a":[{"n":1,"x":1}]}"#).1, None);
        check(fields, "{}", [twice, twice], true);
        check(fields, "{}", [twice, r#"{"a":[{"n":1,"x":1},{"n":1,"x":3}]}"#], false);
    }
}
