//! JSON with its fields in the order of the server's types, as it stands in annotations.

use lockstep_core::{Value, to_json};

/// Fields in an order that fits every type that is written so.
const ORDER: &[&str] = &[
    "type",
    "status",
    "lastTransitionTime",
    "reason",
    "message",
    "observedGeneration",
    "object",
    "pods",
    "resource",
    "containerResource",
    "external",
    "target",
    "kind",
    "name",
    "apiVersion",
    "metricName",
    "metricSelector",
    "targetValue",
    "targetAverageUtilization",
    "targetAverageValue",
    "currentValue",
    "currentAverageUtilization",
    "currentAverageValue",
    "selector",
    "averageValue",
    "container",
    "matchLabels",
    "matchExpressions",
    "ScaleUp",
    "ScaleDown",
    "StabilizationWindowSeconds",
    "SelectPolicy",
    "Policies",
    "Tolerance",
    "Type",
    "Value",
    "PeriodSeconds",
];

/// The text of a value.
pub(super) fn ordered_json(value: &Value) -> String {
    match value {
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(ordered_json).collect();
            format!("[{}]", items.join(","))
        }
        Value::Map(entries) => {
            let rank = |key: &str| ORDER.iter().position(|known| *known == key).unwrap_or(ORDER.len());
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| rank(key));
            let entries = entries.into_iter().map(|(key, value)| {
                let value = match &**key {
                    "matchLabels" => String::from_utf8_lossy(&to_json(value)).into_owned(),
                    _ => ordered_json(value),
                };
                format!("\"{key}\":{value}")
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        scalar => String::from_utf8_lossy(&to_json(scalar)).into_owned(),
    }
}
