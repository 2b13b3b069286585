//! The options in the body of a deletion.

use lockstep_core::{Gvk, Value};

use crate::body::{self, Format};
use crate::call::Call;
use crate::failure::{Failure, quoted};
use crate::options::DeleteOptions;

/// The options, from the body where there is one.
pub(super) fn options(call: &mut Call<'_>) -> Result<DeleteOptions, Failure> {
    let body = call.request.body.clone();
    body::check_size(&body)?;
    if body.is_empty() {
        return DeleteOptions::read(call.request, None);
    }
    let format = match body::media_type(&call.request.content_type) {
        "application/json" => Format::Json,
        "application/yaml" => Format::Yaml,
        "application/vnd.kubernetes.protobuf" => Format::Protobuf,
        _ => {
            return Err(Failure::unsupported_media_type(&[
                "application/json",
                "application/yaml",
                "application/vnd.kubernetes.protobuf",
            ]));
        }
    };
    let parsed = match format {
        Format::Protobuf => body::parse_message(&body, &Gvk::new("", "v1", "DeleteOptions"))?,
        format => body::parse(&body, format).map_err(unread)?,
    };
    if !matches!(parsed.value, Value::Map(_) | Value::Null) {
        return Err(unread(body::not_an_object(&parsed.value)));
    }
    check_kind(&parsed.value)?;
    DeleteOptions::read(call.request, Some(&parsed.value))
}

fn unread(error: String) -> Failure {
    Failure::bad_request(format!("couldn't get version/kind; json parse error: {error}"))
}

/// The kinds of options beside those of a deletion, which every group knows.
const OTHERS: [&str; 5] = ["CreateOptions", "UpdateOptions", "PatchOptions", "GetOptions", "ListOptions"];

/// The body must be of the right kind, in whatever version.
fn check_kind(body: &Value) -> Result<(), Failure> {
    let kind = match body.str_at(&["kind"]).unwrap_or_default() {
        "" | "DeleteOptions" => return Ok(()),
        kind => kind,
    };
    let version = body.str_at(&["apiVersion"]).filter(|version| !version.is_empty());
    let version = version.unwrap_or("meta.k8s.io/v1");
    if OTHERS.contains(&kind) {
        let why = format!("converting (v1.{kind}) to (v1.DeleteOptions): unknown conversion");
        return Err(Failure::bad_request(why));
    }
    Err(Failure::bad_request(format!(
        "no kind {} is registered for version {} in scheme {}",
        quoted(kind),
        quoted(version),
        quoted("pkg/runtime/scheme.go:111"),
    )))
}
