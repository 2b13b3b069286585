//! DaemonSets: one pod for each node that fits.

use std::collections::BTreeMap;

use lockstep_core::Value;

use crate::claim::claim;
use crate::client::{Actor, Context, Refused};
use crate::controller::{Controller, Due};
use crate::deployment::{Rounding, portion};
use crate::kind::Kind;
use crate::object::{annotation, count, is_deleting, items, name, number, object, put, text};
use crate::pod::{from_template, is_available, is_finished, is_ready};
use crate::replica_set::{create_pod, next_available, owners_of};
use crate::revision::{self, OF_DAEMON_SET, of_pod};
use crate::scheduler::{affine, untolerated};
use crate::selector::has_all;
use crate::view::{Change, Id, View};

/// Makes, replaces and deletes the pods of DaemonSets.
#[derive(Clone, Debug)]
pub(crate) struct DaemonSets;

/// What pods of DaemonSets put up with.
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

impl Controller for DaemonSets {
    fn actor(&self) -> Actor<'static> {
        Actor::Controller("daemon-set-controller")
    }

    fn touched(&mut self, change: &Change, view: &View) -> Vec<Id> {
        match change.id.kind {
            Kind::DAEMON_SETS => vec![change.id.clone()],
            Kind::PODS => owners_of(change, view, "DaemonSet", Kind::DAEMON_SETS),
            Kind::NODES => view
                .all(Kind::DAEMON_SETS)
                .map(|(key, _)| Id { kind: Kind::DAEMON_SETS, key: key.clone() })
                .collect(),
            _ => Vec::new(),
        }
    }

    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let Some(set) = cx.view.get(Kind::DAEMON_SETS, &id.key) else { return Ok(None) };
        let pods = claim(cx, Kind::PODS, set)?;
        if is_deleting(set) {
            return Ok(None);
        }
        let history = revision::history(cx, set, OF_DAEMON_SET)?;
        let hash = text(&history.present, &["metadata", "labels", OF_DAEMON_SET]).to_owned();
        let mut by_node: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for pod in pods.iter().filter(|pod| !is_deleting(pod)) {
            by_node.entry(node_of(pod)).or_default().push(pod);
        }
        let state = Set {
            set,
            hash: &hash,
            by_node,
            going: pods.iter().filter(|pod| is_deleting(pod)).map(node_of).collect(),
        };
        let done = state.step(cx);
        let after = state.status(cx);
        if after.get("status") != set.get("status") {
            cx.update_status(Kind::DAEMON_SETS, &after)?;
        }
        done?;
        let in_use: Vec<String> = pods.iter().map(|pod| format!("{}-{}", name(set), of_pod(pod))).collect();
        revision::clean_up(cx, set, &history, &in_use.iter().map(String::as_str).collect::<Vec<_>>())?;
        Ok(next_available(&pods, number(set, &["spec", "minReadySeconds"]), cx.now))
    }
}

/// The node that a pod is on, or is to go to.
fn node_of(pod: &Value) -> String {
    let node = text(pod, &["spec", "nodeName"]);
    if !node.is_empty() {
        return node.to_owned();
    }
    let path = [
        "spec",
        "affinity",
        "nodeAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution",
        "nodeSelectorTerms",
    ];
    let fields = items(pod, &path).iter().flat_map(|term| items(term, &["matchFields"]));
    let mut names = fields.flat_map(|field| items(field, &["values"])).filter_map(Value::as_str);
    names.next().unwrap_or_default().to_owned()
}

struct Set<'a> {
    set: &'a Value,
    hash: &'a str,
    by_node: BTreeMap<String, Vec<&'a Value>>,
    /// The nodes with pods that are to go.
    going: Vec<String>,
}

impl Set<'_> {
    /// Whether a node is to have a pod.
    fn wants(&self, node: &Value) -> bool {
        let pod = self.pod(name(node));
        let spec = self.set.at(&["spec", "template", "spec", "nodeSelector"]);
        has_all(spec, node.at(&["metadata", "labels"]))
            && affine(&pod, node)
            && untolerated(&pod, node).is_none()
    }

    fn nodes<'v>(&self, view: &'v View) -> Vec<&'v Value> {
        view.all(Kind::NODES).map(|(_, node)| node).filter(|node| self.wants(node)).collect()
    }

    fn step(&self, cx: &mut Context<'_>) -> Result<(), Refused> {
        let view = cx.view;
        let nodes = self.nodes(view);
        let surge = self.limit("maxSurge", nodes.len());
        for node in &nodes {
            let here = self.by_node.get(name(node)).map(Vec::as_slice).unwrap_or_default();
            for pod in here.iter().filter(|pod| is_finished(pod)) {
                self.delete(pod, cx)?;
            }
            let leaving = self.going.iter().any(|going| going == name(node));
            if here.is_empty() && !leaving {
                create_pod(self.set, &self.pod(name(node)), cx)?;
            }
        }
        for (node, pods) in &self.by_node {
            if !nodes.iter().any(|wanted| name(wanted) == node) {
                pods.iter().try_for_each(|pod| self.delete(pod, cx))?;
            }
        }
        match text(self.set, &["spec", "updateStrategy", "type"]) {
            "OnDelete" => Ok(()),
            _ if surge > 0 => self.surge(&nodes, surge, cx),
            _ => self.replace(&nodes, cx),
        }
    }

    fn limit(&self, key: &str, nodes: usize) -> i64 {
        let value = self.set.at(&["spec", "updateStrategy", "rollingUpdate", key]);
        portion(value, count(nodes), Rounding::Up)
    }

    fn is_new(&self, pod: &Value) -> bool {
        of_pod(pod) == self.hash
    }

    fn works(&self, pod: &Value, cx: &Context<'_>) -> bool {
        is_available(pod, number(self.set, &["spec", "minReadySeconds"]), cx.now)
    }

    /// Deletes old pods as far as not too many nodes are without.
    fn replace(&self, nodes: &[&Value], cx: &mut Context<'_>) -> Result<(), Refused> {
        let mut room = self.limit("maxUnavailable", nodes.len()).max(1);
        let mut old = Vec::new();
        for node in nodes {
            let here = self.by_node.get(name(node)).map(Vec::as_slice).unwrap_or_default();
            let works = here.iter().any(|pod| self.works(pod, cx));
            room -= i64::from(!works);
            // Those that do not work anyway are replaced at once.
            for pod in here.iter().filter(|pod| !self.is_new(pod)) {
                match works {
                    true => old.push(*pod),
                    false => self.delete(pod, cx)?,
                }
            }
        }
        old.into_iter().take(crate::object::size(room)).try_for_each(|pod| self.delete(pod, cx))
    }

    /// Makes new pods beside the old ones, which go once those work.
    fn surge(&self, nodes: &[&Value], most: i64, cx: &mut Context<'_>) -> Result<(), Refused> {
        let mut room = most;
        let mut without = Vec::new();
        for node in nodes {
            let here = self.by_node.get(name(node)).map(Vec::as_slice).unwrap_or_default();
            let (new, old): (Vec<&Value>, Vec<&Value>) = here.iter().partition(|pod| self.is_new(pod));
            match (new.first(), old.first()) {
                (Some(new), Some(_)) if self.works(new, cx) => {
                    old.iter().try_for_each(|pod| self.delete(pod, cx))?
                }
                (Some(_), Some(_)) => room -= 1,
                (None, Some(_)) => without.push(*node),
                _ => {}
            }
        }
        for node in without.into_iter().take(crate::object::size(room)) {
            create_pod(self.set, &self.pod(name(node)), cx)?;
        }
        Ok(())
    }

    fn delete(&self, pod: &Value, cx: &mut Context<'_>) -> Result<(), Refused> {
        cx.delete(Kind::PODS, pod, &[])?;
        cx.normal(self.set, "SuccessfulDelete", &format!("Deleted pod: {}", name(pod)));
        Ok(())
    }

    fn pod(&self, node: &str) -> Value {
        let template = self.set.at(&["spec", "template"]).cloned().unwrap_or_default();
        let mut pod = from_template(self.set, &template);
        pod.set(&["metadata", "labels", "controller-revision-hash"], self.hash.into());
        if let Some(generation) = annotation(self.set, "deprecated.daemonset.template.generation") {
            pod.set(&["metadata", "labels", "pod-template-generation"], generation.into());
        }
        let field = object! {"key": "metadata.name", "operator": "In", "values": vec![Value::from(node)]};
        let path = [
            "spec",
            "affinity",
            "nodeAffinity",
            "requiredDuringSchedulingIgnoredDuringExecution",
            "nodeSelectorTerms",
        ];
        let mut terms = items(&pod, &path).to_vec();
        if terms.is_empty() {
            terms.push(Value::default());
        }
        for term in &mut terms {
            term.set(&["matchFields"], Value::list(vec![field.clone()]));
        }
        pod.set(&path, Value::list(terms));
        let mut tolerations = items(&pod, &["spec", "tolerations"]).to_vec();
        let mut tolerated = TOLERATED.to_vec();
        if pod.at(&["spec", "hostNetwork"]).and_then(Value::as_bool) == Some(true) {
            tolerated.push(("node.kubernetes.io/network-unavailable", "NoSchedule"));
        }
        for (key, effect) in tolerated {
            let toleration = object! {"key": key, "operator": "Exists", "effect": effect};
            if !tolerations.contains(&toleration) {
                tolerations.push(toleration);
            }
        }
        pod.set(&["spec", "tolerations"], Value::list(tolerations));
        pod
    }

    fn status(&self, cx: &Context<'_>) -> Value {
        let nodes = self.nodes(cx.view);
        let here = |node: &&&Value| self.by_node.get(name(node)).map(Vec::as_slice).unwrap_or_default();
        let has = |holds: &dyn Fn(&Value) -> bool| {
            count(nodes.iter().filter(|node| here(node).iter().any(|pod| holds(pod))).count())
        };
        let wanted = count(nodes.len());
        let misplaced =
            self.by_node.keys().filter(|key| !nodes.iter().any(|node| name(node) == *key)).count();
        let available = has(&|pod| is_ready(pod) && self.works(pod, cx));
        let mut after = self.set.clone();
        let some = |number: i64| (number > 0).then(|| number.into());
        after.set(&["status", "observedGeneration"], number(self.set, &["metadata", "generation"]).into());
        after.set(&["status", "desiredNumberScheduled"], wanted.into());
        after.set(&["status", "currentNumberScheduled"], has(&|_| true).into());
        after.set(&["status", "numberMisscheduled"], count(misplaced).into());
        after.set(&["status", "numberReady"], has(&is_ready).into());
        put(&mut after, &["status", "updatedNumberScheduled"], some(has(&|pod| self.is_new(pod))));
        put(&mut after, &["status", "numberAvailable"], some(available));
        put(&mut after, &["status", "numberUnavailable"], some(wanted - available));
        after
    }
}
