//! The objects of the bench, as manifests in a repository and as JSON for the bare client.
use serde_json::{Value, json};

/// The namespace that everything goes to.
pub(crate) const NAMESPACE: &str = "bench";

/// `apps` applications of `objects` objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Workload {
    apps: usize,
    objects: usize,
}

impl Workload {
    pub(crate) fn new(apps: usize, objects: usize) -> Self {
        Self { apps, objects }
    }

    /// How many objects there are in all.
    pub(crate) fn len(self) -> usize {
        self.apps * self.objects
    }

    /// The names of the applications.
    pub(crate) fn apps(self) -> impl Iterator<Item = String> {
        (0..self.apps).map(name)
    }

    /// How many Deployments there are in all.
    pub(crate) fn deployments(self) -> usize {
        if self.objects > 2 { self.apps } else { 0 }
    }

    /// Every object, application by application.
    pub(crate) fn all(self) -> impl Iterator<Item = Value> {
        (0..self.apps).flat_map(move |app| (0..self.objects).map(move |index| object(&name(app), index)))
    }

    /// Every manifest: its path in the repository and its text.
    pub(crate) fn files(self) -> impl Iterator<Item = (String, String)> {
        (0..self.apps).flat_map(move |app| {
            let name = name(app);
            (0..self.objects).map(move |index| {
                let kind = object(&name, index);
                let file = format!("apps/{name}/{index}-{}.yaml", crate::text(&kind, "/kind").to_lowercase());
                (file, manifest(&kind))
            })
        })
    }

    /// The ConfigMap of an application with the given value in it, and its path in the repository. `None` where
    /// there are too few objects for a ConfigMap.
    pub(crate) fn config(self, app: usize, value: &str) -> Option<(String, Value)> {
        let index = (self.objects > 3).then_some(3)?;
        let name = name(app % self.apps.max(1));
        let mut object = object(&name, index);
        object["data"]["colour"] = json!(value);
        Some((format!("apps/{name}/{index}-configmap.yaml"), object))
    }

    /// The Application of every application.
    pub(crate) fn applications(self, url: &str) -> impl Iterator<Item = Value> {
        let url = url.to_owned();
        self.apps().map(move |name| {
            json!({
                "apiVersion": "lockstep.dev/v1alpha1", "kind": "Application",
                "metadata": {"name": name, "namespace": NAMESPACE},
                "spec": {
                    "sources": [{"git": {"url": url, "revision": "main", "path": format!("apps/{name}")}}],
                    "destination": {"namespace": NAMESPACE},
                    "sync": {"mode": "Automatic", "prune": true},
                },
            })
        })
    }
}

fn name(app: usize) -> String {
    format!("app-{app:05}")
}

/// Block style, as people write it.
pub(crate) fn manifest(object: &Value) -> String {
    let mut text = String::new();
    block(object, 0, &mut text);
    text
}

/// The object of an application with this number among its objects.
pub(super) fn object(app: &str, index: usize) -> Value {
    let labels = json!({"app.kubernetes.io/name": app, "app.kubernetes.io/part-of": "bench"});
    let metadata = |name: &str| json!({"name": name, "namespace": NAMESPACE, "labels": labels});
    match index {
        0 => json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(app),
            "automountServiceAccountToken": false}),
        1 => json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata(app), "spec": {
            "selector": {"app.kubernetes.io/name": app},
            "ports": [
                {"name": "http", "port": 9898, "targetPort": "http", "protocol": "TCP"},
                {"name": "grpc", "port": 9999, "targetPort": "grpc", "protocol": "TCP"}]}}),
        2 => json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(app),
            "spec": deployment(app, &labels)}),
        3 => json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(app),
            "data": {"colour": "blue", "message": format!("greetings from {app}")}}),
        more => {
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(&format!("{app}-{more}")),
            "data": {"colour": "blue", "number": more.to_string()}})
        }
    }
}

fn deployment(app: &str, labels: &Value) -> Value {
    let probe = |path: &str| json!({"httpGet": {"path": path, "port": "http"}, "initialDelaySeconds": 5, "timeoutSeconds": 5});
    json!({
        "replicas": 0, "revisionHistoryLimit": 3,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
        "selector": {"matchLabels": {"app.kubernetes.io/name": app}},
        "template": {
            "metadata": {"labels": labels, "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "9797"}},
            "spec": {
                "serviceAccountName": app, "terminationGracePeriodSeconds": 30,
                "containers": [{
                    "name": "podinfo", "image": "ghcr.io/stefanprodan/podinfo:6.9.2", "imagePullPolicy": "IfNotPresent",
                    "command": ["./podinfo", "--port=9898", "--port-metrics=9797", "--grpc-port=9999", "--level=info"],
                    "env": [
                        {"name": "PODINFO_UI_COLOR", "value": "#34577c"},
                        {"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": app, "key": "colour"}}}],
                    "ports": [
                        {"name": "http", "containerPort": 9898, "protocol": "TCP"},
                        {"name": "http-metrics", "containerPort": 9797, "protocol": "TCP"},
                        {"name": "grpc", "containerPort": 9999, "protocol": "TCP"}],
                    "livenessProbe": probe("/healthz"), "readinessProbe": probe("/readyz"),
                    "resources": {"limits": {"memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "64Mi"}},
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                }],
                "volumes": [{"name": "data", "emptyDir": {}}],
            },
        },
    })
}

fn block(value: &Value, indent: usize, text: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                text.push_str(&pad);
                text.push_str(&format!("{key}:"));
                nested(value, indent + 2, text);
            }
        }
        Value::Array(items) => {
            for item in items {
                let mut inside = String::new();
                block(item, indent + 2, &mut inside);
                text.push_str(&format!("{pad}- {}", inside.trim_start()));
            }
        }
        // Every JSON scalar is a YAML scalar of the same value.
        scalar => text.push_str(&format!("{pad}{scalar}\n")),
    }
}

fn nested(value: &Value, indent: usize, text: &mut String) {
    let empty =
        value.as_object().is_some_and(|o| o.is_empty()) || value.as_array().is_some_and(|a| a.is_empty());
    if empty || !(value.is_object() || value.is_array()) {
        text.push_str(&format!(" {value}\n"));
    } else {
        text.push('\n');
        block(value, indent, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_written_as_people_write_them() {
        let object = json!({"a": {"b": [{"c": 1, "d": {}}, "x"]}, "e": true});
        assert_eq!(manifest(&object), "a:\n  b:\n    - c: 1\n      d: {}\n    - \"x\"\ne: true\n");
    }

    #[test]
    fn files_and_objects_are_the_same_set() {
        let workload = Workload::new(3, 5);
        assert_eq!((workload.len(), workload.all().count(), workload.files().count()), (15, 15, 15));
        let texts: Vec<String> = workload.files().map(|(_, text)| text).collect();
        assert!(workload.all().zip(texts).all(|(object, text)| manifest(&object) == text));
        let (path, object) = workload.config(1, "red").expect("there are ConfigMaps");
        assert_eq!(
            (path.as_str(), &object["data"]["colour"]),
            ("apps/app-00001/3-configmap.yaml", &json!("red"))
        );
        assert!(workload.files().any(|(file, _)| file == path));
        assert_eq!(Workload::new(3, 2).config(1, "red"), None);
    }
}
