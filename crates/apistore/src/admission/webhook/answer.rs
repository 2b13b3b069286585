//! What a webhook has answered.

use lockstep_core::{Value, from_json};

use crate::failure::{Failure, quoted};

/// A well-formed answer.
#[derive(Debug)]
pub(super) struct Verdict {
    allowed: bool,
    result: Value,
    /// The JSON patch for the object.
    pub(super) patch: Option<Value>,
    pub(super) warnings: Vec<String>,
}

/// Reads the AdmissionReview that came back; the error is the server's text.
pub(super) fn read(review: &Value, uid: &str, mutates: bool) -> Result<Verdict, String> {
    let text = |key| review.str_at(&[key]).unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    if kind != "AdmissionReview" || !version.starts_with("admission.k8s.io/") {
        let (kind, version) = (quoted(kind), quoted(version));
        return Err(format!(
            "failed to call webhook: no kind {kind} is registered for version {version} in scheme \"pkg/runtime/scheme.go:111\""
        ));
    }
    response(review, uid, mutates).map_err(|why| format!("received invalid webhook response: {why}"))
}

fn response(review: &Value, uid: &str, mutates: bool) -> Result<Verdict, String> {
    let text = |key| review.str_at(&[key]).unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    if (version, kind) != ("admission.k8s.io/v1", "AdmissionReview") {
        return Err(format!(
            "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got {version}, Kind={kind}"
        ));
    }
    let Some(response) = review.get("response").filter(|response| response.as_map().is_some()) else {
        return Err("webhook response was absent".to_owned());
    };
    let said = response.str_at(&["uid"]).unwrap_or_default();
    if said != uid {
        return Err(format!("expected response.uid={}, got {}", quoted(uid), quoted(said)));
    }
    let patch = response.str_at(&["patch"]).filter(|patch| !patch.is_empty());
    let kind = response.str_at(&["patchType"]).unwrap_or_default();
    let patch = match (patch, kind) {
        (Some(_), _) if !mutates => return Err("validating webhook may not return response.patch".to_owned()),
        (None, kind) if !mutates && !kind.is_empty() => {
            return Err("validating webhook may not return response.patchType".to_owned());
        }
        (Some(_), "") => return Err("webhook returned response.patch but not response.patchType".to_owned()),
        (None, kind) if !kind.is_empty() => {
            return Err("webhook returned response.patchType but not response.patch".to_owned());
        }
        (Some(patch), "JSONPatch") => {
            let bytes = crate::base64::decode(patch).ok_or("illegal base64 data")?;
            Some(from_json(&bytes).map_err(|error| error.to_string())?)
        }
        (Some(_), kind) => {
            return Err(format!(
                "invalid value of response.patchType={}, expected \"JSONPatch\"",
                quoted(kind)
            ));
        }
        (None, _) => None,
    };
    let warnings = response.get("warnings").and_then(Value::as_list).unwrap_or_default();
    Ok(Verdict {
        allowed: response.get("allowed").and_then(Value::as_bool) == Some(true),
        result: response.get("status").cloned().unwrap_or_default(),
        patch,
        warnings: warnings.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect(),
    })
}

impl Verdict {
    /// Why the request is refused, if it is.
    pub(super) fn refusal(&self, webhook: &str) -> Option<Failure> {
        if self.allowed {
            return None;
        }
        let text = |key| self.result.str_at(&[key]).unwrap_or_default();
        let code = self.result.int_at(&["code"]).filter(|code| *code >= 400).unwrap_or(400);
        let denied = format!("admission webhook {} denied the request", quoted(webhook));
        let message = match (text("message"), text("reason")) {
            ("", "") => format!("{denied} without explanation"),
            ("", reason) => format!("{denied}: {reason}"),
            (message, _) => format!("{denied}: {message}"),
        };
        Some(Failure::new(u16::try_from(code).unwrap_or(400), text("reason"), message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(json: &str, mutates: bool) -> Result<Verdict, String> {
        let json = format!(
            r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{{"uid":"u"{json}}}}}"#
        );
        read(&from_json(json.as_bytes()).unwrap(), "u", mutates)
    }

    #[test]
    fn refusals_are_worded_as_by_the_server() {
        let refusal = |json: &str| answer(json, false).unwrap().refusal("w").unwrap();
        let plain = refusal("");
        assert_eq!(
            (plain.code(), plain.message()),
            (400, "admission webhook \"w\" denied the request without explanation")
        );
        let told = refusal(r#","status":{"code":409,"reason":"Conflict","message":"no"}"#);
        assert_eq!((told.code(), told.message()), (409, "admission webhook \"w\" denied the request: no"));
        assert!(answer(r#","allowed":true"#, false).unwrap().refusal("w").is_none());
    }

    #[test]
    fn malformed_answers_are_failures() {
        let why = |json: &str, mutates| answer(json, mutates).unwrap_err();
        let told = |why: &str| format!("received invalid webhook response: {why}");
        let patch = r#","patch":"W10=""#;
        assert_eq!(why(patch, false), told("validating webhook may not return response.patch"));
        assert_eq!(why(patch, true), told("webhook returned response.patch but not response.patchType"));
        let review = from_json(br#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}"#).unwrap();
        assert_eq!(read(&review, "u", true).unwrap_err(), told("webhook response was absent"));
        let patch = answer(r#","allowed":true,"patchType":"JSONPatch","patch":"W10=""#, true).unwrap().patch;
        assert_eq!(patch, Some(Value::list(Vec::new())));
    }
}
