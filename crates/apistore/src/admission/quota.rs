//! `ResourceQuota`: what a namespace may hold. The usage is counted from what is stored, so it is never behind.

use std::cmp::Ordering;

use lockstep_core::Value;
use schema::Quantity;

use super::Operation;
use super::amounts::{Amounts, add, amounts, count, of_pod};
use super::stage::{Stage, items};
use crate::failure::Failure;

const POD_RESOURCES: [&str; 11] = [
    "count/pods",
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
];
/// What every container must ask for where it is limited.
const REQUIRED: [&str; 6] =
    ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];
const CLAIM_RESOURCES: [&str; 2] = ["persistentvolumeclaims", "requests.storage"];
const OF_CLASS: &str = ".storageclass.storage.k8s.io/";

/// Who counts a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Meter {
    Pods,
    Services,
    Claims,
    /// Any other: by its names in quotas.
    Objects(Vec<String>),
}

/// Refuses what is more than a quota allows.
pub(super) fn validate(
    stage: &Stage<'_, '_>,
    object: Option<&Value>,
    old: Option<&Value>,
) -> Result<(), Failure> {
    let namespace = stage.namespace();
    let is_namespace = stage.is_of("", "namespaces");
    let Some(object) = object.filter(|_| !namespace.is_empty() && !is_namespace) else { return Ok(()) };
    let prefix = format!("{namespace}/");
    let mut quotas = stage.state().objects("/resourcequotas", &prefix).peekable();
    if quotas.peek().is_none() {
        return Ok(());
    }
    let meter = Meter::of(&stage.call.resource().to_string(), &stage.call.served.resource.plural);
    if !meter.handles(stage, object, old) {
        return Ok(());
    }
    let now = stage.call.time().0;
    let usage = meter.usage(object, now);
    for quota in quotas.map(|entry| entry.value()) {
        check(stage, &meter, &quota, (object, old, &usage))?;
    }
    Ok(())
}

fn check(
    stage: &Stage<'_, '_>,
    meter: &Meter,
    quota: &Value,
    (object, old, usage): (&Value, Option<&Value>, &Amounts),
) -> Result<(), Failure> {
    let name = quota.str_at(&["metadata", "name"]).unwrap_or_default();
    let hard = amounts(quota.at(&["spec", "hard"]));
    let counted: Vec<&String> = hard.keys().filter(|name| meter.counts(name)).collect();
    if counted.is_empty() || !in_scopes(meter, quota, object) {
        return Ok(());
    }
    if let Some(why) = meter.missing(&counted, object) {
        return Err(stage.forbidden(object, &format!("failed quota: {name}: {why}")));
    }
    let now = stage.call.time().0;
    let mut wanted = usage.clone();
    if let Some(old) = old.filter(|old| stage.updates() && in_scopes(meter, quota, old)) {
        for (name, before) in meter.usage(old, now) {
            let left = wanted.get(&name).map_or(Quantity::ZERO, |amount| amount.minus(&before));
            wanted.insert(name, if left.sign() == Ordering::Less { Quantity::ZERO } else { left });
        }
    }
    wanted.retain(|name, amount| hard.contains_key(name) && *amount != Quantity::ZERO);
    if wanted.is_empty() {
        return Ok(());
    }
    let used = used(stage, meter, quota);
    let over = |name: &&String| {
        let sum = used.get(*name).unwrap_or(&Quantity::ZERO).plus(&wanted[*name]);
        hard.get(*name).is_some_and(|limit| sum > *limit)
    };
    let exceeded: Vec<&String> = wanted.keys().filter(over).collect();
    if exceeded.is_empty() {
        return Ok(());
    }
    let shown = |from: &Amounts| {
        let one = |name: &&String| format!("{name}={}", from.get(*name).unwrap_or(&Quantity::ZERO));
        exceeded.iter().map(one).collect::<Vec<_>>().join(",")
    };
    let why = format!(
        "exceeded quota: {name}, requested: {}, used: {}, limited: {}",
        shown(&wanted),
        shown(&used),
        shown(&hard)
    );
    Err(stage.forbidden(object, &why))
}

/// What the objects in the scopes of a quota use.
fn used(stage: &Stage<'_, '_>, meter: &Meter, quota: &Value) -> Amounts {
    let prefix = format!("{}/", stage.namespace());
    let now = stage.call.time().0;
    let mut used = Amounts::new();
    let shelf = stage.call.served.shelf.clone();
    for entry in stage.state().objects(&shelf, &prefix) {
        let object = entry.value();
        if in_scopes(meter, quota, &object) {
            add(&mut used, &meter.usage(&object, now));
        }
    }
    used
}

impl Meter {
    fn of(resource: &str, plural: &str) -> Self {
        match resource {
            "pods" => Self::Pods,
            "services" => Self::Services,
            "persistentvolumeclaims" => Self::Claims,
            _ => {
                let mut names = vec![format!("count/{resource}")];
                if matches!(resource, "configmaps" | "resourcequotas" | "replicationcontrollers" | "secrets")
                {
                    names.push(plural.to_owned());
                }
                Self::Objects(names)
            }
        }
    }

    /// Whether a request can change what is used.
    fn handles(&self, stage: &Stage<'_, '_>, object: &Value, old: Option<&Value>) -> bool {
        let deadline = |pod: &Value| is_terminating(pod);
        match (self, stage.attributes.subresource, stage.attributes.operation) {
            (_, "", Operation::Create) => true,
            (Self::Pods, "", Operation::Update) => old.is_some_and(|old| deadline(old) != deadline(object)),
            (Self::Pods, "resize", Operation::Update) => true,
            (Self::Services | Self::Claims, "", Operation::Update) => true,
            _ => false,
        }
    }

    /// Whether a limit is about these objects.
    fn counts(&self, name: &str) -> bool {
        match self {
            Self::Pods => {
                let extended = name.strip_prefix("requests.").is_some_and(|rest| {
                    rest.contains('/') && !rest.contains("kubernetes.io/") && !rest.contains(OF_CLASS)
                });
                let huge = name.starts_with("hugepages-") || name.starts_with("requests.hugepages-");
                POD_RESOURCES.contains(&name) || extended || huge
            }
            Self::Services => {
                matches!(
                    name,
                    "count/services" | "services" | "services.nodeports" | "services.loadbalancers"
                )
            }
            Self::Claims => {
                let of_class =
                    name.split_once(OF_CLASS).is_some_and(|(_, rest)| CLAIM_RESOURCES.contains(&rest));
                name == "count/persistentvolumeclaims" || CLAIM_RESOURCES.contains(&name) || of_class
            }
            Self::Objects(names) => names.iter().any(|known| known == name),
        }
    }

    /// What one object uses.
    fn usage(&self, object: &Value, now: i64) -> Amounts {
        let one =
            |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), count(1))).collect::<Amounts>();
        match self {
            Self::Pods => {
                let mut usage = one(&["count/pods"]);
                if is_alive(object, now) {
                    usage.extend(computed(&of_pod(object, "requests"), &of_pod(object, "limits")));
                }
                usage
            }
            Self::Services => {
                let mut usage = one(&["count/services", "services"]);
                let ports = items(object, &["spec", "ports"]);
                let balanced = object.str_at(&["spec", "type"]) == Some("LoadBalancer");
                let chosen = object.at(&["spec", "allocateLoadBalancerNodePorts"]).and_then(Value::as_bool)
                    == Some(false);
                let opened = match object.str_at(&["spec", "type"]) {
                    Some("NodePort") => ports.len(),
                    Some("LoadBalancer") if chosen => {
                        ports.iter().filter(|port| port.int_at(&["nodePort"]).unwrap_or(0) != 0).count()
                    }
                    Some("LoadBalancer") => ports.len(),
                    _ => 0,
                };
                usage.insert("services.nodeports".to_owned(), count(opened));
                usage.insert("services.loadbalancers".to_owned(), count(usize::from(balanced)));
                usage
            }
            Self::Claims => {
                let mut usage = one(&["persistentvolumeclaims", "count/persistentvolumeclaims"]);
                let storage = amounts(object.at(&["spec", "resources", "requests"])).get("storage").cloned();
                let class = object.str_at(&["spec", "storageClassName"]).unwrap_or_default();
                if let Some(storage) = storage.clone() {
                    usage.insert("requests.storage".to_owned(), storage);
                }
                if !class.is_empty() {
                    usage.insert(format!("{class}{OF_CLASS}persistentvolumeclaims"), count(1));
                    if let Some(storage) = storage {
                        usage.insert(format!("{class}{OF_CLASS}requests.storage"), storage);
                    }
                }
                usage
            }
            Self::Objects(names) => names.iter().map(|name| (name.clone(), count(1))).collect(),
        }
    }

    /// What containers do not say that they must.
    fn missing(&self, counted: &[&String], object: &Value) -> Option<String> {
        if *self != Self::Pods
            || object.at(&["spec", "resources"]).is_some_and(|own| !own.is_empty_container())
        {
            return None;
        }
        let mut parts = Vec::new();
        for name in REQUIRED.iter().filter(|name| counted.iter().any(|counted| counted == *name)) {
            let mut without: Vec<&str> = Vec::new();
            for list in ["containers", "initContainers"] {
                for container in items(object, &["spec", list]) {
                    let asked = |kind| amounts(container.at(&["resources", kind]));
                    if !computed(&asked("requests"), &asked("limits")).contains_key(*name) {
                        without.push(container.str_at(&["name"]).unwrap_or_default());
                    }
                }
            }
            without.sort_unstable();
            without.dedup();
            if !without.is_empty() {
                parts.push(format!("{name} for: {}", without.join(",")));
            }
        }
        (!parts.is_empty()).then(|| format!("must specify {}", parts.join("; ")))
    }
}

/// What quotas count of requests and limits.
fn computed(requests: &Amounts, limits: &Amounts) -> Amounts {
    let mut usage = Amounts::from([("pods".to_owned(), count(1))]);
    for name in ["cpu", "memory", "ephemeral-storage"] {
        if let Some(request) = requests.get(name) {
            usage.insert(name.to_owned(), request.clone());
            usage.insert(format!("requests.{name}"), request.clone());
        }
        if let Some(limit) = limits.get(name) {
            usage.insert(format!("limits.{name}"), limit.clone());
        }
    }
    for (name, request) in requests {
        if name.starts_with("hugepages-") {
            usage.insert(name.clone(), request.clone());
        }
        if name.starts_with("hugepages-") || name.contains('/') {
            usage.insert(format!("requests.{name}"), request.clone());
        }
    }
    usage
}

fn is_alive(pod: &Value, now: i64) -> bool {
    if matches!(pod.str_at(&["status", "phase"]), Some("Failed" | "Succeeded")) {
        return false;
    }
    let deleted = pod.str_at(&["metadata", "deletionTimestamp"]).and_then(lockstep_core::Timestamp::parse);
    let grace = pod.int_at(&["metadata", "deletionGracePeriodSeconds"]);
    !matches!((deleted, grace), (Some(time), Some(grace)) if now > time.0 + grace)
}

fn is_terminating(pod: &Value) -> bool {
    pod.int_at(&["spec", "activeDeadlineSeconds"]).is_some_and(|seconds| seconds >= 0)
}

/// Whether no container asks for anything.
fn is_best_effort(pod: &Value) -> bool {
    let asks = |holder: &Value| {
        ["requests", "limits"].iter().any(|kind| {
            let amounts = amounts(holder.at(&["resources", kind]));
            ["cpu", "memory"]
                .iter()
                .any(|name| amounts.get(*name).is_some_and(|amount| *amount != Quantity::ZERO))
        })
    };
    let spec = pod.get("spec").cloned().unwrap_or_default();
    let mut containers =
        ["containers", "initContainers"].iter().flat_map(|list| items(pod, &["spec", list]).iter());
    !asks(&spec) && !containers.any(asks)
}

/// Whether an object is one of those that a quota is about.
fn in_scopes(meter: &Meter, quota: &Value, object: &Value) -> bool {
    let plain = items(quota, &["spec", "scopes"]).iter().filter_map(Value::as_str);
    let mut all = plain.map(|scope| (scope, "Exists", &[] as &[Value])).collect::<Vec<_>>();
    for term in items(quota, &["spec", "scopeSelector", "matchExpressions"]) {
        let text = |key| term.str_at(&[key]).unwrap_or_default();
        all.push((text("scopeName"), text("operator"), items(term, &["values"])));
    }
    match meter {
        Meter::Pods => all.into_iter().all(|scope| in_scope(object, scope)),
        _ => all.is_empty(),
    }
}

fn in_scope(pod: &Value, (scope, operator, values): (&str, &str, &[Value])) -> bool {
    match scope {
        "Terminating" => is_terminating(pod),
        "NotTerminating" => !is_terminating(pod),
        "BestEffort" => is_best_effort(pod),
        "NotBestEffort" => !is_best_effort(pod),
        "PriorityClass" => {
            let class = pod.str_at(&["spec", "priorityClassName"]).unwrap_or_default();
            let listed = values.iter().any(|value| value.as_str() == Some(class));
            match operator {
                "Exists" => !class.is_empty(),
                "DoesNotExist" => class.is_empty(),
                "In" => !class.is_empty() && listed,
                "NotIn" => class.is_empty() || !listed,
                _ => false,
            }
        }
        "CrossNamespacePodAffinity" => crosses_namespaces(pod),
        _ => false,
    }
}

fn crosses_namespaces(pod: &Value) -> bool {
    let crosses = |term: &Value| {
        !items(term, &["namespaces"]).is_empty()
            || term.get("namespaceSelector").is_some_and(|s| s.as_map().is_some())
    };
    ["podAffinity", "podAntiAffinity"].iter().any(|kind| {
        let list = |key: &str| items(pod, &["spec", "affinity", kind, key]);
        let preferred = list("preferredDuringSchedulingIgnoredDuringExecution");
        list("requiredDuringSchedulingIgnoredDuringExecution").iter().any(crosses)
            || preferred.iter().filter_map(|term| term.get("podAffinityTerm")).any(crosses)
    })
}
