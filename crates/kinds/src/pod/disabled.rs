//! Fields of features that 1.37 does not turn on by itself: the server forgets them before it looks at a pod.

use lockstep_core::Value;

use super::defaults::CONTAINERS;
use crate::meta::Edit;

/// Removes them from the spec of a pod.
pub(crate) fn drop_disabled(spec: &mut Value) {
    for key in ["schedulingGroup", "evictionResponders"] {
        spec.remove(&[key]);
    }
    for list in CONTAINERS {
        spec.items_mut(list).iter_mut().for_each(of_container);
    }
    spec.items_mut("volumes").iter_mut().for_each(of_volume);
}

fn of_container(container: &mut Value) {
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        for field in [["httpGet", "protocol"], ["grpc", "mode"]] {
            container.remove(&[probe, field[0], field[1]]);
        }
    }
    for hook in ["postStart", "preStop"] {
        container.remove(&["lifecycle", hook, "httpGet", "protocol"]);
    }
    if container.remove(&["lifecycle", "stopSignal"]).is_some()
        && container.get("lifecycle").is_some_and(Value::is_empty_container)
    {
        container.remove(&["lifecycle"]);
    }
    container
        .items_mut("volumeMounts")
        .iter_mut()
        .for_each(|mount| drop(mount.remove(&["bindMountOptions"])));
}

fn of_volume(volume: &mut Value) {
    volume.remove(&["emptyDir", "mode"]);
    for kind in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = volume.child_mut(kind) {
            source.remove(&["defaultUser"]);
            of_source(source);
            source.items_mut("sources").iter_mut().for_each(of_projection);
        }
    }
}

fn of_projection(projection: &mut Value) {
    for kind in
        ["secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate"]
    {
        if let Some(source) = projection.child_mut(kind) {
            source.remove(&["user"]);
            of_source(source);
        }
    }
}

fn of_source(source: &mut Value) {
    source.items_mut("items").iter_mut().for_each(|item| drop(item.remove(&["user"])));
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    #[test]
    fn what_is_off_is_forgotten_and_nothing_else() {
        let check = |spec: &str, kept: &str| {
            let mut spec = from_json(spec.as_bytes()).unwrap();
            drop_disabled(&mut spec);
            assert_eq!(spec, from_json(kept.as_bytes()).unwrap());
        };
        check(r#"{"containers":[{"lifecycle":{"stopSignal":"SIGUSR1"}}]}"#, r#"{"containers":[{}]}"#);
        check(
            r#"{"containers":[{"lifecycle":{"stopSignal":"SIGUSR1","preStop":{"sleep":{"seconds":1}}}}]}"#,
            r#"{"containers":[{"lifecycle":{"preStop":{"sleep":{"seconds":1}}}}]}"#,
        );
        check(
            r#"{"volumes":[{"secret":{"defaultUser":1,"items":[{"key":"a","user":2}]}},{"emptyDir":{"mode":511}}]}"#,
            r#"{"volumes":[{"secret":{"items":[{"key":"a"}]}},{"emptyDir":{}}]}"#,
        );
    }
}
