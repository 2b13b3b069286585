//! `NamespaceLifecycle`: nothing is made in namespaces that are not there or go, and some never go.

use lockstep_core::Value;

use super::Operation;
use super::stage::Stage;
use crate::failure::{Cause, Failure, GroupResource};

const KEPT: [&str; 3] = ["default", "kube-public", "kube-system"];

pub(super) fn admit(stage: &Stage<'_, '_>, object: &Value) -> Result<(), Failure> {
    let operation = stage.attributes.operation;
    if stage.is_of("", "namespaces") {
        let name = stage.attributes.name;
        return match operation == Operation::Delete && KEPT.contains(&name) {
            true => {
                Err(Failure::forbidden(&stage.call.resource(), name, "this namespace may not be deleted"))
            }
            false => Ok(()),
        };
    }
    let namespace = stage.namespace();
    let is_review = stage.is_of("authorization.k8s.io", "localsubjectaccessreviews");
    if namespace.is_empty() || is_review || !matches!(operation, Operation::Create) {
        return Ok(());
    }
    let Some(entry) = stage.namespace_object() else {
        return Err(Failure::not_found(&GroupResource::new("", "namespaces"), namespace));
    };
    if entry.value().str_at(&["status", "phase"]) != Some("Terminating") {
        return Ok(());
    }
    let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
    let cause = Cause {
        reason: "NamespaceTerminating".into(),
        message: format!("namespace {namespace} is being terminated"),
        field: "metadata.namespace".into(),
    };
    Err(stage.forbidden(object, &why).with_cause(cause))
}
