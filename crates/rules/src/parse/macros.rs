//! Calls that are more than calls: `has`, the folds over lists and mappings, `optMap`.

use std::sync::Arc;

use schema::Pattern;

use super::{Parser, Read};
use crate::expr::{Expr, Fold, Issue, Kind, What};
use crate::val::{Sought, Val};

impl Parser {
    /// A call as it stands, or what the macro of that name makes of it.
    pub(super) fn expand(
        &mut self,
        at: usize,
        target: Option<Expr>,
        name: Arc<str>,
        args: Vec<Expr>,
    ) -> Read<Expr> {
        let plain = |target: Option<Expr>, mut args: Vec<Expr>| {
            compile_pattern(&name, target.is_some(), &mut args);
            Expr::new(at, Kind::Call { function: name.clone(), target: target.map(Box::new), args })
        };
        let Some(of) = target else {
            return match (&*name, &args[..]) {
                ("has", [_]) => self.has(args),
                _ => Ok(plain(None, args)),
            };
        };
        if let Kind::Ident(space) = &of.kind
            && crate::signature::is_function(&format!("{space}.{name}"))
        {
            let function = format!("{space}.{name}").into();
            return Ok(Expr::new(at, Kind::Call { function, target: None, args }));
        }
        match (&*name, args.len()) {
            ("sortBy", 2) => {
                let keys = self.fold(at, of.clone(), (What::List, 1, false), args)?;
                let function = "@sortByAssociatedKeys".into();
                Ok(Expr::new(at, Kind::Call { function, target: Some(Box::new(of)), args: vec![keys] }))
            }
            ("optMap" | "optFlatMap", 2) => {
                let flat = &*name == "optFlatMap";
                let [variable, body] = <[Expr; 2]>::try_from(args).map_err(|_| issue(at, "two arguments"))?;
                let name = self.variable(&variable, "optMap() variable name must be a simple identifier");
                Ok(Expr::new(at, Kind::Optional { of: Box::new(of), name, body: Box::new(body), flat }))
            }
            _ => match fold(&name, args.len()) {
                Some((what, names, only)) => self.fold(at, of, (what, names, only), args),
                None => Ok(plain(Some(of), args)),
            },
        }
    }

    fn has(&mut self, mut args: Vec<Expr>) -> Read<Expr> {
        let arg = args.remove(0);
        match arg.kind {
            Kind::Select { of, field, optional: false } => Ok(Expr::new(arg.at, Kind::Has { of, field })),
            _ => Err(issue(arg.at, "invalid argument to has() macro")),
        }
    }

    fn fold(
        &mut self,
        at: usize,
        range: Expr,
        shape: (What, usize, bool),
        mut args: Vec<Expr>,
    ) -> Read<Expr> {
        let (what, count, filtered) = shape;
        let rest = args.split_off(count);
        let mistake = match (what, count) {
            (What::List | What::Filter, 1) => "argument is not an identifier",
            _ => "argument must be a simple name",
        };
        let names = args.iter().map(|arg| self.variable(arg, mistake)).collect();
        let mut rest = rest.into_iter();
        let only = if filtered { rest.next() } else { None };
        let body = rest.next().ok_or_else(|| issue(at, "argument missing"))?;
        Ok(Expr::new(at, Kind::Fold(Box::new(Fold { what, range, names, only, body }))))
    }

    /// The name that an argument is; a mistake is noted, and the rest is still read.
    fn variable(&mut self, arg: &Expr, mistake: &str) -> Arc<str> {
        match &arg.kind {
            Kind::Ident(name) => name.clone(),
            _ => {
                self.issues.push(issue(arg.at, mistake));
                "".into()
            }
        }
    }
}

/// A pattern that is known is compiled here, once, and not at each search. One that is wrong stays a text: whether that is a mistake
/// of the expression, the check says.
fn compile_pattern(function: &str, method: bool, args: &mut [Expr]) {
    let pattern = match (function, method) {
        ("matches", false) => args.get_mut(1),
        ("matches" | "find" | "findAll", true) => args.first_mut(),
        _ => None,
    };
    let Some(Expr { kind: Kind::Const(value), .. }) = pattern else { return };
    if let Val::String(text) = &*value
        && let Ok(pattern) = Pattern::new(text)
    {
        *value = Val::Pattern(Arc::new(Sought { text: text.clone(), pattern }));
    }
}

fn issue(at: usize, text: &str) -> Issue {
    Issue { at, text: text.into() }
}

/// What a macro folds, how many names it has, and whether it has a filter.
fn fold(name: &str, count: usize) -> Option<(What, usize, bool)> {
    Some(match (name, count) {
        ("all", 2 | 3) => (What::All, count - 1, false),
        ("exists", 2 | 3) => (What::Exists, count - 1, false),
        ("exists_one", 2 | 3) | ("existsOne", 3) => (What::ExistsOne, count - 1, false),
        ("filter", 2) => (What::Filter, 1, false),
        ("map", 2 | 3) => (What::List, 1, count == 3),
        ("transformList", 3 | 4) => (What::List, 2, count == 4),
        ("transformMap", 3 | 4) => (What::Map, 2, count == 4),
        ("transformMapEntry", 3 | 4) => (What::MapEntry, 2, count == 4),
        _ => return None,
    })
}
