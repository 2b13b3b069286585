//! ValidatingWebhookConfigurations and MutatingWebhookConfigurations.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::match_condition::validate_conditions;
use super::rules::validate_rule;
use super::webhook_url::{validate_service, validate_url};
use super::{
    Errors, FAILURE_POLICIES, GROUP, default_rules, default_selectors, validate_name, validate_word,
};
use crate::address::texts;
use crate::meta::{Edit, View, Wrong, dns_1035_label, dns_subdomain, invalid_each, validate_selector};
use crate::naming::subdomain;
use crate::strategy::Strategy;

const VERSIONS: &[&str] = &["v1", "v1beta1"];

pub(crate) const VALIDATING_WEBHOOKS: Strategy = Strategy {
    default: |config| config.items_mut("webhooks").iter_mut().for_each(default_webhook),
    validate: |config| {
        let mut errors = validate(config, None);
        validate_name(&mut errors, config);
        errors
    },
    validate_update: |config, old| validate(config, Some(old)),
    name: subdomain,
    generation: Some(|config, old| config.child("webhooks") != old.child("webhooks")),
    unconditional_update: false,
    ..Strategy::plain(GROUP, "ValidatingWebhookConfiguration", &["v1"])
};

pub(crate) const MUTATING_WEBHOOKS: Strategy = Strategy {
    kind: "MutatingWebhookConfiguration",
    default: |config| {
        for webhook in config.items_mut("webhooks") {
            default_webhook(webhook);
            webhook.default_to("reinvocationPolicy", "Never");
        }
    },
    ..VALIDATING_WEBHOOKS
};

fn default_webhook(webhook: &mut Value) {
    webhook.default_to("failurePolicy", "Fail");
    default_selectors(webhook);
    webhook.default_to("timeoutSeconds", 10);
    default_rules(webhook, &["rules"]);
    if let Some(service) = webhook.child_mut("clientConfig").and_then(|config| config.child_mut("service")) {
        service.default_to("port", 443);
    }
}

/// What an old configuration may have that a new one may not.
#[derive(Clone, Copy)]
struct Tolerance {
    side_effects: bool,
    versions: bool,
    names: bool,
}

impl Tolerance {
    fn of(old: Option<&Value>) -> Self {
        let hooks = old.map(|old| old.items("webhooks")).unwrap_or_default();
        let known = |hook: &Value| {
            texts(hook.items("admissionReviewVersions")).iter().any(|one| VERSIONS.contains(one))
        };
        Self {
            side_effects: hooks
                .iter()
                .any(|hook| !["None", "NoneOnDryRun"].contains(&hook.text("sideEffects"))),
            versions: hooks.iter().any(|hook| !known(hook) && hook.has("admissionReviewVersions")),
            names: hooks.iter().enumerate().any(|(index, hook)| {
                hooks[..index].iter().any(|other| other.text("name") == hook.text("name"))
            }),
        }
    }
}

fn validate(config: &Value, old: Option<&Value>) -> Errors {
    let (mut errors, hooks, tolerance) = (Vec::new(), config.items("webhooks"), Tolerance::of(old));
    let at = At::ROOT.field("webhooks");
    for (index, hook) in hooks.iter().enumerate() {
        let (place, name) = (at.index(index), hook.text("name"));
        validate_webhook(&mut errors, &place, (hook, tolerance));
        validate_versions(&mut errors, &place.field("admissionReviewVersions"), (hook, tolerance));
        let twice = !name.is_empty() && hooks[..index].iter().any(|other| other.text("name") == name);
        if twice && !tolerance.names {
            errors.push(FieldError::duplicate(&place.field("name"), name));
        }
    }
    errors
}

fn validate_webhook(errors: &mut Errors, at: &At, (hook, tolerance): (&Value, Tolerance)) {
    let name = hook.text("name");
    match name.is_empty() {
        true => errors.push(FieldError::required(&at.field("name"), "")),
        false => invalid_each(errors, &at.field("name"), &name.into(), full_name(name)),
    }
    let list = at.field("rules");
    for (index, rule) in hook.items("rules").iter().enumerate() {
        validate_rule(errors, &list.index(index), rule);
    }
    let words = [("failurePolicy", FAILURE_POLICIES), ("matchPolicy", &["Equivalent", "Exact"][..])];
    for (field, known) in words {
        validate_word(errors, &at.field(field), (hook.child(field), known));
    }
    validate_side_effects(errors, &at.field("sideEffects"), (hook, tolerance));
    if let Some(seconds) = hook.int("timeoutSeconds").filter(|seconds| !(1..=30).contains(seconds)) {
        let text = "the timeout value must be between 1 and 30 seconds";
        errors.push(FieldError::invalid(&at.field("timeoutSeconds"), seconds, text));
    }
    for field in ["namespaceSelector", "objectSelector"] {
        validate_selector(errors, &at.field(field), hook.child(field));
    }
    let policies = &["IfNeeded", "Never"];
    validate_word(errors, &at.field("reinvocationPolicy"), (hook.child("reinvocationPolicy"), policies));
    let (client_at, client) = (at.field("clientConfig"), hook.child("clientConfig"));
    match (client.has("url"), client.has("service")) {
        (true, false) => validate_url(errors, &client_at.field("url"), client.text("url")),
        (false, true) => validate_service(errors, &client_at.field("service"), client.child("service")),
        _ => errors.push(FieldError::required(&client_at, "exactly one of url or service is required")),
    }
    validate_conditions(errors, &at.field("matchConditions"), hook.items("matchConditions"));
}

fn full_name(name: &str) -> Wrong {
    let wrong = dns_subdomain(name);
    match wrong.is_empty() {
        false => vec![wrong.join(",")],
        true if name.split('.').count() < 3 => {
            vec!["should be a domain with at least three segments separated by dots".into()]
        }
        true => Vec::new(),
    }
}

fn validate_side_effects(errors: &mut Errors, at: &At, (hook, tolerance): (&Value, Tolerance)) {
    let known: &[&str] = match tolerance.side_effects {
        true => &["None", "NoneOnDryRun", "Some", "Unknown"],
        false => &["None", "NoneOnDryRun"],
    };
    match hook.has("sideEffects") {
        true => validate_word(errors, at, (hook.child("sideEffects"), known)),
        false => errors.push(FieldError::required(at, format!("must specify one of {}", known.join(", ")))),
    }
}

fn validate_versions(errors: &mut Errors, at: &At, (hook, tolerance): (&Value, Tolerance)) {
    let versions = texts(hook.items("admissionReviewVersions"));
    if versions.is_empty() {
        errors.push(FieldError::required(at, format!("must specify one of {}", VERSIONS.join(", "))));
        return;
    }
    for (index, version) in versions.iter().enumerate() {
        match versions[..index].contains(version) {
            true => errors.push(FieldError::invalid(&at.index(index), *version, "duplicate version")),
            false => invalid_each(errors, &at.index(index), &(*version).into(), dns_1035_label(version)),
        }
    }
    if !tolerance.versions && !versions.iter().any(|version| VERSIONS.contains(version)) {
        let value = hook.child("admissionReviewVersions").clone();
        let text = format!("must include at least one of {}", VERSIONS.join(", "));
        errors.push(FieldError::invalid(at, value, text));
    }
}
