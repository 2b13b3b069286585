//! Amounts of resources by name, and what pods ask for.

use std::collections::BTreeMap;

use lockstep_core::Value;
use schema::Quantity;

use super::stage::items;

/// Amounts by the name of the resource.
pub(crate) type Amounts = BTreeMap<String, Quantity>;

/// The amounts of a mapping.
pub(crate) fn amounts(value: Option<&Value>) -> Amounts {
    let entries = value.and_then(Value::as_map).into_iter().flatten();
    entries.filter_map(|(name, value)| Some((name.to_string(), Quantity::of(value)?))).collect()
}

/// A whole number of something.
pub(crate) fn count(number: usize) -> Quantity {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

pub(crate) fn add(to: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        let sum = to.get(name).map_or_else(|| amount.clone(), |known| known.plus(amount));
        to.insert(name.clone(), sum);
    }
}

fn raise(to: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        if to.get(name).is_none_or(|known| *amount > *known) {
            to.insert(name.clone(), amount.clone());
        }
    }
}

/// What a pod needs: its containers together, or its largest init container with the sidecars before it; `kind` is
/// `requests` or `limits`.
pub(crate) fn of_pod(pod: &Value, kind: &str) -> Amounts {
    let mut sum = Amounts::new();
    for container in items(pod, &["spec", "containers"]) {
        add(&mut sum, &amounts(container.at(&["resources", kind])));
    }
    let (mut sidecars, mut init) = (Amounts::new(), Amounts::new());
    for container in items(pod, &["spec", "initContainers"]) {
        let own = amounts(container.at(&["resources", kind]));
        if container.str_at(&["restartPolicy"]) == Some("Always") {
            add(&mut sum, &own);
            add(&mut sidecars, &own);
            raise(&mut init, &sidecars);
        } else {
            let mut together = own;
            add(&mut together, &sidecars);
            raise(&mut init, &together);
        }
    }
    raise(&mut sum, &init);
    let of_pod = amounts(pod.at(&["spec", "resources", kind]));
    sum.extend(
        of_pod
            .into_iter()
            .filter(|(name, _)| matches!(&**name, "cpu" | "memory") || name.starts_with("hugepages-")),
    );
    sum
}
