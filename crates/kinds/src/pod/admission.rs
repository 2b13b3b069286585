//! What the server's own admission adds to a Pod that is created, where nothing else has to be looked up.

use lockstep_core::{Map, Value, from_json};

use crate::meta::{Edit, View};

const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

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
    fn a_token_is_mounted_where_nothing_is_in_its_place() {
        let check = |containers: &str, mounts: &[usize]| {
            let mut pod = pod(&format!(r#"{{"spec":{{"containers":{containers}}}}}"#));
            let before = pod.clone();
            assert_eq!(mount_token(&mut pod, "token"), before != pod, "{containers}");
            let items = pod.child("spec").items("containers");
            let found: Vec<usize> = items.iter().map(|one| one.items("volumeMounts").len()).collect();
            assert_eq!(found, mounts, "{containers}");
        };
        check("[{}]", &[1]);
        let own = format!(r#"{{"volumeMounts":[{{"mountPath":"{TOKEN_PATH}"}}]}}"#);
        check(&format!("[{own}]"), &[1]);
        check(&format!("[{own},{{}}]"), &[1, 1]);
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
