//! The expressions that both kinds of policies have: variables and match conditions.

use lockstep_core::Value;

use super::Attributes;
use crate::cost::MATCH_BUDGET;
use crate::expression::{
    CompileError, Declared, EvalError, Expression, Extra, Inputs, PolicyScope, declared,
};
use crate::library::authorizer::Authorizer;
use crate::types::Type;
use crate::val::Val;

/// An expression, or why there is none.
pub(super) type Compiled = Result<Expression, CompileError>;

/// What a policy has compiled.
#[derive(Clone, Debug)]
pub(super) struct Common {
    pub(super) name: String,
    pub(super) policy: Value,
    pub(super) variables: Vec<(String, Compiled)>,
    conditions: Vec<(String, Compiled)>,
    pub(super) declared: Declared,
    pub(super) ignores_failure: bool,
}

/// What an evaluation of one policy with one parameter sees.
pub(super) struct Subject<'a> {
    pub(super) request: &'a Attributes<'a>,
    pub(super) review: &'a Value,
    pub(super) object: Option<&'a Value>,
    pub(super) params: Option<&'a Value>,
    pub(super) authorizer: Option<&'a dyn Authorizer>,
}

impl Subject<'_> {
    pub(super) fn inputs(&self) -> Inputs<'_> {
        Inputs {
            object: self.object,
            old_object: self.request.old_object,
            request: Some(self.review),
            params: self.params,
            namespace: self.request.own_namespace(),
            authorizer: self.authorizer,
        }
    }
}

/// Compiles an expression that must have a type.
pub(super) fn compile(source: &str, declared: &Declared, types: &[Type]) -> Compiled {
    let expression = Expression::with(source, declared)?;
    if types.contains(expression.of()) {
        return Ok(expression);
    }
    let names: Vec<String> = types.iter().map(Type::full_name).collect();
    let wanted = match &names[..] {
        [one] => one.clone(),
        many => format!("one of [{}]", many.join(" ")),
    };
    Err(CompileError::plain(format!("must evaluate to {wanted} but got {}", expression.of().full_name())))
}

/// What the conditions of a policy see.
pub(super) fn of_conditions(spec: &Value) -> Declared {
    match spec.get("paramKind") {
        Some(_) => declared(&[Extra::Authorizer, Extra::Params]),
        None => declared(&[Extra::Authorizer]),
    }
}

/// What the other expressions of a policy see, before its variables: mutations always know of those.
pub(super) fn of_policy(spec: &Value) -> Declared {
    let mut all = of_conditions(spec);
    let variables = spec.get("variables").and_then(Value::as_list);
    if spec.get("mutations").is_some() || variables.is_some_and(|list| !list.is_empty()) {
        all.extend(declared(&[Extra::Variables]));
    }
    all
}

/// What the expressions for messages see: they must not ask about rights.
pub(super) fn of_messages(declared: &Declared) -> Declared {
    let seen = |name: &&String| !name.starts_with("authorizer");
    declared.keys().filter(seen).map(|name| (name.clone(), declared[name].clone())).collect()
}

/// Compiles a variable, which those after it see.
pub(super) fn variable(variable: &Value, declared: &mut Declared) -> (String, Compiled) {
    let text = |key: &str| variable.str_at(&[key]).unwrap_or_default();
    let compiled = Expression::with(text("expression"), declared);
    let of = compiled.as_ref().map_or(Type::Dyn, |expression| expression.of().remembered());
    declared.insert(format!("variables.{}", text("name")), of);
    (text("name").to_owned(), compiled)
}

impl Common {
    pub(super) fn new(policy: &Value) -> Self {
        let spec = policy.get("spec").cloned().unwrap_or_default();
        let before = of_conditions(&spec);
        let list = |key: &str| spec.get(key).and_then(Value::as_list).unwrap_or_default().to_vec();
        let text = |value: &Value, key: &str| value.str_at(&[key]).unwrap_or_default().to_owned();
        let conditions = list("matchConditions")
            .iter()
            .map(|condition| {
                (text(condition, "name"), compile(&text(condition, "expression"), &before, &[Type::Bool]))
            })
            .collect();
        let mut declared = of_policy(&spec);
        let variables = list("variables").iter().map(|given| variable(given, &mut declared)).collect();
        Self {
            name: policy.str_at(&["metadata", "name"]).unwrap_or_default().to_owned(),
            ignores_failure: spec.str_at(&["failurePolicy"]) == Some("Ignore"),
            policy: policy.clone(),
            variables,
            conditions,
            declared,
        }
    }

    /// Whether all conditions hold; an error that is to count as one.
    pub(super) fn applies(&self, subject: &Subject<'_>) -> Result<bool, String> {
        let mut errors = Vec::new();
        let mut budget = MATCH_BUDGET;
        let mut inputs = subject.inputs();
        inputs.namespace = None;
        let scope = PolicyScope::new(inputs, &[]);
        for (_, condition) in &self.conditions {
            match evaluate(condition, &scope, &mut budget) {
                Ok(Val::Bool(false)) => return Ok(false),
                Ok(_) => {}
                Err(Failure::Expression(text)) => errors.push(text),
                Err(Failure::Budget(text)) if !self.ignores_failure => return Err(text),
                Err(Failure::Budget(_)) => return Ok(false),
            }
        }
        errors.dedup();
        match (&errors[..], self.ignores_failure) {
            ([], _) => Ok(true),
            (_, true) => Ok(false),
            ([one], _) => Err(one.clone()),
            (many, _) => Err(format!("[{}]", many.join(", "))),
        }
    }
}

/// Why an expression of a policy has no value.
pub(super) enum Failure {
    /// It failed.
    Expression(String),
    /// Nothing more is to be evaluated.
    Budget(String),
}

impl Failure {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Expression(text) | Self::Budget(text) => text,
        }
    }
}

pub(super) fn evaluate(
    compiled: &Compiled,
    scope: &PolicyScope<'_>,
    budget: &mut i64,
) -> Result<Val, Failure> {
    let expression = match compiled {
        Ok(expression) => expression,
        Err(error) => return Err(Failure::Expression(format!("compilation error: {error}"))),
    };
    let (value, cost) = expression.run(scope);
    *budget -= cost;
    if *budget < 0 {
        return Err(Failure::Budget(crate::rule::OUT_OF_BUDGET.into()));
    }
    value.map_err(|error: EvalError| {
        Failure::Expression(format!("expression '{}' resulted in error: {error}", expression.source()))
    })
}
