//! HorizontalPodAutoscalers: kept as version 2, served as versions 1 and 2.

mod metrics;
mod ordered_json;
mod v1;
mod validate;

pub(crate) use v1::convert;

use lockstep_core::{Map, Value, from_json};

use crate::meta::{Edit, View};
use crate::naming::subdomain;
use crate::reset::V1_AND_V2;
use crate::strategy::{Status, Strategy};

pub(crate) const HORIZONTAL_POD_AUTOSCALER: Strategy = Strategy {
    convert: v1::convert,
    default,
    prepare_create: |autoscaler| autoscaler.set(&["status"], empty_status()),
    prepare_update: |autoscaler, old| autoscaler.take_from(old, &["status"]),
    validate: |autoscaler| validate::validate(autoscaler, None),
    validate_update: |autoscaler, old| validate::validate(autoscaler, Some(old)),
    status: Some(Status {
        validate_update: |autoscaler, _| validate::validate_status(autoscaler),
        ..Status::PLAIN
    }),
    name: subdomain,
    generation: Some(crate::pod_template::spec_changed),
    reset: V1_AND_V2,
    ..Strategy::plain("autoscaling", "HorizontalPodAutoscaler", &["v2", "v1"])
};

fn empty_status() -> Value {
    let status = [("currentMetrics".into(), Value::Null), ("desiredReplicas".into(), 0.into())];
    Value::map(Map::from(status))
}

fn default(autoscaler: &mut Value) {
    autoscaler.default_to("spec", Map::new());
    let first = autoscaler.text("apiVersion").ends_with("/v1");
    let Some(spec) = autoscaler.child_mut("spec") else { return };
    spec.default_to("minReplicas", 1);
    if !first {
        if spec.items("metrics").is_empty() {
            spec.set(&["metrics"], vec![cpu_metric(80)].into());
        }
        default_behavior(spec);
    }
}

/// The metric of an autoscaler that names none: how much of the processor time is used, in percent.
fn cpu_metric(percent: i64) -> Value {
    let text = format!(
        r#"{{"type":"Resource","resource":{{"name":"cpu","target":{{"type":"Utilization","averageUtilization":{percent}}}}}}}"#
    );
    from_json(text.as_bytes()).unwrap_or_default()
}

/// Whoever says anything about the behavior says all of it: what is left out has these rules.
fn default_behavior(spec: &mut Value) {
    const UP: &str = r#"{"stabilizationWindowSeconds":0,"selectPolicy":"Max","policies":[{"type":"Pods","value":4,"periodSeconds":15},{"type":"Percent","value":100,"periodSeconds":15}]}"#;
    const DOWN: &str =
        r#"{"selectPolicy":"Max","policies":[{"type":"Percent","value":100,"periodSeconds":15}]}"#;
    let Some(behavior) = spec.child_mut("behavior") else { return };
    for (side, rules) in [("scaleUp", UP), ("scaleDown", DOWN)] {
        let mut rules = from_json(rules.as_bytes()).unwrap_or_default();
        for (field, value) in behavior.child(side).as_map().into_iter().flatten() {
            if !matches!(value, Value::Null) {
                rules.set(&[field], value.clone());
            }
        }
        behavior.set(&[side], rules);
    }
}
