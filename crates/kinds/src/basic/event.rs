//! Events, which are kept once and served by two groups, with other names of fields in each.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use crate::meta::{Edit, View, invalid_each, qualified_name};
use crate::naming::subdomain;
use crate::strategy::Strategy;

type Errors = Vec<FieldError>;

/// Names in the core group, and in `events.k8s.io`.
const NAMES: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

pub(crate) const EVENT: Strategy = Strategy {
    validate: |event| validate_legacy(event, "reportingComponent"),
    validate_update: |event, _| validate_legacy(event, "reportingComponent"),
    name: |_| Ok(()),
    create_on_update: true,
    selectable,
    ..Strategy::plain("", "Event", &["v1"])
};

pub(crate) const NEW_EVENT: Strategy = Strategy {
    validate: |event| {
        let event = renamed(event, Direction::ToCore);
        let mut errors = validate_legacy(&event, "reportingController");
        errors.extend(validate_strictly(&event));
        errors
    },
    validate_update: |event, old| {
        let (event, old) = (renamed(event, Direction::ToCore), renamed(old, Direction::ToCore));
        let mut errors = validate_legacy(&event, "reportingController");
        errors.extend(validate_change(&event, &old));
        errors
    },
    name: subdomain,
    create_on_update: true,
    selectable: |event| {
        let named = |field| match field {
            "reportingComponent" => "reportingController",
            "involvedObject.kind" => "regarding.kind",
            "involvedObject.namespace" => "regarding.namespace",
            "involvedObject.name" => "regarding.name",
            "involvedObject.uid" => "regarding.uid",
            "involvedObject.apiVersion" => "regarding.apiVersion",
            "involvedObject.resourceVersion" => "regarding.resourceVersion",
            "involvedObject.fieldPath" => "regarding.fieldPath",
            other => other,
        };
        let fields = selectable(&renamed(event, Direction::ToCore)).into_iter();
        fields.filter(|(field, _)| *field != "source").map(|(field, value)| (named(field), value)).collect()
    },
    ..Strategy::plain("events.k8s.io", "Event", &["v1"])
};

/// Which form an event is to have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToCore,
    FromCore,
}

/// An event in the form of the group of `api_version` (`v1` or `events.k8s.io/v1`), whichever it has.
pub fn convert_event(event: &Value, api_version: &str) -> Value {
    if event.text("apiVersion") == api_version {
        return event.clone();
    }
    let direction = if api_version == "v1" { Direction::ToCore } else { Direction::FromCore };
    let mut event = renamed(event, direction);
    event.set(&["apiVersion"], api_version.into());
    if direction == Direction::ToCore {
        for field in ["involvedObject", "source"] {
            event.default_to(field, Map::new());
        }
    }
    event
}

fn renamed(event: &Value, direction: Direction) -> Value {
    let mut event = event.clone();
    for (core, new) in NAMES {
        let (from, to) = if direction == Direction::ToCore { (new, core) } else { (core, new) };
        if let Some(value) = event.remove(&[*from]) {
            event.set(&[*to], value);
        }
    }
    event
}

fn validate_legacy(event: &Value, controller_field: &str) -> Errors {
    let mut errors = Vec::new();
    let (about, namespace) = (event.child("involvedObject"), event.child("metadata").text("namespace"));
    let at = At::ROOT.field("involvedObject");
    let elsewhere = || {
        FieldError::invalid(&at.field("namespace"), about.text("namespace"), "does not match event.namespace")
    };
    let dated = event.has("eventTime");
    let matches = match (dated, about.text("namespace")) {
        (false, "") => matches!(namespace, "" | "default"),
        (false, about) => namespace == about,
        (true, "") => matches!(namespace, "default" | "kube-system"),
        (true, _) => true,
    };
    if !matches {
        errors.push(elsewhere());
    }
    if dated {
        let (at, controller) = (At::ROOT.field(controller_field), event.text("reportingComponent"));
        if controller.is_empty() {
            errors.push(FieldError::required(&at, ""));
        }
        invalid_each(&mut errors, &at, &controller.into(), qualified_name(controller));
        for field in ["reportingInstance", "action", "reason"] {
            let (at, text) = (At::ROOT.field(field), event.text(field));
            if text.is_empty() {
                errors.push(FieldError::required(&at, ""));
            }
            if text.len() > 128 {
                errors.push(FieldError::invalid(&at, "", "can have at most 128 characters"));
            }
        }
        if event.text("message").len() > 1024 {
            let at = At::ROOT.field("message");
            errors.push(FieldError::invalid(&at, "", "can have at most 1024 characters"));
        }
    }
    errors
}

fn validate_strictly(event: &Value) -> Errors {
    let mut errors = Vec::new();
    validate_series(&mut errors, event);
    if !event.has("eventTime") {
        errors.push(FieldError::required(&At::ROOT.field("eventTime"), ""));
    }
    let kind = event.text("type");
    if !["Normal", "Warning"].contains(&kind) {
        errors.push(FieldError::invalid(&At::ROOT.field("type"), "", format!("has invalid value: {kind}")));
    }
    let source = event.child("source");
    let set = [
        ("firstTimestamp", event.has("firstTimestamp")),
        ("lastTimestamp", event.has("lastTimestamp")),
        ("count", event.number("count") != 0),
        ("source", !source.text("component").is_empty() || !source.text("host").is_empty()),
    ];
    for (field, _) in set.iter().filter(|(_, set)| *set) {
        errors.push(FieldError::invalid(&At::ROOT.field(field), "", "needs to be unset"));
    }
    errors
}

fn validate_series(errors: &mut Errors, event: &Value) {
    let series = event.child("series");
    if !event.has("series") {
        return;
    }
    if series.number("count") < 2 {
        errors.push(FieldError::invalid(&At::ROOT.field("series.count"), "", "should be at least 2"));
    }
    if !series.has("lastObservedTime") {
        errors.push(FieldError::required(&At::ROOT.field("series.lastObservedTime"), ""));
    }
}

fn validate_change(event: &Value, old: &Value) -> Errors {
    const IMMUTABLE: &[(&str, &str)] = &[
        ("involvedObject", "involvedObject"),
        ("reason", "reason"),
        ("message", "message"),
        ("source", "source"),
        ("firstTimestamp", "firstTimestamp"),
        ("lastTimestamp", "lastTimestamp"),
        ("count", "count"),
        ("reason", "reason"),
        ("type", "type"),
        ("eventTime", "eventTime"),
        ("action", "action"),
        ("related", "related"),
        ("reportingComponent", "reportingController"),
        ("reportingInstance", "reportingInstance"),
    ];
    let mut errors = Vec::new();
    if event.child("series") != old.child("series") {
        validate_series(&mut errors, event);
    }
    for (field, named) in IMMUTABLE {
        if event.child(field) != old.child(field) {
            let value = match event.child(field) {
                Value::Null
                    if !matches!(*field, "firstTimestamp" | "lastTimestamp" | "eventTime" | "related") =>
                {
                    "".into()
                }
                value => value.clone(),
            };
            errors.push(FieldError::invalid(&At::ROOT.field(named), value, "field is immutable"));
        }
    }
    errors
}

fn selectable(event: &Value) -> Vec<(&'static str, String)> {
    let about = event.child("involvedObject");
    let source = match event.child("source").text("component") {
        "" => event.text("reportingComponent"),
        component => component,
    };
    let text = |field: &str| about.text(field).to_owned();
    vec![
        ("involvedObject.kind", text("kind")),
        ("involvedObject.namespace", text("namespace")),
        ("involvedObject.name", text("name")),
        ("involvedObject.uid", text("uid")),
        ("involvedObject.apiVersion", text("apiVersion")),
        ("involvedObject.resourceVersion", text("resourceVersion")),
        ("involvedObject.fieldPath", text("fieldPath")),
        ("reason", event.text("reason").into()),
        ("reportingComponent", event.text("reportingComponent").into()),
        ("source", source.into()),
        ("type", event.text("type").into()),
    ]
}
