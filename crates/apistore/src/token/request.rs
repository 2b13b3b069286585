//! Making a token for a ServiceAccount.

use std::sync::Arc;

use lockstep_core::{Gvk, Map, Timestamp, Value, to_json};
use schema::{
    At, Convert, ConvertError, Definitions, FieldError, FieldManager, IgnoredFields, Schema, Write,
};

use super::claims::{ISSUER, OWN};
use crate::admission::{self, Attributes, Operation};
use crate::answers::Ask;
use crate::body;
use crate::call::{Call, Outcome, Shown};
use crate::demand::Demand;
use crate::entry::Entry;
use crate::failure::{Failure, GroupResource, Halt, quoted};
use crate::options::{WriteKind, WriteOptions};
use crate::state::State;
use crate::write::settle_namespace;

const GROUP: &str = "authentication.k8s.io";
const KIND: &str = "TokenRequest";
/// How long a token holds where nobody says, and at least; in seconds.
const DEFAULT_SECONDS: i64 = 3600;
const LEAST_SECONDS: i64 = 600;
/// Tokens that kubelets ask for with this time hold for a year: who uses them is only warned of their age.
const WARN_ONLY_SECONDS: i64 = 3607;
const EXTENDED_SECONDS: i64 = 365 * 24 * 3600;

/// What a token is bound to.
#[derive(Debug, Default)]
struct Bound {
    /// The claims about it.
    claims: Vec<(&'static str, Value)>,
    to_pod: bool,
}

/// Makes the token of a request.
pub(crate) fn create(state: &State, call: &mut Call<'_>) -> Result<Outcome, Halt> {
    let format = body::format(call)?;
    let options = WriteOptions::read(call.request, WriteKind::Create)?;
    let kind = Gvk::new(GROUP, "v1", KIND);
    let mut object = body::decode(call, format, &kind, options.field_validation)?;
    settle_namespace(&mut object, call.namespace())?;
    object.remove(&["status"]);
    if object.int_at(&["spec", "expirationSeconds"]).is_none() {
        object.set(&["spec", "expirationSeconds"], DEFAULT_SECONDS.into());
    }
    let object = managed(state, call, &kind, (object, &options))?;
    let value = admission::options_value(&options, Operation::Create);
    let name = call.info.name.clone();
    let attributes = Attributes {
        ask: Ask { state, answers: call.answers },
        operation: Operation::Create,
        name: &name,
        subresource: "token",
        dry_run: options.dry_run,
        options: &value,
    };
    let object = admission::mutate(call, attributes, object, None)?;
    let (object, account) = completed(state, call, object)?;
    check(&object)?;
    admission::validate(call, attributes, Some(&object), None)?;
    let bound = bound(state, call, &object)?;
    let token = signed(call, &object, &account, &bound)?;
    Ok(Outcome::with(201, Shown::Object(answered(call, object, &token))))
}

/// The request with the account's name, namespace and uid, which it may also say itself.
fn completed(state: &State, call: &Call<'_>, mut object: Value) -> Result<(Value, Arc<Entry>), Failure> {
    let (name, namespace) = (&*call.info.name, call.namespace());
    let said = |key| object.str_at(&["metadata", key]).unwrap_or_default().to_owned();
    let at = At::ROOT.field("metadata");
    let kind = GroupResource::new(GROUP, KIND);
    let found = said("name");
    if !found.is_empty() && found != name {
        let why = "must match the service account name if specified";
        let error = FieldError::invalid(&at.field("name"), found, why);
        return Err(Failure::invalid(&kind, name, &[error]));
    }
    let account = state.entry(&call.served, namespace, name).ok_or_else(|| call.not_found())?;
    let uid = said("uid");
    if !uid.is_empty() && *uid != *account.uid {
        let why = format!(
            "the UID in the token request ({uid}) does not match the UID of the service account ({})",
            account.uid
        );
        return Err(Failure::conflict(&kind, name, &why));
    }
    for (key, text) in [("name", name), ("namespace", namespace), ("uid", &account.uid)] {
        object.set(&["metadata", key], text.into());
    }
    object.set(&["metadata", "creationTimestamp"], call.time().to_string().into());
    let audiences = object.at(&["spec", "audiences"]).and_then(Value::as_list).unwrap_or_default();
    if audiences.is_empty() {
        object.set(&["spec", "audiences"], Value::list(vec![ISSUER.into()]));
    }
    if object.at(&["spec", "boundObjectRef"]).is_none() {
        object.set(&["spec", "boundObjectRef"], Value::Null);
    }
    Ok((object, account.clone()))
}

fn seconds(object: &Value) -> i64 {
    object.int_at(&["spec", "expirationSeconds"]).unwrap_or(DEFAULT_SECONDS)
}

fn check(object: &Value) -> Result<(), Failure> {
    let at = At::ROOT.field("spec");
    let at = at.field("expirationSeconds");
    let mut errors = Vec::new();
    let seconds = seconds(object);
    if seconds < LEAST_SECONDS {
        errors.push(FieldError::invalid(&at, seconds, "may not specify a duration less than 10 minutes"));
    }
    if seconds > 1 << 32 {
        errors.push(FieldError::invalid(&at, seconds, "may not specify a duration larger than 2^32 seconds"));
    }
    match errors.is_empty() {
        true => Ok(()),
        false => Err(Failure::invalid(&GroupResource::new(GROUP, KIND), "", &errors)),
    }
}

/// Looks for the object that the token is to be bound to.
fn bound(state: &State, call: &Call<'_>, object: &Value) -> Result<Bound, Failure> {
    let Some(reference) = object.at(&["spec", "boundObjectRef"]).filter(|value| value.as_map().is_some())
    else {
        return Ok(Bound::default());
    };
    let text = |key| reference.str_at(&[key]).unwrap_or_default();
    let (kind, version, name) = (text("kind"), text("apiVersion"), text("name"));
    let (group, short) = version.split_once('/').unwrap_or(("", version));
    let (plural, key, namespace) = match (group, kind) {
        ("", "Pod") => ("pods", "pod", call.namespace()),
        ("", "Secret") => ("secrets", "secret", call.namespace()),
        ("", "Node") => ("nodes", "node", ""),
        _ => {
            let why = format!("cannot bind token to object of type {group}/{short}, Kind={kind}");
            return Err(Failure::bad_request(why));
        }
    };
    let resource = GroupResource::new("", plural);
    let entry = state.find(&format!("/{plural}"), namespace, name);
    let entry = entry.ok_or_else(|| Failure::not_found(&resource, name))?;
    let mut bound = Bound { claims: vec![(key, reference_to(name, &entry.uid))], to_pod: key == "pod" };
    if key == "pod" {
        let pod = entry.value();
        if pod.str_at(&["spec", "serviceAccountName"]) != Some(&*call.info.name) {
            return Err(Failure::bad_request(format!(
                "cannot bind token for serviceaccount {} to pod running with different serviceaccount name.",
                quoted(&call.info.name)
            )));
        }
        if let Some(node) = pod.str_at(&["spec", "nodeName"]).filter(|node| !node.is_empty()) {
            let uid = state.find("/nodes", "", node).map_or("", |entry| &*entry.uid);
            bound.claims.push(("node", reference_to(node, uid)));
        }
    }
    let uid = text("uid");
    if !uid.is_empty() && *uid != *entry.uid {
        let why = format!(
            "the UID in the bound object reference ({uid}) does not match the UID in record. The object might have been deleted and then recreated"
        );
        return Err(Failure::conflict(&GroupResource::new(group, kind), name, &why));
    }
    Ok(bound)
}

fn reference_to(name: &str, uid: &str) -> Value {
    let mut value = Value::map(Map::new());
    for (key, text) in [("name", name), ("uid", uid)] {
        if !text.is_empty() {
            value.set(&[key], text.into());
        }
    }
    value
}

fn signed(call: &mut Call<'_>, object: &Value, account: &Entry, bound: &Bound) -> Result<String, Halt> {
    let now = call.time().0;
    let wanted = seconds(object);
    let audiences = object.at(&["spec", "audiences"]).cloned().unwrap_or_default();
    let for_server = audiences == Value::list(vec![ISSUER.into()]);
    let extended = bound.to_pod && wanted == WARN_ONLY_SECONDS && for_server;
    let expiry = now + if extended { EXTENDED_SECONDS } else { wanted };
    let (namespace, name) = (call.namespace(), &*call.info.name);
    let mut claims = Value::map(Map::new());
    claims.set(&["aud"], audiences);
    claims.set(&["iss"], ISSUER.into());
    claims.set(&["sub"], format!("system:serviceaccount:{namespace}:{name}").into());
    claims.set(&["jti"], call.chance.uid().into());
    for (key, time) in [("exp", expiry), ("iat", now), ("nbf", now)] {
        claims.set(&[key], time.into());
    }
    claims.set(&[OWN, "namespace"], namespace.into());
    claims.set(&[OWN, "serviceaccount"], reference_to(name, &account.uid));
    for (key, value) in &bound.claims {
        claims.set(&[OWN, key], value.clone());
    }
    if extended {
        claims.set(&[OWN, "warnafter"], (now + wanted).into());
    }
    match call.answer(Demand::Sign(to_json(&claims).into()))? {
        Ok(token) => Ok(String::from_utf8_lossy(token).into_owned()),
        Err(why) => Err(Failure::internal(&format!("failed to generate token: {why}")).into()),
    }
}

fn answered(call: &Call<'_>, mut object: Value, token: &str) -> Value {
    let expiry = Timestamp(call.time().0 + seconds(&object));
    object.set(&["status", "token"], token.into());
    object.set(&["status", "expirationTimestamp"], expiry.to_string().into());
    object
}

/// The request with its `managedFields`, which the real server shows here too.
fn managed(
    state: &State,
    call: &Call<'_>,
    kind: &Gvk,
    (object, options): (Value, &WriteOptions),
) -> Result<Value, Halt> {
    let definitions = state.catalog.definitions();
    let one = OneVersion { definitions, kind };
    let empty = nothing(kind);
    let manager = FieldManager {
        kind,
        subresource: "token",
        convert: &one,
        ignored: &IgnoredFields::new(),
        empty: &empty,
    };
    Ok(manager.update(None, &object, Write { manager: &options.field_manager, now: call.time() }))
}

/// A request that says nothing, as the server's own types have it.
fn nothing(kind: &Gvk) -> Value {
    let mut empty = Value::default();
    empty.set(&["apiVersion"], kind.api.to_string().into());
    empty.set(&["kind"], kind.kind.clone().into());
    // A kind that cannot be read is empty as it is.
    let _ = crate::wire::canonical(kind, &mut empty);
    empty
}

/// A kind that has one version.
struct OneVersion<'a> {
    definitions: &'a Arc<Definitions>,
    kind: &'a Gvk,
}

impl Convert for OneVersion<'_> {
    fn schema(&self, api_version: &str) -> Option<Schema> {
        (api_version == self.kind.api.to_string()).then(|| self.definitions.kind(self.kind)).flatten()
    }

    fn convert(&self, object: &Value, api_version: &str) -> Result<Value, ConvertError> {
        match self.schema(api_version) {
            Some(_) => Ok(object.clone()),
            None => Err(ConvertError::MissingVersion),
        }
    }
}
