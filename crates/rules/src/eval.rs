//! What an expression comes to, and what that costs.

mod fold;

use std::cell::Cell;
use std::sync::Arc;

use crate::cost;
use crate::expr::{Expr, Kind};
use crate::library::authorizer::Authorizer;
use crate::library::{self, Answer};
use crate::val::Val;

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It failed, in the words of cel-go.
    Failed(String),
    /// It was stopped.
    TooExpensive,
}

impl From<String> for Fault {
    fn from(text: String) -> Self {
        Self::Failed(text)
    }
}

/// The variables that an expression can name. What starts with `variables.` is asked for by its whole name.
pub(crate) trait Variables {
    fn get(&self, name: &str) -> Option<Result<Val, Fault>>;
}

/// One evaluation.
pub(crate) struct Eval<'a> {
    variables: &'a dyn Variables,
    authorizer: Option<&'a dyn Authorizer>,
    cost: Cell<u64>,
    limit: u64,
}

/// The names that macros give, innermost first.
#[derive(Clone, Copy)]
struct Scope<'s> {
    outer: Option<&'s Scope<'s>>,
    name: &'s str,
    value: &'s Val,
}

impl Scope<'_> {
    fn get(&self, name: &str) -> Option<&Val> {
        if self.name == name { Some(self.value) } else { self.outer?.get(name) }
    }
}

type Evaluated = Result<Val, Fault>;

impl<'a> Eval<'a> {
    /// `limit` is in the units of cel-go: about one a step.
    pub(crate) fn new(
        variables: &'a dyn Variables,
        authorizer: Option<&'a dyn Authorizer>,
        limit: u64,
    ) -> Self {
        Self { variables, authorizer, cost: Cell::new(0), limit }
    }

    /// The value, and what it cost.
    pub(crate) fn run(&self, expr: &Expr) -> (Evaluated, u64) {
        let value = self.eval(expr, None);
        (value, self.cost.get())
    }

    fn spend(&self, cost: u64) -> Result<(), Fault> {
        self.cost.set(self.cost.get().saturating_add(cost));
        if self.cost.get() > self.limit { Err(Fault::TooExpensive) } else { Ok(()) }
    }

    fn eval(&self, expr: &Expr, scope: Option<&Scope<'_>>) -> Evaluated {
        match &expr.kind {
            Kind::Const(value) => Ok(value.clone()),
            Kind::Ident(name) => {
                self.spend(1)?;
                self.ident(name, scope)
            }
            Kind::Select { of, field, optional } => self.select(of, field, *optional, scope),
            Kind::Has { of, field } => {
                let value = self.eval(of, scope)?;
                self.spend(1)?;
                has(&value, field)
            }
            Kind::Call { function, target, args } => self.call(function, target.as_deref(), args, scope),
            Kind::List(items) => self.list(items, scope),
            Kind::Map(entries) => self.map(entries, scope),
            Kind::Message { name, fields } => {
                self.spend(40)?;
                let mut made = Vec::with_capacity(fields.len());
                for field in fields {
                    let value = self.eval(&field.value, scope)?;
                    match (field.optional, value) {
                        (true, Val::Optional(None)) => {}
                        (true, Val::Optional(Some(value))) => {
                            made.push((field.name.clone(), (*value).clone()));
                        }
                        (_, value) => made.push((field.name.clone(), value)),
                    }
                }
                Ok(Val::Message(name.clone(), made.into()))
            }
            Kind::Fold(fold) => self.fold(fold, scope),
            Kind::Optional { of, name, body, flat } => {
                let Val::Optional(inner) = self.eval(of, scope)? else { return Err(no_overload()) };
                let Some(inner) = inner else { return Ok(Val::Optional(None)) };
                let value = self.eval(body, Some(&Scope { outer: scope, name, value: &inner }))?;
                Ok(if *flat { value } else { Val::some(value) })
            }
        }
    }

    fn ident(&self, name: &str, scope: Option<&Scope<'_>>) -> Evaluated {
        if let Some(value) = scope.and_then(|scope| scope.get(name)) {
            return Ok(value.clone());
        }
        if let Some(value) = self.variables.get(name) {
            return value;
        }
        match crate::types::named(name) {
            Some(name) => Ok(Val::Type(name.into())),
            None => Err(Fault::Failed(format!("no such attribute(s): {name}"))),
        }
    }

    fn select(&self, of: &Expr, field: &str, optional: bool, scope: Option<&Scope<'_>>) -> Evaluated {
        self.spend(1)?;
        if let Kind::Ident(space) = &of.kind
            && matches!(&**space, "variables" | "authorizer")
            && let Some(value) = self.variables.get(&format!("{space}.{field}"))
        {
            return value;
        }
        let value = self.eval(of, scope)?;
        if let Val::Optional(inner) = &value {
            return match inner {
                None => Ok(value),
                Some(inner) => optional_field(inner, field),
            };
        }
        if optional {
            return optional_field(&value, field);
        }
        match value.field(field) {
            Some(found) => Ok(found?),
            None => match value {
                Val::Map(_) | Val::Data(lockstep_core::Value::Map(_), _) | Val::Message(..) => {
                    Err(Fault::Failed(format!("no such key: {field}")))
                }
                _ => Err(Fault::Failed("no such overload".into())),
            },
        }
    }

    fn call(
        &self,
        function: &str,
        target: Option<&Expr>,
        args: &[Expr],
        scope: Option<&Scope<'_>>,
    ) -> Evaluated {
        match (function, args) {
            ("_&&_", [a, b]) => return self.logical(false, a, b, scope),
            ("_||_", [a, b]) => return self.logical(true, a, b, scope),
            ("_?_:_", [condition, yes, no]) => {
                return match self.eval(condition, scope)? {
                    Val::Bool(true) => self.eval(yes, scope),
                    Val::Bool(false) => self.eval(no, scope),
                    _ => Err(no_overload()),
                };
            }
            _ => {}
        }
        let target = target.map(|target| self.eval(target, scope)).transpose()?;
        if let (Some(optional @ Val::Optional(inner)), "orValue" | "or") = (&target, function) {
            // What comes instead is only looked at where it is needed.
            return match (inner, function, args) {
                (Some(inner), "orValue", [_]) => Ok((**inner).clone()),
                (Some(_), "or", [_]) => Ok(optional.clone()),
                (None, _, [other]) => self.eval(other, scope),
                _ => Err(no_overload()),
            };
        }
        let args: Vec<Val> = args.iter().map(|arg| self.eval(arg, scope)).collect::<Result<_, _>>()?;
        self.spend(cost::before(function, target.as_ref(), &args))?;
        let answer: Answer = library::call(function, target.as_ref(), &args, self.authorizer)
            .unwrap_or_else(|| Err("no such overload".into()));
        Ok(answer?)
    }

    /// `&&` and `||`: a side that decides, decides, whatever became of the other.
    fn logical(&self, decides: bool, a: &Expr, b: &Expr, scope: Option<&Scope<'_>>) -> Evaluated {
        let left = self.eval(a, scope);
        match left {
            Ok(Val::Bool(flag)) if flag == decides => return left,
            Err(Fault::TooExpensive) => return left,
            _ => {}
        }
        let right = self.eval(b, scope);
        match (&left, &right) {
            (_, Ok(Val::Bool(flag))) if *flag == decides => right,
            (_, Err(Fault::TooExpensive)) => right,
            (Ok(Val::Bool(_)), Ok(Val::Bool(_))) => right,
            (Err(_), _) => left,
            (_, Err(_)) => right,
            _ => Err(no_overload()),
        }
    }

    fn list(&self, items: &[(bool, Expr)], scope: Option<&Scope<'_>>) -> Evaluated {
        self.spend(cost::LIST)?;
        let mut out = Vec::with_capacity(items.len());
        for (optional, item) in items {
            match (optional, self.eval(item, scope)?) {
                (true, Val::Optional(None)) => {}
                (true, Val::Optional(Some(item))) => out.push((*item).clone()),
                (_, item) => out.push(item),
            }
        }
        Ok(Val::list(out))
    }

    fn map(&self, entries: &[(bool, Expr, Expr)], scope: Option<&Scope<'_>>) -> Evaluated {
        self.spend(cost::MAP)?;
        let mut out: Vec<(Val, Val)> = Vec::with_capacity(entries.len());
        for (optional, key, value) in entries {
            let (key, value) = (self.eval(key, scope)?, self.eval(value, scope)?);
            if out.iter().any(|(known, _)| known.equals(&key)) {
                return Err(Fault::Failed(format!("Failed with repeated key: {}", library::shown(&key))));
            }
            match (optional, value) {
                (true, Val::Optional(None)) => {}
                (true, Val::Optional(Some(value))) => out.push((key, (*value).clone())),
                (_, value) => out.push((key, value)),
            }
        }
        Ok(Val::Map(Arc::new(out)))
    }
}

fn no_overload() -> Fault {
    Fault::Failed("no such overload".into())
}

fn optional_field(value: &Val, field: &str) -> Evaluated {
    Ok(match value.field(field) {
        Some(found) => match found? {
            found @ Val::Optional(_) => found,
            found => Val::some(found),
        },
        None => Val::Optional(None),
    })
}

/// A field that is null is there in a mapping without a schema, and is not where the schema does not say so.
fn has(value: &Val, field: &str) -> Evaluated {
    match value {
        Val::Optional(None) => Ok(Val::Bool(false)),
        Val::Optional(Some(inner)) => has(inner, field),
        Val::Map(_) | Val::Data(lockstep_core::Value::Map(_), _) | Val::Message(..) => {
            Ok(Val::Bool(value.field(field).is_some()))
        }
        _ => Err(no_overload()),
    }
}
