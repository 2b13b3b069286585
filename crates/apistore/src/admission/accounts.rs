//! `ServiceAccount`: every pod has an account, and a token of it where it does not refuse.

use lockstep_core::{Map, Value};

use super::stage::{Stage, annotation, items, push};
use crate::failure::{Failure, GroupResource};

const DEFAULT: &str = "default";
const VOLUME: &str = "kube-api-access-";
const MIRROR: &str = "kubernetes.io/config.mirror";
const ONLY_MOUNTABLE: &str = "kubernetes.io/enforce-mountable-secrets";

/// Gives a new pod its account, the token's volume and the account's pull secrets.
pub(super) fn mutate(stage: &mut Stage<'_, '_>, pod: &mut Value) -> Result<(), Failure> {
    if !(stage.is("", "pods") && stage.creates()) || annotation(pod, MIRROR).is_some() {
        return Ok(());
    }
    if account_name(pod).is_empty() {
        pod.set(&["spec", "serviceAccountName"], DEFAULT.into());
        pod.set(&["spec", "serviceAccount"], DEFAULT.into());
    }
    let account = account(stage, pod)?;
    let wish = |value: &Value, path: &[&str]| value.at(path).and_then(Value::as_bool);
    let mounts = wish(pod, &["spec", "automountServiceAccountToken"])
        .or_else(|| wish(&account, &["automountServiceAccountToken"]));
    if mounts.unwrap_or(true) {
        mount(stage, pod);
    }
    if items(pod, &["spec", "imagePullSecrets"]).is_empty() {
        let secrets = items(&account, &["imagePullSecrets"]);
        if !secrets.is_empty() {
            pod.set(&["spec", "imagePullSecrets"], Value::list(secrets.to_vec()));
        }
    }
    Ok(())
}

/// Whether a new pod may use its account, and the account the pod's secrets.
pub(super) fn validate(stage: &Stage<'_, '_>, pod: &Value) -> Result<(), Failure> {
    if !(stage.is("", "pods") && stage.creates()) {
        return Ok(());
    }
    if annotation(pod, MIRROR).is_some() {
        return match account_name(pod) {
            "" => Ok(()),
            _ => Err(stage.forbidden(pod, "a mirror pod may not reference service accounts")),
        };
    }
    if account_name(pod).is_empty() {
        let name = pod.str_at(&["metadata", "name"]).unwrap_or_default();
        let why = format!("no service account specified for pod {}/{name}", stage.namespace());
        return Err(stage.forbidden(pod, &why));
    }
    let account = account(stage, pod)?;
    let strict =
        matches!(annotation(&account, ONLY_MOUNTABLE), Some("1" | "t" | "T" | "true" | "TRUE" | "True"));
    match strict.then(|| foreign_secret(&account, pod)).flatten() {
        Some(why) => Err(stage.forbidden(pod, &why)),
        None => Ok(()),
    }
}

fn account_name(pod: &Value) -> &str {
    pod.str_at(&["spec", "serviceAccountName"]).unwrap_or_default()
}

fn account(stage: &Stage<'_, '_>, pod: &Value) -> Result<Value, Failure> {
    let (namespace, name) = (stage.namespace(), account_name(pod));
    match stage.state().find("/serviceaccounts", namespace, name) {
        Some(entry) => Ok(entry.value()),
        // A real server waits here until the account of a new namespace is there, which a controller makes. It is always the same.
        None if name == DEFAULT && stage.namespace_object().is_some() => Ok(Value::map(Map::new())),
        None => {
            let missing = Failure::not_found(&GroupResource::new("", "serviceaccount"), name);
            let why = format!("error looking up service account {namespace}/{name}: {}", missing.message());
            Err(stage.forbidden(pod, &why))
        }
    }
}

fn mount(stage: &mut Stage<'_, '_>, pod: &mut Value) {
    let known = items(pod, &["spec", "volumes"]).iter().filter_map(|volume| volume.str_at(&["name"]));
    let known = known.into_iter().find(|name| name.starts_with(VOLUME)).map(str::to_owned);
    let name = known.clone().unwrap_or_else(|| stage.call.chance.name(VOLUME));
    if kinds::mount_token(pod, &name) && known.is_none() {
        push(pod, &["spec", "volumes"], kinds::token_volume(&name));
    }
}

/// What a pod uses that its account does not name, in the words of the server.
fn foreign_secret(account: &Value, pod: &Value) -> Option<String> {
    let named = |list: &str| -> Vec<String> {
        let names = items(account, &[list]).iter();
        names.filter_map(|secret| secret.str_at(&["name"]).map(str::to_owned)).collect()
    };
    let owner = account.str_at(&["metadata", "name"]).unwrap_or_default();
    let mountable = named("secrets");
    let tail = |name: &str| {
        format!(
            "secret.secretName=\"{name}\" is not allowed because service account {owner} does not reference that secret"
        )
    };
    let is_foreign = |name: &&str| !mountable.iter().any(|known| known == name);
    for volume in items(pod, &["spec", "volumes"]) {
        if let Some(name) = volume.str_at(&["secret", "secretName"]).filter(is_foreign) {
            return Some(format!("volume with {}", tail(name)));
        }
    }
    for (list, word) in [("initContainers", "init container"), ("containers", "container")] {
        for container in items(pod, &["spec", list]) {
            let shown = container.str_at(&["name"]).unwrap_or_default();
            for env in items(container, &["env"]) {
                let variable = env.str_at(&["name"]).unwrap_or_default();
                if let Some(name) = env.str_at(&["valueFrom", "secretKeyRef", "name"]).filter(is_foreign) {
                    return Some(format!("{word} {shown} with envVar {variable} referencing {}", tail(name)));
                }
            }
            for from in items(container, &["envFrom"]) {
                if let Some(name) = from.str_at(&["secretRef", "name"]).filter(is_foreign) {
                    return Some(format!("{word} {shown} with envFrom referencing {}", tail(name)));
                }
            }
        }
    }
    let pull = named("imagePullSecrets");
    for (index, secret) in items(pod, &["spec", "imagePullSecrets"]).iter().enumerate() {
        let name = secret.str_at(&["name"]).unwrap_or_default();
        if !pull.iter().any(|known| known == name) {
            return Some(format!(
                "imagePullSecrets[{index}].name=\"{name}\" is not allowed because service account {owner} does not reference that imagePullSecret"
            ));
        }
    }
    None
}
