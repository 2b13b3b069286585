//! Admission: what may change a request's object, or refuse it, after the request was authorized.
//!
//! The plugins are those that a real server has on by default, in its order. Not among them: `CertificateApproval`,
//! `CertificateSigning`, `CertificateSubjectRestriction` and `ClusterTrustBundleAttest`, as nothing here signs certificates, and
//! `TaintNodesByCondition` and `PodTopologyLabels`, as nodes are simulated. `OwnerReferencesPermissionEnforcement` is off, as by default.

mod accounts;
mod amounts;
mod classes;
mod equivalents;
mod limits;
mod named;
mod namespaces;
mod pods;
mod policies;
mod quota;
mod review;
mod security;
mod stage;
mod webhook;

use lockstep_core::Value;

use crate::answers::Ask;
use crate::authorizer::{Asked, What, check_escalation, require};
use crate::call::Call;
use crate::failure::{Failure, Halt};
use crate::info::Verb;
use crate::options::WriteOptions;
use crate::state::State;
pub(crate) use policies::Policies;
use stage::Stage;
pub(crate) use webhook::Webhooks;

/// What is done to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

/// What admission sees of a request.
#[derive(Clone, Copy)]
pub(crate) struct Attributes<'a> {
    pub(crate) ask: Ask<'a>,
    pub(crate) operation: Operation,
    /// Empty where it is generated, or a collection is deleted.
    pub(crate) name: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) dry_run: bool,
    /// The options of the request, as an object.
    pub(crate) options: &'a Value,
}

/// The object as mutating admission leaves it; both objects are in the version of the request. Nothing is asked of what is
/// only read. `object` is null where an object is deleted.
pub(crate) fn mutate(
    call: &mut Call<'_>,
    attributes: Attributes<'_>,
    mut object: Value,
    old: Option<&Value>,
) -> Result<Value, Halt> {
    let mut stage = Stage { call, attributes };
    let mut rounds = webhook::Rounds::default();
    loop {
        built_in(&mut stage, &mut object, old)?;
        object = policies::mutate(&stage, object, old)?;
        let (after, changed) = webhook::mutate(&mut stage, object, old, &mut rounds)?;
        object = after;
        if !rounds.begins_second(changed) {
            break;
        }
    }
    let writes = matches!(attributes.operation, Operation::Create | Operation::Update);
    if writes && attributes.subresource.is_empty() {
        check_escalation(attributes.ask.state, call, &object, old)?;
    }
    Ok(object)
}

/// The mutating plugins that are no policies and no webhooks.
fn built_in(stage: &mut Stage<'_, '_>, object: &mut Value, old: Option<&Value>) -> Result<(), Failure> {
    namespaces::admit(stage, object)?;
    if object.as_map().is_none() {
        return Ok(());
    }
    limits::mutate(stage, object);
    accounts::mutate(stage, object)?;
    pods::prioritize(stage, object, old)?;
    pods::tolerate(stage, object);
    classes::default_storage_class(stage, object);
    classes::protect(stage, object);
    pods::set_runtime(stage, object)?;
    classes::default_ingress_class(stage, object);
    Ok(())
}

/// Whether validating admission lets the object pass, as it is about to be stored.
pub(crate) fn validate(
    call: &mut Call<'_>,
    attributes: Attributes<'_>,
    object: Option<&Value>,
    old: Option<&Value>,
) -> Result<(), Halt> {
    if attributes.operation == Operation::Create && call.info.verb != Verb::Create {
        may_create(attributes.ask.state, call)?;
    }
    let mut stage = Stage { call, attributes };
    if let Some(object) = object {
        limits::validate(&stage, object, old)?;
        accounts::validate(&stage, object)?;
        security::validate(&mut stage, object, old)?;
        pods::validate_class(&stage, object)?;
        classes::validate_resize(&stage, object, old)?;
        pods::validate_runtime(&stage, object)?;
    }
    policies::validate(&mut stage, (object, old))?;
    webhook::validate(&mut stage, (object, old))?;
    quota::validate(&stage, object, old)?;
    Ok(())
}

/// Whether policies and webhooks let a request for an endpoint pass that is an action, not a part of the object: `object` is what
/// it was sent, if it was sent any.
pub(crate) fn act(
    call: &mut Call<'_>,
    (state, operation, dry_run): (&State, Operation, bool),
    object: Option<&Value>,
) -> Result<(), Halt> {
    let none = Value::Null;
    let (name, subresource) = (call.info.name.clone(), call.info.subresource.clone());
    let ask = Ask { state, answers: call.answers };
    let attributes =
        Attributes { ask, operation, name: &name, subresource: &subresource, dry_run, options: &none };
    let mut stage = Stage { call, attributes };
    policies::validate(&mut stage, (object, None))?;
    webhook::validate(&mut stage, (object, None))
}

/// Who creates by an update or patch must be allowed to create.
fn may_create(state: &State, call: &Call<'_>) -> Result<(), Failure> {
    let info = call.info;
    let asked = Asked {
        group: &info.group,
        resource: &info.resource,
        subresource: &info.subresource,
        namespace: &info.namespace,
        name: &info.name,
    };
    require(state, &call.user, "create", &What::Resource(asked))
}

/// The options of a write as admission sees them.
pub(crate) fn options_value(options: &WriteOptions, operation: Operation) -> Value {
    options.value(match operation {
        Operation::Create => crate::options::WriteKind::Create,
        _ => crate::options::WriteKind::Update,
    })
}
