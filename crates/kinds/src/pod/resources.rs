//! What containers ask for and may use.

use lockstep_core::Value;
use schema::{At, FieldError, Mistake};

use super::Errors;
use crate::meta::{Quantity, View, dns_label, invalid_each};
use crate::policy::{self, amount_of as quantity, container_resource_name, may_overcommit, resource_name};

fn is_huge_page(name: &str) -> bool {
    name.starts_with("hugepages-")
}

fn validate_container_name(errors: &mut Errors, at: &At, name: &str) {
    invalid_each(errors, at, &name.into(), container_resource_name(name));
}

fn validate_pod_name(errors: &mut Errors, at: &At, name: &str) {
    let before = errors.len();
    invalid_each(errors, at, &name.into(), resource_name(name));
    if errors.len() == before && !matches!(name, "cpu" | "memory") && !is_huge_page(name) {
        errors.push(FieldError::not_supported(at, name, &["cpu", "hugepages-", "memory"]));
    }
}

fn validate_amount(errors: &mut Errors, at: &At, name: &str, value: &Value) {
    policy::validate_amount(errors, at, (name, value));
    if is_huge_page(name) {
        let page = name.trim_start_matches("hugepages-").parse::<Quantity>().map_or(0, |page| page.value());
        if page <= 0 || quantity(value).value() % page != 0 {
            let text =
                format!("{} is not positive integer multiple of {name}", value.as_str().unwrap_or_default());
            errors.push(FieldError::invalid(at, value.clone(), text));
        }
    }
}

/// Whose resources they are: the names that they may have differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Container,
    Pod,
}

/// Limits and requests, and claims by the names that the pod has.
pub(super) fn validate_resources(
    errors: &mut Errors,
    at: &At,
    resources: &Value,
    (of, claims): (Of, &[&str]),
) {
    let validate_name = match of {
        Of::Container => validate_container_name,
        Of::Pod => validate_pod_name,
    };
    let (limits_at, requests_at) = (at.field("limits"), at.field("requests"));
    for (name, limit) in resources.entries("limits") {
        let at = limits_at.key(name);
        validate_name(errors, &at, name);
        validate_amount(errors, &at, name, limit);
    }
    for (name, request) in resources.entries("requests") {
        let at = requests_at.key(name);
        validate_name(errors, &at, name);
        validate_amount(errors, &at, name, request);
        validate_request(
            errors,
            [&limits_at, &requests_at],
            name,
            (request, resources.child("limits").get(name)),
        );
    }
    let mut names = resources.entries("limits").chain(resources.entries("requests")).map(|(name, _)| name);
    let (mut compute, mut pages) = (false, false);
    names.by_ref().for_each(|name| {
        compute |= matches!(name, "cpu" | "memory");
        pages |= is_huge_page(name);
    });
    if pages && !compute {
        errors.push(FieldError::forbidden(at, "HugePages require cpu or memory"));
    }
    validate_claims(errors, &at.field("claims"), resources.items("claims"), claims);
}

fn validate_request(
    errors: &mut Errors,
    [limits_at, at]: [&At; 2],
    name: &str,
    (request, limit): (&Value, Option<&Value>),
) {
    let Some(limit) = limit else {
        if !may_overcommit(name) {
            errors
                .push(FieldError::required(limits_at, "Limit must be set for non overcommitable resources"));
        }
        return;
    };
    let (asked, most) = (quantity(request), quantity(limit));
    let how = match () {
        () if asked != most && !may_overcommit(name) => "equal to",
        () if asked > most => "less than or equal to",
        () => return,
    };
    let text = format!("must be {how} {name} limit of {}", limit.as_str().unwrap_or_default());
    errors.push(FieldError::invalid(at, request.clone(), text));
}

fn validate_claims(errors: &mut Errors, at: &At, claims: &[Value], known: &[&str]) {
    let mut names: Vec<String> = Vec::new();
    for (index, claim) in claims.iter().enumerate() {
        let (at, name, request) = (at.index(index), claim.text("name"), claim.text("request"));
        if name.is_empty() {
            errors.push(FieldError::required(&at, ""));
            continue;
        }
        let key = if request.is_empty() { name.to_owned() } else { format!("{name}/{request}") };
        if !request.is_empty() {
            invalid_each(errors, &at.field("request"), &request.into(), dns_label(request));
        }
        let whole = request.is_empty()
            && names.iter().any(|other| other.split_once('/').is_some_and(|(of, _)| of == name));
        if names.iter().any(|other| other == name || *other == key) || whole {
            errors.push(FieldError::duplicate(&at, if whole { name } else { &key }));
        }
        names.push(key);
        if !known.contains(&name) {
            let names = match known.is_empty() {
                true => " which is empty".to_owned(),
                false => format!(": {}", known.join(", ")),
            };
            let text = format!("must be one of the names in pod.spec.resourceClaims{names}");
            errors.push(FieldError::new(Mistake::NotFound, &at, Some(name.into()), text));
        }
    }
}

/// What the pod as a whole asks for and may use.
pub(super) fn validate_pod_resources(errors: &mut Errors, spec_at: &At, spec: &Value, claims: &[&str]) {
    let (at, resources) = (spec_at.field("resources"), spec.child("resources"));
    if spec.str_at(&["os", "name"]) == Some("windows") {
        errors.push(FieldError::forbidden(&at, "may not be set for a windows pod"));
        return;
    }
    if resources.has("claims") {
        errors.push(FieldError::forbidden(
            &at.field("claims"),
            "claims may not be set for Resources at pod-level",
        ));
    }
    validate_resources(errors, &at, resources, (Of::Pod, claims));
    let requests_at = at.field("requests");
    for (name, request) in resources.entries("requests") {
        let sum = sum_of_requests(spec, name);
        if let Some(sum) = sum.filter(|sum| *sum > quantity(request)) {
            let text = format!("must be greater than or equal to aggregate container requests of {sum}");
            errors.push(FieldError::invalid(&requests_at.key(name), request.clone(), text));
        }
    }
    let containers = at.field("containers");
    for (index, container) in spec.items("containers").iter().enumerate() {
        for (name, limit) in container.child("resources").entries("limits") {
            let Some(most) = resources.child("limits").get(name) else { continue };
            if quantity(limit) > quantity(most) {
                let (item, text) = (containers.index(index), most.as_str().unwrap_or_default());
                let text = format!("must be less than or equal to pod limits of {text}");
                errors.push(FieldError::invalid(&item.key(name).field("limits"), limit.clone(), text));
            }
        }
    }
}

/// What the containers ask for together: those that run at the same time, or one that runs before and asks for more.
pub(super) fn sum_of_requests(spec: &Value, name: &str) -> Option<Quantity> {
    let request = |container: &Value| container.at(&["resources", "requests", name]).map(quantity);
    let mut found = false;
    let mut running = Quantity::ZERO;
    let mut most = Quantity::ZERO;
    for container in spec.items("initContainers") {
        let Some(request) = request(container) else { continue };
        found = true;
        if container.text("restartPolicy") == "Always" {
            running = running.plus(&request);
            most = most.max(running.clone());
        } else {
            most = most.max(running.plus(&request));
        }
    }
    for container in spec.items("containers") {
        let Some(request) = request(container) else { continue };
        found = true;
        running = running.plus(&request);
    }
    found.then(|| running.max(most))
}
