//! The body of a request: its media type, its text as JSON or YAML, and the object in it.

use std::sync::Arc;

use goyaml::{Limits, Source};
use lockstep_core::{Map, Value, from_json};
use schema::Strict;

use crate::call::Call;
use crate::failure::{Failure, quoted};
use crate::json_text;
use crate::options::FieldValidation;
use crate::wire;

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
        Format::Yaml => parse_yaml(text)?,
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

fn parse_yaml(text: &[u8]) -> Result<Parsed, String> {
    // What is JSON is YAML that is read faster.
    if text.first() == Some(&b'{')
        && let Ok(value) = from_json(text)
        && schema::duplicates(text).is_empty()
    {
        return Ok(Parsed { value: integral(value), strict: Vec::new() });
    }
    let limits = Limits { file_bytes: LIMIT, ..Limits::default() };
    let message = |error: goyaml::Error| yaml_error(text, &error);
    let source = Arc::new(Source::read(text, &limits).map_err(message)?);
    let whole = source.documents().into_iter().next();
    let Some(span) = whole else { return Ok(Parsed { value: Value::Null, strict: Vec::new() }) };
    let document = goyaml::parse(&source, span, &limits).map_err(message)?.document;
    let Some(document) = document else { return Ok(Parsed { value: Value::Null, strict: Vec::new() }) };
    let decoded = goyaml::decode(&document, &limits).map_err(message)?;
    let twice: Vec<String> = decoded
        .duplicates
        .iter()
        .map(|duplicate| {
            let line = document.node(duplicate.second).position().line;
            format!("line {line}: key {} already set in map", quoted(&duplicate.key))
        })
        .collect();
    let strict = match twice.is_empty() {
        true => Vec::new(),
        false => vec![format!("yaml: unmarshal errors:\n  {}", twice.join("\n  "))],
    };
    Ok(Parsed { value: integral(decoded.value), strict })
}

/// YAML on its way to JSON: a number without a fraction becomes a whole one there, `1.0` too.
fn integral(value: Value) -> Value {
    /// The whole numbers that a float can tell apart, which Go writes without an exponent.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match &value {
        Value::Float(number) if number.fract() == 0.0 && number.abs() <= EXACT => Value::Int(*number as i64),
        Value::List(items) if items.iter().any(holds_float) => {
            Value::list(items.iter().cloned().map(integral).collect())
        }
        Value::Map(entries) if entries.values().any(holds_float) => {
            Value::map(entries.iter().map(|(key, value)| (key.clone(), integral(value.clone()))).collect())
        }
        _ => value,
    }
}

fn holds_float(value: &Value) -> bool {
    match value {
        Value::Float(_) => true,
        Value::List(items) => items.iter().any(holds_float),
        Value::Map(entries) => entries.values().any(holds_float),
        _ => false,
    }
}

/// An error of YAML as Go prints it: its parser counts lines from zero, and ends the last one itself.
fn yaml_error(text: &[u8], error: &goyaml::Error) -> String {
    let line = error.position.line;
    let at_end = error.offset as usize >= text.len() && text.last() != Some(&b'\n');
    let line = if error.message.starts_with("did not find expected") && !at_end { line - 1 } else { line };
    match line {
        0 => format!("yaml: {}", error.message),
        line => format!("yaml: line {line}: {}", error.message),
    }
}

/// One warning for each thing that is wrong with YAML.
pub(crate) fn warnings_of(strict: &str) -> Vec<String> {
    match strict.strip_prefix("yaml: unmarshal errors:\n") {
        Some(lines) => lines.lines().map(|line| line.trim().to_owned()).collect(),
        None => vec![strict.to_owned()],
    }
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
        let error = match format {
            Format::Json => format!("couldn't get version/kind; json parse error: {error}"),
            Format::Yaml | Format::Protobuf => error,
        };
        let summary = summary(&body);
        Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): {error} ({summary})",
            kind.kind
        ))
    };
    let Parsed { mut value, mut strict } = match format {
        Format::Protobuf => parse_message(&body, kind)?,
        format => parse(&body, format).map_err(unrecognized)?,
    };
    if let Value::Null = value {
        value = Value::map(Map::new());
    }
    if value.as_map().is_none() {
        return Err(unrecognized(not_an_object(&value)));
    }
    for (field, value) in [("apiVersion", value.get("apiVersion")), ("kind", value.get("kind"))] {
        if let Some(found) = value.filter(|value| value.as_str().is_none() && !matches!(value, Value::Null)) {
            let found = go_kind(found);
            return Err(unrecognized(format!(
                "json: cannot unmarshal {found} into Go struct field .{field} of type string"
            )));
        }
    }
    if custom {
        check_custom_kind(&value, kind, &body)?;
        if value.str_at(&["kind"]) != Some(&kind.kind) {
            // It is refused later, with all else that is wrong with it.
            return Ok(value);
        }
    } else {
        check_kind(&value, kind)?;
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

/// Whether the object says that it is what the path says.
fn check_kind(value: &Value, kind: &lockstep_core::Gvk) -> Result<(), Failure> {
    let Some(other) = other_kind(value, kind) else { return Ok(()) };
    Err(Failure::bad_request(match other {
        Other::Version { said } => {
            let wanted = kind.api.to_string();
            format!("the API version in the data ({said}) does not match the expected API version ({wanted})")
        }
        Other::Kind { name, version, why } => {
            format!("{name} in version {} cannot be handled as a {}: {why}", quoted(&version), kind.kind)
        }
    }))
}

/// What an object is that is not of the kind that it should be of.
pub(crate) enum Other {
    /// The kind in a version that is served elsewhere, or was once.
    Version { said: String },
    /// Another kind, or none that is known.
    Kind { name: String, version: String, why: String },
}

/// What an object says that it is, if that is not `kind`; what it does not say counts as right.
pub(crate) fn other_kind(value: &Value, kind: &lockstep_core::Gvk) -> Option<Other> {
    let wanted = kind.api.to_string();
    let said = |key: &str, or: &str| match value.str_at(&[key]).unwrap_or_default() {
        "" => or.to_owned(),
        text => text.to_owned(),
    };
    let (name, version) = (said("kind", &kind.kind), said("apiVersion", &wanted));
    if *name == *kind.kind && version == wanted {
        return None;
    }
    let (group, short) = version.split_once('/').unwrap_or(("", &version));
    if *name == *kind.kind && group == &*kind.api.group && is_old(group, short) {
        return Some(Other::Version { said: version });
    }
    let served = |resource: &&kinds::Resource| {
        resource.kind == name && resource.group == group && resource.version == short
    };
    let why = match kinds::resources().iter().find(served) {
        Some(_) if *name == *kind.kind => return Some(Other::Version { said: version }),
        Some(_) => format!(
            "converting ({}) to ({}): unknown conversion",
            go_type(group, short, &name),
            go_type(&kind.api.group, "", &kind.kind)
        ),
        None => format!(
            "no kind {} is registered for version {} in scheme {}",
            quoted(&name),
            quoted(&version),
            quoted("pkg/runtime/scheme.go:111")
        ),
    };
    Some(Other::Kind { version: short.to_owned(), name, why })
}

/// The versions of groups that the server knows still, and serves no more.
fn is_old(group: &str, version: &str) -> bool {
    let known: &[&str] = match group {
        "apps" => &["v1", "v1beta1", "v1beta2"],
        "autoscaling" => &["v1", "v2"],
        "batch" | "policy" | "events.k8s.io" | "discovery.k8s.io" => &["v1", "v1beta1"],
        "rbac.authorization.k8s.io"
        | "storage.k8s.io"
        | "node.k8s.io"
        | "scheduling.k8s.io"
        | "certificates.k8s.io"
        | "coordination.k8s.io"
        | "networking.k8s.io"
        | "admissionregistration.k8s.io" => &["v1", "v1beta1", "v1alpha1"],
        _ => &[],
    };
    known.contains(&version)
}

/// A custom resource must say what it is.
fn check_custom_kind(value: &Value, kind: &lockstep_core::Gvk, body: &[u8]) -> Result<(), Failure> {
    if value.str_at(&["kind"]).is_none_or(str::is_empty) {
        let text = String::from_utf8_lossy(body);
        return Err(Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): Object 'Kind' is missing in '{text}' ({})",
            kind.kind,
            summary(body)
        )));
    }
    let (said, wanted) = (value.str_at(&["apiVersion"]).unwrap_or_default(), kind.api.to_string());
    match said == wanted {
        true => Ok(()),
        false => Err(Failure::bad_request(format!(
            "the API version in the data ({said}) does not match the expected API version ({wanted})"
        ))),
    }
}

/// The Go type of a kind: `v1.Secret`, or `core.Secret` for the server's own.
fn go_type(group: &str, version: &str, kind: &str) -> String {
    let package = match (version, group.split('.').next()) {
        ("", None | Some("")) => "core",
        ("", Some("rbac")) => "rbac",
        ("", Some(group)) => group,
        (version, _) => version,
    };
    format!("{package}.{kind}")
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

fn not_an_object(value: &Value) -> String {
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
