//! ValidatingAdmissionPolicies.

use lockstep_core::Value;

use super::conditions::{Common, Compiled, Subject, compile, evaluate, of_messages};
use super::matching::{matches, seen_as};
use super::params::collect;
use super::{Attributes, Surroundings};
use crate::cost::BUDGET;
use crate::expression::{Declared, PolicyScope};
use crate::types::Type;
use crate::val::Val;

/// A compiled policy.
#[derive(Clone, Debug)]
pub struct ValidatingPolicy {
    common: Common,
    validations: Vec<Validation>,
}

#[derive(Clone, Debug)]
struct Validation {
    expression: Compiled,
    source: String,
    message: String,
    message_expression: Option<Compiled>,
    reason: String,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The text behind `… is forbidden: `.
    pub message: String,
    /// The reason of the Status: `Invalid`, `Forbidden`, `Unauthorized` or `RequestEntityTooLarge`.
    pub reason: String,
}

impl Denial {
    /// The code of the answer.
    pub fn code(&self) -> u16 {
        match &*self.reason {
            "Forbidden" => 403,
            "Unauthorized" => 401,
            "RequestEntityTooLarge" => 413,
            _ => 422,
        }
    }
}

/// What all policies say of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The first refusal. Whether there are more does not change the answer.
    pub denied: Option<Denial>,
    /// Warnings for the client.
    pub warnings: Vec<String>,
}

impl ValidatingPolicy {
    /// Compiles a policy. What does not compile fails when it is needed, as on the server, which refuses such a policy before.
    pub fn new(policy: &Value) -> Self {
        let common = Common::new(policy);
        let list = policy.at(&["spec", "validations"]).and_then(Value::as_list).unwrap_or_default();
        let messages = of_messages(&common.declared);
        let validations =
            list.iter().map(|validation| Validation::new(validation, &common.declared, &messages)).collect();
        Self { common, validations }
    }
}

impl Validation {
    fn new(validation: &Value, declared: &Declared, messages: &Declared) -> Self {
        let text = |key: &str| validation.str_at(&[key]).unwrap_or_default().to_owned();
        let source = text("expression");
        let message = text("messageExpression");
        Self {
            expression: compile(&source, declared, &[Type::Bool]),
            message_expression: (!message.is_empty()).then(|| compile(&message, messages, &[Type::String])),
            source,
            message: text("message"),
            reason: Some(text("reason"))
                .filter(|reason| !reason.is_empty())
                .unwrap_or_else(|| "Invalid".into()),
        }
    }
}

/// What the policies with their bindings say of a request.
pub fn validate(
    policies: &[ValidatingPolicy],
    bindings: &[Value],
    request: &Attributes<'_>,
    around: Surroundings<'_>,
) -> Verdict {
    let mut verdict = Verdict::default();
    for policy in policies {
        let constraints = policy.common.policy.at(&["spec", "matchConstraints"]).cloned().unwrap_or_default();
        let Some(seen) = matches(&constraints, request, around.equivalents) else { continue };
        let bound = |binding: &&Value| binding.str_at(&["spec", "policyName"]) == Some(&policy.common.name);
        for binding in bindings.iter().filter(bound) {
            let own = binding.at(&["spec", "matchResources"]).cloned().unwrap_or_default();
            if matches(&own, request, around.equivalents).is_none() {
                continue;
            }
            let check = |request: &Attributes<'_>| {
                let run = Run { policy, binding, request, review: &request.request(), around };
                run.check(&mut verdict);
            };
            if let Err(why) = seen_as(request, &seen, around.equivalents, check) {
                let run = Run { policy, binding, request, review: &Value::Null, around };
                run.fail(&format!("failed to convert object version: {why}"), &mut verdict);
            }
        }
    }
    verdict
}

struct Run<'a> {
    policy: &'a ValidatingPolicy,
    binding: &'a Value,
    request: &'a Attributes<'a>,
    review: &'a Value,
    around: Surroundings<'a>,
}

impl Run<'_> {
    fn check(&self, verdict: &mut Verdict) {
        match collect(&self.policy.common.policy, self.binding, self.request, self.around.params) {
            Ok(found) => {
                for param in found {
                    for denial in self.decide(param.as_ref()) {
                        self.act(denial, verdict);
                    }
                }
            }
            Err(why) => self.fail(&format!("failed to configure binding: {why}"), verdict),
        }
    }

    /// A broken binding refuses whatever its actions are.
    fn fail(&self, why: &str, verdict: &mut Verdict) {
        if !self.policy.common.ignores_failure {
            let denial = Denial { message: self.text(why), reason: "Invalid".into() };
            verdict.denied.get_or_insert(denial);
        }
    }

    fn names(&self) -> (&str, &str) {
        (&self.policy.common.name, self.binding.str_at(&["metadata", "name"]).unwrap_or_default())
    }

    fn text(&self, why: &str) -> String {
        let (policy, binding) = self.names();
        format!("ValidatingAdmissionPolicy '{policy}' with binding '{binding}' denied request: {why}")
    }

    fn act(&self, denial: Denial, verdict: &mut Verdict) {
        let actions =
            self.binding.at(&["spec", "validationActions"]).and_then(Value::as_list).unwrap_or_default();
        for action in actions.iter().filter_map(Value::as_str) {
            match action {
                "Deny" => {
                    let message = self.text(&denial.message);
                    verdict.denied.get_or_insert(Denial { message, reason: denial.reason.clone() });
                }
                "Warn" => {
                    let (policy, binding) = self.names();
                    verdict.warnings.push(format!(
                        "Validation failed for ValidatingAdmissionPolicy '{policy}' with binding '{binding}': {}",
                        denial.message
                    ));
                }
                _ => {}
            }
        }
    }

    /// Every validation that does not hold.
    fn decide(&self, params: Option<&Value>) -> Vec<Denial> {
        let common = &self.policy.common;
        let subject = Subject {
            request: self.request,
            review: self.review,
            object: self.request.object,
            params,
            authorizer: self.around.authorizer,
        };
        let failed = |message: String| match common.ignores_failure {
            true => None,
            false => Some(Denial { message, reason: "Invalid".into() }),
        };
        match common.applies(&subject) {
            Ok(true) => {}
            Ok(false) => return Vec::new(),
            Err(message) => return failed(message).into_iter().collect(),
        }
        let scope = PolicyScope::new(subject.inputs(), &common.variables);
        let mut budget = BUDGET;
        let mut denials = Vec::new();
        for validation in &self.policy.validations {
            match evaluate(&validation.expression, &scope, &mut budget) {
                Ok(Val::Bool(true)) => {}
                Ok(_) => denials.push(Denial {
                    message: validation.said(&scope, &mut budget),
                    reason: validation.reason.clone(),
                }),
                Err(failure) => denials.extend(failed(failure.into_text())),
            }
        }
        denials
    }
}

impl Validation {
    fn said(&self, scope: &PolicyScope<'_>, budget: &mut i64) -> String {
        let made =
            self.message_expression.as_ref().and_then(|expression| evaluate(expression, scope, budget).ok());
        let made = match made {
            Some(Val::String(text)) => text.trim().to_owned(),
            _ => String::new(),
        };
        if !made.is_empty() && made.len() <= 5 * 1024 && !made.contains('\n') {
            return made;
        }
        match self.message.trim() {
            "" => format!("failed expression: {}", self.source.trim()),
            message => message.to_owned(),
        }
    }
}
