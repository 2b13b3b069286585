//! ConfigMaps.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::{NOW_IMMUTABLE, SIZE_LIMIT};
use crate::base64::decoded_len;
use crate::meta::{View, config_map_key, invalid_each};
use crate::naming::subdomain;
use crate::strategy::Strategy;

pub(crate) const CONFIG_MAP: Strategy = Strategy {
    validate,
    validate_update: |map, old| {
        let mut errors = validate_change(map, old);
        errors.extend(validate(map));
        errors
    },
    name: subdomain,
    ..Strategy::plain("", "ConfigMap", &["v1"])
};

fn validate(map: &Value) -> Vec<FieldError> {
    let (mut errors, mut size) = (Vec::new(), 0);
    let at = At::ROOT.field("data");
    for (key, value) in map.entries("data") {
        invalid_each(&mut errors, &at.key(key), &key.into(), config_map_key(key));
        if map.child("binaryData").get(key).is_some() {
            let text = "duplicate of key present in binaryData";
            errors.push(FieldError::invalid(&at.key(key), key, text));
        }
        size += value.as_str().map_or(0, str::len);
    }
    let at = At::ROOT.field("binaryData");
    for (key, value) in map.entries("binaryData") {
        invalid_each(&mut errors, &at.key(key), &key.into(), config_map_key(key));
        size += value.as_str().map_or(0, decoded_len);
    }
    if size > SIZE_LIMIT {
        // The server names no field, which it writes so.
        errors.push(FieldError::too_long(&At::ROOT.key(""), SIZE_LIMIT));
    }
    errors
}

fn validate_change(map: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if !old.flag("immutable") {
        return errors;
    }
    if !map.flag("immutable") {
        errors.push(FieldError::forbidden(&At::ROOT.field("immutable"), NOW_IMMUTABLE));
    }
    for field in ["data", "binaryData"] {
        if map.child(field) != old.child(field) {
            errors.push(FieldError::forbidden(&At::ROOT.field(field), NOW_IMMUTABLE));
        }
    }
    errors
}
