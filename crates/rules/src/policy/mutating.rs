//! MutatingAdmissionPolicies.

use std::sync::Arc;

use lockstep_core::{Map, Value};

use super::conditions::{Common, Compiled, Subject, compile, evaluate};
use super::matching::{matches, seen_as};
use super::params::collect;
use super::validating::Denial;
use super::{Attributes, Resource, Surroundings};
use crate::cost::BUDGET;
use crate::expression::{Declared, Extra, PolicyScope, declared};
use crate::field_name::unescape;
use crate::types::Type;
use crate::val::Val;

/// A compiled policy.
#[derive(Clone, Debug)]
pub struct MutatingPolicy {
    common: Common,
    mutations: Vec<Mutation>,
}

#[derive(Clone, Debug)]
enum Mutation {
    Apply(Compiled),
    Patch(Compiled),
}

/// What has become of the object.
#[derive(Clone, Debug, PartialEq)]
pub struct Mutated {
    /// The object after all mutations; `None` where the request has none.
    pub object: Option<Value>,
    /// Why the request is refused instead; the message is the whole message of the Status, whose code is 403.
    pub denied: Option<Denial>,
}

/// Lays an apply configuration over an object, by the schema of its kind; the error is the server's text.
pub type Merge<'a> = &'a dyn Fn(&Value, &Value) -> Result<Value, String>;

/// Where the expression of a mutation is, and what it must give.
pub(super) fn form(mutation: &Value) -> (&'static str, Type) {
    match mutation.str_at(&["patchType"]) {
        Some("JSONPatch") => ("jsonPatch", Type::list(Type::Named("JSONPatch".into()))),
        _ => ("applyConfiguration", Type::Named("Object".into())),
    }
}

/// What mutations see.
pub(super) fn of_mutations(seen: &Declared) -> Declared {
    seen.clone().into_iter().chain(declared(&[Extra::Patches])).collect()
}

impl MutatingPolicy {
    /// Compiles a policy. What does not compile fails when it is needed.
    pub fn new(policy: &Value) -> Self {
        let common = Common::new(policy);
        let list = policy.at(&["spec", "mutations"]).and_then(Value::as_list).unwrap_or_default();
        let seen = of_mutations(&common.declared);
        let mutation = |mutation: &Value| {
            let (key, gives) = form(mutation);
            let compiled =
                compile(mutation.str_at(&[key, "expression"]).unwrap_or_default(), &seen, &[gives]);
            match key {
                "jsonPatch" => Mutation::Patch(compiled),
                _ => Mutation::Apply(compiled),
            }
        };
        let mutations = list.iter().map(mutation).collect();
        Self { common, mutations }
    }

    fn is_reinvoked(&self) -> bool {
        self.common.policy.str_at(&["spec", "reinvocationPolicy"]) == Some("IfNeeded")
    }
}

/// What the policies with their bindings make of the object of a request. Policies that ask for it are asked once more where a
/// later one has changed the object.
pub fn mutate(
    policies: &[MutatingPolicy],
    bindings: &[Value],
    request: &Attributes<'_>,
    (around, merge): (Surroundings<'_>, Merge<'_>),
) -> Mutated {
    let mut mutated = Mutated { object: request.object.cloned(), denied: None };
    let run = Run { bindings, request, around, merge };
    let mut changed_last = None;
    for (index, policy) in policies.iter().enumerate() {
        if run.apply(policy, &mut mutated) {
            changed_last = Some(index);
        }
    }
    for policy in policies.iter().take(changed_last.unwrap_or(0)).filter(|policy| policy.is_reinvoked()) {
        run.apply(policy, &mut mutated);
    }
    mutated
}

struct Run<'a> {
    bindings: &'a [Value],
    request: &'a Attributes<'a>,
    around: Surroundings<'a>,
    merge: Merge<'a>,
}

/// A policy at work on an object in the version that it is about.
struct Site<'a> {
    run: &'a Run<'a>,
    policy: &'a MutatingPolicy,
    request: &'a Attributes<'a>,
    review: Value,
}

impl Run<'_> {
    /// Whether the policy has changed the object.
    fn apply(&self, policy: &MutatingPolicy, mutated: &mut Mutated) -> bool {
        let common = &policy.common;
        let constraints = common.policy.at(&["spec", "matchConstraints"]).cloned().unwrap_or_default();
        let equivalents = self.around.equivalents;
        let Some(seen) = matches(&constraints, self.request, equivalents) else { return false };
        let before = mutated.object.clone();
        let bound = |binding: &&Value| binding.str_at(&["spec", "policyName"]) == Some(&common.name);
        for binding in self.bindings.iter().filter(bound) {
            let own = binding.at(&["spec", "matchResources"]).cloned().unwrap_or_default();
            if matches(&own, self.request, equivalents).is_none() {
                continue;
            }
            if let Err(why) = self.bound(policy, binding, &seen, &mut mutated.object)
                && !common.ignores_failure
            {
                let name = binding.str_at(&["metadata", "name"]).unwrap_or_default();
                let message = format!("policy '{}' with binding '{name}' denied request: {why}", common.name);
                mutated.denied.get_or_insert(Denial { message, reason: "Invalid".into() });
            }
        }
        before != mutated.object
    }

    /// What a policy with a binding makes of the object. What parameters before a failure have changed stays changed.
    fn bound(
        &self,
        policy: &MutatingPolicy,
        binding: &Value,
        seen: &Resource,
        object: &mut Option<Value>,
    ) -> Result<(), String> {
        let found = collect(&policy.common.policy, binding, self.request, self.around.params)?;
        for param in found {
            let request = Attributes { object: object.as_ref(), ..*self.request };
            let own = request.own() == *seen;
            let change = |request: &Attributes<'_>| {
                let site = Site { run: self, policy, request, review: request.request() };
                let changed = site.mutated(param.as_ref())?;
                Ok::<_, String>((changed.as_ref() != request.object).then_some(changed).flatten())
            };
            if let Some(changed) = seen_as(&request, seen, self.around.equivalents, change)?? {
                let back = if own { changed } else { self.around.equivalents.convert_back(&changed)? };
                *object = Some(back);
            }
        }
        Ok(())
    }
}

impl Site<'_> {
    /// The object after all mutations.
    fn mutated(&self, params: Option<&Value>) -> Result<Option<Value>, String> {
        let common = &self.policy.common;
        let mut current = self.request.object.cloned();
        if !common.applies(&self.subject(current.as_ref(), params))? {
            return Ok(current);
        }
        for mutation in &self.policy.mutations {
            let Some(object) = current else { return Ok(None) };
            let subject = self.subject(Some(&object), params);
            let scope = PolicyScope::new(subject.inputs(), &common.variables);
            let mut budget = BUDGET;
            let changed = match mutation {
                Mutation::Apply(compiled) => {
                    let value =
                        evaluate(compiled, &scope, &mut budget).map_err(|failure| failure.into_text())?;
                    self.merged(&object, &value)?
                }
                Mutation::Patch(compiled) => {
                    let value =
                        evaluate(compiled, &scope, &mut budget).map_err(|failure| failure.into_text())?;
                    patched(&object, &value)?
                }
            };
            current = Some(changed);
        }
        Ok(current)
    }

    fn subject<'s>(&'s self, object: Option<&'s Value>, params: Option<&'s Value>) -> Subject<'s> {
        let authorizer = self.run.around.authorizer;
        Subject { request: self.request, review: &self.review, object, params, authorizer }
    }

    fn merged(&self, object: &Value, value: &Val) -> Result<Value, String> {
        fields_fit(value, "Object")?;
        let mut patch =
            value.to_value().ok_or_else(|| format!("invalid return type: {}", value.type_name()))?;
        for key in ["apiVersion", "kind"] {
            patch.set(&[key], object.get(key).cloned().unwrap_or_default());
        }
        (self.run.merge)(object, &patch).map_err(|why| format!("error applying patch: {why}"))
    }
}

/// The name of every inner object is the path to it: `Object.spec` for what stands under `spec`.
fn fields_fit(value: &Val, path: &str) -> Result<(), String> {
    match value {
        Val::Message(name, fields) => {
            if &**name != path {
                return Err(format!(
                    "type mismatch: unexpected type name \"{name}\", expected \"{path}\", which matches field name path from root Object type"
                ));
            }
            fields.iter().try_for_each(|(field, inner)| fields_fit(inner, &format!("{path}.{field}")))
        }
        Val::List(items) => items.iter().try_for_each(|item| fields_fit(item, path)),
        Val::Map(entries) => entries.iter().try_for_each(|(_, inner)| fields_fit(inner, path)),
        Val::Optional(Some(inner)) => fields_fit(inner, path),
        _ => Ok(()),
    }
}

fn patched(object: &Value, value: &Val) -> Result<Value, String> {
    let Val::List(operations) = value else {
        return Err("type mismatch: JSONPatchType.expression should evaluate to array".into());
    };
    let one = |operation: &Val| -> Result<Value, String> {
        let Val::Message(_, fields) = operation else {
            return Err("type mismatch: expected JSONPatch".into());
        };
        let entries = fields.iter().map(|(name, value): &(Arc<str>, Val)| {
            let value = value.to_value().ok_or_else(|| format!("invalid value of {name}"))?;
            Ok((Arc::from(unescape(name)), value))
        });
        entries.collect::<Result<Map, String>>().map(Value::map)
    };
    let operations: Vec<Value> = operations.iter().map(one).collect::<Result<_, _>>()?;
    // A test that fails ends the patch without an error.
    let mut changed = object.clone();
    for operation in operations {
        let is_test = operation.str_at(&["op"]) == Some("test");
        match schema::json_patch(&changed, &Value::list(vec![operation.clone()])) {
            Ok(next) => changed = next,
            Err(_) if is_test => return Ok(object.clone()),
            Err(error) => return Err(format!("JSON Patch: {error}")),
        }
    }
    Ok(changed)
}
