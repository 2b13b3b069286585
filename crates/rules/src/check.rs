//! The type of an expression, or what is wrong with it, before it is ever evaluated.

mod infer;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::expr::{Expr, Fold, Issue, Kind, MessageField, What};
use crate::signature::signatures;
use crate::types::{Type, of_name};
use crate::val::Val;
use infer::Infer;

/// Whether a list or mapping may have items of several types: in expressions that were stored before, and in policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mixed {
    Refused,
    Allowed,
}

/// The type of an expression whose variables have the types of `variables`.
pub(crate) fn check(
    expr: &Expr,
    variables: &BTreeMap<String, Type>,
    mixed: Mixed,
) -> Result<Type, Vec<Issue>> {
    let mut checker =
        Checker { variables, mixed, infer: Infer::default(), locals: Vec::new(), issues: Vec::new() };
    let of = checker.visit(expr);
    match checker.issues.is_empty() {
        true => Ok(checker.infer.resolved(&of)),
        false => Err(checker.issues),
    }
}

struct Checker<'a> {
    variables: &'a BTreeMap<String, Type>,
    mixed: Mixed,
    infer: Infer,
    locals: Vec<(String, Type)>,
    issues: Vec<Issue>,
}

impl Checker<'_> {
    fn issue(&mut self, at: usize, text: String) -> Type {
        self.issues.push(Issue { at, text });
        Type::Dyn
    }

    fn visit(&mut self, expr: &Expr) -> Type {
        match &expr.kind {
            Kind::Const(value) => constant(value),
            Kind::Ident(name) => self.ident(expr.at, name),
            Kind::Select { of, field, optional } => {
                if let Some(of) = self.variable_of_policy(of, field) {
                    return of;
                }
                let of = self.visit(of);
                let of = self.select(expr.at, &of, field);
                if *optional { Type::optional(of) } else { of }
            }
            Kind::Has { of, field } => {
                if self.variable_of_policy(of, field).is_none() {
                    let of = self.visit(of);
                    self.select(expr.at, &of, field);
                }
                Type::Bool
            }
            Kind::Call { function, target, args } => self.call(expr.at, function, target.as_deref(), args),
            Kind::List(items) => {
                let items: Vec<_> = items.iter().map(|(optional, item)| (*optional, item)).collect();
                Type::list(self.joined(&items))
            }
            Kind::Map(entries) => {
                let keys: Vec<_> = entries.iter().map(|(_, key, _)| (false, key)).collect();
                let values: Vec<_> = entries.iter().map(|(optional, _, value)| (*optional, value)).collect();
                Type::map(self.joined(&keys), self.joined(&values))
            }
            Kind::Message { name, fields } => self.message(expr.at, name, fields),
            Kind::Fold(fold) => self.fold(expr.at, fold),
            Kind::Optional { of, name, body, flat } => self.optional(expr.at, (of, name, body), *flat),
        }
    }

    fn message(&mut self, at: usize, name: &Arc<str>, fields: &[MessageField]) -> Type {
        let root = name.split('.').next().unwrap_or_default();
        if !self.variables.contains_key(root) || (root == "JSONPatch" && name.len() > root.len()) {
            return self.issue(at, format!("undeclared reference to '{name}' (in container '')"));
        }
        for field in fields {
            let of = self.visit(&field.value);
            let wanted = match (&**name, &*field.name) {
                ("JSONPatch", "op" | "path" | "from") => Some(Type::String),
                ("JSONPatch", "value") => Some(Type::Dyn),
                ("JSONPatch", _) => None,
                _ => Some(Type::Dyn),
            };
            if !wanted.as_ref().is_some_and(|wanted| self.infer.assign(wanted, &of)) {
                let (wanted, of) = (wanted.map(|of| of.to_string()), self.infer.resolved(&of));
                let (field, wanted) = (field, wanted.unwrap_or_default());
                let text = format!(
                    "expected type of field '{}' is '{wanted}' but provided type is '{of}'",
                    field.name
                );
                self.issue(field.at, text);
            }
        }
        Type::Named(name.clone())
    }

    fn variable_of_policy(&self, of: &Expr, field: &str) -> Option<Type> {
        match &of.kind {
            Kind::Ident(space) if matches!(&**space, "variables" | "authorizer") => {
                self.variables.get(&format!("{space}.{field}")).cloned()
            }
            _ => None,
        }
    }

    fn ident(&mut self, at: usize, name: &str) -> Type {
        if let Some((_, of)) = self.locals.iter().rev().find(|(local, _)| local == name) {
            return of.clone();
        }
        if let Some(of) = self.variables.get(name) {
            return of.clone();
        }
        match of_name(name) {
            Some(of) => Type::Kind(of.into()),
            None => self.issue(at, format!("undeclared reference to '{name}' (in container '')")),
        }
    }

    fn select(&mut self, at: usize, of: &Type, field: &str) -> Type {
        match self.infer.resolved(of) {
            Type::Dyn | Type::Var(_) => Type::Dyn,
            Type::Map(_, value) => (*value).clone(),
            Type::Optional(inner) => {
                let inner = self.select(at, &inner, field);
                Type::optional(inner)
            }
            Type::Object(object) => match object.fields.get(field) {
                Some(of) => of.clone(),
                None => self.issue(at, format!("undefined field '{field}'")),
            },
            Type::Named(name) if &*name == "Object" || name.starts_with("Object.") => Type::Dyn,
            other => self.issue(at, format!("type '{other}' does not support field selection")),
        }
    }

    /// The type of all items together.
    fn joined(&mut self, items: &[(bool, &Expr)]) -> Type {
        let mut joined: Option<Type> = None;
        for (optional, item) in items {
            let mut of = self.visit(item);
            if *optional && let Type::Optional(inner) = self.infer.resolved(&of) {
                of = (*inner).clone();
            }
            joined = Some(match joined {
                None => of,
                Some(known) if self.infer.assign(&known, &of) => self.infer.wider(&known, &of),
                Some(_) if self.mixed == Mixed::Allowed => Type::Dyn,
                Some(known) => {
                    let (known, of) = (self.infer.resolved(&known), self.infer.resolved(&of));
                    self.issue(item.at, format!("expected type '{known}' but found '{of}'"));
                    known
                }
            });
        }
        joined.unwrap_or_else(|| self.infer.fresh())
    }

    fn call(&mut self, at: usize, function: &str, target: Option<&Expr>, args: &[Expr]) -> Type {
        if matches!(function, "_&&_" | "_||_") {
            args.iter().for_each(|arg| self.expect_bool(arg));
            return Type::Bool;
        }
        // A function that is no method, or the other way round, is known, but not in this way.
        let other: Option<&[crate::signature::Signature]> =
            signatures(function, target.is_none()).map(|_| &[][..]);
        let known = signatures(function, target.is_some()).or(other);
        if function.starts_with("jsonpatch.") && !self.variables.contains_key("JSONPatch") {
            return self.unknown_space(at, function, args);
        }
        if known.is_none() {
            self.issue(at, format!("undeclared reference to '{function}' (in container '')"));
        }
        // What is formatted may be of any types.
        let mixed = self.mixed;
        if function == "format" {
            self.mixed = Mixed::Allowed;
        }
        let types: Vec<Type> = target.into_iter().chain(args).map(|arg| self.visit(arg)).collect();
        self.mixed = mixed;
        let Some(known) = known else { return Type::Dyn };
        self.literals(function, target, args);
        self.resolve(at, function, (target.is_some(), known), &types)
    }

    /// A function of a space that is not there is taken for a method of something that is not there.
    fn unknown_space(&mut self, at: usize, function: &str, args: &[Expr]) -> Type {
        let (space, name) = function.split_once('.').unwrap_or((function, ""));
        let start = at.saturating_sub(function.chars().count());
        self.issue(start, format!("undeclared reference to '{space}' (in container '')"));
        self.issue(at, format!("undeclared reference to '{name}' (in container '')"));
        args.iter().for_each(|arg| _ = self.visit(arg));
        Type::Dyn
    }

    fn resolve(
        &mut self,
        at: usize,
        function: &str,
        (method, known): (bool, &[crate::signature::Signature]),
        types: &[Type],
    ) -> Type {
        let mut result: Option<Type> = None;
        for signature in known.iter().filter(|signature| signature.takes.len() == types.len()) {
            let Some(gives) = self.infer.apply(signature, types) else { continue };
            result = Some(match result {
                None => gives,
                Some(known) if self.infer.resolved(&known) == self.infer.resolved(&gives) => known,
                Some(_) => Type::Dyn,
            });
        }
        if let Some(result) = result {
            return result;
        }
        let shown: Vec<String> = types.iter().map(|of| self.infer.resolved(of).to_string()).collect();
        let applied = match (method, shown.split_first()) {
            (true, Some((target, rest))) => format!("{target}.({})", rest.join(", ")),
            _ => format!("({})", shown.join(", ")),
        };
        self.issue(at, format!("found no matching overload for '{function}' applied to '{applied}'"))
    }

    fn expect_bool(&mut self, expr: &Expr) {
        let of = self.visit(expr);
        if !self.infer.assign(&Type::Bool, &of) {
            let of = self.infer.resolved(&of);
            self.issue(expr.at, format!("expected type 'bool' but found '{of}'"));
        }
    }

    /// Literals that can never be what they are meant to be.
    fn literals(&mut self, function: &str, target: Option<&Expr>, args: &[Expr]) {
        let arg = match (function, target) {
            ("matches", None) => args.get(1),
            ("matches" | "timestamp" | "duration", _) => args.first(),
            _ => None,
        };
        let Some(Expr { at, kind: Kind::Const(Val::String(text)), .. }) = arg else { return };
        let bad = match function {
            // A right one is no text any more.
            "matches" => true,
            "timestamp" => crate::time::Time::parse(text).is_none(),
            _ => gostd::time::parse_duration(text).is_err(),
        };
        if bad {
            self.issue(*at, format!("invalid {function} argument"));
        }
    }

    fn fold(&mut self, at: usize, fold: &Fold) -> Type {
        let range = self.visit(&fold.range);
        let (first, second) = match self.infer.resolved(&range) {
            Type::List(item) => (Type::Int, (*item).clone()),
            Type::Map(key, value) => ((*key).clone(), (*value).clone()),
            Type::Dyn | Type::Var(_) => (Type::Dyn, Type::Dyn),
            other => {
                let text = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.issue(fold.range.at, text);
                (Type::Dyn, Type::Dyn)
            }
        };
        let list = matches!(self.infer.resolved(&range), Type::List(_));
        let single = if list { second.clone() } else { first.clone() };
        let names = if fold.names.len() == 2 { vec![first.clone(), second] } else { vec![single.clone()] };
        let before = self.locals.len();
        self.locals.extend(fold.names.iter().map(|name| name.to_string()).zip(names));
        let of = self.body(at, fold, &single, &first);
        self.locals.truncate(before);
        of
    }

    fn body(&mut self, at: usize, fold: &Fold, single: &Type, first: &Type) -> Type {
        let only = fold.only.as_ref().map(|only| self.visit(only));
        if matches!(fold.what, What::All | What::Exists) {
            self.expect_bool(&fold.body);
            return Type::Bool;
        }
        let body = self.visit(&fold.body);
        let (condition, gives) = match fold.what {
            What::ExistsOne => (Some(body), Type::Int),
            What::Filter => (Some(body), Type::list(single.clone())),
            What::List => (only, Type::list(body)),
            What::Map => (only, Type::map(first.clone(), body)),
            _ => (only, body),
        };
        if let Some(condition) = condition
            && !self.infer.assign(&Type::Bool, &condition)
        {
            let (condition, gives) = (self.infer.resolved(&condition), self.infer.resolved(&gives));
            let text = format!(
                "found no matching overload for '_?_:_' applied to '({condition}, {gives}, {gives})'"
            );
            self.issue(at, text);
        }
        if fold.what == What::ExistsOne { Type::Bool } else { gives }
    }

    fn optional(&mut self, at: usize, (of, name, body): (&Expr, &str, &Expr), flat: bool) -> Type {
        let of = self.visit(of);
        let inner = match self.infer.resolved(&of) {
            Type::Optional(inner) => (*inner).clone(),
            Type::Dyn | Type::Var(_) => Type::Dyn,
            other => {
                let function = "hasValue";
                self.issue(at, format!("found no matching overload for '{function}' applied to '{other}.()'"))
            }
        };
        self.locals.push((name.to_owned(), inner));
        let body = self.visit(body);
        self.locals.pop();
        if flat { body } else { Type::optional(body) }
    }
}

fn constant(value: &Val) -> Type {
    match value {
        Val::Null => Type::Null,
        Val::Bool(_) => Type::Bool,
        Val::Int(_) => Type::Int,
        Val::Uint(_) => Type::Uint,
        Val::Double(_) => Type::Double,
        Val::String(_) | Val::Pattern(_) => Type::String,
        Val::Bytes(_) => Type::Bytes,
        _ => Type::Dyn,
    }
}
