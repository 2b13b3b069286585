//! MutatingAdmissionPolicies.

use std::sync::Arc;

use lockstep_core::{Map, Value};

use super::conditions::{Common, Compiled, Subject, compile, evaluate};
use super::matching::matches;
use super::params::collect;
use super::validating::Denial;
use super::{Attributes, Params};
use crate::cost::BUDGET;
use crate::expression::PolicyScope;
use crate::library::authorizer::Authorizer;
use crate::types::Type;
use crate::val::{Val, unescape};

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

impl MutatingPolicy {
    /// Compiles a policy. What does not compile fails when it is needed.
    pub fn new(policy: &Value) -> Self {
        let common = Common::new(policy);
        let list = policy.at(&["spec", "mutations"]).and_then(Value::as_list).unwrap_or_default();
        let mutation = |mutation: &Value| {
            let source = |key: &str| mutation.str_at(&[key, "expression"]).unwrap_or_default();
            match mutation.str_at(&["patchType"]) {
                Some("JSONPatch") => {
                    let patches = Type::list(Type::Named("JSONPatch".into()));
                    Mutation::Patch(compile(source("jsonPatch"), &common.declared, &[patches]))
                }
                _ => {
                    let object = Type::Named("Object".into());
                    Mutation::Apply(compile(source("applyConfiguration"), &common.declared, &[object]))
                }
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
    (params, authorizer, merge): (&dyn Params, Option<&dyn Authorizer>, Merge<'_>),
) -> Mutated {
    let mut mutated = Mutated { object: request.object.cloned(), denied: None };
    let run = Run { bindings, request, params, authorizer, merge, review: request.request() };
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
    params: &'a dyn Params,
    authorizer: Option<&'a dyn Authorizer>,
    merge: Merge<'a>,
    review: Value,
}

impl Run<'_> {
    /// Whether the policy has changed the object.
    fn apply(&self, policy: &MutatingPolicy, mutated: &mut Mutated) -> bool {
        let common = &policy.common;
        let constraints = common.policy.at(&["spec", "matchConstraints"]).cloned().unwrap_or_default();
        if !matches(&constraints, self.request) {
            return false;
        }
        let before = mutated.object.clone();
        let bound = |binding: &&Value| binding.str_at(&["spec", "policyName"]) == Some(&common.name);
        for binding in self.bindings.iter().filter(bound) {
            let own = binding.at(&["spec", "matchResources"]).cloned().unwrap_or_default();
            if !matches(&own, self.request) {
                continue;
            }
            let result = match collect(&common.policy, binding, self.request, self.params) {
                Ok(found) => {
                    found.iter().try_for_each(|param| self.mutations(policy, param.as_ref(), mutated))
                }
                Err(why) => Err(why),
            };
            if let Err(why) = result.map_err(|why| (why, binding))
                && !common.ignores_failure
            {
                let (why, binding) = why;
                let name = binding.str_at(&["metadata", "name"]).unwrap_or_default();
                let message = format!("policy '{}' with binding '{name}' denied request: {why}", common.name);
                mutated.denied.get_or_insert(Denial { message, reason: "Invalid".into() });
            }
        }
        before != mutated.object
    }

    fn mutations(
        &self,
        policy: &MutatingPolicy,
        params: Option<&Value>,
        mutated: &mut Mutated,
    ) -> Result<(), String> {
        let start = mutated.object.clone();
        if !policy.common.applies(&self.subject(start.as_ref(), params))? {
            return Ok(());
        }
        for mutation in &policy.mutations {
            let Some(object) = mutated.object.clone() else { return Ok(()) };
            let subject = self.subject(Some(&object), params);
            let scope = PolicyScope::new(subject.inputs(), &policy.common.variables);
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
            mutated.object = Some(changed);
        }
        Ok(())
    }

    fn subject<'s>(&'s self, object: Option<&'s Value>, params: Option<&'s Value>) -> Subject<'s> {
        Subject { request: self.request, review: &self.review, object, params, authorizer: self.authorizer }
    }

    fn merged(&self, object: &Value, value: &Val) -> Result<Value, String> {
        fields_fit(value, "Object")?;
        let mut patch =
            value.to_value().ok_or_else(|| format!("invalid return type: {}", value.type_name()))?;
        for key in ["apiVersion", "kind"] {
            patch.set(&[key], object.get(key).cloned().unwrap_or_default());
        }
        (self.merge)(object, &patch).map_err(|why| format!("error applying patch: {why}"))
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
            Err(error) => return Err(format!("JSON Patch: {}", placed(&operation, &error.to_string()))),
        }
    }
    Ok(changed)
}

/// What the server says of an operation that does not fit; it names the place of some.
fn placed(operation: &Value, error: &str) -> String {
    let path = operation.str_at(&["path"]).unwrap_or_default();
    match operation.str_at(&["op"]) {
        Some("remove") => format!("error in remove for path: '{path}': {error}: missing value"),
        Some("add") => format!("error in add for path: '{path}': {error}"),
        _ => error.to_owned(),
    }
}
