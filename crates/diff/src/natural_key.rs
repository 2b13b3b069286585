//! By which fields people tell the items of a list apart.

use std::collections::BTreeSet;

use lockstep_core::{PathElement, Value};

/// Fields that name an item, with what stands for an absent one; `None`: the field must be there. The first that fits wins:
/// ports before names, since a port keeps its number when it is renamed and the API keeps it so.
const CANDIDATES: [&[(&str, Option<&str>)]; 11] = [
    &[("containerPort", None), ("protocol", Some("TCP"))],
    &[("port", None), ("protocol", Some("TCP"))],
    &[("mountPath", None)],
    &[("devicePath", None)],
    &[("topologyKey", None), ("whenUnsatisfiable", None)],
    &[("name", None)],
    &[("type", None)],
    &[("uid", None)],
    &[("ip", None)],
    &[("id", None)],
    &[("key", None)],
];

/// A way to tell the items of a list apart.
#[derive(Clone, Copy)]
pub(crate) struct NaturalKey(&'static [(&'static str, Option<&'static str>)]);

impl NaturalKey {
    /// The key by which the items of all these lists differ from one another; `None`: only their positions tell.
    pub(crate) fn of(lists: [&[Value]; 2]) -> Option<Self> {
        CANDIDATES.into_iter().map(Self).find(|key| lists.iter().all(|list| key.is_unique(list)))
    }

    /// The path element of an item.
    pub(crate) fn element(self, item: &Value) -> Option<PathElement> {
        let mut fields = Vec::with_capacity(self.0.len());
        for (name, default) in self.0 {
            let value = match (item.get(name), default) {
                (Some(value), _) if !matches!(value, Value::Map(_) | Value::List(_) | Value::Null) => {
                    value.clone()
                }
                (None, Some(default)) => (*default).into(),
                _ => return None,
            };
            fields.push(((*name).into(), value));
        }
        Some(PathElement::Key(fields))
    }

    fn is_unique(self, list: &[Value]) -> bool {
        let mut seen = BTreeSet::new();
        list.iter().all(|item| self.element(item).is_some_and(|element| seen.insert(element)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::{FieldPath, from_json};

    fn check(list: &str, want: &[&str]) {
        let list = from_json(list.as_bytes()).unwrap();
        let items = list.as_list().unwrap();
        let key = NaturalKey::of([items, &[]]);
        let elements = items.iter().filter_map(|item| Some(FieldPath(vec![key?.element(item)?]).to_string()));
        assert_eq!(elements.collect::<Vec<_>>(), want, "{list:?}");
    }

    #[test]
    fn items_are_told_apart_by_what_names_them() {
        check(r#"[{"name":"a"},{"name":"b"}]"#, &["[name=a]", "[name=b]"]);
        check(
            r#"[{"containerPort":53,"name":"dns"},{"containerPort":53,"protocol":"UDP"}]"#,
            &["[containerPort=53,protocol=TCP]", "[containerPort=53,protocol=UDP]"],
        );
        check(
            r#"[{"name":"v","mountPath":"/a"},{"name":"v","mountPath":"/b"}]"#,
            &["[mountPath=\"/a\"]", "[mountPath=\"/b\"]"],
        );
        check(r#"[{"port":80,"name":"a"},{"port":80,"name":"b"}]"#, &["[name=a]", "[name=b]"]);
    }

    #[test]
    fn others_are_told_apart_by_position() {
        for list in [
            r#"["a","b"]"#,
            r#"[{"name":"a"},{"name":"a"}]"#,
            r#"[{"name":{}}]"#,
            r#"[{"name":"a"},{"x":1}]"#,
        ] {
            check(list, &[]);
        }
    }
}
