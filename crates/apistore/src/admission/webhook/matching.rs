//! Which requests a webhook is about.

use std::sync::Arc;

use lockstep_core::{LabelSelector, Value};
use rules::Inputs;

use super::super::policies::Asks;
use super::super::review;
use super::super::stage::{Stage, items};
use super::configured::{Condition, Webhook};
use crate::served::Served;

/// Whether a webhook is about a request.
pub(super) enum Match {
    /// It is, and wants the objects in this version.
    Yes(Arc<Served>),
    No,
    /// Its conditions cannot be evaluated.
    Failed(String),
}

/// The objects of a request, the new and the old one.
type Objects<'o> = (Option<&'o Value>, Option<&'o Value>);

pub(super) fn is_about(stage: &Stage<'_, '_>, webhook: &Webhook, objects: Objects<'_>) -> Match {
    let rules = items(&webhook.value, &["rules"]);
    let own = &stage.call.served;
    let served = match rules.iter().any(|rule| names(stage, rule, own)) {
        true => own.clone(),
        false if webhook.value.str_at(&["matchPolicy"]) == Some("Exact") => return Match::No,
        false => {
            let mut others = stage.state().catalog.beside(own);
            match others.find(|other| rules.iter().any(|rule| names(stage, rule, other))) {
                Some(other) => other.clone(),
                None => return Match::No,
            }
        }
    };
    if !in_namespace(stage, webhook.value.get("namespaceSelector"), objects)
        || !is_selected(webhook.value.get("objectSelector"), objects)
    {
        return Match::No;
    }
    conditions(stage, webhook, (served, objects))
}

fn names(stage: &Stage<'_, '_>, rule: &Value, served: &Served) -> bool {
    let one_of = |key: &str, text: &str| {
        let mut known = items(rule, &[key]).iter().filter_map(Value::as_str);
        known.any(|known| known == "*" || known == text)
    };
    let (resource, subresource) = (&served.resource, stage.attributes.subresource);
    let fits = |pattern: &str| {
        let (main, sub) = pattern.split_once('/').unwrap_or((pattern, ""));
        (main == "*" || main == resource.plural) && (sub == "*" || sub == subresource)
    };
    let scope = match rule.str_at(&["scope"]) {
        Some("Namespaced") => resource.namespaced,
        Some("Cluster") => !resource.namespaced,
        _ => true,
    };
    one_of("apiGroups", &resource.group)
        && one_of("apiVersions", &resource.version)
        && one_of("operations", stage.attributes.operation.as_str())
        && items(rule, &["resources"]).iter().filter_map(Value::as_str).any(fits)
        && scope
}

/// What is in no namespace is let through; a Namespace is selected by its own labels.
fn in_namespace(stage: &Stage<'_, '_>, selector: Option<&Value>, (object, old): Objects<'_>) -> bool {
    let namespace = stage.namespace();
    if namespace.is_empty() {
        return true;
    }
    let own = stage.is_of("", "namespaces") && stage.attributes.subresource.is_empty();
    match own && object.is_some() {
        true => selects(selector, object.or(old)),
        false => {
            let entry = stage.namespace_object().map(|entry| entry.value());
            selects(selector, entry.as_ref().or(old.filter(|_| own)))
        }
    }
}

fn is_selected(selector: Option<&Value>, (object, old): Objects<'_>) -> bool {
    let mut some = [object, old].into_iter().flatten().peekable();
    some.peek().is_none() || some.any(|object| selects(selector, Some(object)))
}

/// Whether a label selector selects an object.
fn selects(selector: Option<&Value>, object: Option<&Value>) -> bool {
    let Some(selector) = selector else { return true };
    let labels = object.and_then(|object| object.at(&["metadata", "labels"]));
    LabelSelector(selector).selects(|key| labels?.get(key)?.as_str())
}

/// All conditions must hold; one that does not settles it, even where another cannot be evaluated.
fn conditions(
    stage: &Stage<'_, '_>,
    webhook: &Webhook,
    (served, objects): (Arc<Served>, Objects<'_>),
) -> Match {
    if webhook.conditions.is_empty() {
        return Match::Yes(served);
    }
    let request = review::request(stage, &served, "", objects);
    let namespace = stage.namespace_object().map(|entry| entry.value());
    let asks = Asks { state: stage.state(), user: &stage.call.user };
    let inputs = Inputs {
        object: objects.0,
        old_object: objects.1,
        request: Some(&request),
        params: None,
        namespace: namespace.as_ref(),
        authorizer: Some(&asks),
    };
    let mut failed = None;
    for Condition { text, expression } in &webhook.conditions {
        let error = match expression.as_ref().map(|expression| expression.evaluate(&inputs)) {
            Ok(Ok(Value::Bool(true))) => continue,
            Ok(Ok(_)) => return Match::No,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.clone(),
        };
        failed.get_or_insert(format!("expression '{text}' resulted in error: {error}"));
    }
    match failed {
        None => Match::Yes(served),
        Some(why) => Match::Failed(why),
    }
}
