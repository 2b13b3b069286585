//! One expression with variables, as admission policies have it.

mod about_self;

use std::cell::RefCell;
use std::collections::BTreeMap;

use lockstep_core::Value;

use crate::check::{Mixed, check};
use crate::cost::PER_CALL;
use crate::eval::{Eval, Fault, Variables};
use crate::expr::{Expr, shown};
use crate::library::authorizer::{Authorizer, Authz, Check};
use crate::parse::parse;
use crate::types::Type;
use crate::val::{Shape, Val};

/// An expression that does not compile; `Display` is the server's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError(String);

impl CompileError {
    pub(crate) fn plain(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Display for CompileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CompileError {}

/// An expression that has no value for these inputs; `Display` is cel-go's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvalError {
    /// It failed.
    Failed(String),
    /// It cost more than one expression may.
    CostLimit,
}

impl std::fmt::Display for EvalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(text) => f.write_str(text),
            Self::CostLimit => f.write_str("operation cancelled: actual cost limit exceeded"),
        }
    }
}

impl std::error::Error for EvalError {}

/// A compiled expression of a policy.
#[derive(Clone, Debug)]
pub struct Expression {
    expr: Expr,
    of: Type,
    source: String,
}

/// What an expression of a policy can see.
#[derive(Clone, Copy, Default)]
pub struct Inputs<'a> {
    /// The new object; null on a deletion.
    pub object: Option<&'a Value>,
    /// The old object; null on a creation.
    pub old_object: Option<&'a Value>,
    /// The request, as in an AdmissionReview.
    pub request: Option<&'a Value>,
    /// The parameters of the binding.
    pub params: Option<&'a Value>,
    /// The namespace of the object.
    pub namespace: Option<&'a Value>,
    /// Who answers checks.
    pub authorizer: Option<&'a dyn Authorizer>,
}

/// The variables of a policy, by name, with their types.
pub(crate) type Declared = BTreeMap<String, Type>;

/// What only some expressions of policies have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extra {
    /// `params`
    Params,
    /// `authorizer`
    Authorizer,
    /// `variables`, still without any.
    Variables,
    /// `Object` and `JSONPatch`: what mutations are made of.
    Patches,
}

/// The variables that every expression of a policy has, and those that some have.
pub(crate) fn declared(extras: &[Extra]) -> Declared {
    let named = |name: &str| Type::Named(name.into());
    let mut all = vec![
        ("object", Type::Dyn),
        ("oldObject", Type::Dyn),
        ("namespaceObject", namespace_type()),
        ("request", request_type()),
    ];
    for extra in extras {
        match extra {
            Extra::Params => all.push(("params", Type::Dyn)),
            Extra::Authorizer => {
                all.push(("authorizer", named("kubernetes.authorization.Authorizer")));
                all.push(("authorizer.requestResource", named("kubernetes.authorization.ResourceCheck")));
            }
            Extra::Variables => all.push(("variables", Type::object("kubernetes.variables", &[]))),
            Extra::Patches => {
                all.extend(["Object", "JSONPatch"].map(|name| (name, Type::Kind(named(name).into()))));
            }
        }
    }
    all.into_iter().map(|(name, of)| (name.to_owned(), of)).collect()
}

fn request_type() -> Type {
    let text = || Type::String;
    let kind = Type::object(
        "kubernetes.GroupVersionKind",
        &[("group", text()), ("version", text()), ("kind", text())],
    );
    let resource = Type::object(
        "kubernetes.GroupVersionResource",
        &[("group", text()), ("version", text()), ("resource", text())],
    );
    let user = Type::object(
        "kubernetes.UserInfo",
        &[
            ("username", text()),
            ("uid", text()),
            ("groups", Type::list(text())),
            ("extra", Type::map(text(), Type::list(text()))),
        ],
    );
    Type::object(
        "kubernetes.AdmissionRequest",
        &[
            ("kind", kind.clone()),
            ("resource", resource.clone()),
            ("subResource", text()),
            ("requestKind", kind),
            ("requestResource", resource),
            ("requestSubResource", text()),
            ("name", text()),
            ("namespace", text()),
            ("operation", text()),
            ("userInfo", user),
            ("dryRun", Type::Bool),
            ("options", Type::Dyn),
        ],
    )
}

fn namespace_type() -> Type {
    let strings = || Type::map(Type::String, Type::String);
    let metadata = Type::object(
        "kubernetes.NamespaceMetadata",
        &[
            ("name", Type::String),
            ("generateName", Type::String),
            ("namespace", Type::String),
            ("labels", strings()),
            ("annotations", strings()),
            ("UID", Type::String),
            ("creationTimestamp", Type::Time),
            ("deletionGracePeriodSeconds", Type::Int),
            ("deletionTimestamp", Type::Time),
            ("generation", Type::Int),
            ("resourceVersion", Type::String),
            ("finalizers", Type::list(Type::String)),
        ],
    );
    let spec = Type::object("kubernetes.NamespaceSpec", &[("finalizers", Type::list(Type::String))]);
    let condition = Type::object(
        "kubernetes.NamespaceCondition",
        &[
            ("status", Type::String),
            ("type", Type::String),
            ("lastTransitionTime", Type::Time),
            ("message", Type::String),
            ("reason", Type::String),
        ],
    );
    let status = Type::object(
        "kubernetes.NamespaceStatus",
        &[("conditions", Type::list(condition)), ("phase", Type::String)],
    );
    Type::object("kubernetes.Namespace", &[("metadata", metadata), ("spec", spec), ("status", status)])
}

impl Expression {
    /// Compiles an expression of a policy with parameters and without variables of its own.
    pub fn new(source: &str) -> Result<Self, CompileError> {
        Self::with(source, &declared(&[Extra::Params, Extra::Authorizer]))
    }

    pub(crate) fn with(source: &str, variables: &Declared) -> Result<Self, CompileError> {
        let failed = |issues: Vec<crate::expr::Issue>| {
            CompileError(format!("compilation failed: {}", shown(&issues, source)))
        };
        let expr = parse(source).map_err(failed)?;
        let of = check(&expr, variables, Mixed::Refused).map_err(failed)?;
        Ok(Self { expr, of, source: source.to_owned() })
    }

    pub(crate) fn of(&self) -> &Type {
        &self.of
    }

    /// The text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its value as it would stand in an object: a bool, a text, a list.
    pub fn evaluate(&self, inputs: &Inputs<'_>) -> Result<Value, EvalError> {
        let scope = PolicyScope::new(*inputs, &[]);
        let (value, _) = self.run(&scope);
        let value = value?;
        value.to_value().ok_or_else(|| EvalError::Failed(format!("no value of type {}", value.type_name())))
    }

    pub(crate) fn run(&self, scope: &PolicyScope<'_>) -> (Result<Val, EvalError>, i64) {
        let (value, cost) = Eval::new(scope, scope.inputs.authorizer, PER_CALL).run(&self.expr);
        let cost = i64::try_from(cost).unwrap_or(i64::MAX).saturating_add(scope.extra.take());
        (value.map_err(error), cost)
    }
}

fn error(fault: Fault) -> EvalError {
    match fault {
        Fault::Failed(text) => EvalError::Failed(text),
        Fault::TooExpensive => EvalError::CostLimit,
    }
}

/// The inputs of a policy with its own variables, each looked at when it is first needed, and once.
pub(crate) struct PolicyScope<'a> {
    inputs: Inputs<'a>,
    variables: &'a [(String, Result<Expression, CompileError>)],
    known: RefCell<BTreeMap<String, Result<Val, Fault>>>,
    /// What looking at variables has cost since it was last asked for.
    extra: RefCell<i64>,
}

impl<'a> PolicyScope<'a> {
    pub(crate) fn new(
        inputs: Inputs<'a>,
        variables: &'a [(String, Result<Expression, CompileError>)],
    ) -> Self {
        Self { inputs, variables, known: RefCell::default(), extra: RefCell::new(0) }
    }

    fn variable(&self, name: &str) -> Option<Result<Val, Fault>> {
        if let Some(value) = self.known.borrow().get(name) {
            return Some(value.clone());
        }
        let (_, expression) = self.variables.iter().find(|(known, _)| known == name)?;
        let value = match expression {
            Ok(expression) => {
                let (value, cost) = Eval::new(self, self.inputs.authorizer, PER_CALL).run(&expression.expr);
                *self.extra.borrow_mut() += i64::try_from(cost).unwrap_or(i64::MAX);
                value.map_err(|fault| match fault {
                    Fault::Failed(text) => {
                        Fault::Failed(format!("composited variable {name:?} fails to evaluate: {text}"))
                    }
                    Fault::TooExpensive => Fault::TooExpensive,
                })
            }
            Err(error) => {
                Err(Fault::Failed(format!("composited variable {name:?} fails to compile: {error}")))
            }
        };
        self.known.borrow_mut().insert(name.to_owned(), value.clone());
        Some(value)
    }
}

impl Variables for PolicyScope<'_> {
    fn get(&self, name: &str) -> Option<Result<Val, Fault>> {
        let free = |value: Option<&Value>| {
            let null = Value::Null;
            Some(Val::of(value.unwrap_or(&null), Shape::Free).map_err(Fault::Failed))
        };
        match name {
            "object" => free(self.inputs.object),
            "oldObject" => free(self.inputs.old_object),
            "request" => free(self.inputs.request),
            "params" => free(self.inputs.params),
            "namespaceObject" => free(self.inputs.namespace),
            "authorizer" => Some(Ok(Val::Authz(Authz::All(Check::default()).into()))),
            "authorizer.requestResource" => {
                Some(Ok(Val::Authz(Authz::Resource(self.request_resource()).into())))
            }
            name => self.variable(name.strip_prefix("variables.")?),
        }
    }
}

impl PolicyScope<'_> {
    fn request_resource(&self) -> Check {
        let text = |keys: &[&str]| {
            self.inputs.request.and_then(|request| request.str_at(keys)).unwrap_or_default().to_owned()
        };
        Check {
            group: text(&["resource", "group"]),
            resource: text(&["resource", "resource"]),
            subresource: text(&["subResource"]),
            namespace: text(&["namespace"]),
            name: text(&["name"]),
            ..Check::default()
        }
    }
}
