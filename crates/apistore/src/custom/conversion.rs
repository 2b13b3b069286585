//! Conversion of custom resources by webhook.

use std::sync::Arc;

use lockstep_core::{Value, from_json, to_json};

use crate::answers::Ask;
use crate::chance::Fingerprint;
use crate::demand::{Demand, WebhookCall};
use crate::failure::{Failure, Halt};

/// The objects in another version, as the webhook makes them.
pub(crate) fn convert_by_webhook(
    webhook: &Value,
    ask: Ask<'_>,
    objects: Vec<Value>,
    to: &str,
) -> Result<Vec<Value>, Halt> {
    let from =
        objects.first().and_then(|object| object.str_at(&["apiVersion"])).unwrap_or_default().to_owned();
    let kind = objects.first().and_then(|object| object.str_at(&["kind"])).unwrap_or_default().to_owned();
    let (stay, go): (Vec<_>, Vec<_>) =
        objects.iter().enumerate().partition(|(_, object)| object.str_at(&["apiVersion"]) == Some(to));
    let asked: Vec<Value> = go.iter().map(|(_, object)| (*object).clone()).collect();
    let call = WebhookCall {
        url: url(webhook.get("clientConfig")),
        ca_bundle: ca_bundle(webhook.get("clientConfig")),
        body: review(&asked, to, webhook).into(),
        timeout: 30,
    };
    let refused = |why: String| -> Halt {
        Failure::unknown(format!("conversion webhook for {from}, Kind={kind} failed: {why}")).into()
    };
    let answer = match ask.answer(Demand::Webhook(call))? {
        Ok(answer) => answer,
        Err(why) => return Err(refused(why.clone())),
    };
    let answer = from_json(answer).map_err(|error| refused(error.to_string()))?;
    if answer.str_at(&["response", "result", "status"]) != Some("Success") {
        let why = answer.str_at(&["response", "result", "message"]).unwrap_or("unspecified error");
        return Err(refused(why.to_owned()));
    }
    let converted = answer.at(&["response", "convertedObjects"]).and_then(Value::as_list).unwrap_or_default();
    if converted.len() != asked.len() {
        let (expected, found) = (asked.len(), converted.len());
        return Err(refused(format!("expected {expected} converted objects, got {found}")));
    }
    let mut out: Vec<(usize, Value)> =
        stay.into_iter().map(|(index, object)| (index, object.clone())).collect();
    for ((index, original), converted) in go.into_iter().zip(converted) {
        out.push((index, restored(original, converted)));
    }
    out.sort_by_key(|(index, _)| *index);
    Ok(out.into_iter().map(|(_, object)| object).collect())
}

/// Of `metadata`, a webhook may change labels and annotations only.
fn restored(original: &Value, converted: &Value) -> Value {
    let mut object = converted.clone();
    let mut metadata = original.get("metadata").cloned().unwrap_or_default();
    for key in ["labels", "annotations"] {
        crate::fallback::take(&mut metadata, converted.get("metadata").unwrap_or(&Value::Null), &[key]);
    }
    object.set(&["metadata"], metadata);
    object
}

fn review(objects: &[Value], to: &str, webhook: &Value) -> Vec<u8> {
    let versions = webhook.get("conversionReviewVersions").and_then(Value::as_list).unwrap_or_default();
    let version =
        versions.iter().filter_map(Value::as_str).find(|version| matches!(*version, "v1" | "v1beta1"));
    let version = version.unwrap_or("v1");
    let mut review = Value::default();
    review.set(&["kind"], "ConversionReview".into());
    review.set(&["apiVersion"], format!("apiextensions.k8s.io/{version}").into());
    let list = Value::list(objects.to_vec());
    let print = Fingerprint::of(&to_json(&list));
    let uid = crate::chance::Chance::new(print).uid();
    review.set(&["request", "uid"], uid.into());
    review.set(&["request", "desiredAPIVersion"], to.into());
    review.set(&["request", "objects"], list);
    to_json(&review)
}

/// Where a `clientConfig` leads to.
pub(crate) fn url(config: Option<&Value>) -> String {
    let Some(config) = config else { return String::new() };
    if let Some(url) = config.str_at(&["url"]) {
        return url.to_owned();
    }
    let text = |key| config.str_at(&["service", key]).unwrap_or_default();
    let port = config.int_at(&["service", "port"]).unwrap_or(443);
    format!(
        "https://{}.{}.svc:{port}/{}",
        text("name"),
        text("namespace"),
        text("path").trim_start_matches('/')
    )
}

/// The authorities of a `clientConfig`, as PEM.
pub(crate) fn ca_bundle(config: Option<&Value>) -> Arc<[u8]> {
    let text = config.and_then(|config| config.str_at(&["caBundle"])).unwrap_or_default();
    crate::base64::decode(text).unwrap_or_default().into()
}
