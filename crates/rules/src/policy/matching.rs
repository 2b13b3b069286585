//! Which requests a policy or a binding is about.

use lockstep_core::{LabelSelector, Value};

use super::{Attributes, Equivalents, Resource};

fn texts<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v str> {
    value.get(key).and_then(Value::as_list).unwrap_or_default().iter().filter_map(Value::as_str)
}

/// As what constraints (`matchConstraints`, `matchResources`) name the request: as that of its own resource, or of another that
/// shows the same object. Without rules everything that a selector lets through is named, as in a binding.
pub(super) fn matches(
    constraints: &Value,
    request: &Attributes<'_>,
    equivalents: &dyn Equivalents,
) -> Option<Resource> {
    if !selected(constraints.get("namespaceSelector"), Of::Namespace, request)
        || !selected(constraints.get("objectSelector"), Of::Object, request)
    {
        return None;
    }
    let exact = constraints.str_at(&["matchPolicy"]) == Some("Exact");
    let own = || std::iter::once(request.own());
    let others = || if exact { Vec::new() } else { equivalents.others() };
    let rules = |key: &str| constraints.get(key).and_then(Value::as_list).unwrap_or_default();
    let named = |key: &str| {
        let mut resources = own().chain(std::iter::once_with(others).flatten());
        resources.find(|resource| rules(key).iter().any(|rule| names(rule, resource, request)))
    };
    if !rules("excludeResourceRules").is_empty() && named("excludeResourceRules").is_some() {
        return None;
    }
    match rules("resourceRules").is_empty() {
        true => own().next(),
        false => named("resourceRules"),
    }
}

fn names(rule: &Value, of: &Resource, request: &Attributes<'_>) -> bool {
    let one_of = |key: &str, text: &str| texts(rule, key).any(|known| known == "*" || known == text);
    let resource_names = texts(rule, "resourceNames").count();
    one_of("operations", request.operation)
        && one_of("apiGroups", &of.group)
        && one_of("apiVersions", &of.version)
        && texts(rule, "resources").any(|pattern| is_resource(pattern, &of.plural, request.subresource))
        && match rule.str_at(&["scope"]) {
            Some("Namespaced") => !request.namespace.is_empty() && request.kind != "Namespace",
            Some("Cluster") => request.namespace.is_empty() || request.kind == "Namespace",
            _ => true,
        }
        && (resource_names == 0 || texts(rule, "resourceNames").any(|name| name == request.name))
}

/// `pods`, `pods/*`, `*/scale`, `*` (no subresource) or `*/*`.
fn is_resource(pattern: &str, plural: &str, subresource: &str) -> bool {
    let (resource, sub) = pattern.split_once('/').unwrap_or((pattern, ""));
    (resource == "*" || resource == plural) && (sub == "*" || sub == subresource)
}

/// Looks at a request as at one of another resource, if it is to be seen so.
pub(super) fn seen_as<T>(
    request: &Attributes<'_>,
    seen: &Resource,
    equivalents: &dyn Equivalents,
    look: impl FnOnce(&Attributes<'_>) -> T,
) -> Result<T, String> {
    let own = request.own();
    if own == *seen {
        return Ok(look(request));
    }
    let converted =
        |object: Option<&Value>| object.map(|object| equivalents.convert(object, seen)).transpose();
    let (object, old_object) = (converted(request.object)?, converted(request.old_object)?);
    Ok(look(&Attributes {
        group: &seen.group,
        version: &seen.version,
        kind: &seen.kind,
        resource: &seen.plural,
        object: object.as_ref(),
        old_object: old_object.as_ref(),
        asked: Some(&own),
        ..*request
    }))
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
