//! The status of a Job: what it may say, and what it may not take back.

use lockstep_core::Value;
use schema::{At, FieldError, Mistake};

use super::Errors;
use super::indexes::{common_index, count_indexes};
use crate::condition::is_true;
use crate::meta::{View, invalid_internal, not_negative};

fn is_finished(status: &Value) -> bool {
    is_true(status, "Complete") || is_true(status, "Failed")
}

/// A Job whose status is written, before and after. What has not changed is not held against it.
struct Change<'v> {
    spec: &'v Value,
    status: &'v Value,
    old: &'v Value,
}

impl Change<'_> {
    fn field(&self, key: &str) -> bool {
        self.status.child(key) != self.old.child(key)
    }

    fn number(&self, key: &str) -> bool {
        self.status.number(key) != self.old.number(key)
    }

    fn condition(&self, kind: &str) -> bool {
        is_true(self.status, kind) != is_true(self.old, kind)
    }

    fn finished(&self) -> bool {
        is_finished(self.status) != is_finished(self.old)
    }

    fn indexed(&self) -> bool {
        self.spec.text("completionMode") == "Indexed"
    }
}

/// A change of the status.
pub(super) fn validate_status_update(object: &Value, old: &Value) -> Errors {
    let change =
        Change { spec: object.child("spec"), status: object.child("status"), old: old.child("status") };
    let mut errors = Vec::new();
    validate_counts(&mut errors, change.status);
    validate_conditions(&mut errors, &change);
    validate_times(&mut errors, &change);
    validate_finished(&mut errors, &change);
    validate_indexes(&mut errors, &change);
    validate_success(&mut errors, &change);
    validate_taken_back(&mut errors, &change);
    errors
}

fn at<T>(key: &str, then: impl FnOnce(&At) -> T) -> T {
    let status = At::ROOT.field("status");
    then(&status.field(key))
}

fn conditions(errors: &mut Errors, text: &str) {
    errors.push(at("conditions", |at| FieldError::new(Mistake::Invalid, at, None, text)));
}

fn validate_counts(errors: &mut Errors, status: &Value) {
    for key in ["active", "succeeded", "failed", "ready", "terminating"] {
        at(key, |at| not_negative(errors, at, status.number(key)));
    }
    let mut seen = Vec::new();
    for list in ["succeeded", "failed"] {
        for (index, uid) in status.child("uncountedTerminatedPods").items(list).iter().enumerate() {
            at("uncountedTerminatedPods", |at| {
                let at = at.field(list);
                let at = at.index(index);
                if uid.as_str() == Some("") {
                    errors.push(FieldError::invalid(&at, "", "must not be empty"));
                } else if seen.contains(&uid) {
                    errors.push(FieldError::duplicate(&at, uid.clone()));
                }
            });
            seen.push(uid);
        }
    }
}

fn validate_conditions(errors: &mut Errors, change: &Change<'_>) {
    let status = change.status;
    let (complete, failed) = (is_true(status, "Complete"), is_true(status, "Failed"));
    if (change.condition("Complete") || change.condition("Failed")) && complete && failed {
        conditions(errors, "cannot set Complete=True and Failed=true conditions");
    }
    let target = is_true(status, "FailureTarget");
    if (change.condition("Complete") || change.condition("FailureTarget")) && complete && target {
        conditions(errors, "cannot set Complete=True and FailureTarget=true conditions");
    }
}

fn validate_times(errors: &mut Errors, change: &Change<'_>) {
    let (status, complete) = (change.status, is_true(change.status, "Complete"));
    let (ended, begun) = (status.child("completionTime"), status.child("startTime"));
    let completion = |text: &str| at("completionTime", |at| FieldError::invalid(at, ended.clone(), text));
    if change.condition("Complete") || change.field("completionTime") {
        if status.has("completionTime") && !complete {
            errors.push(completion("cannot set completionTime when there is no Complete=True condition"));
        }
        if !status.has("completionTime") && complete {
            let text = "completionTime is required for Complete jobs";
            errors.push(at("completionTime", |at| FieldError::required(at, text)));
        }
    }
    let both = status.has("completionTime") && status.has("startTime");
    if (change.field("startTime") || change.field("completionTime")) && both && ended < begun {
        errors.push(completion("must be equal to or after `startTime`"));
    }
    let (failed, target) = (is_true(status, "Failed"), is_true(status, "FailureTarget"));
    if (change.condition("Failed") || change.field("failedIndexes")) && failed && !target {
        conditions(errors, "cannot set Failed=True condition without the FailureTarget=true condition");
    }
    let met = is_true(status, "SuccessCriteriaMet");
    if (change.condition("Complete") || change.condition("SuccessCriteriaMet")) && complete && !met {
        conditions(
            errors,
            "cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
        );
    }
}

fn validate_finished(errors: &mut Errors, change: &Change<'_>) {
    let (status, spec) = (change.status, change.spec);
    if !is_finished(status) {
        return;
    }
    if (change.finished() || change.number("active")) && status.number("active") > 0 {
        let text = "active>0 is invalid for finished job";
        errors.push(at("active", |at| FieldError::invalid(at, status.number("active"), text)));
    }
    let never_begun = spec.flag("suspend") && spec.int("completions") == Some(0);
    if (change.finished() || change.field("startTime")) && !never_begun && !status.has("startTime") {
        errors.push(at("startTime", |at| FieldError::required(at, "startTime is required for finished job")));
    }
    let uncounted = status.child("uncountedTerminatedPods");
    let some = ["failed", "succeeded"].iter().any(|list| !uncounted.items(list).is_empty());
    if (change.finished() || change.field("uncountedTerminatedPods")) && some {
        let shown = ("*batch.UncountedTerminatedPods", uncounted);
        errors.push(at("uncountedTerminatedPods", |at| {
            invalid_internal(at, shown, "must be empty for finished job")
        }));
    }
}

fn validate_indexes(errors: &mut Errors, change: &Change<'_>) {
    let (status, spec) = (change.status, change.spec);
    let (completed, failed) = (status.text("completedIndexes"), status.text("failedIndexes"));
    let limited = spec.has("backoffLimitPerIndex");
    let changed = [change.field("completedIndexes"), change.field("failedIndexes")];
    let mut wrong = |key: &str, text: String| {
        errors.push(at(key, |at| FieldError::invalid(at, status.text(key), text)));
    };
    if let Some(completions) = spec.int("completions") {
        if changed[0]
            && let Err(text) = count_indexes(completed, completions)
        {
            wrong("completedIndexes", format!("error parsing completedIndexes: {text}"));
        }
        if changed[1]
            && limited
            && let Err(text) = count_indexes(failed, completions)
        {
            wrong("failedIndexes", format!("error parsing failedIndexes: {text}"));
        }
    }
    if changed[0] && !completed.is_empty() && !change.indexed() {
        wrong(
            "completedIndexes",
            "cannot set non-empty completedIndexes when non-indexed completion mode".into(),
        );
    }
    if changed[1] && !limited && status.has("failedIndexes") {
        wrong("failedIndexes", "cannot set non-null failedIndexes when backoffLimitPerIndex is null".into());
    }
    let common = spec.int("completions").and_then(|completions| common_index(completed, failed, completions));
    if let Some(index) = common.filter(|_| changed[0] || changed[1]) {
        wrong("failedIndexes", format!("failedIndexes and completedIndexes overlap at index: {index}"));
    }
}

fn validate_success(errors: &mut Errors, change: &Change<'_>) {
    let status = change.status;
    let (terminating, ready) = (status.number("terminating"), status.number("ready"));
    if (change.finished() || change.field("terminating")) && terminating > 0 && is_finished(status) {
        let text = "terminating>0 is invalid for finished job";
        errors.push(at("terminating", |at| FieldError::invalid(at, terminating, text)));
    }
    if (change.field("ready") || change.number("active"))
        && status.has("ready")
        && ready > status.number("active")
    {
        errors
            .push(at("ready", |at| FieldError::invalid(at, ready, "cannot set more ready pods than active")));
    }
    let met = is_true(status, "SuccessCriteriaMet");
    if met && is_true(status, "Failed") {
        conditions(errors, "cannot set SuccessCriteriaMet=True and Failed=true conditions");
    }
    if met && is_true(status, "FailureTarget") {
        conditions(errors, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
    }
    if change.spec.has("successPolicy") && !met && is_true(status, "Complete") {
        conditions(
            errors,
            "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True",
        );
    }
}

fn validate_taken_back(errors: &mut Errors, change: &Change<'_>) {
    let (status, old, spec) = (change.status, change.old, change.spec);
    for kind in ["Failed", "Complete", "FailureTarget"] {
        if is_true(old, kind) && !is_true(status, kind) {
            conditions(errors, &format!("cannot disable the terminal {kind}=True condition"));
        }
    }
    let elastic = change.indexed() && spec.child("completions") == spec.child("parallelism");
    for key in ["failed", "succeeded"] {
        let fell = status.number(key) < old.number(key);
        if fell && (key == "failed" || !elastic) {
            let text = format!("cannot decrease the {key} counter");
            errors.push(at(key, |at| FieldError::invalid(at, status.number(key), text)));
        }
    }
    let both = status.has("completionTime") && old.has("completionTime");
    if both && change.field("completionTime") {
        let value = status.child("completionTime").clone();
        errors.push(at("completionTime", |at| FieldError::invalid(at, value, "field is immutable")));
    }
    let suspended = |status: &Value, word: &str| {
        let conditions = status.items("conditions");
        conditions
            .iter()
            .any(|condition| condition.text("type") == "Suspended" && condition.text("status") == word)
    };
    let resuming = suspended(old, "True") && suspended(status, "False");
    if change.field("startTime") && !resuming && old.has("startTime") && !spec.flag("suspend") {
        let (value, text) =
            (status.child("startTime").clone(), "field is immutable for unsuspended job once set");
        errors.push(at("startTime", |at| FieldError::invalid(at, value, text)));
    }
    let [met, was_met] = [status, old].map(|status| is_true(status, "SuccessCriteriaMet"));
    if was_met && !met {
        conditions(errors, "cannot disable the SuccessCriteriaMet=True condition");
    }
    if is_true(old, "Complete") && !was_met && met {
        conditions(errors, "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions");
    }
}
