//! What the server fills into pods.

use lockstep_core::{Map, Value};

use super::image::default_pull_policy;
use crate::meta::{Edit, Quantity, View};
use crate::storage::default_claim_spec;

/// The lists of a pod's containers, in the order in which the server visits them.
pub(crate) const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// What holds for Pods, but not for the pods of templates.
pub(super) fn default_pod(pod: &mut Value) {
    pod.default_to("spec", Map::new());
    let Some(spec) = pod.child_mut("spec") else { return };
    if spec.number("terminationGracePeriodSeconds") < 0 {
        spec.set(&["terminationGracePeriodSeconds"], 1.into());
    }
    for list in ["containers", "initContainers"] {
        spec.items_mut(list).iter_mut().for_each(default_requests);
    }
    spec.default_to("enableServiceLinks", true);
    if spec.flag("hostNetwork") {
        for list in ["containers", "initContainers"] {
            spec.items_mut(list).iter_mut().flat_map(|container| container.items_mut("ports")).for_each(
                |port| {
                    port.default_number("hostPort", port.number("containerPort"));
                },
            );
        }
    }
    default_pod_spec(spec);
    if let Some(status) = pod.child_mut("status") {
        default_ips(status);
    }
}

/// Requests are limits where they are not said.
fn default_requests(container: &mut Value) {
    let limits = container.at(&["resources", "limits"]).and_then(Value::as_map).cloned().unwrap_or_default();
    for (name, limit) in limits {
        let requests = ["resources", "requests", &*name];
        if container.at(&requests).is_none() {
            container.set(&requests, limit);
        }
    }
}

/// The first address stands alone besides, and where the two differ it decides.
fn default_ips(status: &mut Value) {
    let single = status.text("podIP").to_owned();
    let first = status.items("podIPs").first().map(|first| first.text("ip").to_owned());
    match first {
        Some(first) if single.is_empty() => status.set(&["podIP"], first.into()),
        Some(first) if first == single => {}
        _ if single.is_empty() => {}
        _ => {
            let mut entry = Value::map(Map::new());
            entry.set(&["ip"], single.into());
            status.set(&["podIPs"], Value::list(vec![entry]));
        }
    }
}

/// What holds for every pod, also the one of a template.
pub(crate) fn default_pod_spec(spec: &mut Value) {
    let account = match spec.text("serviceAccountName") {
        "" => spec.text("serviceAccount").to_owned(),
        name => name.to_owned(),
    };
    if !account.is_empty() {
        spec.set(&["serviceAccountName"], account.clone().into());
        spec.set(&["serviceAccount"], account.into());
    }
    spec.default_text("dnsPolicy", "ClusterFirst");
    spec.default_text("restartPolicy", "Always");
    spec.default_to("securityContext", Map::new());
    spec.default_to("terminationGracePeriodSeconds", 30);
    spec.default_text("schedulerName", "default-scheduler");
    spec.items_mut("volumes").iter_mut().for_each(default_volume);
    for list in CONTAINERS {
        spec.items_mut(list).iter_mut().for_each(default_container);
    }
    round(spec, "overhead");
    if let Some(resources) = spec.child_mut("resources") {
        round(resources, "limits");
        round(resources, "requests");
    }
}

fn default_container(container: &mut Value) {
    let policy = default_pull_policy(container.text("image"));
    container.default_text("imagePullPolicy", policy);
    container.default_text("terminationMessagePath", "/dev/termination-log");
    container.default_text("terminationMessagePolicy", "File");
    container.default_to("resources", Map::new());
    container.items_mut("ports").iter_mut().for_each(|port| port.default_text("protocol", "TCP"));
    for variable in container.items_mut("env") {
        let Some(from) = variable.child_mut("valueFrom") else { continue };
        default_field(from);
        if let Some(file) = from.child_mut("fileKeyRef") {
            file.default_to("optional", false);
        }
    }
    if let Some(resources) = container.child_mut("resources") {
        round(resources, "limits");
        round(resources, "requests");
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.child_mut(probe) {
            default_probe(probe);
        }
    }
    for hook in ["postStart", "preStop"] {
        if let Some(hook) = container.child_mut("lifecycle").and_then(|lifecycle| lifecycle.child_mut(hook)) {
            default_http(hook);
        }
    }
}

fn default_probe(probe: &mut Value) {
    for (key, number) in
        [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
    {
        probe.default_number(key, number);
    }
    default_http(probe);
    if let Some(grpc) = probe.child_mut("grpc") {
        grpc.default_to("service", "");
    }
}

fn default_http(handler: &mut Value) {
    if let Some(http) = handler.child_mut("httpGet") {
        http.default_text("path", "/");
        http.default_text("scheme", "HTTP");
    }
}

fn default_field(from: &mut Value) {
    if let Some(field) = from.child_mut("fieldRef") {
        field.default_text("apiVersion", "v1");
    }
}

/// Amounts are whole thousandths.
fn round(resources: &mut Value, key: &str) {
    let rounded = |value: &Value| {
        let quantity: Quantity = value.as_str()?.parse().ok()?;
        let rounded = quantity.clone().rounded_to_milli();
        (rounded != quantity).then(|| rounded.to_string())
    };
    let changes: Vec<_> =
        resources.entries(key).filter_map(|(name, value)| Some((name.to_owned(), rounded(value)?))).collect();
    for (name, quantity) in changes {
        resources.set(&[key, &name], quantity.into());
    }
}

fn default_volume(volume: &mut Value) {
    if volume.as_map().is_none_or(|map| map.keys().all(|key| &**key == "name")) {
        volume.set(&["emptyDir"], Value::map(Map::new()));
    }
    for kind in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = volume.child_mut(kind) {
            source.default_to("defaultMode", 0o644);
            source.items_mut("items").iter_mut().for_each(default_field);
        }
    }
    for source in
        volume.child_mut("projected").into_iter().flat_map(|projected| projected.items_mut("sources"))
    {
        for kind in ["downwardAPI", "serviceAccountToken"] {
            let Some(projection) = source.child_mut(kind) else { continue };
            projection.items_mut("items").iter_mut().for_each(default_field);
            if kind == "serviceAccountToken" {
                projection.default_to("expirationSeconds", 3600);
            }
        }
    }
    if let Some(image) = volume.child_mut("image") {
        let policy = default_pull_policy(image.text("reference"));
        image.default_text("pullPolicy", policy);
    }
    if let Some(path) = volume.child_mut("hostPath") {
        path.default_to("type", "");
    }
    if let Some(spec) = volume
        .child_mut("ephemeral")
        .and_then(|source| source.child_mut("volumeClaimTemplate"))
        .and_then(|template| template.child_mut("spec"))
    {
        default_claim_spec(spec);
    }
    default_old_volume(volume);
}

/// Kinds of volumes that nobody uses any more.
fn default_old_volume(volume: &mut Value) {
    let texts: [(&str, &[(&str, &str)]); 4] = [
        ("iscsi", &[("iscsiInterface", "default")]),
        ("rbd", &[("pool", "rbd"), ("user", "admin"), ("keyring", "/etc/ceph/keyring")]),
        ("scaleIO", &[("storageMode", "ThinProvisioned"), ("fsType", "xfs")]),
        ("azureDisk", &[("cachingMode", "ReadWrite"), ("fsType", "ext4"), ("kind", "Shared")]),
    ];
    for (kind, defaults) in texts {
        let Some(source) = volume.child_mut(kind) else { continue };
        for (key, text) in defaults {
            source.default_text(key, text);
        }
        if kind == "azureDisk" {
            source.default_to("readOnly", false);
        }
    }
}
