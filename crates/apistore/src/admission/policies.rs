//! `MutatingAdmissionPolicy` and `ValidatingAdmissionPolicy`: rules of the cluster, in CEL.

use std::sync::Arc;

use lockstep_core::Value;
use rules::{
    Attributes as Request, Authorizer, Check, Decision, Denial, MutatingPolicy, Params, Surroundings,
    ValidatingPolicy,
};
use schema::{FieldManager, Force, IgnoredFields, Write};

use super::equivalents::Others;
use super::named::Named;
use super::review;
use super::stage::{Stage, types_of};
use crate::authorizer::{Asked, What};
use crate::convert::{Versions, convert};
use crate::failure::{Cause, Failure, Halt};
use crate::served::Served;
use crate::state::State;
use crate::user::User;

const SHELF: &str = "admissionregistration.k8s.io";
/// What is itself a rule of admission, and so is under none: nobody can lock everyone out.
const EXEMPT: [&str; 6] = [
    "validatingwebhookconfigurations",
    "mutatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
];

/// Whether a resource is itself a rule of admission.
pub(super) fn is_exempt(stage: &Stage<'_, '_>) -> bool {
    let resource = &stage.call.served.resource;
    resource.group == SHELF && EXEMPT.contains(&&*resource.plural)
}

/// The policies of a cluster, compiled when they are written and not when they are asked, and their bindings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policies {
    mutating: Named<MutatingPolicy>,
    validating: Named<ValidatingPolicy>,
    mutating_bindings: Named<Value>,
    validating_bindings: Named<Value>,
}

impl Policies {
    /// Follows a change of a shelf: `object` is what is now there.
    pub(crate) fn follow(&mut self, shelf: &str, key: &str, object: Option<&Value>) {
        match shelf.strip_prefix(SHELF).unwrap_or_default() {
            "/mutatingadmissionpolicies" => self.mutating.put(key, object.map(MutatingPolicy::new)),
            "/validatingadmissionpolicies" => self.validating.put(key, object.map(ValidatingPolicy::new)),
            "/mutatingadmissionpolicybindings" => self.mutating_bindings.put(key, object.cloned()),
            "/validatingadmissionpolicybindings" => self.validating_bindings.put(key, object.cloned()),
            _ => {}
        }
    }
}

/// What belongs to a request and is no part of it.
struct Around {
    kind: (String, String, String),
    user: Value,
    namespace: Option<Value>,
    name: String,
    options: Value,
}

impl Around {
    fn of(stage: &Stage<'_, '_>, object: Option<&Value>) -> Self {
        Self {
            kind: review::kind(stage, &stage.call.served),
            user: stage.call.user.info(),
            namespace: stage.namespace_object().map(|entry| entry.value()),
            name: review::name(stage, object),
            options: review::options(stage),
        }
    }

    fn request<'r>(
        &'r self,
        stage: &'r Stage<'_, '_>,
        (object, old): (Option<&'r Value>, Option<&'r Value>),
    ) -> Request<'r> {
        let resource = &stage.call.served.resource;
        Request {
            group: &resource.group,
            version: &resource.version,
            kind: &self.kind.2,
            resource: &resource.plural,
            subresource: stage.attributes.subresource,
            name: &self.name,
            namespace: stage.namespace(),
            operation: stage.attributes.operation.as_str(),
            dry_run: stage.attributes.dry_run,
            user: &self.user,
            options: &self.options,
            object,
            old_object: old,
            namespace_object: self.namespace.as_ref(),
            asked: None,
        }
    }
}

/// The object as the mutating policies leave it.
pub(super) fn mutate(stage: &Stage<'_, '_>, object: Value, old: Option<&Value>) -> Result<Value, Halt> {
    let state = stage.state();
    let policies = &state.policies.mutating.values;
    if policies.is_empty() || is_exempt(stage) || object.as_map().is_none() {
        return Ok(object);
    }
    let bindings = &state.policies.mutating_bindings.values;
    let around = Around::of(stage, Some(&object));
    let request = around.request(stage, (Some(&object), old));
    let asks = Asks { state, user: &stage.call.user };
    let merge = |object: &Value, patch: &Value| merged(stage, object, patch);
    let others = Others::new(stage);
    let around = Surroundings { params: &asks, authorizer: Some(&asks), equivalents: &others };
    let mutated = rules::mutate(policies, bindings, &request, (around, &merge));
    others.settled()?;
    match mutated.denied {
        Some(Denial { message, reason }) => {
            let failure =
                Failure::new(403, &reason, &message).about(&stage.call.resource(), &stage.name(&object));
            Err(failure.with_cause(Cause { message, ..Cause::default() }).into())
        }
        None => {
            let mut object = mutated.object.unwrap_or_default();
            crate::wire::settle(types_of(&stage.call.served, &object), &mut object)?;
            Ok(object)
        }
    }
}

/// An apply configuration laid over an object: what it sets is set, whoever owned it.
fn merged(stage: &Stage<'_, '_>, object: &Value, patch: &Value) -> Result<Value, String> {
    let own = &stage.call.served;
    let in_version = |served: &&Arc<Served>| {
        served.shelf == own.shelf && object.str_at(&["apiVersion"]) == Some(&*served.api_version)
    };
    let served = types_of(stage.state().catalog.all().find(in_version).unwrap_or(own), object);
    let versions = Versions::new(served, stage.attributes.ask);
    let manager = FieldManager {
        kind: &served.gvk,
        subresource: "",
        convert: &versions,
        ignored: &IgnoredFields::new(),
        empty: served.empty(),
    };
    let mut patch = patch.clone();
    patch.set(&["apiVersion"], served.api_version.clone().into());
    patch.set(&["kind"], served.gvk.kind.clone().into());
    let mut bare = object.clone();
    bare.remove(&["metadata", "managedFields"]);
    let write = Write { manager: "admission", now: stage.call.time() };
    let mut applied = manager.apply(&bare, &patch, write, Force::Yes).map_err(|error| error.to_string())?;
    applied.remove(&["metadata", "managedFields"]);
    if let Some(managers) = object.at(&["metadata", "managedFields"]) {
        applied.set(&["metadata", "managedFields"], managers.clone());
    }
    Ok(applied)
}

/// Refuses what a validating policy does not allow.
pub(super) fn validate(
    stage: &mut Stage<'_, '_>,
    (object, old): (Option<&Value>, Option<&Value>),
) -> Result<(), Halt> {
    let state = stage.state();
    let policies = &state.policies.validating.values;
    if policies.is_empty() || is_exempt(stage) {
        return Ok(());
    }
    let bindings = &state.policies.validating_bindings.values;
    let (object, old) = (in_request_version(stage, object)?, in_request_version(stage, old)?);
    let around = Around::of(stage, object.as_ref());
    let verdict = {
        let request = around.request(stage, (object.as_ref(), old.as_ref()));
        let asks = Asks { state, user: &stage.call.user };
        let others = Others::new(stage);
        let around = Surroundings { params: &asks, authorizer: Some(&asks), equivalents: &others };
        let verdict = rules::validate(policies, bindings, &request, around);
        others.settled()?;
        verdict
    };
    verdict.warnings.into_iter().for_each(|warning| stage.call.warn(warning));
    match verdict.denied {
        Some(denied) => {
            let shown = object.unwrap_or_default();
            let failure = refused(stage, &shown, &denied.message, (denied.code(), &denied.reason));
            Err(failure.with_cause(Cause { message: denied.message, ..Cause::default() }).into())
        }
        None => Ok(()),
    }
}

/// The object in the version of the request.
pub(super) fn in_request_version(
    stage: &Stage<'_, '_>,
    object: Option<&Value>,
) -> Result<Option<Value>, Halt> {
    let Some(object) = object else { return Ok(None) };
    let served = &stage.call.served;
    let own_kind = object.str_at(&["kind"]) == Some(&*served.gvk.kind);
    match own_kind {
        true => convert(served, stage.attributes.ask, object.clone(), &served.api_version).map(Some),
        false => Ok(Some(object.clone())),
    }
}

fn refused(stage: &Stage<'_, '_>, object: &Value, why: &str, (code, reason): (u16, &str)) -> Failure {
    let name = stage.name(object);
    let text = Failure::forbidden(&stage.call.resource(), &name, why);
    Failure::new(code, reason, text.message()).about(&stage.call.resource(), &name)
}

/// What expressions can ask about: the parameters of policies, and rights.
pub(super) struct Asks<'a> {
    pub(super) state: &'a State,
    pub(super) user: &'a User,
}

impl Params for Asks<'_> {
    fn is_namespaced(&self, api_version: &str, kind: &str) -> Option<bool> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let served = self.state.catalog.of_kind(group, version, kind)?;
        Some(served.resource.namespaced)
    }

    fn list(&self, api_version: &str, kind: &str, namespace: &str) -> Vec<Value> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let Some(served) = self.state.catalog.of_kind(group, version, kind) else { return Vec::new() };
        let prefix = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
        self.state.objects(&served.shelf, &prefix).map(|entry| entry.value()).collect()
    }
}

impl Authorizer for Asks<'_> {
    fn check(&self, check: &Check) -> Decision {
        let account = check.service_account.as_ref();
        let account = account.map(|(namespace, name)| User::service_account(namespace, name));
        let what = match &*check.resource {
            "" => What::Path(&check.path),
            resource => What::Resource(Asked {
                group: &check.group,
                resource,
                subresource: &check.subresource,
                namespace: &check.namespace,
                name: &check.name,
            }),
        };
        let verdict = self.state.rights.decide(account.as_ref().unwrap_or(self.user), &check.verb, &what);
        Decision { allowed: verdict.allowed, reason: verdict.reason, error: None }
    }
}
