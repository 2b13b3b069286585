//! The body of a request: its media type, its text as JSON or YAML, and the object in it.

mod kind;
mod yaml;

use lockstep_core::{Map, Value, from_json};
use schema::Strict;

use crate::call::Call;
use crate::failure::{Failure, quoted};
use crate::json_text;
use crate::options::FieldValidation;
use crate::wire;

pub(crate) use kind::{Other, is_former, other_kind};
pub(crate) use yaml::warnings_of;

/// How large a body may be, in bytes.
const LIMIT: usize = 3 << 20;
/// How much of a body is shown that is no object.
const SUMMARY: usize = 30;

const MEDIA_TYPES: [&str; 3] =
    ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

/// In what a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Yaml,
    /// Of the server's own kinds only.
    Protobuf,
}

/// A body as a value, and what is wrong with it that strict readers refuse.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) value: Value,
    pub(crate) strict: Vec<String>,
}

/// The media type without its parameters.
pub(crate) fn media_type(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// In what the body of a write is written.
pub(crate) fn format(call: &Call<'_>) -> Result<Format, Failure> {
    match media_type(&call.request.content_type) {
        // Who says nothing sends JSON.
        "application/json" | "" => Ok(Format::Json),
        "application/yaml" => Ok(Format::Yaml),
        "application/vnd.kubernetes.protobuf" if !call.served.is_custom() => Ok(Format::Protobuf),
        _ if call.served.is_custom() => Err(Failure::unsupported_media_type(&MEDIA_TYPES[..2])),
        _ => Err(Failure::unsupported_media_type(&MEDIA_TYPES)),
    }
}

pub(crate) fn check_size(body: &[u8]) -> Result<(), Failure> {
    match body.len() > LIMIT {
        true => Err(Failure::too_large(&format!("limit is {LIMIT}"))),
        false => Ok(()),
    }
}

/// How deep what is stored may be nested: readers of JSON stop at 128, and lists and reviews hold it a few levels deeper.
const DEPTH: usize = 100;

/// Refuses what is nested so deep that it could not be read again.
pub(crate) fn check_depth(value: &Value) -> Result<(), String> {
    match value.is_deeper_than(DEPTH) {
        true => Err("exceeded max depth".to_owned()),
        false => Ok(()),
    }
}

/// Reads a text; the error is Go's.
pub(crate) fn parse(text: &[u8], format: Format) -> Result<Parsed, String> {
    let parsed = match format {
        Format::Json => parse_json(text)?,
        Format::Yaml => yaml::parse(text)?,
        Format::Protobuf => return Err("no text".to_owned()),
    };
    check_depth(&parsed.value)?;
    Ok(parsed)
}

/// Reads a body in protocol buffers: of the kind that it says it has, or else of this one.
pub(crate) fn parse_message(body: &[u8], kind: &lockstep_core::Gvk) -> Result<Parsed, Failure> {
    let unrecognized = |error: String| {
        let summary = summary(body);
        let kind = &kind.kind;
        Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): {error} ({summary})"
        ))
    };
    let message = schema::Message::open(body).map_err(|error| unrecognized(error.to_string()))?;
    let (group, version) = message.api_version.split_once('/').unwrap_or(("", &message.api_version));
    let said = lockstep_core::Gvk::new(group, version, &message.kind);
    let wire = schema::Wire::of(&said).or_else(|| schema::Wire::of(kind));
    let wire = wire.ok_or_else(|| Failure::unsupported_media_type(&MEDIA_TYPES[..2]))?;
    let value = message.object(wire).map_err(|error| {
        let version = quoted(&kind.api.version);
        let kind = &kind.kind;
        Failure::bad_request(format!("{kind} in version {version} cannot be handled as a {kind}: {error}"))
    })?;
    Ok(Parsed { value, strict: Vec::new() })
}

fn parse_json(text: &[u8]) -> Result<Parsed, String> {
    let Ok(value) = from_json(text) else {
        // What is JSON and cannot be read is too deep.
        return Err(json_text::check(text).err().unwrap_or_else(|| "exceeded max depth".to_owned()));
    };
    let strict = schema::duplicates(text)
        .into_iter()
        .map(|path| format!("duplicate field {}", quoted(&path)))
        .collect();
    Ok(Parsed { value, strict })
}

/// The object of a create or update, in the version of the request, as the server's own types read it, with defaults.
pub(crate) fn object(call: &mut Call<'_>, validation: FieldValidation) -> Result<Value, Failure> {
    let format = format(call)?;
    check_size(&call.request.body)?;
    let kind = call.served.gvk.clone();
    decode(call, format, &kind, validation)
}

/// The object of a body that is of another kind than the resource: of a subresource.
pub(crate) fn decode(
    call: &mut Call<'_>,
    format: Format,
    kind: &lockstep_core::Gvk,
    validation: FieldValidation,
) -> Result<Value, Failure> {
    let body = call.request.body.clone();
    let custom = call.served.is_custom() && *kind == call.served.gvk;
    let unrecognized = |error: String| {
        let summary = summary(&body);
        Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): {error} ({summary})",
            kind.kind
        ))
    };
    let untyped =
        |error: String| unrecognized(format!("couldn't get version/kind; json parse error: {error}"));
    let Parsed { mut value, mut strict } = match format {
        Format::Protobuf => parse_message(&body, kind)?,
        Format::Json => parse(&body, format).map_err(untyped)?,
        Format::Yaml => parse(&body, format).map_err(unrecognized)?,
    };
    if let Value::Null = value {
        value = Value::map(Map::new());
    }
    if value.as_map().is_none() {
        return Err(untyped(not_an_object(&value)));
    }
    for (field, value) in [("apiVersion", value.get("apiVersion")), ("kind", value.get("kind"))] {
        if let Some(found) = value.filter(|value| value.as_str().is_none() && !matches!(value, Value::Null)) {
            let found = go_kind(found);
            return Err(untyped(format!(
                "json: cannot unmarshal {found} into Go struct field .{field} of type string"
            )));
        }
    }
    if custom {
        kind::check_custom_kind(&value, kind, &body)?;
        if value.str_at(&["kind"]) != Some(&kind.kind) {
            // It is refused later, with all else that is wrong with it.
            return Ok(value);
        }
    } else {
        kind::check_kind(&value, kind)?;
    }
    value.set(&["kind"], kind.kind.clone().into());
    value.set(&["apiVersion"], kind.api.to_string().into());
    let unreadable = |error: String| {
        Failure::bad_request(format!(
            "{} in version {} cannot be handled as a {}: {error}",
            kind.kind,
            quoted(&kind.api.version),
            kind.kind
        ))
    };
    let unknown =
        wire::read(&call.served, kind, &mut value).map_err(|error| unreadable(error.to_string()))?;
    match (format, custom) {
        (Format::Json, false) if !unknown.is_empty() => strict = strict_texts(&body, &unknown),
        _ => strict.extend(unknown.iter().map(|path| format!("unknown field {}", quoted(path)))),
    }
    refuse_or_warn(call, validation, strict).map_err(unreadable)?;
    Ok(value)
}

/// What is wrong with JSON of the server's own kinds, in the order of its text.
fn strict_texts(json: &[u8], unknown: &[String]) -> Vec<String> {
    let text = |mistake| match mistake {
        Strict::Unknown(place) => format!("unknown field {}", quoted(&place)),
        Strict::Duplicate(place) => format!("duplicate field {}", quoted(&place)),
    };
    schema::strict_mistakes(json, unknown).into_iter().map(text).collect()
}

/// Refuses what strict readers refuse, or warns of it, as the client wants.
pub(crate) fn refuse_or_warn(
    call: &mut Call<'_>,
    validation: FieldValidation,
    strict: Vec<String>,
) -> Result<(), String> {
    match validation {
        FieldValidation::Ignore => Ok(()),
        _ if strict.is_empty() => Ok(()),
        FieldValidation::Warn => {
            strict.iter().flat_map(|text| warnings_of(text)).for_each(|text| call.warn(text));
            Ok(())
        }
        FieldValidation::Strict => Err(format!("strict decoding error: {}", strict.join(", "))),
    }
}

/// The type of a value as Go's decoder names it.
pub(crate) fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::List(_) => "array",
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Map(_) => "object",
        _ => "number",
    }
}

/// Why something else cannot be read as an object, in Go's words.
pub(crate) fn not_an_object(value: &Value) -> String {
    let found = go_kind(value);
    let fields =
        r#"{ APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;
    format!("json: cannot unmarshal {found} into Go value of type struct {fields}")
}

fn summary(body: &[u8]) -> String {
    let cut = &body[..body.len().min(SUMMARY)];
    let more = if body.len() > SUMMARY { " ..." } else { "" };
    match body.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => format!("{}{more}", String::from_utf8_lossy(cut)),
        Some(_) => {
            let hex: String = cut.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{hex}{more}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_and_json_are_read() {
        let value = |text: &str, format| parse(text.as_bytes(), format).unwrap();
        let json = value(r#"{"a":1,"a":2}"#, Format::Json);
        assert_eq!(json.strict, ["duplicate field \"a\""]);
        let yaml = value("a: 1\nb: {c: d}\na: 2\n", Format::Yaml);
        assert_eq!(yaml.value.get("a"), Some(&Value::Int(2)));
        assert_eq!(yaml.strict, ["yaml: unmarshal errors:\n  line 3: key \"a\" already set in map"]);
        assert_eq!(warnings_of(&yaml.strict[0]), ["line 3: key \"a\" already set in map"]);
    }

    #[test]
    fn what_is_no_object_is_summed_up() {
        assert_eq!(summary(b""), "<empty>");
        assert_eq!(summary(b"{\"kind\":"), "{\"kind\":");
        assert_eq!(summary(b"[]"), "5b5d");
        assert_eq!(summary(&[b'x'; 40]), format!("{} ...", "78".repeat(30)));
    }
}
