//! Which requests a policy or a binding is about.

use lockstep_core::{LabelSelector, Value};

use super::Attributes;

fn texts<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v str> {
    value.get(key).and_then(Value::as_list).unwrap_or_default().iter().filter_map(Value::as_str)
}

/// Whether constraints (`matchConstraints`, `matchResources`) name the request. Without rules everything that a selector lets
/// through is named, as in a binding.
pub(super) fn matches(constraints: &Value, request: &Attributes<'_>) -> bool {
    if !selected(constraints.get("namespaceSelector"), Of::Namespace, request)
        || !selected(constraints.get("objectSelector"), Of::Object, request)
    {
        return false;
    }
    let named = |key: &str| {
        let rules = constraints.get(key).and_then(Value::as_list).unwrap_or_default();
        (rules.is_empty(), rules.iter().any(|rule| names(rule, request)))
    };
    let (none, included) = named("resourceRules");
    let (_, excluded) = named("excludeResourceRules");
    !excluded && (none || included)
}

fn names(rule: &Value, request: &Attributes<'_>) -> bool {
    let one_of = |key: &str, text: &str| texts(rule, key).any(|known| known == "*" || known == text);
    let resource_names = texts(rule, "resourceNames").count();
    one_of("operations", request.operation)
        && one_of("apiGroups", request.group)
        && one_of("apiVersions", request.version)
        && texts(rule, "resources").any(|resource| is_resource(resource, request))
        && match rule.str_at(&["scope"]) {
            Some("Namespaced") => !request.namespace.is_empty() && request.kind != "Namespace",
            Some("Cluster") => request.namespace.is_empty() || request.kind == "Namespace",
            _ => true,
        }
        && (resource_names == 0 || texts(rule, "resourceNames").any(|name| name == request.name))
}

/// `pods`, `pods/*`, `*/scale`, `*` (no subresource) or `*/*`.
fn is_resource(pattern: &str, request: &Attributes<'_>) -> bool {
    let (resource, sub) = pattern.split_once('/').unwrap_or((pattern, ""));
    (resource == "*" || resource == request.resource) && (sub == "*" || sub == request.subresource)
}

#[derive(Clone, Copy, PartialEq)]
enum Of {
    Namespace,
    Object,
}

fn selected(selector: Option<&Value>, of: Of, request: &Attributes<'_>) -> bool {
    let Some(selector) = selector else { return true };
    let labels = |object: Option<&Value>| {
        object.and_then(|object| object.at(&["metadata", "labels"]).cloned()).unwrap_or_default()
    };
    match of {
        Of::Object => {
            let any = [request.object, request.old_object];
            any.iter().flatten().any(|object| selects(selector, &labels(Some(object))))
        }
        // What is in no namespace is let through; a Namespace is selected by its own labels.
        Of::Namespace if request.group.is_empty() && request.kind == "Namespace" => {
            selects(selector, &labels(request.object.or(request.old_object)))
        }
        Of::Namespace if request.namespace.is_empty() => true,
        Of::Namespace => selects(selector, &labels(request.namespace_object)),
    }
}

/// Whether a label selector selects labels.
pub(super) fn selects(selector: &Value, labels: &Value) -> bool {
    LabelSelector(selector).selects(|key| labels.get(key).and_then(Value::as_str))
}
