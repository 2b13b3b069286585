//! JSON patches (RFC 6902), with the habits of the library that the API server uses.

use std::sync::Arc;

use lockstep_core::{Value, to_json};

use crate::go_text::quoted;
use crate::patch_error::PatchError;

/// How many operations the server takes in one patch.
const OPERATIONS: usize = 10_000;
/// How many bytes the copies of one patch may add, as the server is set.
const COPIED: usize = 3 << 20;
/// How deep an operation may put something: what is deeper than this is refused later anyway, and some thousands deeper there
/// would be no stack to do so.
const DEPTH: usize = 1_000;

/// The object with the operations of a patch applied, one after another; all or none.
///
/// Unlike the RFC, negative positions count from the end, `replace` of an absent key adds it, and `test` of an absent key
/// finds null.
pub fn json_patch(object: &Value, patch: &Value) -> Result<Value, PatchError> {
    let operations = match patch {
        Value::List(operations) => operations,
        // Go reads null as a list of none.
        Value::Null => return Ok(object.clone()),
        _ => return Err(PatchError::BadRequest("a JSON patch is a list of operations".into())),
    };
    if operations.len() > OPERATIONS {
        let count = operations.len();
        return Err(PatchError::TooLarge(format!(
            "The allowed maximum operations in a JSON patch is {OPERATIONS}, got {count}"
        )));
    }
    let mut copied = 0;
    operations.iter().try_fold(object.clone(), |object, operation| {
        if operation.as_map().is_none() {
            return Err(PatchError::BadRequest("an operation of a JSON patch is a mapping".into()));
        }
        operate(object, operation, &mut copied).map_err(PatchError::Unprocessable)
    })
}

type Step<T> = Result<T, String>;

/// The object after one operation; `total` counts the bytes that were copied. The texts are those of the library: they are shown
/// where a webhook has made the patch.
fn operate(mut object: Value, operation: &Value, total: &mut usize) -> Step<Value> {
    let kind = operation.str_at(&["op"]).unwrap_or("unknown");
    let path = || match (operation.str_at(&["path"]), kind) {
        (Some(path), _) => Ok(path),
        (None, "add" | "remove" | "copy") => {
            Err(format!("{kind} operation failed to decode path: {MISSING}"))
        }
        (None, _) => {
            Err(format!("{kind} operation failed to decode path: operation missing path field: {MISSING}"))
        }
    };
    let from = || {
        operation.str_at(&["from"]).ok_or_else(|| {
            format!("{kind} operation failed to decode from: operation, missing from field: {MISSING}")
        })
    };
    let value = || operation.get("value").cloned().unwrap_or_default();
    match kind {
        "add" => add(&mut object, path()?, value())?,
        "remove" => remove(&mut object, path()?)?,
        "replace" => replace(&mut object, path()?, value())?,
        "test" => test(&object, path()?, &value())?,
        "move" => {
            let moved = take(&mut object, from()?)?;
            put(&mut object, kind, (path()?, moved))?;
        }
        "copy" => {
            let copied = copied(&object, from()?, total)?;
            put(&mut object, kind, (path()?, copied))?;
        }
        other => return Err(format!("Unexpected kind: {other}")),
    }
    Ok(object)
}

const MISSING: &str = "missing value";
const INVALID_INDEX: &str = "invalid index referenced";

/// The keys of a pointer: those of the containers, and the last one. `None` for the pointer to the whole.
fn keys(path: &str) -> Option<(Vec<String>, String)> {
    let decode = |key: &str| key.replace("~1", "/").replace("~0", "~");
    let mut keys: Vec<String> = path.split('/').skip(1).map(decode).collect();
    let last = keys.pop()?;
    Some((keys, last))
}

/// A position in a list of `len` items, counted from the end where it is negative.
fn position(key: &str, len: usize) -> Step<usize> {
    let index: i64 =
        key.parse().map_err(|_| format!("strconv.Atoi: parsing {}: invalid syntax", quoted(key)))?;
    let place = if index < 0 { index + i64::try_from(len).unwrap_or(i64::MAX) } else { index };
    let place = usize::try_from(place).ok().filter(|place| *place < len);
    place.ok_or_else(|| format!("Unable to access invalid index: {index}: {INVALID_INDEX}"))
}

fn child<'a>(container: &'a Value, key: &str) -> Step<Option<&'a Value>> {
    match container {
        Value::Map(entries) => Ok(entries.get(key)),
        Value::List(items) => Ok(items.get(position(key, items.len())?)),
        _ => Ok(None),
    }
}

fn is_container(value: &Value) -> bool {
    matches!(value, Value::Map(_) | Value::List(_))
}

/// What holds a path, and its key there.
fn find<'a>(object: &'a Value, path: &str) -> Option<(&'a Value, String)> {
    let (containers, last) = keys(path)?;
    let container = containers.iter().try_fold(object, |value, key| child(value, key).ok()?)?;
    is_container(container).then_some((container, last))
}

fn find_mut<'a>(object: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let (containers, last) = keys(path)?;
    let mut container = object;
    for key in &containers {
        container = match container {
            Value::Map(entries) => Arc::make_mut(entries).get_mut(&**key)?,
            Value::List(items) => {
                let index = position(key, items.len()).ok()?;
                Arc::make_mut(items).get_mut(index)?
            }
            _ => return None,
        };
    }
    is_container(container).then_some((container, last))
}

fn add(object: &mut Value, path: &str, value: Value) -> Step<()> {
    check_depth(path, &value)?;
    let (container, key) = find_mut(object, path).ok_or_else(|| {
        format!("add operation does not apply: doc is missing path: {}: {MISSING}", quoted(path))
    })?;
    insert(container, key, value).map_err(|why| format!("error in add for path: '{path}': {why}"))
}

/// Adds what was moved or copied.
fn put(object: &mut Value, kind: &str, (path, value): (&str, Value)) -> Step<()> {
    check_depth(path, &value)?;
    let (container, key) = find_mut(object, path).ok_or_else(|| {
        format!("{kind} operation does not apply: doc is missing destination path: {path}: {MISSING}")
    })?;
    insert(container, key, value).map_err(|why| match kind {
        "move" => format!("error in move for path: '{path}': {why}"),
        _ => format!("error while adding value during copy: {why}"),
    })
}

fn insert(container: &mut Value, key: String, value: Value) -> Step<()> {
    match container {
        Value::List(items) => {
            let place = |len: usize| match position(&key, len) {
                Err(why) if key.parse::<i64>().is_err() => {
                    Err(format!("value was not a proper array index: '{key}': {why}"))
                }
                place => place,
            };
            let index = if key == "-" { items.len() } else { place(items.len() + 1)? };
            Arc::make_mut(items).insert(index, value);
        }
        map => _ = map.make_map().insert(key.into(), value),
    }
    Ok(())
}

fn check_depth(path: &str, value: &Value) -> Step<()> {
    match DEPTH.checked_sub(path.split('/').count()) {
        Some(left) if !value.is_deeper_than(left) => Ok(()),
        _ => Err("exceeded max depth".into()),
    }
}

fn remove(object: &mut Value, path: &str) -> Step<()> {
    let (container, key) = find_mut(object, path).ok_or_else(|| {
        format!("remove operation does not apply: doc is missing path: {}: {MISSING}", quoted(path))
    })?;
    drop_key(container, &key).map_err(|why| format!("error in remove for path: '{path}': {why}"))
}

fn drop_key(container: &mut Value, key: &str) -> Step<()> {
    match container {
        Value::List(items) => {
            let index = position(key, items.len())?;
            Arc::make_mut(items).remove(index);
            Ok(())
        }
        map => match map.make_map().remove(key) {
            Some(_) => Ok(()),
            None => Err(format!("Unable to remove nonexistent key: {key}: {MISSING}")),
        },
    }
}

/// Takes away what is to be moved.
fn take(object: &mut Value, from: &str) -> Step<Value> {
    let (container, key) = find_mut(object, from).ok_or_else(|| {
        format!("move operation does not apply: doc is missing from path: {from}: {MISSING}")
    })?;
    let told = |why: String| format!("error in move for path: '{key}': {why}");
    let moved = child(container, &key).map_err(told)?.cloned().unwrap_or_default();
    drop_key(container, &key).map_err(told)?;
    Ok(moved)
}

fn copied(object: &Value, from: &str, total: &mut usize) -> Step<Value> {
    let (container, key) = find(object, from).ok_or_else(|| {
        format!("copy operation does not apply: doc is missing from path: {from}: {MISSING}")
    })?;
    let found = child(container, &key).map_err(|why| format!("error in copy for from: '{from}': {why}"))?;
    let copied = found.cloned().unwrap_or_default();
    *total += to_json(&copied).len();
    if *total > COPIED {
        return Err(format!(
            "Unable to complete the copy, the accumulated size increase of copy is {total}, exceeding the limit {COPIED}"
        ));
    }
    Ok(copied)
}

fn replace(object: &mut Value, path: &str, value: Value) -> Step<()> {
    if path.is_empty() {
        if !is_container(&value) {
            return Err("replace operation value must be object or array: %!w(<nil>)".into());
        }
        *object = value;
        return Ok(());
    }
    check_depth(path, &value)?;
    let missing =
        |what: &str| format!("replace operation does not apply: doc is missing {what}: {path}: {MISSING}");
    let (container, key) = find_mut(object, path).ok_or_else(|| missing("path"))?;
    match container {
        Value::List(items) => {
            let index = position(&key, items.len()).map_err(|_| missing("key"))?;
            if let Some(item) = Arc::make_mut(items).get_mut(index) {
                *item = value;
            }
        }
        map => _ = map.make_map().insert(key.into(), value),
    }
    Ok(())
}

fn test(object: &Value, path: &str, value: &Value) -> Step<()> {
    let found = match path {
        "" => object.clone(),
        path => {
            let (container, key) = find(object, path).ok_or_else(|| {
                format!("test operation does not apply: is missing path: {path}: {MISSING}")
            })?;
            let found =
                child(container, &key).map_err(|why| format!("error in test for path: '{path}': {why}"))?;
            found.cloned().unwrap_or_default()
        }
    };
    if found == *value { Ok(()) } else { Err(format!("testing value {path} failed: test failed")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::{from_json, to_json};

    #[track_caller]
    fn check(object: &str, operations: &str, want: Result<&str, &str>) {
        let value = |json: &str| from_json(json.as_bytes()).unwrap();
        let got = json_patch(&value(object), &value(&format!("[{operations}]")));
        let got =
            got.map(|value| String::from_utf8(to_json(&value)).unwrap()).map_err(|error| error.to_string());
        assert_eq!(got.as_deref().map_err(|error| &**error), want);
    }

    #[test]
    fn operations_are_applied() {
        assert_eq!(json_patch(&Value::Int(1), &Value::Null), Ok(Value::Int(1)), "no list is a list of none");
        check(r#"{"a":1}"#, r#"{"op":"add","path":"/b","value":2}"#, Ok(r#"{"a":1,"b":2}"#));
        check(r#"{"a":[1,2]}"#, r#"{"op":"add","path":"/a/1","value":9}"#, Ok(r#"{"a":[1,9,2]}"#));
        check(r#"{"a":[1,2]}"#, r#"{"op":"add","path":"/a/-","value":9}"#, Ok(r#"{"a":[1,2,9]}"#));
        check(r#"{"a":[1,2]}"#, r#"{"op":"add","path":"/a/-1","value":9}"#, Ok(r#"{"a":[1,2,9]}"#));
        check(r#"{"a":[1,2]}"#, r#"{"op":"remove","path":"/a/-1"}"#, Ok(r#"{"a":[1]}"#));
        check(r#"{"a/b":{"c~d":1}}"#, r#"{"op":"remove","path":"/a~1b/c~0d"}"#, Ok(r#"{"a/b":{}}"#));
        check(r#"{"a":1}"#, r#"{"op":"replace","path":"/b","value":2}"#, Ok(r#"{"a":1,"b":2}"#));
        check(r#"{"a":[1,2]}"#, r#"{"op":"replace","path":"/a/0","value":3}"#, Ok(r#"{"a":[3,2]}"#));
        check(r#"{"a":1}"#, r#"{"op":"replace","path":"","value":{}}"#, Ok("{}"));
        check(r#"{"a":{"b":1}}"#, r#"{"op":"move","from":"/a/b","path":"/c"}"#, Ok(r#"{"a":{},"c":1}"#));
        check(
            r#"{"a":{"b":1}}"#,
            r#"{"op":"copy","from":"/a","path":"/c"}"#,
            Ok(r#"{"a":{"b":1},"c":{"b":1}}"#),
        );
        check(
            r#"{"a":1}"#,
            r#"{"op":"test","path":"/a","value":1},{"op":"test","path":"/b","value":null}"#,
            Ok(r#"{"a":1}"#),
        );
        check(r#"{"a":1}"#, r#"{"op":"add","path":"/a"}"#, Ok(r#"{"a":null}"#));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        check(
            r#"{"a":1}"#,
            r#"{"op":"remove","path":"/b"}"#,
            Err("error in remove for path: '/b': Unable to remove nonexistent key: b: missing value"),
        );
        check(
            r#"{"a":[1]}"#,
            r#"{"op":"remove","path":"/a/1"}"#,
            Err(
                "error in remove for path: '/a/1': Unable to access invalid index: 1: invalid index referenced",
            ),
        );
        check(
            r#"{"a":[1]}"#,
            r#"{"op":"add","path":"/a/3","value":1}"#,
            Err("error in add for path: '/a/3': Unable to access invalid index: 3: invalid index referenced"),
        );
        check(
            r#"{"a":[1]}"#,
            r#"{"op":"add","path":"/a/x","value":1}"#,
            Err(
                "error in add for path: '/a/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": invalid syntax",
            ),
        );
        check(
            r#"{"a":1}"#,
            r#"{"op":"add","path":"/b/c","value":1}"#,
            Err("add operation does not apply: doc is missing path: \"/b/c\": missing value"),
        );
        check(
            r#"{"a":1}"#,
            r#"{"op":"add","path":"/a/c","value":1}"#,
            Err("add operation does not apply: doc is missing path: \"/a/c\": missing value"),
        );
        check(
            r#"{"a":1}"#,
            r#"{"op":"add","path":"","value":1}"#,
            Err("add operation does not apply: doc is missing path: \"\": missing value"),
        );
        check(
            r#"{"a":1}"#,
            r#"{"op":"test","path":"/a","value":2}"#,
            Err("testing value /a failed: test failed"),
        );
        check(
            r#"{"a":1}"#,
            r#"{"op":"add","value":2}"#,
            Err("add operation failed to decode path: missing value"),
        );
        check(
            r#"{"a":1}"#,
            r#"{"op":"move","from":"/b","path":"/c"}"#,
            Err("error in move for path: 'b': Unable to remove nonexistent key: b: missing value"),
        );
        check(
            r#"{"a":1}"#,
            r#"{"op":"copy","from":"/b/c","path":"/c"}"#,
            Err("copy operation does not apply: doc is missing from path: /b/c: missing value"),
        );
        check(
            r#"{"a":[1]}"#,
            r#"{"op":"replace","path":"/a/1","value":1}"#,
            Err("replace operation does not apply: doc is missing key: /a/1: missing value"),
        );
        check(r#"{"a":1}"#, r#"{"op":"upsert","path":"/a"}"#, Err("Unexpected kind: upsert"));
        check(r#"{"a":1}"#, "1", Err("an operation of a JSON patch is a mapping"));
    }

    #[test]
    fn copies_do_not_make_much_of_little() {
        let doubles = r#"{"op":"copy","from":"/a","path":"/a/-"}"#;
        let copies = |count: usize| vec![doubles; count].join(",");
        let object = from_json(format!(r#"{{"a":["{}"]}}"#, "x".repeat(1000)).as_bytes()).unwrap();
        let patch = |count| from_json(format!("[{}]", copies(count)).as_bytes()).unwrap();
        assert!(json_patch(&object, &patch(11)).is_ok());
        let error = json_patch(&object, &patch(60)).unwrap_err().to_string();
        assert_eq!(
            error,
            "Unable to complete the copy, the accumulated size increase of copy is 4115463, exceeding the limit 3145728"
        );
    }

    #[test]
    fn nothing_is_put_deeper_than_can_be_handled() {
        let deep = format!("{}1{}", "[".repeat(99), "]".repeat(99));
        let adds = |count: usize| {
            let add = |at: usize| {
                let path = "/0".repeat(99 * at);
                format!(r#"{{"op":"replace","path":"/a{path}","value":{deep}}}"#)
            };
            (0..count).map(add).collect::<Vec<_>>().join(",")
        };
        let patch = |count| from_json(format!("[{}]", adds(count)).as_bytes()).unwrap();
        let object = from_json(br#"{"a":1}"#).unwrap();
        assert!(json_patch(&object, &patch(9)).is_ok());
        assert_eq!(json_patch(&object, &patch(12)).unwrap_err().to_string(), "exceeded max depth");
    }

    #[test]
    fn patches_have_a_limit() {
        let operations = vec![Value::map([].into()); OPERATIONS + 1];
        let error = json_patch(&Value::Null, &Value::list(operations)).unwrap_err();
        assert_eq!(error.to_string(), "The allowed maximum operations in a JSON patch is 10000, got 10001");
    }
}
