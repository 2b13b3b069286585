//! Patches: JSON, merge, strategic merge, and apply.

use lockstep_core::{Gvk, Map, Value, to_json};
use schema::{At, FieldError, Force, PatchError, WireError, json_patch, merge_patch, strategic_merge_patch};

use super::update::{Rewrite, check_name, expected_namespace, rewrite};
use super::{settle_namespace, writer};
use crate::answers::Ask;
use crate::body::{self, Format, Parsed, media_type, parse};
use crate::call::{Call, Outcome};
use crate::failure::{Failure, GroupResource, Halt};
use crate::options::{FieldValidation, WriteKind, WriteOptions};
use crate::served::Served;
use crate::state::State;
use crate::wire;

/// How a patch says what it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PatchType {
    Json,
    Merge,
    Strategic,
    Apply,
}

const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

fn patch_type(served: &Served, content_type: &str) -> Result<PatchType, Failure> {
    match media_type(content_type) {
        JSON => Ok(PatchType::Json),
        MERGE => Ok(PatchType::Merge),
        STRATEGIC if !served.is_custom() => Ok(PatchType::Strategic),
        APPLY => Ok(PatchType::Apply),
        _ if served.is_custom() => Err(Failure::unsupported_media_type(&[JSON, MERGE, APPLY])),
        // The path is found before the media type is looked at, by what takes it.
        _ => Err(Failure::media_type_not_routed()),
    }
}

/// A patch that was read.
pub(crate) struct Patched {
    kind: PatchType,
    patch: Parsed,
    pub(crate) options: WriteOptions,
}

impl Patched {
    /// Reads the patch of a request.
    pub(crate) fn read(call: &Call<'_>) -> Result<Self, Failure> {
        let kind = patch_type(&call.served, &call.request.content_type)?;
        body::check_size(&call.request.body)?;
        let options_kind = if kind == PatchType::Apply { WriteKind::Apply } else { WriteKind::Patch };
        let options = WriteOptions::read(call.request, options_kind)?;
        Ok(Self { kind, patch: read(call, kind)?, options })
    }

    /// The object of a resource with the patch.
    pub(crate) fn apply(
        &self,
        ask: Ask<'_>,
        call: &mut Call<'_>,
        served: &Served,
        live: Option<&Value>,
    ) -> Result<Value, Halt> {
        match self.kind {
            PatchType::Apply => applied(ask, call, served, (live, &self.patch), &self.options),
            _ => {
                let Some(live) = live else { return Err(call.not_found().into()) };
                patched(ask, call, served, (live, &self.patch), (self.kind, &self.options))
            }
        }
    }
}

/// Patches an object.
pub(crate) fn patch(state: &State, call: &mut Call<'_>) -> Result<Outcome, Halt> {
    let served = call.served.clone();
    let patched = Patched::read(call)?;
    let ask = Ask { state, answers: call.answers };
    let make = |call: &mut Call<'_>, live: Option<&Value>| {
        let mut object = patched.apply(ask, call, &served, live)?;
        let uid = object.str_at(&["metadata", "uid"]).unwrap_or_default();
        if live.is_none() && !uid.is_empty() {
            let why = format!(
                "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            );
            return Err(Failure::conflict(&call.resource(), &call.info.name, &why).into());
        }
        settle_namespace(&mut object, expected_namespace(call))?;
        check_name(call, &object)?;
        Ok(object)
    };
    let creates = patched.kind == PatchType::Apply;
    let change = Rewrite { options: &patched.options, uid: None, creates, make: &make, view: None };
    rewrite(state, call, &change)
}

/// The patch as a value.
fn read(call: &Call<'_>, kind: PatchType) -> Result<Parsed, Failure> {
    let format = if kind == PatchType::Apply { Format::Yaml } else { Format::Json };
    let parsed = parse(&call.request.body, format).map_err(|error| {
        // What might be JSON is decoded at once, other YAML is made JSON before.
        let might_be_json = call.request.body.trim_ascii_start().first() == Some(&b'{');
        Failure::bad_request(match kind {
            PatchType::Apply if !might_be_json => format!("error encoding patch: {error}"),
            PatchType::Apply => format!("error decoding patch: error converting YAML to JSON: {error}"),
            _ => "invalid JSON patch".to_owned(),
        })
    })?;
    if kind == PatchType::Merge && matches!(parsed.value, Value::Null) {
        return Err(Failure::bad_request("Invalid JSON Patch"));
    }
    let go_type = match (kind, &parsed.value) {
        (PatchType::Json, Value::List(_)) | (_, Value::Map(_)) if fits(kind, &parsed.value) => {
            return Ok(parsed);
        }
        (PatchType::Json, _) => "[]handlers.jsonPatchOp",
        _ => "map[string]interface {}",
    };
    let found = match &parsed.value {
        Value::Map(_) => "object",
        Value::List(_) => "array",
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Null => return Ok(Parsed { value: Value::map(Map::new()), ..parsed }),
        _ => "number",
    };
    let while_decoding = match kind {
        PatchType::Apply => "error decoding patch: error unmarshaling JSON: while decoding JSON: ",
        PatchType::Strategic => "",
        _ => "error decoding patch: ",
    };
    Err(Failure::bad_request(format!(
        "{while_decoding}json: cannot unmarshal {found} into Go value of type {go_type}"
    )))
}

fn fits(kind: PatchType, value: &Value) -> bool {
    matches!(value, Value::List(_)) == (kind == PatchType::Json)
}

/// The object with a patch applied for its manager.
fn applied(
    ask: Ask<'_>,
    call: &mut Call<'_>,
    served: &Served,
    (live, patch): (Option<&Value>, &Parsed),
    options: &WriteOptions,
) -> Result<Value, Halt> {
    let force = if options.force == Some(true) { Force::Yes } else { Force::No };
    let subresource = call.info.subresource.as_str();
    let writer = writer(ask, served, subresource, (options, call.time()));
    let mut object = writer.apply(live, &patch.value, force)?;
    call.raw |= wire::settle_applied(served, &mut object)
        .map_err(|error| unconvertible(served, &patch.value, &error))?;
    if !patch.strict.is_empty() {
        match options.field_validation {
            FieldValidation::Strict => {
                let text = patch.strict.join(", ");
                let text = format!("error strict decoding patch: error converting YAML to JSON: {text}");
                return Err(Failure::bad_request(text).into());
            }
            FieldValidation::Warn => {
                patch.strict.iter().flat_map(|text| body::warnings_of(text)).for_each(|text| call.warn(text));
            }
            FieldValidation::Ignore => {}
        }
    }
    Ok(object)
}

/// What an apply has made is converted to the server's own type, and is none.
fn unconvertible(served: &Served, patch: &Value, error: &WireError) -> Failure {
    let text = |key| patch.str_at(&["metadata", key]).unwrap_or_default();
    let Gvk { api, kind } = &served.gvk;
    let shown = format!("{}/{}, Kind={kind}", api.group, api.version);
    Failure::unknown(format!(
        "failed to convert new object ({}/{}; {shown}) to proper version: unable to convert unstructured object to {shown}: {}",
        text("namespace"),
        text("name"),
        error.converted()
    ))
}

/// The object with a patch of another kind.
fn patched(
    ask: Ask<'_>,
    call: &mut Call<'_>,
    served: &Served,
    (live, patch): (&Value, &Parsed),
    (kind, options): (PatchType, &WriteOptions),
) -> Result<Value, Halt> {
    let mut object = match kind {
        PatchType::Json => json_patch(live, &patch.value),
        PatchType::Merge => merge_patch(live, &patch.value),
        _ => match served.schema() {
            Some(schema) => strategic_merge_patch(live, &patch.value, schema),
            None => return Err(Failure::internal("no schema of the kind").into()),
        },
    }
    .map_err(|error| match error {
        PatchError::BadRequest(text) => Failure::bad_request(text),
        PatchError::Unprocessable(_) => Failure::unprocessable(),
        PatchError::TooLarge(text) => Failure::too_large(&text),
        PatchError::Failed(text) => Failure::unknown(text),
    })?;
    // What is shown of a patch that makes no object of it.
    let shown = || match kind {
        PatchType::Strategic => go_map(&patch.value),
        _ => String::from_utf8_lossy(&to_json(&object)).into_owned(),
    };
    let invalid = |value: String, error: String| {
        let error = FieldError::invalid(&At::ROOT.field("patch"), value, error);
        Failure::invalid(&GroupResource::default(), "", &[error])
    };
    let text = shown();
    if !served.is_custom() {
        let why = match body::other_kind(&object, &served.gvk) {
            None => None,
            Some(body::Other::Version { said }) if body::is_former(&served.gvk, &said) => {
                object.set(&["apiVersion"], served.api_version.clone().into());
                None
            }
            Some(body::Other::Version { said }) => Some(format!("no kind {said}")),
            Some(body::Other::Kind { why, .. }) => Some(why),
        };
        if let Some(why) = why {
            return Err(invalid(text, why).into());
        }
    }
    let unknown = wire::read(served, &served.gvk, &mut object).map_err(|error| {
        let why = if kind == PatchType::Strategic { error.converted() } else { error.to_string() };
        invalid(text.clone(), why)
    })?;
    let prefix = if kind == PatchType::Json { "json patch " } else { "" };
    let strict = unknown_operations(kind, &patch.value).into_iter().chain(patch.strict.iter().cloned());
    let strict = strict.map(|text| format!("{prefix}{text}"));
    let unknown = unknown.iter().map(|path| format!("unknown field {}", crate::failure::quoted(path)));
    let strict: Vec<String> = strict.chain(unknown).collect();
    body::refuse_or_warn(call, options.field_validation, strict).map_err(|error| invalid(text, error))?;
    writer(ask, served, &call.info.subresource.clone(), (options, call.time())).update(Some(live), &object)
}

/// The fields of the operations of a JSON patch that operations do not have.
fn unknown_operations(kind: PatchType, patch: &Value) -> Vec<String> {
    let operations = if kind == PatchType::Json { patch.as_list().unwrap_or_default() } else { &[] };
    let fields = operations.iter().enumerate().flat_map(|(index, operation)| {
        let keys = operation.as_map().into_iter().flatten().map(|(key, _)| key);
        keys.filter(|key| !matches!(&***key, "op" | "path" | "from" | "value"))
            .map(move |key| format!("unknown field {}", crate::failure::quoted(&format!("[{index}].{key}"))))
    });
    fields.collect()
}

/// A value as Go's `%+v` prints maps.
fn go_map(value: &Value) -> String {
    match value {
        Value::Map(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{key}:{}", go_map(value))).collect();
            format!("map[{}]", entries.join(" "))
        }
        Value::List(items) => format!("[{}]", items.iter().map(go_map).collect::<Vec<_>>().join(" ")),
        Value::String(text) => text.to_string(),
        Value::Null => "<nil>".to_owned(),
        other => String::from_utf8_lossy(&to_json(other)).into_owned(),
    }
}
