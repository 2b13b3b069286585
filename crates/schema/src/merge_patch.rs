//! JSON merge patches (RFC 7396).

use lockstep_core::{Map, Value};

use crate::patch_error::PatchError;

/// The object with a merge patch applied: null removes, mappings are merged, everything else is replaced.
///
/// What takes the place of something else comes without the nulls inside it, also inside lists, as the API server has it;
/// only a list in place of a mapping stays as it is.
pub fn merge_patch(object: &Value, patch: &Value) -> Result<Value, PatchError> {
    match (object, patch) {
        (Value::Map(object), Value::Map(patch)) => Ok(Value::map(merge(object, patch))),
        (_, Value::Map(_) | Value::List(_)) => Ok(without_nulls(patch)),
        _ => Err(PatchError::BadRequest("Invalid JSON Patch".into())),
    }
}

fn merge(object: &Map, patch: &Map) -> Map {
    let mut merged = object.clone();
    for (name, over) in patch {
        let value = match (merged.get(name), over) {
            (_, Value::Null) => {
                merged.remove(name);
                continue;
            }
            (Some(Value::Map(object)), Value::Map(patch)) => Value::map(merge(object, patch)),
            (Some(Value::Map(_)), over) => over.clone(),
            (_, over) => without_nulls(over),
        };
        merged.insert(name.clone(), value);
    }
    merged
}

/// A value without the null entries of the mappings in it.
pub(crate) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Map(entries) => {
            let kept = entries.iter().filter(|(_, value)| !matches!(value, Value::Null));
            Value::map(kept.map(|(name, value)| (name.clone(), without_nulls(value))).collect())
        }
        Value::List(items) => Value::list(items.iter().map(without_nulls).collect()),
        scalar => scalar.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::{from_json, to_json};

    #[test]
    fn patches_are_merged() {
        for (object, patch, want) in [
            (r#"{"a":"b"}"#, r#"{"a":"c","b":1}"#, r#"{"a":"c","b":1}"#),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null,"x":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
            (r#"{"a":1}"#, r#"{"a":[{"b":null,"c":[null]}]}"#, r#"{"a":[{"c":[null]}]}"#),
            (r#"{"a":{}}"#, r#"{"a":[{"b":null}]}"#, r#"{"a":[{"b":null}]}"#),
        ] {
            let value = |json: &str| from_json(json.as_bytes()).unwrap();
            let merged = merge_patch(&value(object), &value(patch)).unwrap();
            assert_eq!(String::from_utf8(to_json(&merged)).unwrap(), want);
        }
    }

    #[test]
    fn a_scalar_is_no_patch() {
        let error = merge_patch(&Value::map(Map::new()), &1.into()).unwrap_err();
        assert_eq!(error, PatchError::BadRequest("Invalid JSON Patch".into()));
    }
}
