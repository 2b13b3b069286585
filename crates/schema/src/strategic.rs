//! Strategic merge patches.

use std::sync::Arc;

use lockstep_core::{Map, Value};

use crate::definitions::Schema;
use crate::go_text;
use crate::merge_patch::without_nulls;
use crate::patch_error::PatchError;
use crate::patch_meta::{ListMeta, PatchMeta};
use crate::strategic_order::{Order, check_order, ordered};

pub(crate) type Patched<T> = Result<T, PatchError>;

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList";
const SET_ORDER: &str = "$setElementOrder";

/// The object with a strategic merge patch applied: lists are merged by the key that the kind's definition names, and
/// `$patch`, `$retainKeys`, `$deleteFromPrimitiveList` and `$setElementOrder` say what else is to happen.
///
/// Only for built-in kinds: custom resources do not take such patches.
pub fn strategic_merge_patch(object: &Value, patch: &Value, schema: &Schema) -> Result<Value, PatchError> {
    match (object, patch) {
        (Value::Map(object), Value::Map(patch)) => {
            merge_maps(object, patch, PatchMeta::of(schema)).map(Value::map)
        }
        _ => Err(PatchError::BadRequest("invalid JSON document".into())),
    }
}

pub(crate) fn no_merge_key(item: &Value, key: &str) -> PatchError {
    PatchError::Failed(format!("map: {} does not contain declared merge key: {key}", go_text::plain(item)))
}

pub(crate) fn wrong_type(expected: &str, found: &Value) -> PatchError {
    PatchError::Failed(format!("expected a {expected}, but received a {}", go_text::type_name(found)))
}

fn unknown_directive(directive: &Value, patch: &Value) -> PatchError {
    let (directive, patch) = (go_text::plain(directive), go_text::plain(patch));
    PatchError::Failed(format!("unknown patch type: {directive} in map: {patch}"))
}

fn bad_format(what: &str) -> PatchError {
    PatchError::BadRequest(format!("invalid patch format of {what}"))
}

/// The part of a directive's key behind its prefix: `$setElementOrder/ports` is about `ports`.
fn target<'k>(key: &'k str, prefix: &str) -> Option<Option<&'k str>> {
    let rest = key.strip_prefix(prefix)?;
    Some(rest.strip_prefix('/'))
}

fn merge_maps(object: &Map, patch: &Map, meta: PatchMeta<'_>) -> Patched<Map> {
    if let Some(directive) = patch.get(DIRECTIVE) {
        return match directive.as_str() {
            Some("replace") => Ok(without_key(patch, DIRECTIVE)),
            Some("delete") => Ok(Map::new()),
            _ => Err(unknown_directive(directive, &Value::map(patch.clone()))),
        };
    }
    let (mut object, mut patch) = (object.clone(), patch.clone());
    retain_keys(&mut object, &mut patch)?;
    set_orders(&mut object, &mut patch, meta)?;
    for (key, over) in &patch {
        match target(key, DELETE_FROM) {
            None => merge_entry(&mut object, (key, over), meta)?,
            Some(None) => return Err(bad_format("primitive list")),
            Some(Some(key)) => delete_from(&mut object, key, over)?,
        }
    }
    Ok(object)
}

fn without_key(map: &Map, key: &str) -> Map {
    let mut map = map.clone();
    map.remove(key);
    map
}

/// `$retainKeys`: what is neither named there goes; what the patch sets must be named there.
fn retain_keys(object: &mut Map, patch: &mut Map) -> Patched<()> {
    let Some(directive) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let keys = directive.as_list().ok_or_else(|| bad_format("retainKeys"))?;
    let named = |key: &str| keys.iter().any(|named| named.as_str() == Some(key));
    let is_directive = |key: &str| key.starts_with(DELETE_FROM) || key.starts_with(SET_ORDER);
    let set = patch.iter().filter(|(key, value)| !matches!(value, Value::Null) && !is_directive(key));
    if !set.map(|(key, _)| key).all(|key| named(key)) {
        return Err(bad_format("retainKeys"));
    }
    object.retain(|key, _| named(key));
    Ok(())
}

/// `$setElementOrder`: merges the lists that have one, and removes them from the patch.
fn set_orders(object: &mut Map, patch: &mut Map, meta: PatchMeta<'_>) -> Patched<()> {
    let keys: Vec<Arc<str>> = patch.keys().filter(|key| key.starts_with(SET_ORDER)).cloned().collect();
    for directive in keys {
        let order = patch.remove(&directive).unwrap_or_default();
        let order = order.as_list().ok_or_else(|| wrong_type("[]interface {}", &order))?;
        let Some(Some(key)) = target(&directive, SET_ORDER) else {
            return Err(bad_format("setElementOrder list"));
        };
        let list = |value: Option<Value>| match value {
            None => Ok(None),
            Some(Value::List(items)) => Ok(Some(items)),
            Some(other) => Err(wrong_type("[]interface {}", &other)),
        };
        let live = list(object.get(key).cloned())?;
        let over = list(patch.remove(key))?;
        let meta = meta.list(key);
        check_order(over.as_deref().map_or(&[], Vec::as_slice), order, (meta.key, SET_ORDER))?;
        let merged = match (&live, &over) {
            (None, None) => continue,
            (Some(live), None) => live.to_vec(),
            (None, Some(over)) => over.iter().filter_map(without_directives).collect(),
            (Some(live), Some(over)) if meta.strategy == "merge" => merge_lists(live, over, &meta)?,
            (Some(_), Some(over)) => over.to_vec(),
        };
        let server = live.as_deref().map_or(&[][..], Vec::as_slice);
        let over = over.as_deref().map_or(&[][..], Vec::as_slice);
        let kind = element_kind(server, over)?;
        let merged = ordered(merged, &Order { patch: order, server, key: meta.key, kind })?;
        object.insert(key.into(), Value::list(merged));
    }
    Ok(())
}

fn merge_entry(object: &mut Map, (key, over): (&Arc<str>, &Value), meta: PatchMeta<'_>) -> Patched<()> {
    let merged = match (object.get(key), over) {
        (_, Value::Null) => None,
        (Some(Value::Map(live)), Value::Map(over)) => {
            let field = meta.field(key);
            match field.strategy {
                "replace" => Some(Value::Map(over.clone())),
                _ => Some(Value::map(merge_maps(live, over, field.inner)?)),
            }
        }
        (Some(Value::List(live)), Value::List(over)) => {
            let list = meta.list(key);
            match list.strategy {
                "merge" => Some(Value::list(merge_lists(live, over, &list)?)),
                _ => Some(Value::List(over.clone())),
            }
        }
        (_, over) => without_directives(&without_nulls(over)),
    };
    match merged {
        Some(value) => object.insert(key.clone(), value),
        None => object.remove(key),
    };
    Ok(())
}

/// `$deleteFromPrimitiveList`.
fn delete_from(object: &mut Map, key: &str, items: &Value) -> Patched<()> {
    match (object.get(key), items) {
        (_, Value::Null) => _ = object.remove(key),
        (Some(Value::List(live)), Value::List(items)) if !(live.is_empty() && items.is_empty()) => {
            let kind = element_kind(live, items)?;
            if kind == Kind::Map {
                return Err(PatchError::Failed("cannot merge lists without merge key for struct".into()));
            }
            let left: Vec<Value> = live.iter().filter(|item| !items.contains(item)).cloned().collect();
            object.insert(key.into(), Value::list(left));
        }
        _ => {}
    }
    Ok(())
}

/// A value of the patch that takes the place of nothing: directives inside it have no effect.
fn without_directives(value: &Value) -> Option<Value> {
    match value {
        Value::Map(entries) if entries.contains_key(DIRECTIVE) => None,
        Value::Map(entries) => {
            let kept =
                entries.iter().filter_map(|(key, value)| Some((key.clone(), without_directives(value)?)));
            Some(Value::map(kept.collect()))
        }
        Value::List(items) => Some(Value::list(items.iter().filter_map(without_directives).collect())),
        scalar => Some(scalar.clone()),
    }
}

/// Of what the items of lists are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Map,
    Scalar,
}

/// All items must be of one type, and not lists.
fn element_kind(live: &[Value], over: &[Value]) -> Patched<Kind> {
    let mut items = live.iter().chain(over);
    let Some(first) = items.next() else {
        return Err(PatchError::Failed("no elements in any of the given slices".into()));
    };
    if matches!(first, Value::List(_)) {
        return Err(PatchError::Unprocessable("lists of lists are not supported".into()));
    }
    if !items.all(|item| go_text::type_name(item) == go_text::type_name(first)) {
        let both = go_text::plain(&Value::list(vec![live.to_vec().into(), over.to_vec().into()]));
        return Err(PatchError::Failed(format!("list element types are not identical: {both}")));
    }
    Ok(if matches!(first, Value::Map(_)) { Kind::Map } else { Kind::Scalar })
}

fn merge_lists(live: &[Value], over: &[Value], meta: &ListMeta<'_>) -> Patched<Vec<Value>> {
    if live.is_empty() && over.is_empty() {
        return Ok(Vec::new());
    }
    let kind = element_kind(live, over)?;
    if kind == Kind::Scalar {
        let mut merged: Vec<Value> = Vec::with_capacity(live.len() + over.len());
        for item in live.iter().chain(over) {
            if !merged.contains(item) {
                merged.push(item.clone());
            }
        }
        return ordered(merged, &Order { patch: over, server: live, key: meta.key, kind });
    }
    if meta.key.is_empty() {
        return Err(PatchError::Failed("cannot merge lists without merge key for struct".into()));
    }
    let (live, over) = follow_directives(live, over, meta.key)?;
    let mut merged = live.clone();
    for item in &over {
        let entries = item.as_map().ok_or_else(|| wrong_type("map[string]interface {}", item))?;
        let key = entries.get(meta.key).ok_or_else(|| no_merge_key(item, meta.key))?;
        match merged.iter_mut().find(|live| live.get(meta.key) == Some(key)) {
            None => merged.push(item.clone()),
            Some(found) => {
                let before = found.as_map().cloned().unwrap_or_default();
                *found = Value::map(merge_maps(&before, entries, meta.items)?);
            }
        }
    }
    ordered(merged, &Order { patch: &over, server: &live, key: meta.key, kind })
}

/// `$patch` in items of a list: `delete` removes the item with the same key, `replace` all items.
fn follow_directives(live: &[Value], over: &[Value], key: &str) -> Patched<(Vec<Value>, Vec<Value>)> {
    let (mut live, mut plain, mut replace) = (live.to_vec(), Vec::new(), false);
    for item in over {
        let Some(directive) = item.get(DIRECTIVE) else {
            plain.push(item.clone());
            continue;
        };
        match directive.as_str() {
            Some("delete") => {
                let value = item.get(key).ok_or_else(|| no_merge_key(item, key))?;
                live.retain(|live| live.get(key) != Some(value));
            }
            Some("replace") => replace = true,
            Some("merge") => {
                return Err(PatchError::Failed("merging lists cannot yet be specified in the patch".into()));
            }
            _ => return Err(unknown_directive(directive, item)),
        }
    }
    Ok(if replace { (plain, Vec::new()) } else { (live, plain) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definitions::Definitions;
    use lockstep_core::{from_json, to_json};

    const DEFINITION: &str = r#"{"type":"object","properties":{
        "items":{"type":"array","x-kubernetes-patch-strategy":"merge,retainKeys","x-kubernetes-patch-merge-key":"n","items":{"$ref":"x/item"}},
        "set":{"type":"array","x-kubernetes-patch-strategy":"merge","items":{"type":"string"}},
        "list":{"type":"array","items":{"type":"string"}},
        "map":{"type":"object","additionalProperties":{"type":"string"}},
        "whole":{"type":"object","x-kubernetes-patch-strategy":"replace"}}}"#;

    #[track_caller]
    fn check(object: &str, patch: &str, want: Result<&str, &str>) {
        let value = |json: &str| from_json(json.as_bytes()).unwrap();
        let mut definitions = Definitions::new();
        definitions.insert("it", value(DEFINITION));
        definitions.insert("item", value(r#"{"type":"object","properties":{"set":{"type":"array","x-kubernetes-patch-strategy":"merge"}}}"#));
        let schema = Arc::new(definitions).named("it").unwrap();
        let got = strategic_merge_patch(&value(object), &value(patch), &schema);
        let got =
            got.map(|value| String::from_utf8(to_json(&value)).unwrap()).map_err(|error| error.to_string());
        assert_eq!(got.as_deref().map_err(|error| &**error), want);
    }

    #[test]
    fn mappings_are_merged() {
        check(
            r#"{"map":{"a":"1","b":"1"}}"#,
            r#"{"map":{"b":null,"c":"1"}}"#,
            Ok(r#"{"map":{"a":"1","c":"1"}}"#),
        );
        check(r#"{"whole":{"a":1}}"#, r#"{"whole":{"b":1}}"#, Ok(r#"{"whole":{"b":1}}"#));
        check("{}", r#"{"map":{"a":null,"b":{"$patch":"delete"},"c":"1"}}"#, Ok(r#"{"map":{"c":"1"}}"#));
        check(r#"{"map":{"a":"1"}}"#, r#"{"map":{"$patch":"replace","b":"1"}}"#, Ok(r#"{"map":{"b":"1"}}"#));
        check(r#"{"map":{"a":"1"}}"#, r#"{"map":{"$patch":"delete"}}"#, Ok(r#"{"map":{}}"#));
        check(r#"{"map":{"a":"1"}}"#, r#"{"map":"text"}"#, Ok(r#"{"map":"text"}"#));
        check(r#"{"a":1,"b":2}"#, r#"{"$retainKeys":["b","c"],"c":3,"a":null}"#, Ok(r#"{"b":2,"c":3}"#));
        check(r#"{"a":1}"#, r#"{"$retainKeys":["a"],"c":3}"#, Err("invalid patch format of retainKeys"));
        check(r#"{"a":1}"#, r#"{"$patch":"x"}"#, Err("unknown patch type: x in map: map[$patch:x]"));
    }

    #[test]
    fn lists_are_merged() {
        check(r#"{"list":["a"]}"#, r#"{"list":["b"]}"#, Ok(r#"{"list":["b"]}"#));
        check(r#"{"set":["a","b"]}"#, r#"{"set":["b","c"]}"#, Ok(r#"{"set":["a","b","c"]}"#));
        check(
            r#"{"set":["a","b","c"]}"#,
            r#"{"$deleteFromPrimitiveList/set":["b"]}"#,
            Ok(r#"{"set":["a","c"]}"#),
        );
        check(
            r#"{"set":["a","b"]}"#,
            r#"{"$setElementOrder/set":["c","b","a"],"set":["c"]}"#,
            Ok(r#"{"set":["c","b","a"]}"#),
        );
        check(
            r#"{"items":[{"n":1,"v":1}]}"#,
            r#"{"items":[{"n":1,"w":2},{"n":2}]}"#,
            Ok(r#"{"items":[{"n":1,"v":1,"w":2},{"n":2}]}"#),
        );
        check(
            r#"{"items":[{"n":1},{"n":2}]}"#,
            r#"{"items":[{"n":1,"$patch":"delete"}]}"#,
            Ok(r#"{"items":[{"n":2}]}"#),
        );
        check(
            r#"{"items":[{"n":1},{"n":2}]}"#,
            r#"{"items":[{"$patch":"replace"},{"n":3}]}"#,
            Ok(r#"{"items":[{"n":3}]}"#),
        );
        check(
            r#"{"items":[{"n":1,"set":["a"]}]}"#,
            r#"{"items":[{"n":1,"set":["b"]}]}"#,
            Ok(r#"{"items":[{"n":1,"set":["b","a"]}]}"#),
        );
        check(
            r#"{"items":[{"n":1},{"n":2},{"n":3}]}"#,
            r#"{"$setElementOrder/items":[{"n":3},{"n":1}],"items":[{"n":1,"v":1}]}"#,
            Ok(r#"{"items":[{"n":2},{"n":3},{"n":1,"v":1}]}"#),
        );
    }

    #[test]
    fn what_cannot_be_merged_is_refused() {
        check(
            r#"{"items":[{"n":1}]}"#,
            r#"{"items":[{"v":1}]}"#,
            Err("map: map[v:1] does not contain declared merge key: n"),
        );
        check(
            r#"{"items":[{"n":1}]}"#,
            r#"{"items":["a"]}"#,
            Err("list element types are not identical: [[map[n:1]] [a]]"),
        );
        check(r#"{"set":[["a"]]}"#, r#"{"set":["b"]}"#, Err("lists of lists are not supported"));
        check(
            r#"{"items":[{"n":1}]}"#,
            r#"{"items":[{"n":1,"$patch":"merge"}]}"#,
            Err("merging lists cannot yet be specified in the patch"),
        );
        check("{}", r#"{"$deleteFromPrimitiveList":["b"]}"#, Err("invalid patch format of primitive list"));
        check(
            "{}",
            r#"{"$setElementOrder/set":"b"}"#,
            Err("expected a []interface {}, but received a string"),
        );
        check(
            r#"{"set":["a"]}"#,
            r#"{"$setElementOrder/set":["b"],"set":["c"]}"#,
            Err("The order in patch list:\n[c]\n doesn't match $setElementOrder list:\n[b]\n"),
        );
    }
}
