//! FlowSchemas.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use super::{GROUP, validate_conditions};
use crate::address::texts;
use crate::meta::{Edit, View, Wrong, dns_label, dns_subdomain, invalid_each};
use crate::naming::subdomain;
use crate::reset::V1_STATUS_ONLY;
use crate::strategy::{Status, Strategy};

type Errors = Vec<FieldError>;

const VERBS: &[&str] =
    &["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

pub(crate) const FLOW_SCHEMA: Strategy = Strategy {
    default: |schema| {
        schema.default_to("spec", Map::new());
        if let Some(spec) = schema.child_mut("spec") {
            spec.default_number("matchingPrecedence", 1000);
        }
    },
    prepare_create: |schema| schema.set(&["status"], Value::map(Map::new())),
    prepare_update: |schema, old| schema.take_from(old, &["status"]),
    validate,
    validate_update: |schema, _| validate(schema),
    status: Some(Status {
        prepare_update: |schema, old| {
            schema.take_from(old, &["spec"]);
            let fields = schema.child("metadata").get("managedFields").cloned();
            schema.take_from(old, &["metadata"]);
            match fields {
                Some(fields) => schema.set(&["metadata", "managedFields"], fields),
                None => drop(schema.remove(&["metadata", "managedFields"])),
            }
        },
        validate_update: |schema, _| validate_conditions(schema),
        warnings: |_| Vec::new(),
    }),
    name: subdomain,
    generation: Some(crate::pod_template::spec_changed),
    reset: V1_STATUS_ONLY,
    ..Strategy::plain(GROUP, "FlowSchema", &["v1"])
};

fn validate(schema: &Value) -> Errors {
    let (mut errors, spec) = (Vec::new(), schema.child("spec"));
    let at = At::ROOT.field("spec");
    validate_precedence(&mut errors, &at.field("matchingPrecedence"), schema);
    let method = spec.child("distinguisherMethod").text("type");
    if spec.has("distinguisherMethod") && !["ByNamespace", "ByUser"].contains(&method) {
        let at = at.field("distinguisherMethod");
        errors.push(FieldError::not_supported(&at.field("type"), method, &["ByNamespace", "ByUser"]));
    }
    let level_at = at.field("priorityLevelConfiguration");
    let (level_at, level) = (level_at.field("name"), spec.child("priorityLevelConfiguration").text("name"));
    match level.is_empty() {
        true => errors.push(FieldError::required(&level_at, "must reference a priority level")),
        false => invalid_each(&mut errors, &level_at, &level.into(), dns_subdomain(level)),
    }
    let list = at.field("rules");
    for (index, rule) in spec.items("rules").iter().enumerate() {
        validate_rule(&mut errors, &list.index(index), rule);
    }
    errors.extend(validate_conditions(schema));
    errors
}

fn validate_precedence(errors: &mut Errors, at: &At, schema: &Value) {
    let number = schema.child("spec").number("matchingPrecedence");
    let exempt = schema.child("metadata").text("name") == "exempt";
    let text = match number {
        ..=0 => "must be a positive value",
        10001.. => "must not be greater than 10000",
        1 if !exempt => "only the schema named 'exempt' may have matchingPrecedence 1",
        _ => return,
    };
    errors.push(FieldError::invalid(at, number, text));
}

fn validate_rule(errors: &mut Errors, at: &At, rule: &Value) {
    let (list, subjects) = (at.field("subjects"), rule.items("subjects"));
    if subjects.is_empty() {
        errors.push(FieldError::required(&list, "subjects must contain at least one value"));
    }
    for (index, subject) in subjects.iter().enumerate() {
        validate_subject(errors, &list.index(index), subject);
    }
    let (resources, others) = (rule.items("resourceRules"), rule.items("nonResourceRules"));
    if resources.is_empty() && others.is_empty() {
        let text = "at least one of resourceRules and nonResourceRules has to be non-empty";
        errors.push(FieldError::required(at, text));
    }
    let list = at.field("resourceRules");
    for (index, rule) in resources.iter().enumerate() {
        validate_resource_rule(errors, &list.index(index), rule);
    }
    let list = at.field("nonResourceRules");
    for (index, rule) in others.iter().enumerate() {
        validate_other_rule(errors, &list.index(index), rule);
    }
}

fn validate_subject(errors: &mut Errors, at: &At, subject: &Value) {
    const FIELDS: &[(&str, &str)] =
        &[("ServiceAccount", "serviceAccount"), ("User", "user"), ("Group", "group")];
    let kind = subject.text("kind");
    let Some((_, own)) = FIELDS.iter().find(|(known, _)| *known == kind) else {
        errors.push(FieldError::not_supported(&at.field("kind"), kind, &["Group", "ServiceAccount", "User"]));
        return;
    };
    let (own_at, named) = (at.field(own), subject.child(own));
    let name = named.text("name");
    if !subject.has(own) {
        errors
            .push(FieldError::required(&own_at, format!("{own} is required when subject kind is '{kind}'")));
    } else {
        if name.is_empty() {
            errors.push(FieldError::required(&own_at.field("name"), ""));
        } else if kind == "ServiceAccount" && name != "*" {
            invalid_each(errors, &own_at.field("name"), &name.into(), dns_subdomain(name));
        }
        if kind == "ServiceAccount" {
            let (at, namespace) = (own_at.field("namespace"), named.text("namespace"));
            match namespace.is_empty() {
                true => errors.push(FieldError::required(&at, "must specify namespace for service account")),
                false => invalid_each(errors, &at, &namespace.into(), dns_label(namespace)),
            }
        }
    }
    let order: &[&str] = match kind {
        "ServiceAccount" => &["user", "group"],
        "User" => &["serviceAccount", "group"],
        _ => &["serviceAccount", "user"],
    };
    for field in order.iter().filter(|field| subject.has(field)) {
        let of = FIELDS.iter().find(|(_, known)| known == field).map_or("", |(kind, _)| kind);
        let text = format!("{field} is forbidden when subject kind is not '{of}'");
        errors.push(FieldError::forbidden(&at.field(field), text));
    }
}

/// A list that has something, and `*` only alone.
fn validate_list(errors: &mut Errors, at: &At, (rule, field, none, others): (&Value, &str, &str, &str)) {
    let items = texts(rule.items(field));
    if items.is_empty() {
        errors.push(FieldError::required(&at.field(field), none));
    } else if items.len() > 1 && items.contains(&"*") {
        let text = format!("if '*' is present, must not specify other {others}");
        errors.push(FieldError::invalid(&at.field(field), rule.child(field).clone(), text));
    }
}

fn validate_verbs(errors: &mut Errors, at: &At, rule: &Value) {
    validate_list(errors, at, (rule, "verbs", "verbs must contain at least one value", "verbs"));
    let verbs = texts(rule.items("verbs"));
    if !verbs.contains(&"*") && !verbs.iter().all(|verb| VERBS.contains(verb)) {
        errors.push(FieldError::not_supported(&at.field("verbs"), rule.child("verbs").clone(), VERBS));
    }
}

fn validate_resource_rule(errors: &mut Errors, at: &At, rule: &Value) {
    validate_verbs(errors, at, rule);
    let none = "resource rules must supply at least one api group";
    validate_list(errors, at, (rule, "apiGroups", none, "api groups"));
    let none = "resource rules must supply at least one resource";
    validate_list(errors, at, (rule, "resources", none, "resources"));
    let (list, namespaces) = (at.field("namespaces"), texts(rule.items("namespaces")));
    if !(namespaces.is_empty() && rule.flag("clusterScope")) {
        let none = "resource rules that are not cluster scoped must supply at least one namespace";
        validate_list(errors, at, (rule, "namespaces", none, "namespaces"));
    }
    if namespaces.contains(&"*") {
        return;
    }
    for (index, namespace) in namespaces.into_iter().enumerate() {
        let wrong = dns_label(namespace).into_iter();
        let wrong: Wrong = wrong
            .map(|text| format!("each member of this list must be '*' or a DNS-1123 label; {text}"))
            .collect();
        invalid_each(errors, &list.index(index), &namespace.into(), wrong);
    }
}

fn validate_other_rule(errors: &mut Errors, at: &At, rule: &Value) {
    validate_verbs(errors, at, rule);
    let none = "nonResourceURLs must contain at least one value";
    validate_list(errors, at, (rule, "nonResourceURLs", none, "non-resource URLs"));
    let (list, urls) = (at.field("nonResourceURLs"), texts(rule.items("nonResourceURLs")));
    if urls.contains(&"*") {
        return;
    }
    for (index, url) in urls.into_iter().enumerate() {
        let text = match url {
            "" => "must not be empty",
            "/" => continue,
            _ if !url.starts_with('/') => "must start with slash",
            _ if url.contains(' ') => "must not contain white-space",
            _ if url.contains("//") => "must not contain double slash",
            _ if url.matches('*').count() > 1 || (url.contains('*') && !url.ends_with("/*")) => {
                "wildcard can only do suffix matching"
            }
            _ => continue,
        };
        errors.push(FieldError::invalid(&list.index(index), url, text));
    }
}
