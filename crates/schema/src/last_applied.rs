//! The annotation of client-side `kubectl apply`, where a server-side apply by kubectl meets it.

use lockstep_core::{Value, from_json, to_json};

use crate::compare::Comparison;
use crate::definitions::Schema;
use crate::field_set::FieldSet;
use crate::typed::Duplicates;

/// The only manager for which the annotation counts: who gives another name opts out.
pub(crate) const KUBECTL: &str = "kubectl";

const ANNOTATION: [&str; 3] = ["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"];

/// What the server allows for all annotations of an object together; beyond it the annotation is left out.
const ANNOTATIONS_BYTES: usize = 256 * 1024;

/// The fields that kubectl applied from the client and that are still as it applied them: taking them over is no conflict.
/// `None` where there is no usable annotation.
pub(crate) fn still_applied(live: &Value, schema: &Schema) -> Option<FieldSet> {
    let text = live.str_at(&ANNOTATION).filter(|text| !text.is_empty())?;
    let applied = from_json(text.as_bytes()).ok()?;
    if applied.get("apiVersion") != live.get("apiVersion") {
        return None;
    }
    let live = schema.typed(live.clone(), Duplicates::Refused).ok()?;
    let applied = schema.typed(applied, Duplicates::Refused).ok()?;
    let Comparison { added, modified, removed } = applied.compare(&live);
    Some(applied.field_set().difference(&modified).difference(&added).difference(&removed))
}

/// The object with the annotation saying what was applied now, where it has one: a later client-side apply must not take
/// for removed what it finds in an old one.
pub(crate) fn renew(mut object: Value, patch: &Value) -> Value {
    if object.str_at(&ANNOTATION).is_none_or(str::is_empty) {
        return object;
    }
    let mut patch = patch.clone();
    patch.remove(&ANNOTATION);
    // As Go's encoder writes it: safe inside HTML, with a line end.
    let text = format!("{}\n", String::from_utf8_lossy(&to_json(&patch)));
    let text = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    let text = text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    object.set(&ANNOTATION, text.into());
    let annotations = object.at(&ANNOTATION[..2]).and_then(Value::as_map);
    let size: usize = annotations
        .into_iter()
        .flatten()
        .map(|(key, text)| key.len() + text.as_str().map_or(0, str::len))
        .sum();
    if size > ANNOTATIONS_BYTES {
        object.remove(&ANNOTATION);
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_annotation_says_what_was_applied() {
        let value = |json: &str| from_json(json.as_bytes()).unwrap();
        let name = ANNOTATION[2];
        let object =
            |text: &str| value(&format!(r#"{{"metadata":{{"annotations":{{"{name}":"{text}"}}}}}}"#));
        let patch = value(&format!(r#"{{"a":"<&>","metadata":{{"annotations":{{"{name}":"x","k":"v"}}}}}}"#));
        let renewed = renew(object("old"), &patch);
        assert_eq!(
            renewed.str_at(&ANNOTATION),
            Some("{\"a\":\"\\u003c\\u0026\\u003e\",\"metadata\":{\"annotations\":{\"k\":\"v\"}}}\n")
        );
        assert_eq!(renew(object(""), &patch), object(""));
        let huge = value(&format!(r#"{{"a":"{}"}}"#, "x".repeat(ANNOTATIONS_BYTES)));
        assert_eq!(renew(object("old"), &huge), value(r#"{"metadata":{"annotations":{}}}"#));
    }
}
