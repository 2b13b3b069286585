//! StatefulSets: pods with names that stay, one after the other.

use std::collections::BTreeMap;

use lockstep_core::Value;

use crate::claim::claim;
use crate::client::{Actor, Context, Refused};
use crate::controller::{Controller, Due};
use crate::kind::Kind;
use crate::object::{controlled_by, count, is_deleting, name, namespace, number, object, put, size, text};
use crate::pod::{is_available, is_finished, is_ready};
use crate::replica_set::{next_available, owners_of};
use crate::revision::{self, History, claim_templates, counted, of_pod};
use crate::view::{Change, Id, View};

/// Makes, replaces and deletes the pods of StatefulSets.
#[derive(Clone, Debug)]
pub(crate) struct StatefulSets;

/// A set while it is looked at.
struct Set<'a> {
    set: &'a Value,
    history: &'a History,
    /// The revision that pods had before the present one.
    current: String,
    pods: BTreeMap<i64, Value>,
}

impl Controller for StatefulSets {
    fn actor(&self) -> Actor<'static> {
        Actor::Controller("statefulset-controller")
    }

    fn touched(&mut self, change: &Change, view: &View) -> Vec<Id> {
        match change.id.kind {
            Kind::STATEFUL_SETS => vec![change.id.clone()],
            Kind::PODS => owners_of(change, view, "StatefulSet", Kind::STATEFUL_SETS),
            _ => Vec::new(),
        }
    }

    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let Some(set) = cx.view.get(Kind::STATEFUL_SETS, &id.key) else { return Ok(None) };
        let pods = claim(cx, Kind::PODS, set)?;
        if is_deleting(set) {
            return Ok(None);
        }
        let history = revision::history(cx, set, revision::OF_STATEFUL_SET)?;
        let known = text(set, &["status", "currentRevision"]);
        let current = history.all.iter().find(|revision| name(revision) == known).unwrap_or(&history.present);
        let current = name(current).to_owned();
        let numbered = pods.iter().filter_map(|pod| Some((ordinal(set, pod)?, pod.clone()))).collect();
        let state = Set { set, history: &history, current, pods: numbered };
        let done = state.step(cx);
        let after = state.status(cx);
        if after.get("status") != set.get("status") {
            cx.update_status(Kind::STATEFUL_SETS, &after)?;
        }
        done?;
        let mut in_use = vec![state.current.as_str(), name(&history.present)];
        in_use.extend(pods.iter().map(of_pod));
        revision::clean_up(cx, set, &history, &in_use)?;
        Ok(next_available(&pods, number(set, &["spec", "minReadySeconds"]), cx.now))
    }
}

fn ordinal(set: &Value, pod: &Value) -> Option<i64> {
    name(pod).strip_prefix(name(set))?.strip_prefix('-')?.parse().ok()
}

impl Set<'_> {
    fn first(&self) -> i64 {
        number(self.set, &["spec", "ordinals", "start"])
    }

    fn wanted(&self) -> std::ops::Range<i64> {
        self.first()..self.first() + number(self.set, &["spec", "replicas"])
    }

    fn is_ordered(&self) -> bool {
        text(self.set, &["spec", "podManagementPolicy"]) != "Parallel"
    }

    fn rolls(&self) -> bool {
        text(self.set, &["spec", "updateStrategy", "type"]) != "OnDelete"
    }

    fn partition(&self) -> i64 {
        number(self.set, &["spec", "updateStrategy", "rollingUpdate", "partition"])
    }

    fn is_healthy(&self, pod: &Value, cx: &Context<'_>) -> bool {
        let min_ready = number(self.set, &["spec", "minReadySeconds"]);
        is_ready(pod) && !is_deleting(pod) && is_available(pod, min_ready, cx.now)
    }

    /// What comes next: what is missing, then what is too many, then what is old.
    fn step(&self, cx: &mut Context<'_>) -> Result<(), Refused> {
        for ordinal in self.wanted() {
            let Some(pod) = self.pods.get(&ordinal) else {
                self.make(ordinal, cx)?;
                if self.is_ordered() {
                    return Ok(());
                }
                continue;
            };
            if is_finished(pod) && !is_deleting(pod) {
                // It is made anew once it has gone.
                return self.delete(pod, cx);
            }
            if self.is_ordered() && !self.is_healthy(pod, cx) {
                return Ok(());
            }
        }
        let wanted = self.wanted();
        for (_, pod) in self.pods.iter().rev().filter(|(ordinal, _)| !wanted.contains(*ordinal)) {
            if !is_deleting(pod) {
                self.delete(pod, cx)?;
            }
            if self.is_ordered() {
                return Ok(());
            }
        }
        if self.rolls() { self.replace(cx) } else { Ok(()) }
    }

    /// Deletes pods of other revisions, the last first, while not too many are away.
    fn replace(&self, cx: &mut Context<'_>) -> Result<(), Refused> {
        let strategy = self.set.at(&["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"]);
        let replicas = number(self.set, &["spec", "replicas"]);
        let most = crate::deployment::portion(strategy, replicas, crate::deployment::Rounding::Up).max(1);
        let wanted = self.wanted();
        let unhealthy = wanted
            .clone()
            .filter(|ordinal| self.pods.get(ordinal).is_none_or(|pod| !self.is_healthy(pod, cx)));
        let mut away = count(unhealthy.count());
        for ordinal in (wanted.start + self.partition()..wanted.end).rev() {
            let Some(pod) = self.pods.get(&ordinal) else { return Ok(()) };
            let old = of_pod(pod) != name(&self.history.present);
            if old && !is_deleting(pod) {
                let healthy = self.is_healthy(pod, cx);
                if healthy && away >= most {
                    return Ok(());
                }
                self.delete(pod, cx)?;
                away += i64::from(healthy);
            }
            if away >= most {
                return Ok(());
            }
        }
        Ok(())
    }

    fn delete(&self, pod: &Value, cx: &mut Context<'_>) -> Result<(), Refused> {
        cx.delete(Kind::PODS, pod, &[])?;
        let message = format!("Delete Pod {} in StatefulSet {} successful", name(pod), name(self.set));
        cx.normal(self.set, "SuccessfulDelete", &message);
        Ok(())
    }

    fn make(&self, ordinal: i64, cx: &mut Context<'_>) -> Result<(), Refused> {
        for template in claim_templates(self.set) {
            self.make_claim(template, ordinal, cx)?;
        }
        let pod = self.pod(ordinal);
        match cx.create(Kind::PODS, &pod) {
            Ok(_) => {
                let message =
                    format!("Create Pod {} in StatefulSet {} successful", name(&pod), name(self.set));
                cx.normal(self.set, "SuccessfulCreate", &message);
                Ok(())
            }
            Err(refused) => {
                if let Refused::Other(why) = &refused {
                    let message = format!(
                        "create Pod {} in StatefulSet {} failed error: {why}",
                        name(&pod),
                        name(self.set)
                    );
                    cx.warning(self.set, "FailedCreate", &message);
                }
                Err(refused)
            }
        }
    }

    fn claim_name(&self, template: &Value, ordinal: i64) -> String {
        format!("{}-{}-{ordinal}", name(template), name(self.set))
    }

    fn make_claim(&self, template: &Value, ordinal: i64, cx: &mut Context<'_>) -> Result<(), Refused> {
        let claim_name = self.claim_name(template, ordinal);
        if cx.view.find(Kind::CLAIMS, namespace(self.set), &claim_name).is_some() {
            return Ok(());
        }
        let mut claim = template.clone();
        claim.remove(&["status"]);
        claim.set(&["metadata", "name"], claim_name.clone().into());
        claim.set(&["metadata", "namespace"], namespace(self.set).into());
        let labels = self.set.at(&["spec", "selector", "matchLabels"]).and_then(Value::as_map);
        for (key, value) in labels.into_iter().flatten() {
            claim.set(&["metadata", "labels", key], value.clone());
        }
        if text(self.set, &["spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted"]) == "Delete" {
            claim.set(&["metadata", "ownerReferences"], Value::list(vec![controlled_by(self.set)]));
        }
        cx.create(Kind::CLAIMS, &claim)?;
        let message =
            format!("create Claim {claim_name} Pod {0}-{ordinal} in StatefulSet {0} success", name(self.set));
        cx.normal(self.set, "SuccessfulCreate", &message);
        Ok(())
    }

    fn pod(&self, ordinal: i64) -> Value {
        let old = self.rolls() && ordinal < self.first() + self.partition();
        let current = self.history.all.iter().find(|revision| name(revision) == self.current);
        let revision = current.filter(|_| old).unwrap_or(&self.history.present);
        let mut pod = crate::pod::from_template(self.set, &revision::template(revision));
        let pod_name = format!("{}-{ordinal}", name(self.set));
        pod.set(&["metadata", "name"], pod_name.clone().into());
        for (key, value) in [
            ("statefulset.kubernetes.io/pod-name", pod_name.clone()),
            ("apps.kubernetes.io/pod-index", ordinal.to_string()),
            ("controller-revision-hash", name(revision).to_owned()),
        ] {
            pod.set(&["metadata", "labels", key], value.into());
        }
        pod.set(&["spec", "hostname"], pod_name.into());
        put(&mut pod, &["spec", "subdomain"], self.set.at(&["spec", "serviceName"]).cloned());
        let mut volumes: Vec<Value> = claim_templates(self.set)
            .iter()
            .map(|template| {
                let claim = object! {"claimName": self.claim_name(template, ordinal)};
                object! {"name": name(template), "persistentVolumeClaim": claim}
            })
            .collect();
        let others = crate::object::items(&pod, &["spec", "volumes"]).iter();
        let taken: Vec<Value> = volumes.iter().filter_map(|volume| volume.get("name").cloned()).collect();
        volumes.extend(
            others.filter(|volume| volume.get("name").is_none_or(|name| !taken.contains(name))).cloned(),
        );
        if !volumes.is_empty() {
            pod.set(&["spec", "volumes"], Value::list(volumes));
        }
        pod
    }

    fn status(&self, cx: &Context<'_>) -> Value {
        let pods: Vec<&Value> = self.pods.values().collect();
        let present = name(&self.history.present);
        let min_ready = number(self.set, &["spec", "minReadySeconds"]);
        let of = |revision: &str| counted(&pods, |pod| of_pod(pod) == revision && !is_deleting(pod));
        let ready = counted(&pods, is_ready);
        let (mut current, mut current_count, updated) = (&*self.current, of(&self.current), of(present));
        let all = count(pods.len());
        if self.rolls() && updated == all && ready == all && size(all) == self.wanted().count() {
            (current, current_count) = (present, updated);
        }
        let mut after = self.set.clone();
        let some = |number: i64| (number > 0).then(|| number.into());
        after.set(&["status", "observedGeneration"], number(self.set, &["metadata", "generation"]).into());
        after.set(&["status", "replicas"], all.into());
        after.set(
            &["status", "availableReplicas"],
            counted(&pods, |pod| is_available(pod, min_ready, cx.now)).into(),
        );
        put(&mut after, &["status", "readyReplicas"], some(ready));
        put(&mut after, &["status", "currentReplicas"], some(current_count));
        put(&mut after, &["status", "updatedReplicas"], some(updated));
        after.set(&["status", "currentRevision"], current.into());
        after.set(&["status", "updateRevision"], present.into());
        if after.at(&["status", "collisionCount"]).is_none() {
            after.set(&["status", "collisionCount"], 0.into());
        }
        after
    }
}
