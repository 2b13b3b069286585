//! Events, which two groups show: the core group as they are stored, `events.k8s.io` in its own shape.

use lockstep_core::Value;

const CORE: &str = "v1";
const NEW: &str = "events.k8s.io/v1";

/// The fields that have other names, in the core group and in the new one.
const NAMES: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

/// An event in the shape of the other group; `None` for what is no event.
pub(crate) fn convert(object: &Value, to: &str) -> Option<Value> {
    let (kind, from) = (object.str_at(&["kind"])?, object.str_at(&["apiVersion"])?);
    let renames: Vec<(&str, &str)> = match (kind, from, to) {
        ("Event", CORE, NEW) => NAMES.to_vec(),
        ("Event", NEW, CORE) => NAMES.iter().map(|(old, new)| (*new, *old)).collect(),
        _ => return None,
    };
    let mut converted = object.clone();
    for (from, to) in renames {
        if let Some(value) = converted.remove(&[from]) {
            converted.set(&[to], value);
        }
    }
    converted.set(&["apiVersion"], to.into());
    Some(converted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::from_json;

    #[test]
    fn events_are_shown_in_both_shapes() {
        let core = from_json(br#"{"kind":"Event","apiVersion":"v1","involvedObject":{"name":"a"},"message":"m","reason":"r","count":2}"#).unwrap();
        let new = from_json(br#"{"kind":"Event","apiVersion":"events.k8s.io/v1","regarding":{"name":"a"},"note":"m","reason":"r","deprecatedCount":2}"#).unwrap();
        assert_eq!(convert(&core, NEW).unwrap(), new);
        assert_eq!(convert(&new, CORE).unwrap(), core);
        assert!(convert(&core, CORE).is_none());
    }
}
