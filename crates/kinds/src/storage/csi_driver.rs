//! CSIDrivers.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use super::IMMUTABLE;
use crate::address::texts;
use crate::meta::{Edit, View};
use crate::naming::subdomain;
use crate::strategy::Strategy;

type Errors = Vec<FieldError>;

const RECOMMENDED: &str = "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes";

pub(crate) const CSI_DRIVER: Strategy = Strategy {
    default,
    // Counted from the first change on, not from creation.
    prepare_update: |driver, old| {
        if driver.child("spec") != old.child("spec") {
            let before = old.child("metadata").number("generation");
            driver.set(&["metadata", "generation"], (before + 1).into());
        }
    },
    validate,
    validate_update: |driver, old| {
        let (mut errors, was, is) = (validate(driver), old.child("spec"), driver.child("spec"));
        let at = At::ROOT.field("spec");
        for (field, named) in
            [("attachRequired", "attachedRequired"), ("volumeLifecycleModes", "volumeLifecycleModes")]
        {
            if was.child(field) != is.child(field) {
                errors.push(FieldError::invalid(&at.field(named), is.child(field).clone(), IMMUTABLE));
            }
        }
        errors
    },
    warnings: |driver, old| {
        let requests = |driver: &Value| driver.child("spec").child("tokenRequests").clone();
        let spec = driver.child("spec");
        let changed = old.is_none_or(|old| requests(old) != requests(driver));
        let asks = !spec.items("tokenRequests").is_empty() && !spec.has("serviceAccountTokenInSecrets");
        if changed && asks { vec![RECOMMENDED.into()] } else { Vec::new() }
    },
    name: subdomain,
    unconditional_update: false,
    ..Strategy::plain("storage.k8s.io", "CSIDriver", &["v1"])
};

fn default(driver: &mut Value) {
    driver.default_to("spec", Map::new());
    let Some(spec) = driver.child_mut("spec") else { return };
    spec.default_to("attachRequired", true);
    for field in [
        "podInfoOnMount",
        "storageCapacity",
        "requiresRepublish",
        "seLinuxMount",
        "preventPodSchedulingIfMissing",
    ] {
        spec.default_to(field, false);
    }
    spec.default_to("fsGroupPolicy", "ReadWriteOnceWithFSType");
    if spec.items("volumeLifecycleModes").is_empty() {
        spec.set(&["volumeLifecycleModes"], vec!["Persistent".into()].into());
    }
}

fn validate(driver: &Value) -> Errors {
    const GROUP_POLICIES: &[&str] = &["File", "None", "ReadWriteOnceWithFSType"];
    const MODES: &[&str] = &["Persistent", "Ephemeral"];
    let (mut errors, spec) = (Vec::new(), driver.child("spec"));
    let at = At::ROOT.field("spec");
    let policy = spec.text("fsGroupPolicy");
    if spec.has("fsGroupPolicy") && !GROUP_POLICIES.contains(&policy) {
        errors.push(FieldError::not_supported(&at.field("fsGroupPolicy"), policy, GROUP_POLICIES));
    }
    validate_token_requests(&mut errors, &at.field("tokenRequests"), spec.items("tokenRequests"));
    for mode in texts(spec.items("volumeLifecycleModes")).into_iter().filter(|mode| !MODES.contains(mode)) {
        errors.push(FieldError::not_supported(&at.field("volumeLifecycleModes"), mode, MODES));
    }
    if let Some(period) = spec.int("nodeAllocatableUpdatePeriodSeconds").filter(|period| *period < 10) {
        let at = at.field("nodeAllocatableUpdatePeriodSeconds");
        errors.push(FieldError::invalid(&at, period, "must be greater than or equal to 10 seconds"));
    }
    if spec.has("serviceAccountTokenInSecrets") && spec.items("tokenRequests").is_empty() {
        let (at, value) =
            (at.field("serviceAccountTokenInSecrets"), spec.child("serviceAccountTokenInSecrets").clone());
        let text = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
        errors.push(FieldError::invalid(&at, value, text));
    }
    errors
}

fn validate_token_requests(errors: &mut Errors, at: &At, requests: &[Value]) {
    for (index, request) in requests.iter().enumerate() {
        let (place, audience) = (at.index(index), request.text("audience"));
        if requests[..index].iter().any(|other| other.text("audience") == audience) {
            errors.push(FieldError::duplicate(&place.field("audience"), audience));
            continue;
        }
        let seconds_at = place.field("expirationSeconds");
        match request.int("expirationSeconds") {
            Some(seconds) if seconds < 600 => {
                let text = "may not specify a duration less than 10 minutes";
                errors.push(FieldError::invalid(&seconds_at, seconds, text));
            }
            Some(seconds) if seconds > 1 << 32 => {
                let text = "may not specify a duration larger than 2^32 seconds";
                errors.push(FieldError::invalid(&seconds_at, seconds, text));
            }
            _ => {}
        }
    }
}
