//! HorizontalPodAutoscalers: without metrics, only the limits of replicas count.

use apistore::{Method, Request};
use lockstep_core::{Value, to_json};

use crate::client::{Actor, Context, Refused};
use crate::condition;
use crate::controller::{Controller, Due};
use crate::kind::Kind;
use crate::object::{items, namespace, number, object, text};
use crate::view::{Change, Id, View};

/// Keeps the targets of autoscalers within their limits.
#[derive(Clone, Debug)]
pub(crate) struct Autoscalers;

impl Controller for Autoscalers {
    fn actor(&self) -> Actor<'static> {
        Actor::Controller("horizontal-pod-autoscaler")
    }

    fn touched(&mut self, change: &Change, view: &View) -> Vec<Id> {
        if change.id.kind == Kind::AUTOSCALERS {
            return vec![change.id.clone()];
        }
        let kind = &view.kinds.get(change.id.kind).kind;
        let scalers = view.within(Kind::AUTOSCALERS, &change.id.key.namespace);
        let aims = scalers.filter(|(_, scaler)| {
            let target = |key| text(scaler, &["spec", "scaleTargetRef", key]);
            target("kind") == kind && *target("name") == *change.id.key.name
        });
        aims.map(|(key, _)| Id { kind: Kind::AUTOSCALERS, key: key.clone() }).collect()
    }

    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let Some(scaler) = cx.view.get(Kind::AUTOSCALERS, &id.key) else { return Ok(None) };
        let mut after = scaler.clone();
        self.judge(&mut after, cx)?;
        if after.get("status") != scaler.get("status") {
            cx.update_status(Kind::AUTOSCALERS, &after)?;
        }
        Ok(None)
    }
}

impl Autoscalers {
    fn judge(&self, scaler: &mut Value, cx: &mut Context<'_>) -> Result<(), Refused> {
        let now = cx.stamp();
        scaler.set(&["status", "observedGeneration"], number(scaler, &["metadata", "generation"]).into());
        let Some(path) = target_path(scaler, cx.view) else {
            fail(scaler, "no matches for the kind of the target", &now);
            return Ok(());
        };
        let scale = match cx.send(Request::system(Method::Get, format!("{path}/scale"))) {
            Ok(scale) => scale,
            Err(refused) => {
                let kind = text(scaler, &["spec", "scaleTargetRef", "kind"]).to_lowercase();
                let target = text(scaler, &["spec", "scaleTargetRef", "name"]);
                let why = match refused {
                    Refused::NotFound => format!("{kind}s.apps \"{target}\" not found"),
                    Refused::Other(why) => why,
                    other => return Err(other),
                };
                fail(scaler, &why, &now);
                return Ok(());
            }
        };
        let got = condition::condition(
            "AbleToScale",
            "True",
            "SucceededGetScale",
            "the HPA controller was able to get the target's current scale",
        );
        let has = number(&scale, &["spec", "replicas"]);
        let (least, most) =
            (scaler.int_at(&["spec", "minReplicas"]).unwrap_or(1), number(scaler, &["spec", "maxReplicas"]));
        let (wanted, why) = match () {
            () if has == 0 && least != 0 => {
                condition::set(scaler, got, &now);
                let off = condition::condition(
                    "ScalingActive",
                    "False",
                    "ScalingDisabled",
                    "scaling is disabled since the replica count of the target is zero",
                );
                condition::set(scaler, off, &now);
                counts(scaler, (has, has));
                return Ok(());
            }
            () if has > most => (most, "Current number of replicas above Spec.MaxReplicas"),
            () if has < least => (least, "Current number of replicas below Spec.MinReplicas"),
            () => (has, ""),
        };
        condition::set(scaler, got, &now);
        if wanted != has {
            let mut scale = scale;
            scale.set(&["spec", "replicas"], wanted.into());
            cx.send(
                Request::system(Method::Put, format!("{path}/scale"))
                    .body("application/json", to_json(&scale)),
            )?;
            cx.normal(scaler, "SuccessfulRescale", &format!("New size: {wanted}; reason: {why}"));
            scaler.set(&["status", "lastScaleTime"], now.clone().into());
        }
        unscaled(scaler, &now);
        without_metrics(scaler, cx);
        counts(scaler, (wanted, wanted));
        scaler.set(&["status", "currentMetrics"], Value::list(vec![object! {"type": ""}]));
        Ok(())
    }
}

/// Says that there are no metrics, and tells of it when that is new.
fn without_metrics(scaler: &mut Value, cx: &mut Context<'_>) {
    const REASON: &str = "FailedGetResourceMetric";
    let metric = first_metric(scaler);
    let why = format!(
        "failed to get {metric} utilization: unable to get metrics for resource {metric}: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)"
    );
    let known =
        condition::find(scaler, "ScalingActive").is_some_and(|known| text(known, &["reason"]) == REASON);
    let message = format!("the HPA was unable to compute the replica count: {why}");
    let inactive = condition::condition("ScalingActive", "False", REASON, &message);
    condition::set(scaler, inactive, &cx.stamp());
    if known {
        return;
    }
    let all = items(scaler, &["spec", "metrics"]).len().max(1);
    let invalid = format!(
        "invalid metrics ({all} invalid out of {all}), first error is: failed to get {metric} resource metric value: {why}"
    );
    cx.warning(scaler, REASON, &why);
    cx.warning(scaler, "FailedComputeMetricsReplicas", &invalid);
}

fn unscaled(scaler: &mut Value, now: &str) {
    let message = "the HPA controller did not scale the workload to zero";
    condition::set(scaler, condition::condition("ScaledToZero", "False", "NotScaledToZero", message), now);
}

fn counts(scaler: &mut Value, (current, desired): (i64, i64)) {
    scaler.set(&["status", "currentReplicas"], current.into());
    scaler.set(&["status", "desiredReplicas"], desired.into());
}

fn fail(scaler: &mut Value, why: &str, now: &str) {
    let message = format!("the HPA controller was unable to get the target's current scale: {why}");
    condition::set(scaler, condition::condition("AbleToScale", "False", "FailedGetScale", &message), now);
    counts(scaler, (number(scaler, &["status", "currentReplicas"]), 0));
}

fn first_metric(scaler: &Value) -> String {
    let metrics = items(scaler, &["spec", "metrics"]);
    let named = metrics.iter().find_map(|metric| metric.str_at(&["resource", "name"]));
    named.unwrap_or("cpu").to_owned()
}

/// Where the target of an autoscaler is.
fn target_path(scaler: &Value, view: &View) -> Option<String> {
    let target = |key| text(scaler, &["spec", "scaleTargetRef", key]);
    let group = target("apiVersion").split_once('/').map_or("", |(group, _)| group);
    let kind = view.kinds.of(group, target("kind"))?;
    Some(view.kinds.get(kind).path(namespace(scaler), target("name")))
}
