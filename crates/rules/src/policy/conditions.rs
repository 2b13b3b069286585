//! The expressions that both kinds of policies have: variables and match conditions.

use lockstep_core::Value;

use super::Attributes;
use crate::cost::MATCH_BUDGET;
use crate::expression::{CompileError, Declared, EvalError, Expression, Inputs, PolicyScope, declared};
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
    let fits = types.is_empty() || matches!(expression.of(), Type::Dyn) || types.contains(expression.of());
    if fits {
        return Ok(expression);
    }
    let names: Vec<String> = types.iter().map(ToString::to_string).collect();
    let wanted = match &names[..] {
        [one] => one.clone(),
        many => format!("one of [{}]", many.join(" ")),
    };
    Err(CompileError::plain(format!("must evaluate to {wanted} but got {}", expression.of())))
}

impl Common {
    pub(super) fn new(policy: &Value) -> Self {
        let spec = policy.get("spec").cloned().unwrap_or_default();
        let mut declared = declared(spec.get("paramKind").is_some(), true);
        let list = |key: &str| spec.get(key).and_then(Value::as_list).unwrap_or_default().to_vec();
        let text = |value: &Value, key: &str| value.str_at(&[key]).unwrap_or_default().to_owned();
        // Conditions come before variables are known.
        let conditions = list("matchConditions")
            .iter()
            .map(|condition| {
                (text(condition, "name"), compile(&text(condition, "expression"), &declared, &[Type::Bool]))
            })
            .collect();
        let mut variables = Vec::new();
        for variable in list("variables") {
            let (name, compiled) =
                (text(&variable, "name"), Expression::with(&text(&variable, "expression"), &declared));
            let of = compiled.as_ref().map_or(Type::Dyn, |expression| expression.of().clone());
            declared.insert(format!("variables.{name}"), of);
            variables.push((name, compiled));
        }
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
