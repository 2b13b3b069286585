//! LimitRanges.

use std::collections::BTreeSet;

use lockstep_core::Value;
use schema::{At, FieldError};

use super::quota::round_amounts;
use super::resource_name::{amount_of, container_resource_name, may_overcommit, resource_name};
use crate::meta::{Edit, Quantity, View, Wrong, invalid_each, qualified_name};
use crate::naming::subdomain;
use crate::strategy::Strategy;

type Errors = Vec<FieldError>;

const LISTS: &[&str] = &["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];

pub(crate) const LIMIT_RANGE: Strategy = Strategy {
    default,
    validate,
    validate_update: |range, _| validate(range),
    name: subdomain,
    create_on_update: true,
    ..Strategy::plain("", "LimitRange", &["v1"])
};

/// A container's limit is the most that is allowed and its request the limit, unless something else is said.
fn default(range: &mut Value) {
    let Some(spec) = range.child_mut("spec") else { return };
    for item in spec.items_mut("limits") {
        for list in LISTS {
            if let Some(amounts) = item.child_mut(list) {
                round_amounts(amounts);
            }
        }
        if item.text("type") == "Container" {
            fill(item, "max", "default");
            fill(item, "default", "defaultRequest");
            fill(item, "min", "defaultRequest");
        }
    }
}

fn fill(item: &mut Value, from: &str, to: &str) {
    for (name, amount) in item.child(from).clone().as_map().into_iter().flatten() {
        if !item.child(to).has(name) {
            item.set(&[to, name], amount.clone());
        }
    }
}

fn validate(range: &Value) -> Errors {
    let (mut errors, mut types) = (Vec::new(), Vec::new());
    let at = At::ROOT.field("spec");
    let at = at.field("limits");
    for (index, item) in range.child("spec").items("limits").iter().enumerate() {
        let (at, kind) = (at.index(index), item.text("type"));
        invalid_each(&mut errors, &at.field("type"), &kind.into(), type_name(kind));
        if types.contains(&kind) {
            errors.push(FieldError::duplicate(&at.field("type"), kind));
        }
        types.push(kind);
        let names = validate_names(&mut errors, &at, item);
        for name in &names {
            validate_order(&mut errors, &at, (item, name));
        }
    }
    errors
}

fn type_name(kind: &str) -> Wrong {
    let wrong = qualified_name(kind);
    let known = ["Pod", "Container", "PersistentVolumeClaim"].contains(&kind);
    match wrong.is_empty() && !kind.contains('/') && !known {
        true => vec!["must be a standard limit type or fully qualified".into()],
        false => wrong,
    }
}

fn validate_names(errors: &mut Errors, at: &At, item: &Value) -> BTreeSet<String> {
    let (kind, mut names) = (item.text("type"), BTreeSet::new());
    let wrong = |name: &str| match kind {
        "Pod" | "Container" => container_resource_name(name),
        _ => resource_name(name),
    };
    for list in LISTS {
        let list_at = at.field(list);
        if *list == "maxLimitRequestRatio" && kind == "PersistentVolumeClaim" {
            validate_storage(errors, at, item);
        }
        if kind == "Pod" && ["default", "defaultRequest"].contains(list) {
            if item.entries(list).next().is_some() {
                errors.push(FieldError::forbidden(&list_at, "may not be specified when `type` is 'Pod'"));
            }
            continue;
        }
        for (name, _) in item.entries(list) {
            invalid_each(errors, &list_at.key(name), &name.into(), wrong(name));
            names.insert(name.to_owned());
        }
    }
    names
}

fn validate_storage(errors: &mut Errors, at: &At, item: &Value) {
    if !item.child("min").has("storage") && !item.child("max").has("storage") {
        let text = "either minimum or maximum storage value is required, but neither was provided";
        errors.push(FieldError::required(&at.field("limits"), text));
    }
}

/// A smaller and a larger amount: their lists, and how a message names them.
struct Order {
    small: (&'static str, &'static str),
    large: (&'static str, &'static str),
    /// The list that is at fault, and the one whose amount is shown.
    fault: (&'static str, &'static str),
}

const ORDERS: &[Order] = &[
    Order { small: ("min", "min value"), large: ("max", "max value"), fault: ("min", "min") },
    Order {
        small: ("min", "min value"),
        large: ("defaultRequest", "default request value"),
        fault: ("defaultRequest", "defaultRequest"),
    },
    Order {
        small: ("defaultRequest", "default request value"),
        large: ("max", "max value"),
        fault: ("defaultRequest", "defaultRequest"),
    },
    Order {
        small: ("defaultRequest", "default request value"),
        large: ("default", "default limit value"),
        fault: ("defaultRequest", "defaultRequest"),
    },
    Order { small: ("min", "min value"), large: ("default", "default value"), fault: ("default", "min") },
    Order { small: ("default", "default value"), large: ("max", "max value"), fault: ("default", "max") },
];

fn validate_order(errors: &mut Errors, at: &At, (item, name): (&Value, &str)) {
    let pod = item.text("type") == "Pod";
    let amount = |list: &str| -> Option<Quantity> {
        let hidden = pod && ["default", "defaultRequest"].contains(&list);
        item.child(list).get(name).filter(|_| !hidden).map(amount_of)
    };
    for order in ORDERS {
        if let (Some(small), Some(large)) = (amount(order.small.0), amount(order.large.0))
            && small > large
        {
            let text = format!("{} {small} is greater than {} {large}", order.small.1, order.large.1);
            let shown = amount(order.fault.1).map(|amount| amount.to_string()).unwrap_or_default();
            let list = at.field(order.fault.0);
            errors.push(FieldError::invalid(&list.key(name), shown, text));
        }
    }
    validate_ratio(errors, at, (item, name));
    if let (Some(limit), Some(request)) = (amount("default"), amount("defaultRequest"))
        && !may_overcommit(name)
        && limit != request
    {
        let text = format!("default value {limit} must equal to defaultRequest value {request} in {name}");
        let list = at.field("defaultRequest");
        errors.push(FieldError::invalid(&list.key(name), request.to_string(), text));
    }
}

#[allow(clippy::cast_precision_loss)] // as the server calculates it
fn validate_ratio(errors: &mut Errors, at: &At, (item, name): (&Value, &str)) {
    let amount = |list: &str| item.child(list).get(name).map(amount_of);
    let Some(ratio) = amount("maxLimitRequestRatio") else { return };
    let list = at.field("maxLimitRequestRatio");
    let at = list.key(name);
    if ratio < Quantity::from(1) {
        errors.push(FieldError::invalid(&at, ratio.to_string(), format!("ratio {ratio} is less than 1")));
    }
    let (Some(min), Some(max)) = (amount("min"), amount("max")) else { return };
    let small = i64::MAX / 1000;
    let fine = [&ratio, &min, &max].iter().all(|amount| amount.value() < small);
    let (value, limit) = match fine {
        true => (ratio.milli_value() as f64 / 1000.0, max.milli_value() as f64 / min.milli_value() as f64),
        false => (ratio.value() as f64, max.value() as f64 / min.value() as f64),
    };
    if value > limit {
        let text = format!("ratio {ratio} is greater than max/min = {limit:.6}");
        errors.push(FieldError::invalid(&at, ratio.to_string(), text));
    }
}
