//! `MutatingAdmissionWebhook` and `ValidatingAdmissionWebhook`: what programs outside say of a request.

mod answer;
mod configured;
mod matching;

use std::collections::BTreeSet;
use std::sync::Arc;

use lockstep_core::{Value, from_json, to_json};
use schema::{PatchError, json_patch};

use super::named::Named;
use super::policies::is_exempt;
use super::review;
use super::stage::{Stage, types_of};
use crate::convert::convert;
use crate::custom::{ca_bundle, url};
use crate::demand::{Answer, Demand, WebhookCall};
use crate::failure::{Failure, Halt, quoted};
use crate::served::Served;
use answer::{Verdict, read};
use configured::Webhook;
pub(crate) use configured::Webhooks;
use matching::{Match, is_about};

/// A webhook, and the version that it wants.
type Chosen = (Arc<Webhook>, Arc<Served>);

/// The webhooks that are about a request, with the version that they want.
fn chosen(
    stage: &Stage<'_, '_>,
    webhooks: &Named<Vec<Arc<Webhook>>>,
    (object, old): (Option<&Value>, Option<&Value>),
) -> Result<Vec<Chosen>, Halt> {
    let mut chosen = Vec::new();
    if is_exempt(stage) {
        return Ok(chosen);
    }
    for webhook in webhooks.values.iter().flatten() {
        match is_about(stage, webhook, (object, old)) {
            Match::Yes(served) => chosen.push((webhook.clone(), served)),
            Match::No => {}
            Match::Failed(_) if webhook.ignores_failure() => {}
            Match::Failed(why) => {
                return Err(stage.forbidden(object.or(old).unwrap_or(&Value::Null), &why).into());
            }
        }
    }
    Ok(chosen)
}

/// What mutating webhooks have done so far: for the second round.
#[derive(Default)]
pub(super) struct Rounds {
    /// Those that were called and want to be called again when the object changes.
    called: BTreeSet<String>,
    /// Those of them after which it has changed.
    again: BTreeSet<String>,
    second: bool,
}

impl Rounds {
    /// Whether the plugins are to be asked once more.
    pub(super) fn begins_second(&mut self, changed: bool) -> bool {
        let begins = changed && !self.second;
        self.second = true;
        begins
    }
}

/// The object as the webhooks leave it; whether they have changed it.
pub(super) fn mutate(
    stage: &mut Stage<'_, '_>,
    mut object: Value,
    old: Option<&Value>,
    rounds: &mut Rounds,
) -> Result<(Value, bool), Halt> {
    let mut changed = false;
    let seen = |object: &Value| Some(object.clone()).filter(|object| object.as_map().is_some());
    let webhooks = &stage.state().webhooks.mutating;
    for (webhook, served) in chosen(stage, webhooks, (seen(&object).as_ref(), old))? {
        if rounds.second && !rounds.again.contains(&webhook.key) {
            continue;
        }
        let objects = (seen(&object), old.cloned());
        let answer = ask(stage, &webhook, &served, objects)?;
        if let Some(verdict) = settle(stage, &webhook, answer, true)?
            && let Some(patch) = verdict.patch
            && let Some(before) = seen(&object)
        {
            let after = patched(stage, &webhook, &served, (before.clone(), &patch))?;
            if let Some(after) = after.filter(|after| *after != before) {
                changed = true;
                rounds.again.extend(rounds.called.iter().cloned());
                object = after;
            }
        }
        if webhook.is_called_again() {
            rounds.called.insert(webhook.key.clone());
        }
    }
    Ok((object, changed))
}

fn patched(
    stage: &Stage<'_, '_>,
    webhook: &Webhook,
    served: &Served,
    (object, patch): (Value, &Value),
) -> Result<Option<Value>, Halt> {
    let ask = stage.attributes.ask;
    let own = convert(served, ask, object, &served.api_version)?;
    let mut after = match json_patch(&own, patch) {
        Ok(after) => after,
        Err(PatchError::BadRequest(_)) if webhook.ignores_failure() => return Ok(None),
        Err(PatchError::BadRequest(why)) => {
            let name = quoted(webhook.name());
            let why = format!(
                "failed calling webhook {name}: received undecodable patch in webhook response: {why}"
            );
            return Err(Failure::internal(&why).into());
        }
        // A patch that is none of this object is no failure of the webhook: it is not to be ignored.
        Err(error) => return Err(Failure::internal(&error.to_string()).into()),
    };
    crate::wire::settle(types_of(served, &after), &mut after)?;
    convert(&stage.call.served, ask, after, &stage.call.served.api_version).map(Some)
}

/// Asks the webhooks whether a request may pass. All are asked at once.
pub(super) fn validate(
    stage: &mut Stage<'_, '_>,
    (object, old): (Option<&Value>, Option<&Value>),
) -> Result<(), Halt> {
    let object = super::policies::in_request_version(stage, object)?;
    let old = super::policies::in_request_version(stage, old)?;
    let mut answers = Vec::new();
    let mut needed = Vec::new();
    let webhooks = &stage.state().webhooks.validating;
    for (webhook, served) in chosen(stage, webhooks, (object.as_ref(), old.as_ref()))? {
        match ask(stage, &webhook, &served, (object.clone(), old.clone())) {
            Ok(answer) => answers.push((webhook, answer)),
            Err(Halt::Need(demands)) => needed.extend(demands),
            Err(failed) => return Err(failed),
        }
    }
    if !needed.is_empty() {
        return Err(Halt::Need(needed));
    }
    let mut refused = None;
    for (webhook, answer) in answers {
        if let Err(halt) = settle(stage, &webhook, answer, false) {
            refused.get_or_insert(halt);
        }
    }
    refused.map_or(Ok(()), Err)
}

/// The answer of a webhook, and the uid of what it was asked.
type Asked = (Answer, String);

fn ask(
    stage: &mut Stage<'_, '_>,
    webhook: &Webhook,
    served: &Served,
    (object, old): (Option<Value>, Option<Value>),
) -> Result<Asked, Halt> {
    let harmless = matches!(webhook.value.str_at(&["sideEffects"]), Some("None" | "NoneOnDryRun"));
    if stage.attributes.dry_run && !harmless {
        let name = quoted(webhook.name());
        return Err(Failure::bad_request(format!("admission webhook {name} does not support dry run")).into());
    }
    let answers = stage.attributes.ask;
    let in_version = |object: Option<Value>| {
        object.map(|object| convert(served, answers, object, &served.api_version)).transpose()
    };
    let (object, old) = (in_version(object)?, in_version(old)?);
    let uid = stage.call.chance.uid();
    let mut body = Value::default();
    body.set(&["kind"], "AdmissionReview".into());
    body.set(&["apiVersion"], "admission.k8s.io/v1".into());
    body.set(&["request"], review::request(stage, served, &uid, (object.as_ref(), old.as_ref())));
    let config = webhook.value.get("clientConfig");
    let (address, timeout) = (url(config), webhook.timeout());
    let sign = if address.contains('?') { '&' } else { '?' };
    let call = WebhookCall {
        url: format!("{address}{sign}timeout={timeout}s"),
        ca_bundle: ca_bundle(config),
        body: to_json(&body).into(),
        timeout: u32::try_from(timeout).unwrap_or(30),
    };
    Ok((answers.answer(Demand::Webhook(call))?.clone(), uid))
}

/// What an answer means: `None` where the webhook has failed and that does not matter.
fn settle(
    stage: &mut Stage<'_, '_>,
    webhook: &Webhook,
    (answer, uid): Asked,
    mutates: bool,
) -> Result<Option<Verdict>, Halt> {
    let name = quoted(webhook.name());
    let verdict = match answer {
        Ok(bytes) => match from_json(&bytes) {
            Ok(review) => read(&review, &uid, mutates),
            Err(error) => Err(error.to_string()),
        },
        Err(why) => Err(format!("failed to call webhook: {why}")),
    };
    match verdict {
        Err(_) if webhook.ignores_failure() => Ok(None),
        Err(why) => Err(Failure::internal(&format!("failed calling webhook {name}: {why}")).into()),
        Ok(verdict) => {
            verdict.warnings.iter().for_each(|warning| stage.call.warn(warning.clone()));
            match verdict.refusal(webhook.name()) {
                Some(failure) => Err(failure.into()),
                None => Ok(Some(verdict)),
            }
        }
    }
}
