//! What the server's own admission adds to a Pod that is created, where nothing else has to be looked up.

use lockstep_core::{Map, Value, from_json};

use crate::meta::{Edit, View};

const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Whether pods of a service account get its token, where they do not say it themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// They do.
    Mounted,
    /// The account says that they do not.
    Left,
}

/// Fills in the service account and its token, the priority that holds without a class, and how long a pod stays on a node
/// that does not answer. `suffix` makes the name of the token's volume: five characters by chance.
///
/// What needs other objects is the caller's: whether the account exists, the priority of a class, limit ranges.
pub fn admit_pod(pod: &mut Value, token: Token, suffix: &str) {
    let Some(spec) = pod.child_mut("spec") else { return };
    spec.default_text("serviceAccountName", "default");
    let account = spec.text("serviceAccountName").to_owned();
    spec.set(&["serviceAccount"], account.into());
    let mounts = spec.child("automountServiceAccountToken").as_bool().unwrap_or(token == Token::Mounted);
    let volume = format!("kube-api-access-{suffix}");
    if mounts && mount_token(pod, &volume) {
        let Some(spec) = pod.child_mut("spec") else { return };
        let all = [spec.items("volumes"), &[token_volume(&volume)]].concat();
        spec.set(&["volumes"], Value::list(all));
    }
    let Some(spec) = pod.child_mut("spec") else { return };
    let priority = match spec.text("priorityClassName") {
        "" => Some(0),
        "system-cluster-critical" => Some(2_000_000_000),
        "system-node-critical" => Some(2_000_001_000),
        _ => None,
    };
    if let Some(priority) = priority {
        spec.default_to("priority", priority);
        spec.default_to("preemptionPolicy", "PreemptLowerPriority");
    }
    tolerate_lost_nodes(pod);
}

/// How long a pod stays on a node that does not answer: this is filled in again when a Pod is updated.
pub fn tolerate_lost_nodes(pod: &mut Value) {
    let Some(spec) = pod.child_mut("spec") else { return };
    tolerate(spec, "node.kubernetes.io/not-ready");
    tolerate(spec, "node.kubernetes.io/unreachable");
}

/// Mounts the volume of a service account's token in every container that has nothing at its place. Returns whether one did not.
pub fn mount_token(pod: &mut Value, name: &str) -> bool {
    let mut mounted = false;
    let Some(spec) = pod.child_mut("spec") else { return mounted };
    for list in ["initContainers", "containers"] {
        for container in spec.items_mut(list) {
            let mounts = container.items("volumeMounts");
            if mounts.iter().any(|mount| mount.text("mountPath") == TOKEN_PATH) {
                continue;
            }
            let mut mount = Value::map(Map::new());
            mount.set(&["name"], name.into());
            mount.set(&["mountPath"], TOKEN_PATH.into());
            mount.set(&["readOnly"], true.into());
            let all = [mounts, &[mount]].concat();
            container.set(&["volumeMounts"], Value::list(all));
            mounted = true;
        }
    }
    mounted
}

/// The volume with the token, the authority and the namespace; the token holds an hour and some seconds.
pub fn token_volume(name: &str) -> Value {
    const SOURCES: &str = r#"[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},
        {"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},
        {"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}]"#;
    let mut volume = Value::map(Map::new());
    volume.set(&["name"], name.into());
    volume.set(&["projected", "defaultMode"], 0o644.into());
    volume.set(&["projected", "sources"], from_json(SOURCES.as_bytes()).unwrap_or_default());
    volume
}

fn tolerate(spec: &mut Value, key: &str) {
    let covers = |toleration: &Value| {
        (toleration.text("key").is_empty() || toleration.text("key") == key)
            && matches!(toleration.text("effect"), "" | "NoExecute")
    };
    if spec.items("tolerations").iter().any(covers) {
        return;
    }
    let mut toleration = Value::map(Map::new());
    for (field, text) in [("key", key), ("operator", "Exists"), ("effect", "NoExecute")] {
        toleration.set(&[field], text.into());
    }
    toleration.set(&["tolerationSeconds"], 300.into());
    let all = [spec.items("tolerations"), &[toleration]].concat();
    spec.set(&["tolerations"], Value::list(all));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(json: &str) -> Value {
        from_json(json.as_bytes()).unwrap()
    }

    #[test]
    fn a_token_is_mounted_once_unless_somebody_says_no() {
        let check = |spec: &str, token: Token, mounts: usize, volumes: usize| {
            let mut pod = pod(&format!(r#"{{"spec":{spec}}}"#));
            admit_pod(&mut pod, token, "abcde");
            let spec = pod.child("spec");
            assert_eq!(spec.items("containers")[0].items("volumeMounts").len(), mounts, "{spec:?}");
            assert_eq!(spec.items("volumes").len(), volumes);
            assert_eq!((spec.text("serviceAccountName"), spec.int("priority")), ("default", Some(0)));
        };
        check(r#"{"containers":[{}]}"#, Token::Mounted, 1, 1);
        check(r#"{"containers":[{}]}"#, Token::Left, 0, 0);
        check(r#"{"containers":[{}],"automountServiceAccountToken":false}"#, Token::Mounted, 0, 0);
        check(r#"{"containers":[{}],"automountServiceAccountToken":true}"#, Token::Left, 1, 1);
        let own = format!(r#"{{"containers":[{{"volumeMounts":[{{"mountPath":"{TOKEN_PATH}"}}]}}]}}"#);
        check(&own, Token::Mounted, 1, 0);
    }

    #[test]
    fn pods_tolerate_lost_nodes_for_a_while() {
        let check = |tolerations: &str, count: usize| {
            let mut pod = pod(&format!(r#"{{"spec":{{"tolerations":{tolerations}}}}}"#));
            tolerate_lost_nodes(&mut pod);
            assert_eq!(pod.child("spec").items("tolerations").len(), count, "{tolerations}");
        };
        check("[]", 2);
        check(r#"[{"operator":"Exists"}]"#, 1);
        check(r#"[{"operator":"Exists","effect":"NoSchedule"}]"#, 3);
        check(r#"[{"key":"node.kubernetes.io/not-ready","operator":"Exists"}]"#, 2);
    }
}
