//! The scheduler: which node a pod runs on.

use std::collections::{BTreeMap, HashMap};

use apistore::{Method, Request};
use lockstep_core::{Value, to_json};
use schema::Quantity;

use crate::client::{Actor, Context, Refused};
use crate::condition;
use crate::controller::{Controller, Due};
use crate::kind::Kind;
use crate::object::{annotation, flag, is_deleting, items, name, namespace, number, object, text, uid};
use crate::pod::is_finished;
use crate::selector::{has_all, matches};
use crate::view::{Change, Id, Key, View};

/// Binds pods to the node that fits and has the fewest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scheduler {
    /// What each node carries.
    loads: HashMap<String, Load>,
    /// Where each pod is, and what it wants, by its uid.
    placed: HashMap<String, (String, Load)>,
    /// Those for which there was no place.
    waiting: std::collections::BTreeSet<Key>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Load {
    pods: i64,
    milli_cpu: i64,
    memory: i64,
}

impl Controller for Scheduler {
    fn actor(&self) -> Actor<'static> {
        Actor::Scheduler
    }

    fn touched(&mut self, change: &Change, _view: &View) -> Vec<Id> {
        match change.id.kind {
            Kind::PODS => {
                let freed = self.follow(change);
                let mut ids = if freed { self.retry() } else { Vec::new() };
                if change.new.as_ref().is_some_and(wants_node) {
                    ids.push(change.id.clone());
                } else {
                    self.waiting.remove(&change.id.key);
                }
                ids
            }
            Kind::NODES | Kind::CLAIMS => self.retry(),
            _ => Vec::new(),
        }
    }

    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let Some(pod) = cx.view.get(Kind::PODS, &id.key).filter(|pod| wants_node(pod)) else {
            return Ok(None);
        };
        let request = load(pod);
        let missing = crate::claims::missing(cx.view, pod);
        let found = match missing {
            Some(why) => Err(unready(&why, cx.view.all(Kind::NODES).count())),
            None => self.choose(cx.view, pod, request),
        };
        let node = match found {
            Ok(node) => node,
            Err(why) => {
                self.waiting.insert(id.key.clone());
                return refuse(pod, &why, cx).map(|()| None);
            }
        };
        if crate::claims::select_node(cx, pod, &node)? {
            // Its volumes are made for this node first.
            self.waiting.insert(id.key.clone());
            return Ok(None);
        }
        bind(pod, &node, cx)?;
        self.waiting.remove(&id.key);
        self.place(uid(pod), &node, request);
        let message = format!("Successfully assigned {}/{} to {node}", namespace(pod), name(pod));
        cx.normal(pod, "Scheduled", &message);
        Ok(None)
    }
}

impl Scheduler {
    fn retry(&self) -> Vec<Id> {
        self.waiting.iter().map(|key| Id { kind: Kind::PODS, key: key.clone() }).collect()
    }

    /// Keeps account of where pods are; whether a place became free.
    fn follow(&mut self, change: &Change) -> bool {
        let pod = change.object();
        let node = text(pod, &["spec", "nodeName"]);
        if change.new.is_none() || is_finished(pod) {
            return self.remove(uid(pod));
        }
        if !node.is_empty() {
            self.place(uid(pod), node, load(pod));
        }
        false
    }

    fn place(&mut self, uid: &str, node: &str, request: Load) {
        self.remove(uid);
        self.loads.entry(node.to_owned()).or_default().add(request, 1);
        self.placed.insert(uid.to_owned(), (node.to_owned(), request));
    }

    fn remove(&mut self, uid: &str) -> bool {
        let Some((node, request)) = self.placed.remove(uid) else { return false };
        self.loads.entry(node).or_default().add(request, -1);
        true
    }

    fn choose(&self, view: &View, pod: &Value, request: Load) -> Result<String, String> {
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        let (mut best, mut all) = (None, 0);
        for (key, node) in view.all(Kind::NODES) {
            all += 1;
            let carried = self.loads.get(&*key.name).copied().unwrap_or_default();
            match unfit(pod, node).or_else(|| full(node, carried, request)) {
                Some(reason) => *reasons.entry(reason).or_default() += 1,
                None if best.is_none_or(|(pods, _)| carried.pods < pods) => best = Some((carried.pods, key)),
                None => {}
            }
        }
        match best {
            Some((_, key)) => Ok(key.name.to_string()),
            None if all == 0 => Err("no nodes available to schedule pods".to_owned()),
            None => Err(unschedulable(&reasons, all)),
        }
    }
}

fn unschedulable(reasons: &BTreeMap<String, usize>, all: usize) -> String {
    let list: Vec<String> = reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    unready(&list.join(", "), all)
}

/// As `FitError` of k8s.io/kubernetes has it.
fn unready(why: &str, all: usize) -> String {
    format!(
        "0/{all} nodes are available: {why}. preemption: 0/{all} nodes are available: {all} Preemption is not helpful for scheduling."
    )
}

impl Load {
    fn add(&mut self, other: Load, times: i64) {
        let sum = |own: i64, other: i64| own.saturating_add(other.saturating_mul(times));
        self.pods = sum(self.pods, other.pods);
        self.milli_cpu = sum(self.milli_cpu, other.milli_cpu);
        self.memory = sum(self.memory, other.memory);
    }
}

/// Whether a pod waits for this scheduler.
fn wants_node(pod: &Value) -> bool {
    text(pod, &["spec", "nodeName"]).is_empty()
        && !is_deleting(pod)
        && !is_finished(pod)
        && text(pod, &["spec", "schedulerName"]) == "default-scheduler"
        && items(pod, &["spec", "schedulingGates"]).is_empty()
}

fn load(pod: &Value) -> Load {
    let mut sum = Load { pods: 1, ..Load::default() };
    for container in items(pod, &["spec", "containers"]) {
        let request = |key| container.at(&["resources", "requests", key]).and_then(Quantity::of);
        let milli_cpu = request("cpu").map_or(0, |amount| amount.milli_value());
        let memory = request("memory").map_or(0, |amount| amount.value());
        sum.add(Load { pods: 0, milli_cpu, memory }, 1);
    }
    sum
}

/// Why a node has no room.
fn full(node: &Value, carried: Load, request: Load) -> Option<String> {
    let room = |key| node.at(&["status", "allocatable", key]).and_then(Quantity::of);
    let cpu = room("cpu").map_or(0, |amount| amount.milli_value());
    let memory = room("memory").map_or(0, |amount| amount.value());
    let pods = room("pods").map_or(0, |amount| amount.value());
    match () {
        () if carried.pods.saturating_add(request.pods) > pods => Some("Too many pods".to_owned()),
        () if request.milli_cpu > 0 && carried.milli_cpu.saturating_add(request.milli_cpu) > cpu => {
            Some("Insufficient cpu".to_owned())
        }
        () if request.memory > 0 && carried.memory.saturating_add(request.memory) > memory => {
            Some("Insufficient memory".to_owned())
        }
        () => None,
    }
}

/// Why a pod must not run on a node.
pub(crate) fn unfit(pod: &Value, node: &Value) -> Option<String> {
    if flag(node, &["spec", "unschedulable"]) && !tolerates(pod, &unschedulable_taint()) {
        return Some("node(s) were unschedulable".to_owned());
    }
    if !has_all(pod.at(&["spec", "nodeSelector"]), node.at(&["metadata", "labels"])) || !affine(pod, node) {
        return Some("node(s) didn't match Pod's node affinity/selector".to_owned());
    }
    untolerated(pod, node).map(|taint| {
        let value = text(taint, &["value"]);
        format!("node(s) had untolerated taint {{{}: {value}}}", text(taint, &["key"]))
    })
}

fn unschedulable_taint() -> Value {
    object! {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
}

/// A taint that keeps a pod from a node.
pub(crate) fn untolerated<'n>(pod: &Value, node: &'n Value) -> Option<&'n Value> {
    let mut taints = items(node, &["spec", "taints"]).iter();
    taints.find(|taint| {
        matches!(text(taint, &["effect"]), "NoSchedule" | "NoExecute") && !tolerates(pod, taint)
    })
}

fn tolerates(pod: &Value, taint: &Value) -> bool {
    items(pod, &["spec", "tolerations"]).iter().any(|toleration| {
        let field = |key| text(toleration, &[key]);
        let same = |key| field(key).is_empty() || field(key) == text(taint, &[key]);
        let value = field("operator") == "Exists" || field("value") == text(taint, &["value"]);
        let key = if field("key").is_empty() { field("operator") == "Exists" } else { same("key") };
        same("effect") && key && value
    })
}

/// Whether a node is one of those that a pod requires. Only what is required counts: what is preferred does not.
pub(crate) fn affine(pod: &Value, node: &Value) -> bool {
    let path = ["spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"];
    let Some(required) = pod.at(&path) else { return true };
    let by_name = object! {"metadata.name": name(node)};
    let labels = node.at(&["metadata", "labels"]);
    items(required, &["nodeSelectorTerms"]).iter().any(|term| {
        let (expressions, fields) = (items(term, &["matchExpressions"]), items(term, &["matchFields"]));
        expressions.len() + fields.len() > 0
            && expressions.iter().all(|expression| matches(expression, labels))
            && fields.iter().all(|expression| matches(expression, Some(&by_name)))
    })
}

fn bind(pod: &Value, node: &str, cx: &mut Context<'_>) -> Result<(), Refused> {
    let binding = object! {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": object! {"name": name(pod), "namespace": namespace(pod), "uid": uid(pod)},
        "target": object! {"kind": "Node", "name": node},
    };
    let path = format!("/api/v1/namespaces/{}/pods/{}/binding", namespace(pod), name(pod));
    cx.send(Request::system(Method::Post, path).body("application/json", to_json(&binding))).map(drop)
}

/// Tells that there is no place for a pod.
fn refuse(pod: &Value, why: &str, cx: &mut Context<'_>) -> Result<(), Refused> {
    let mut after = pod.clone();
    let mut condition = condition::condition("PodScheduled", "False", "Unschedulable", why);
    condition.set(&["lastProbeTime"], Value::Null);
    condition.set(&["observedGeneration"], number(pod, &["metadata", "generation"]).into());
    if condition::set(&mut after, condition, &cx.stamp()) {
        cx.update_status(Kind::PODS, &after)?;
        cx.warning(pod, "FailedScheduling", why);
    }
    Ok(())
}

/// Whether a node is simulated.
pub(crate) fn is_simulated(node: &Value) -> bool {
    annotation(node, crate::nodes::SIMULATED).is_some()
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    #[test]
    fn pods_stay_away_from_nodes_that_do_not_fit() {
        let check = |pod: &str, node: &str, want: Option<&str>| {
            let value = |json: &str| from_json(json.as_bytes()).unwrap();
            assert_eq!(unfit(&value(pod), &value(node)).as_deref(), want, "{pod} {node}");
        };
        let plain = r#"{"spec":{}}"#;
        let tainted = r#"{"spec":{"taints":[{"key":"k","value":"v","effect":"NoSchedule"}]}}"#;
        check(plain, plain, None);
        check(plain, tainted, Some("node(s) had untolerated taint {k: v}"));
        check(r#"{"spec":{"tolerations":[{"key":"k","operator":"Exists"}]}}"#, tainted, None);
        check(r#"{"spec":{"tolerations":[{"key":"k","value":"v"}]}}"#, tainted, None);
        check(
            r#"{"spec":{"tolerations":[{"key":"k","value":"w"}]}}"#,
            tainted,
            Some("node(s) had untolerated taint {k: v}"),
        );
        check(r#"{"spec":{"tolerations":[{"operator":"Exists"}]}}"#, tainted, None);
        check(plain, r#"{"spec":{"unschedulable":true}}"#, Some("node(s) were unschedulable"));
        let selector = "node(s) didn't match Pod's node affinity/selector";
        check(r#"{"spec":{"nodeSelector":{"a":"b"}}}"#, plain, Some(selector));
        check(r#"{"spec":{"nodeSelector":{"a":"b"}}}"#, r#"{"metadata":{"labels":{"a":"b"}}}"#, None);
    }
}
