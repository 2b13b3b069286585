//! Manifests that many tests write to the repository.

/// A ConfigMap with one value.
pub(crate) fn config_map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{value: \"{value}\"}}\n")
}

/// A ConfigMap with one value and an annotation `lockstep.dev/prune`.
pub(crate) fn marked(name: &str, value: &str, prune: &str) -> String {
    annotated(name, value, &format!("lockstep.dev/prune: {prune}"))
}

/// A ConfigMap with one value and an annotation, or several, in flow style.
pub(crate) fn annotated(name: &str, value: &str, annotation: &str) -> String {
    let metadata = format!("{{name: {name}, annotations: {{{annotation}}}}}");
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {metadata}\ndata: {{value: \"{value}\"}}\n")
}

/// A Deployment whose pods carry the label `app: label`; `annotations` is a YAML mapping.
pub(crate) fn deployment(name: &str, label: &str, replicas: u32, annotations: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, annotations: {annotations}}}\n\
         spec:\n  replicas: {replicas}\n  selector: {{matchLabels: {{app: {label}}}}}\n  template:\n    \
         metadata: {{labels: {{app: {label}}}}}\n    spec: {{containers: [{{name: c, image: i}}]}}\n"
    )
}
