//! StatefulSets.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use crate::meta::{
    Edit, Selector, View, dns_label, immutable, invalid_each, invalid_internal, named, not_more_than_all,
    not_negative, number_or_percent, validate_annotations, validate_labels, validate_number_or_percent,
};
use crate::pod::{claim_warnings, validate_pod_annotations};
use crate::pod_template::{
    default_template, does_not_select, keep_spec, keep_status, reset_status, spec_changed, template_warnings,
    validate_collisions, validate_counts, validate_not_more, validate_owner_selector, validate_runs_on,
    validate_selects, validate_template,
};
use crate::storage::{default_claim_spec, validate_claim_spec};
use crate::strategy::{ResetField, Status, Strategy};

type Errors = Vec<FieldError>;

/// The rules of StatefulSets.
pub(crate) const STATEFUL_SET: Strategy = Strategy {
    default,
    prepare_create: |object| {
        reset_status(object);
        object.set(&["status", "replicas"], 0.into());
    },
    prepare_update: keep_status,
    validate: |object| validate_spec(object.child("spec"), When::Create),
    validate_update,
    status: Some(Status {
        prepare_update: keep_spec,
        validate_update: validate_status,
        warnings: |_| Vec::new(),
    }),
    warnings,
    name: |name| named(dns_label(name)),
    generation: Some(spec_changed),
    reset: &[
        ResetField { version: "v1", subresource: "", path: &["status"] },
        ResetField { version: "v1", subresource: "status", path: &["spec"] },
    ],
    ..Strategy::plain("apps", "StatefulSet", &["v1"])
};

/// What cannot change is not looked at again, and a template that was refused today is taken where it was there before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Create,
    Update,
    UpdateOfInvalid,
}

fn default(object: &mut Value) {
    object.default_to("spec", Map::new());
    let Some(spec) = object.child_mut("spec") else { return };
    spec.default_text("podManagementPolicy", "OrderedReady");
    spec.default_to("updateStrategy", Map::new());
    if let Some(strategy) = spec.child_mut("updateStrategy") {
        if strategy.text("type").is_empty() {
            strategy.set(&["type"], "RollingUpdate".into());
            strategy.default_to("rollingUpdate", Map::new());
        }
        if strategy.text("type") == "RollingUpdate"
            && let Some(rolling) = strategy.child_mut("rollingUpdate")
        {
            rolling.default_to("partition", 0);
            rolling.default_to("maxUnavailable", 1);
        }
    }
    spec.default_to("persistentVolumeClaimRetentionPolicy", Map::new());
    if let Some(policy) = spec.child_mut("persistentVolumeClaimRetentionPolicy") {
        policy.default_text("whenDeleted", "Retain");
        policy.default_text("whenScaled", "Retain");
    }
    spec.default_to("replicas", 1);
    spec.default_to("revisionHistoryLimit", 10);
    default_template(spec, "template");
    for claim in spec.items_mut("volumeClaimTemplates") {
        claim.set(&["kind"], "PersistentVolumeClaim".into());
        claim.set(&["apiVersion"], "v1".into());
        claim.default_to("status", Map::new());
        if let Some(spec) = claim.child_mut("spec") {
            default_claim_spec(spec);
        }
        if let Some(status) = claim.child_mut("status") {
            status.default_text("phase", "Pending");
        }
    }
}

fn warnings(object: &Value, old: Option<&Value>) -> Vec<String> {
    let mut warnings = match old {
        Some(old) if !spec_changed(object, old) => Vec::new(),
        _ => template_warnings(object),
    };
    let spec = At::ROOT.field("spec");
    let list = spec.field("volumeClaimTemplates");
    for (index, claim) in object.child("spec").items("volumeClaimTemplates").iter().enumerate() {
        let at = list.index(index);
        match old {
            None => claim_warnings(&mut warnings, &at, claim.child("spec")),
            Some(_) => claim_warnings(&mut warnings, &at.field("Spec"), claim.child("spec")), // as the server says it
        }
    }
    if object.child("spec").number("revisionHistoryLimit") < 0 {
        warnings.push(
            "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended".into(),
        );
    }
    warnings
}

fn validate_update(object: &Value, old: &Value) -> Errors {
    let [spec, before] = [object, old].map(|object| object.child("spec"));
    let when = match validate_spec(before, When::Update).is_empty() {
        true => When::Update,
        false => When::UpdateOfInvalid,
    };
    let mut errors = validate_spec(spec, when);
    let at = At::ROOT.field("spec");
    for (key, kind) in [
        ("selector", "*v1.LabelSelector"),
        ("volumeClaimTemplates", "[]core.PersistentVolumeClaim"),
        ("serviceName", "s"),
        ("podManagementPolicy", "s"),
    ] {
        immutable(&mut errors, &at.field(key), kind, [spec, before].map(|spec| spec.child(key)));
    }
    errors
}

fn validate_spec(spec: &Value, when: When) -> Errors {
    let (mut errors, at) = (Vec::new(), At::ROOT.field("spec"));
    let policy = spec.text("podManagementPolicy");
    if !matches!(policy, "OrderedReady" | "Parallel") {
        let text = "must be 'OrderedReady' or 'Parallel'";
        errors.push(FieldError::invalid(&at.field("podManagementPolicy"), policy, text));
    }
    validate_strategy(&mut errors, &at.field("updateStrategy"), spec.child("updateStrategy"));
    let retention = at.field("persistentVolumeClaimRetentionPolicy");
    for key in ["whenDeleted", "whenScaled"] {
        let policy = spec.child("persistentVolumeClaimRetentionPolicy").text(key);
        if !matches!(policy, "Retain" | "Delete") {
            errors.push(FieldError::not_supported(&retention.field(key), policy, &["Retain", "Delete"]));
        }
    }
    if when == When::Create {
        let claims = at.field("volumeClaimTemplates");
        for (index, claim) in spec.items("volumeClaimTemplates").iter().enumerate() {
            let at = claims.index(index);
            validate_claim_spec(&mut errors, &at.field("spec"), claim.child("spec"));
        }
    }
    for key in ["replicas", "minReadySeconds"] {
        not_negative(&mut errors, &at.field(key), spec.number(key));
    }
    not_negative(&mut errors, &at.field("ordinals.start"), spec.child("ordinals").number("start"));
    let service = spec.text("serviceName");
    if when == When::Create && !service.is_empty() {
        invalid_each(&mut errors, &at.field("serviceName"), &service.into(), dns_label(service));
    }
    validate_owner_selector(&mut errors, &at.field("selector"), (spec, "statefulset"));
    validate_set_template(&mut errors, &at, spec, when);
    validate_runs_on(&mut errors, &at.field("template"), (spec.child("template"), "StatefulSet"));
    errors
}

fn validate_set_template(errors: &mut Errors, at: &At, spec: &Value, when: When) {
    let (template_at, template) = (at.field("template"), with_claims(spec));
    let Some(selector) = Selector::of(spec.child("selector")) else {
        let shown = ("*v1.LabelSelector", spec.child("selector"));
        errors.push(invalid_internal(&at.field("selector"), shown, ""));
        return;
    };
    let meta = template.child("metadata");
    match spec.has("selector") {
        true => validate_selects(errors, &template_at, (selector, &template)),
        false => does_not_select(errors, &template_at, meta.child("labels")),
    }
    if when != When::UpdateOfInvalid {
        validate_template(errors, &template_at, &template);
    }
    // The server looks at these once more.
    validate_labels(errors, &template_at.field("labels"), meta.child("labels"));
    let annotations_at = template_at.field("annotations");
    validate_annotations(errors, &annotations_at, meta.child("annotations"));
    validate_pod_annotations(errors, &annotations_at, (meta.child("annotations"), template.child("spec")));
}

/// The template as its pods will be: with a volume for each claim, and a name that the set gives.
fn with_claims(spec: &Value) -> Value {
    let mut template = spec.child("template").clone();
    for key in ["hostname", "subdomain"] {
        template.remove(&["spec", key]);
    }
    let claims = spec.items("volumeClaimTemplates");
    if claims.is_empty() {
        return template;
    }
    let name = |claim: &Value| claim.child("metadata").child("name").clone();
    let names: Vec<Value> = claims.iter().map(name).collect();
    let made = names.iter().map(|name| {
        let mut volume = Value::map(Map::new());
        volume.set(&["name"], name.clone());
        volume.set(&["persistentVolumeClaim", "claimName"], name.clone());
        volume
    });
    let own = template.child("spec").items("volumes").iter();
    let own = own.filter(|volume| !names.contains(volume.child("name"))).cloned();
    let all = made.chain(own).collect();
    template.set(&["spec", "volumes"], Value::list(all));
    template
}

fn validate_strategy(errors: &mut Errors, at: &At, strategy: &Value) {
    let (rolling_at, rolling) = (at.field("rollingUpdate"), strategy.child("rollingUpdate"));
    match strategy.text("type") {
        "" => errors.push(FieldError::required(at, "")),
        "OnDelete" if strategy.has("rollingUpdate") => {
            let shown = ("apps.RollingUpdateStatefulSetStrategy", rolling);
            errors.push(invalid_internal(
                &rolling_at,
                shown,
                "only allowed for updateStrategy 'RollingUpdate'",
            ));
        }
        "OnDelete" => {}
        "RollingUpdate" => validate_rolling(errors, &rolling_at, rolling),
        _ => {
            let shown = ("apps.StatefulSetUpdateStrategy", strategy);
            errors.push(invalid_internal(at, shown, "must be 'RollingUpdate' or 'OnDelete'"));
        }
    }
}

fn validate_rolling(errors: &mut Errors, at: &At, rolling: &Value) {
    not_negative(errors, &at.field("partition"), rolling.number("partition"));
    if rolling.has("maxUnavailable") {
        let (at, most) = (at.field("maxUnavailable"), rolling.child("maxUnavailable"));
        validate_number_or_percent(errors, &at, most);
        if number_or_percent(most) == 0 {
            errors.push(FieldError::invalid(&at, most.clone(), "cannot be 0"));
        }
        not_more_than_all(errors, &at, most);
    }
}

fn validate_status(object: &Value, old: &Value) -> Errors {
    let (mut errors, status) = (Vec::new(), object.child("status"));
    validate_counts(
        &mut errors,
        status,
        &[
            "replicas",
            "readyReplicas",
            "currentReplicas",
            "updatedReplicas",
            "availableReplicas",
            "observedGeneration",
            "collisionCount",
        ],
    );
    for key in ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"] {
        validate_not_more(&mut errors, status, (key, "replicas", "cannot be greater than status.replicas"));
    }
    let text = "cannot be greater than status.readyReplicas";
    validate_not_more(&mut errors, status, ("availableReplicas", "readyReplicas", text));
    validate_collisions(&mut errors, [status, old.child("status")]);
    errors
}
