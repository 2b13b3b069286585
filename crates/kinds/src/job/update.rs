//! What may become of a Job once it is there.

use lockstep_core::Value;
use schema::{At, FieldError};

use super::{Errors, validate_name, validate_whole_spec};
use crate::condition::is_true;
use crate::meta::{Edit, View, immutable, invalid_internal};

/// A change of the Job itself.
pub(super) fn validate_update(object: &Value, old: &Value) -> Errors {
    let (mut errors, at) = (Vec::new(), At::ROOT.field("spec"));
    let [spec, before] = [object, old].map(|object| object.child("spec"));
    validate_whole_spec(&mut errors, spec);
    validate_completions(&mut errors, &at, [spec, before]);
    let selectors = [spec, before].map(|spec| spec.child("selector"));
    immutable(&mut errors, &at.field("selector"), "*v1.LabelSelector", selectors);
    validate_template_change(&mut errors, &at, (spec, old));
    let mut fixed = |key: &str, kind: &str| {
        immutable(&mut errors, &at.field(key), kind, [spec, before].map(|spec| spec.child(key)));
    };
    fixed("completionMode", "*s");
    fixed("podFailurePolicy", "*batch.PodFailurePolicy");
    fixed("backoffLimitPerIndex", "*i");
    fixed("managedBy", "*s");
    fixed("successPolicy", "*batch.SuccessPolicy");
    validate_name(&mut errors, object);
    errors
}

/// An indexed Job can grow and shrink as a whole.
fn validate_completions(errors: &mut Errors, at: &At, [spec, old]: [&Value; 2]) {
    let completions = [spec, old].map(|spec| spec.child("completions"));
    let at = at.field("completions");
    if spec.text("completionMode") != "Indexed" {
        immutable(errors, &at, "*i", completions);
    } else if completions[0] != completions[1]
        && spec.has("completions")
        && spec.number("completions") != spec.number("parallelism")
    {
        let text = "can only be modified in tandem with spec.parallelism";
        errors.push(FieldError::invalid(&at, completions[0].clone(), text));
    }
}

/// The template stays; while the Job is suspended and has not begun, where its pods run and what they use may change.
fn validate_template_change(errors: &mut Errors, at: &At, (spec, old): (&Value, &Value)) {
    let (template, mut before) = (spec.child("template"), old.child("spec").child("template").clone());
    let suspended = old.child("spec").flag("suspend");
    let status = old.child("status");
    let begun = status.has("startTime") && !is_true(status, "Suspended");
    let free = suspended && !begun && status.number("active") == 0;
    if free {
        before.take_from(template, &["spec", "affinity", "nodeAffinity"]);
        if before.child("spec").child("affinity").is_empty_container() {
            before.remove(&["spec", "affinity"]);
        }
        for key in ["nodeSelector", "tolerations", "schedulingGates"] {
            before.take_from(template, &["spec", key]);
        }
        for key in ["annotations", "labels"] {
            before.take_from(template, &["metadata", key]);
        }
    }
    if !free {
        immutable(errors, &at.field("template"), "core.PodTemplateSpec", [template, &before]);
        return;
    }
    let pod = template.child("spec");
    for list in ["containers", "initContainers"] {
        let new = pod.items(list);
        let Some(old) = before.child_mut("spec").map(|spec| spec.items_mut(list)) else { continue };
        if new.len() != old.len() {
            continue;
        }
        for (old, new) in old.iter_mut().zip(new).filter(|(old, new)| old.text("name") == new.text("name")) {
            old.take_from(new, &["resources"]);
        }
    }
    if pod != before.child("spec") {
        errors.push(invalid_internal(
            &at.field("template.spec"),
            ("core.PodSpec", pod),
            "field is immutable",
        ));
    }
}
