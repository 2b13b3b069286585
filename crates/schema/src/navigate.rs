//! From a value to the parts that path elements name.

use std::collections::BTreeMap;

use lockstep_core::{PathElement, Value};

/// What is behind a path element or a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// Nothing.
    Absent,
    /// One value.
    One(&'a Value),
    /// Several items of a list have this key or this value. The server accepts such objects (they were written before the
    /// list's keys were, or by a client that does not apply), and only the server can tell what an apply makes of them.
    Ambiguous,
}

impl<'a> Found<'a> {
    /// The value, where there is exactly one.
    pub fn one(self) -> Option<&'a Value> {
        match self {
            Self::One(value) => Some(value),
            Self::Absent | Self::Ambiguous => None,
        }
    }
}

/// One step from a value. For many steps from one value, see [`Children`].
pub fn step<'a>(value: &'a Value, element: &PathElement) -> Found<'a> {
    Children::of(value, 1).get(element)
}

/// What is at a path.
pub fn find<'a>(value: &'a Value, path: &[PathElement]) -> Found<'a> {
    path.iter().fold(Found::One(value), |found, element| match found {
        Found::One(value) => step(value, element),
        other => other,
    })
}

/// The children of one value, to be asked for by path element.
pub struct Children<'a> {
    value: &'a Value,
    steps: usize,
    index: Option<Index<'a>>,
}

/// Positions of the items of a list by the value of one of their fields, or, for scalars, by themselves: without it, a list
/// of n items asked for n keys costs n² comparisons. Made for the field that is asked for first.
struct Index<'a> {
    field: Option<&'a str>,
    positions: BTreeMap<&'a Value, Vec<usize>>,
}

/// Below this many steps, looking at every item is faster than an index.
const WORTH_AN_INDEX: usize = 16;

impl<'a> Children<'a> {
    /// The children of a value that will be asked for about `steps` times.
    pub fn of(value: &'a Value, steps: usize) -> Self {
        Self { value, steps, index: None }
    }

    /// What is behind one path element.
    pub fn get(&mut self, element: &PathElement) -> Found<'a> {
        match (element, self.value) {
            (PathElement::Field(name), Value::Map(entries)) => {
                entries.get(&**name).map_or(Found::Absent, Found::One)
            }
            (PathElement::Index(index), Value::List(items)) => {
                items.get(*index).map_or(Found::Absent, Found::One)
            }
            (PathElement::Key(_) | PathElement::Item(_), Value::List(items)) => self.item(items, element),
            _ => Found::Absent,
        }
    }

    fn item(&mut self, items: &'a [Value], element: &PathElement) -> Found<'a> {
        if self.steps < WORTH_AN_INDEX || items.len() < WORTH_AN_INDEX {
            return choose(items.iter().map(|item| (item, fit(item, element))));
        }
        let (field, wanted) = match element {
            PathElement::Item(value) => (None, value),
            PathElement::Key(fields) => match fields.first() {
                Some((name, value)) => (Some(&**name), value),
                None => return Found::Absent,
            },
            _ => return Found::Absent,
        };
        let Some(index) = self.index_by(items, field) else {
            return choose(items.iter().map(|item| (item, fit(item, element))));
        };
        // Items without the field stand under null: they may still fit by a default.
        let empty: &[usize] = &[];
        let of = |value| index.positions.get(value).map_or(empty, Vec::as_slice);
        let (exact, missing) = (of(wanted), if field.is_some() { of(&Value::Null) } else { empty });
        choose(
            exact.iter().chain(missing).map(|position| (&items[*position], fit(&items[*position], element))),
        )
    }

    /// The index by `field`; `None` where the items are already indexed by another one.
    fn index_by(&mut self, items: &'a [Value], field: Option<&str>) -> Option<&Index<'a>> {
        if self.index.is_none() {
            // The name is borrowed from an item, so that it lives as long as the index.
            let name = match field {
                None => None,
                Some(field) => {
                    let mut maps = items.iter().filter_map(Value::as_map);
                    Some(&**maps.find_map(|item| item.get_key_value(field))?.0)
                }
            };
            let mut positions: BTreeMap<&Value, Vec<usize>> = BTreeMap::new();
            for (position, item) in items.iter().enumerate() {
                let by = name.map_or(item, |name| item.get(name).unwrap_or(&Value::Null));
                positions.entry(by).or_default().push(position);
            }
            self.index = Some(Index { field: name, positions });
        }
        self.index.as_ref().filter(|index| index.field == field)
    }
}

/// How well an item fits a path element.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    No,
    /// What the item says of the key agrees, and the rest may be defaults: `{containerPort: 80}` for
    /// `k:{"containerPort":80,"protocol":"TCP"}`.
    ByDefault,
    Exact,
}

fn fit(item: &Value, element: &PathElement) -> Fit {
    let fields = match element {
        PathElement::Item(value) => return if item == value { Fit::Exact } else { Fit::No },
        PathElement::Key(fields) => fields,
        _ => return Fit::No,
    };
    let Some(entries) = item.as_map() else { return Fit::No };
    let mut present = 0;
    for (name, wanted) in fields {
        match entries.get(&**name) {
            Some(value) if value == wanted => present += 1,
            Some(_) => return Fit::No,
            None => {}
        }
    }
    match present {
        0 => Fit::No,
        all if all == fields.len() => Fit::Exact,
        _ => Fit::ByDefault,
    }
}

fn choose<'a>(items: impl Iterator<Item = (&'a Value, Fit)>) -> Found<'a> {
    let (mut exact, mut by_default) = (Found::Absent, Found::Absent);
    for (item, fit) in items {
        let best = match fit {
            Fit::No => continue,
            Fit::ByDefault => &mut by_default,
            Fit::Exact => &mut exact,
        };
        *best = if *best == Found::Absent { Found::One(item) } else { Found::Ambiguous };
    }
    if exact == Found::Absent { by_default } else { exact }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::{Map, from_json};

    fn value(json: &str) -> Value {
        from_json(json.as_bytes()).unwrap()
    }

    fn key(json: &str) -> PathElement {
        let fields = value(json);
        PathElement::Key(fields.as_map().unwrap().iter().map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    fn check(parent: &str, element: &PathElement, want: Result<Option<&str>, ()>) {
        let parent = value(parent);
        let got = step(&parent, element);
        let want = match &want {
            Ok(json) => json.map(value),
            Err(()) => {
                assert_eq!(got, Found::Ambiguous, "{element:?}");
                return;
            }
        };
        assert_eq!(got, want.as_ref().map_or(Found::Absent, Found::One), "{element:?}");
    }

    #[test]
    fn fields_items_and_positions_are_found() {
        let field = |name: &str| PathElement::Field(name.into());
        check(r#"{"a":1}"#, &field("a"), Ok(Some("1")));
        check(r#"{"a":1}"#, &field("b"), Ok(None));
        check("[1]", &field("a"), Ok(None));
        check("[7,8]", &PathElement::Index(1), Ok(Some("8")));
        check("[7,8]", &PathElement::Index(2), Ok(None));
        check(r#"["a","b"]"#, &PathElement::Item("b".into()), Ok(Some("\"b\"")));
        check(r#"["a","b"]"#, &PathElement::Item("c".into()), Ok(None));
        check("[1,2]", &PathElement::Item(Value::Float(2.0)), Ok(Some("2")));
        check(r#"["a","a"]"#, &PathElement::Item("a".into()), Err(()));
        check(r#"[{"name":"x"}]"#, &key(r#"{"name":"x"}"#), Ok(Some(r#"{"name":"x"}"#)));
        check(r#"{"name":"x"}"#, &key(r#"{"name":"x"}"#), Ok(None));
    }

    #[test]
    fn keys_compare_by_number_and_allow_for_defaults() {
        let tcp = key(r#"{"containerPort":53,"protocol":"TCP"}"#);
        let udp = key(r#"{"containerPort":53,"protocol":"UDP"}"#);
        let both = r#"[{"containerPort":53,"protocol":"UDP"},{"containerPort":53.0,"n":1}]"#;
        check(both, &udp, Ok(Some(r#"{"containerPort":53,"protocol":"UDP"}"#)));
        check(both, &tcp, Ok(Some(r#"{"containerPort":53,"n":1}"#)));
        // An exact fit is preferred to a default.
        check(
            r#"[{"containerPort":53},{"containerPort":53,"protocol":"TCP"}]"#,
            &tcp,
            Ok(Some(r#"{"containerPort":53,"protocol":"TCP"}"#)),
        );
        check(r#"[{"containerPort":54}]"#, &tcp, Ok(None));
        check(r#"[{"protocol":"UDP"},{"other":1},3]"#, &tcp, Ok(None));
    }

    #[test]
    fn duplicates_are_told_apart_from_one() {
        check(r#"[{"name":"x","v":1},{"name":"x","v":2}]"#, &key(r#"{"name":"x"}"#), Err(()));
        check(r#"[{"port":1},{"port":1}]"#, &key(r#"{"port":1,"protocol":"TCP"}"#), Err(()));
        let object = value(r#"{"l":[{"name":"x"},{"name":"x"}]}"#);
        let path =
            [PathElement::Field("l".into()), key(r#"{"name":"x"}"#), PathElement::Field("name".into())];
        assert_eq!(find(&object, &path), Found::Ambiguous);
        assert_eq!(find(&object, &path[..1]).one(), object.get("l"));
    }

    #[test]
    fn an_index_finds_what_looking_at_every_item_finds() {
        let mut items = vec![
            value(r#"{"port":3,"protocol":"UDP"}"#),
            value(r#"{"port":3}"#),
            value(r#"{"protocol":"SCTP"}"#),
            value(r#"{"port":5,"protocol":"TCP"}"#),
            value(r#"{"port":5,"protocol":"TCP"}"#),
            value("3"),
        ];
        items.extend((10..60).map(|port: i64| Value::map(Map::from([("port".into(), port.into())]))));
        let list = Value::list(items);
        let mut elements = vec![PathElement::Item(3.into()), PathElement::Item(4.into())];
        for protocol in ["TCP", "UDP", "SCTP"] {
            elements.extend((0..60).map(|port: i64| {
                PathElement::Key(vec![("port".into(), port.into()), ("protocol".into(), protocol.into())])
            }));
        }
        for start in [0, 2] {
            let mut children = Children::of(&list, elements.len());
            for element in &elements[start..] {
                assert_eq!(children.get(element), step(&list, element), "{element:?}");
            }
        }
    }
}
