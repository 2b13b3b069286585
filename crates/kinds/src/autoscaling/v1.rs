//! Version 1, which knows the use of the processor alone: everything else of version 2 goes through annotations.

use lockstep_core::{Map, Value, from_json};

use super::ordered_json::ordered_json;
use super::{cpu_metric, default_behavior};
use crate::meta::{Edit, View};

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const STATUSES: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const TOLERANCES: [&str; 2] = [
    "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
    "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
];

/// Between the two versions.
pub(crate) fn convert(autoscaler: Value, to: &str) -> Value {
    let from = autoscaler.text("apiVersion").rsplit('/').next().unwrap_or_default().to_owned();
    let mut converted = match (&*from, to) {
        ("v1", "v2") => to_v2(autoscaler),
        ("v2", "v1") => to_v1(autoscaler),
        _ => autoscaler,
    };
    converted.set(&["apiVersion"], format!("autoscaling/{to}").into());
    converted
}

fn drop_annotations(autoscaler: &mut Value) {
    let Some(annotations) = autoscaler.child_mut("metadata").and_then(|meta| meta.child_mut("annotations"))
    else {
        return;
    };
    for key in [METRICS, STATUSES, CONDITIONS, BEHAVIOR].into_iter().chain(TOLERANCES) {
        annotations.remove(&[key]);
    }
    if annotations.is_empty_container() {
        autoscaler.remove(&["metadata", "annotations"]);
    }
}

/// Whether it is the metric that version 1 knows.
fn is_cpu_use(metric: &Value, target: &str) -> bool {
    let resource = metric.child("resource");
    metric.text("type") == "Resource"
        && resource.text("name") == "cpu"
        && resource.child(target).has("averageUtilization")
}

fn to_v1(mut autoscaler: Value) -> Value {
    drop_annotations(&mut autoscaler);
    let annotate = |autoscaler: &mut Value, key: &str, value: &Value| {
        autoscaler.set(&["metadata", "annotations", key], ordered_json(value).into());
    };
    let metrics = autoscaler.remove(&["spec", "metrics"]).unwrap_or_default();
    let metrics = metrics.as_list().unwrap_or_default();
    if let Some(cpu) = metrics.iter().find(|metric| is_cpu_use(metric, "target")) {
        let percent = cpu.child("resource").child("target").child("averageUtilization").clone();
        autoscaler.set(&["spec", "targetCPUUtilizationPercentage"], percent);
    }
    let others: Vec<Value> = metrics
        .iter()
        .filter(|metric| !is_cpu_use(metric, "target"))
        .map(|metric| metric_to_v1(metric, "target"))
        .collect();
    if !others.is_empty() {
        annotate(&mut autoscaler, METRICS, &others.into());
    }
    let current = autoscaler.remove(&["status", "currentMetrics"]).unwrap_or_default();
    let current = current.as_list().unwrap_or_default();
    if let Some(cpu) = current.iter().rev().find(|metric| is_cpu_use(metric, "current")) {
        let percent = cpu.child("resource").child("current").child("averageUtilization").clone();
        autoscaler.set(&["status", "currentCPUUtilizationPercentage"], percent);
    }
    if !current.is_empty() {
        let current: Vec<Value> = current.iter().map(|metric| metric_to_v1(metric, "current")).collect();
        annotate(&mut autoscaler, STATUSES, &current.into());
    }
    if let Some(behavior) = autoscaler.remove(&["spec", "behavior"]) {
        annotate(&mut autoscaler, BEHAVIOR, &behavior_to_go(&behavior));
    }
    let conditions = autoscaler.remove(&["status", "conditions"]).unwrap_or_default();
    if conditions.as_list().is_some_and(|conditions| !conditions.is_empty()) {
        annotate(&mut autoscaler, CONDITIONS, &conditions);
    }
    autoscaler.default_to("status", Map::new());
    if let Some(status) = autoscaler.child_mut("status") {
        status.default_to("currentReplicas", 0);
        status.default_to("desiredReplicas", 0);
    }
    autoscaler
}

fn to_v2(mut autoscaler: Value) -> Value {
    let annotation = |autoscaler: &Value, key: &str| {
        let text = autoscaler.str_at(&["metadata", "annotations", key])?.to_owned();
        from_json(text.as_bytes()).ok()
    };
    let mut metrics: Vec<Value> = Vec::new();
    if let Some(others) = annotation(&autoscaler, METRICS) {
        metrics
            .extend(others.as_list().unwrap_or_default().iter().map(|metric| metric_to_v2(metric, "target")));
    }
    if let Some(percent) = autoscaler.remove(&["spec", "targetCPUUtilizationPercentage"]) {
        metrics.push(cpu_metric(percent.as_int().unwrap_or_default()));
    }
    if metrics.is_empty() {
        metrics.push(cpu_metric(80));
    }
    autoscaler.set(&["spec", "metrics"], metrics.into());
    if let Some(behavior) = annotation(&autoscaler, BEHAVIOR) {
        autoscaler.set(&["spec", "behavior"], behavior_from_go(&behavior));
        if let Some(spec) = autoscaler.child_mut("spec") {
            default_behavior(spec);
        }
    }
    statuses_to_v2(&mut autoscaler, annotation);
    drop_annotations(&mut autoscaler);
    autoscaler
}

fn statuses_to_v2(autoscaler: &mut Value, annotation: impl Fn(&Value, &str) -> Option<Value>) {
    let percent = autoscaler.remove(&["status", "currentCPUUtilizationPercentage"]);
    if let Some(current) = annotation(autoscaler, STATUSES) {
        let current = current.as_list().unwrap_or_default();
        let current: Vec<Value> = current.iter().map(|metric| metric_to_v2(metric, "current")).collect();
        autoscaler.set(&["status", "currentMetrics"], current.into());
    } else if let Some(percent) = percent {
        let mut metric = cpu_metric(percent.as_int().unwrap_or_default());
        let mut current = metric.remove(&["resource", "target"]).unwrap_or_default();
        current.remove(&["type"]);
        metric.set(&["resource", "current"], current);
        autoscaler.set(&["status", "currentMetrics"], vec![metric].into());
    }
    if let Some(conditions) = annotation(autoscaler, CONDITIONS) {
        autoscaler.set(&["status", "conditions"], conditions);
    }
}

/// The names of one source in version 1: of its values, and of its selector.
struct Names {
    source: &'static str,
    selector: &'static str,
    average: &'static str,
}

const SOURCES: &[Names] = &[
    Names { source: "object", selector: "selector", average: "averageValue" },
    Names { source: "pods", selector: "selector", average: "AverageValue" },
    Names { source: "external", selector: "metricSelector", average: "AverageValue" },
    Names { source: "resource", selector: "", average: "AverageValue" },
    Names { source: "containerResource", selector: "", average: "AverageValue" },
];

impl Names {
    /// The name of the average: `targetAverageValue`, or without a prefix.
    fn average(&self, prefix: &str) -> String {
        if self.average.starts_with('A') { format!("{prefix}{}", self.average) } else { self.average.into() }
    }

    /// Whether the average is always there in a status.
    fn always_averages(&self) -> bool {
        ["resource", "containerResource", "pods"].contains(&self.source)
    }
}

fn metric_to_v1(metric: &Value, side: &str) -> Value {
    let mut converted = Value::map(Map::new());
    converted.take_from(metric, &["type"]);
    for names in SOURCES.iter().filter(|names| metric.has(names.source)) {
        let (source, values) = (metric.child(names.source), metric.child(names.source).child(side));
        let mut out = Value::map(Map::new());
        let put = |out: &mut Value, key: &str, value: &Value| {
            if !matches!(value, Value::Null) {
                out.set(&[key], value.clone());
            }
        };
        put(&mut out, "name", source.child("name"));
        put(&mut out, "container", source.child("container"));
        put(&mut out, "target", source.child("describedObject"));
        put(&mut out, "metricName", source.child("metric").child("name"));
        if !names.selector.is_empty() {
            put(&mut out, names.selector, source.child("metric").child("selector"));
        }
        put(&mut out, &format!("{side}Value"), values.child("value"));
        put(&mut out, &format!("{side}AverageUtilization"), values.child("averageUtilization"));
        let average = names.average(side);
        put(&mut out, &average, values.child("averageValue"));
        if side == "current" && names.always_averages() {
            out.default_to(&average, "0");
        }
        if names.source == "object" {
            out.default_to(&format!("{side}Value"), "0");
        }
        converted.set(&[names.source], out);
    }
    converted
}

fn metric_to_v2(metric: &Value, side: &str) -> Value {
    let mut converted = Value::map(Map::new());
    converted.take_from(metric, &["type"]);
    for names in SOURCES.iter().filter(|names| metric.has(names.source)) {
        let source = metric.child(names.source);
        let (value, use_name) = (format!("{side}Value"), format!("{side}AverageUtilization"));
        let average = names.average(side);
        let mut out = Value::map(Map::new());
        let put = |out: &mut Value, path: &[&str], value: &Value| {
            if !matches!(value, Value::Null) {
                out.set(path, value.clone());
            }
        };
        put(&mut out, &["name"], source.child("name"));
        put(&mut out, &["container"], source.child("container"));
        put(&mut out, &["describedObject"], source.child("target"));
        put(&mut out, &["metric", "name"], source.child("metricName"));
        if !names.selector.is_empty() {
            put(&mut out, &["metric", "selector"], source.child(names.selector));
        }
        let zero = names.source == "object" && source.has(&average) && source.text(&value) == "0";
        if !zero {
            put(&mut out, &[side, "value"], source.child(&value));
        }
        put(&mut out, &[side, "averageUtilization"], source.child(&use_name));
        put(&mut out, &[side, "averageValue"], source.child(&average));
        if side == "target" {
            let kind = match names.source {
                "resource" | "containerResource" if source.has(&use_name) => "Utilization",
                "external" if source.has(&value) => "Value",
                "object" if !source.has(&average) => "Value",
                _ => "AverageValue",
            };
            out.set(&[side, "type"], kind.into());
        }
        converted.set(&[names.source], out);
    }
    converted
}

const RULES: &[(&str, &str)] = &[
    ("StabilizationWindowSeconds", "stabilizationWindowSeconds"),
    ("SelectPolicy", "selectPolicy"),
    ("Policies", "policies"),
    ("Tolerance", "tolerance"),
];
const POLICY: &[(&str, &str)] = &[("Type", "type"), ("Value", "value"), ("PeriodSeconds", "periodSeconds")];

fn renamed(value: &Value, names: &[(&str, &str)]) -> Value {
    Value::map(names.iter().map(|(from, to)| ((*to).into(), value.child(from).clone())).collect::<Map>())
}

fn swapped(names: &'static [(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    names.iter().map(|(go, json)| (*json, *go)).collect()
}

/// The server writes its own type, with its own names of fields and all of them.
fn behavior_to_go(behavior: &Value) -> Value {
    let side = |name: &str| {
        let rules = behavior.child(name);
        if matches!(rules, Value::Null) {
            return Value::Null;
        }
        let mut out = renamed(rules, &swapped(RULES));
        let policies = rules.items("policies").iter().map(|policy| renamed(policy, &swapped(POLICY)));
        if rules.has("policies") {
            out.set(&["Policies"], policies.collect::<Vec<_>>().into());
        }
        out
    };
    let sides = [("ScaleUp".into(), side("scaleUp")), ("ScaleDown".into(), side("scaleDown"))];
    Value::map(Map::from(sides))
}

fn behavior_from_go(behavior: &Value) -> Value {
    let mut out = Value::map(Map::new());
    for (go, json) in [("ScaleUp", "scaleUp"), ("ScaleDown", "scaleDown")] {
        let rules = behavior.child(go);
        if matches!(rules, Value::Null) {
            continue;
        }
        let mut side = without_nulls(&renamed(rules, RULES));
        let policies = rules.items("Policies").iter().map(|policy| without_nulls(&renamed(policy, POLICY)));
        if rules.has("Policies") {
            side.set(&["policies"], policies.collect::<Vec<_>>().into());
        }
        out.set(&[json], side);
    }
    out
}

fn without_nulls(value: &Value) -> Value {
    let entries = value.as_map().into_iter().flatten();
    let kept = entries.filter(|(_, value)| !matches!(value, Value::Null));
    Value::map(kept.map(|(key, value)| (key.clone(), value.clone())).collect::<Map>())
}
