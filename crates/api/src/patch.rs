//! JSON merge patches (RFC 7386).

use lockstep_core::{Map, Value};

/// The patch that turns `before` into `after`; `None` where they are equal. Lists are replaced whole.
pub(crate) fn merge_patch(before: &Value, after: &Value) -> Option<Value> {
    if before == after {
        return None;
    }
    let (Some(old), Some(new)) = (before.as_map(), after.as_map()) else { return Some(after.clone()) };
    let mut patch = Map::new();
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in new {
        let change = match old.get(key) {
            Some(known) => merge_patch(known, value),
            None => Some(value.clone()),
        };
        if let Some(change) = change {
            patch.insert(key.clone(), change);
        }
    }
    Some(Value::map(patch))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::from_json;

    #[test]
    fn a_patch_holds_what_changed_and_null_for_what_went() {
        for (before, after, patch) in [
            (r#"{"a":1}"#, r#"{"a":1}"#, None),
            (r#"{"a":1,"b":{"c":2,"d":3}}"#, r#"{"b":{"c":2}}"#, Some(r#"{"a":null,"b":{"d":null}}"#)),
            (r#"{"a":[1,2]}"#, r#"{"a":[2]}"#, Some(r#"{"a":[2]}"#)),
            (r#"{"a":{"b":1}}"#, r#"{"a":"x"}"#, Some(r#"{"a":"x"}"#)),
            ("{}", r#"{"a":{"b":1}}"#, Some(r#"{"a":{"b":1}}"#)),
        ] {
            let value = |json: &str| from_json(json.as_bytes()).unwrap();
            assert_eq!(merge_patch(&value(before), &value(after)), patch.map(value), "{before} {after}");
        }
    }
}
