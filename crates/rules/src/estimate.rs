//! What a rule may cost at most, before any object is known: the estimate of cel-go with the sizes that a schema allows.

mod calls;
mod sizes;

use std::sync::Arc;

use crate::cost::{LIST, MAP};
use crate::expr::{Expr, Fold, Kind, What};
use crate::val::Val;
pub(crate) use sizes::{Sizes, Sort};

/// What is known of a part of an expression.
#[derive(Clone, Debug)]
struct Part<'s> {
    cost: u64,
    /// How large its value is, where that follows from the expression.
    computed: Option<u64>,
    place: Place<'s>,
    sort: Sort,
    /// What its items are.
    items: Sort,
}

/// Where in the object a value comes from.
#[derive(Clone, Copy, Debug)]
enum Place<'s> {
    /// From nowhere: it is made.
    None,
    At(&'s Sizes),
    /// From a place of which the schema says nothing.
    Lost,
}

/// A name that a macro gives.
struct Local<'s> {
    name: Arc<str>,
    place: Place<'s>,
    sort: Sort,
}

struct Estimate<'s> {
    root: &'s Sizes,
    locals: Vec<Local<'s>>,
}

/// What an expression about a value of this size may cost.
pub(crate) fn estimate(expr: &Expr, of: &Sizes) -> u64 {
    Estimate { root: of, locals: Vec::new() }.visit(expr).cost
}

impl<'s> Part<'s> {
    fn made(cost: u64, sort: Sort) -> Self {
        Self { cost, computed: None, place: Place::None, sort, items: Sort::Dyn }
    }

    fn sized(self, size: u64) -> Self {
        Self { computed: Some(size), ..self }
    }

    fn of(self, items: Sort) -> Self {
        Self { items, ..self }
    }

    fn size(&self) -> u64 {
        match (self.computed, self.place) {
            (Some(size), _) => size,
            (None, Place::At(sized)) => sized.most,
            _ if self.sort == Sort::Scalar => 1,
            _ => u64::MAX,
        }
    }
}

impl<'s> Estimate<'s> {
    fn visit(&mut self, expr: &Expr) -> Part<'s> {
        match &expr.kind {
            Kind::Const(value) => constant(value),
            Kind::Ident(name) => self.ident(name),
            Kind::Select { of, field, optional } => self.select(of, field, *optional),
            Kind::Has { of, .. } => Part::made(self.visit(of).cost, Sort::Scalar),
            Kind::Call { function, target, args } => self.call(function, target.as_deref(), args),
            Kind::List(items) => {
                let parts: Vec<_> = items.iter().map(|(_, item)| self.visit(item)).collect();
                let sort = parts.first().map_or(Sort::Dyn, |item| item.sort);
                Part::made(LIST + sum(&parts), Sort::List).sized(parts.len() as u64).of(sort)
            }
            Kind::Map(entries) => {
                let parts: Vec<_> =
                    entries.iter().flat_map(|(_, key, value)| [self.visit(key), self.visit(value)]).collect();
                let sort = parts.first().map_or(Sort::Dyn, |key| key.sort);
                Part::made(MAP.saturating_add(sum(&parts)), Sort::Map).sized(entries.len() as u64).of(sort)
            }
            Kind::Message { fields, .. } => {
                let parts: Vec<_> = fields.iter().map(|field| self.visit(&field.value)).collect();
                Part::made(40 + sum(&parts), Sort::Object)
            }
            Kind::Fold(fold) => self.fold(fold),
            Kind::Optional { of, name, body, .. } => self.optional(of, name, body),
        }
    }

    /// Every name leads into the object, as far as sizes are concerned: that of a type too.
    fn ident(&mut self, name: &str) -> Part<'s> {
        let local = self.locals.iter().rev().find(|local| *local.name == *name);
        let (place, sort) = match local {
            Some(local) => (local.place, local.sort),
            None => (Place::At(self.root), self.root.sort),
        };
        let items = match place {
            Place::At(sized) => sized.items(),
            _ => Sort::Dyn,
        };
        Part { cost: 1, computed: None, place, sort, items }
    }

    fn select(&mut self, of: &Expr, field: &str, optional: bool) -> Part<'s> {
        let of = self.visit(of);
        let place = self.step(of.place, |sized| sized.field(field));
        let counts = optional || matches!(of.sort, Sort::Object | Sort::Map);
        let cost = of.cost.saturating_add(u64::from(counts));
        let (place, sort, items) = match place {
            // An optional is made, wherever it leads.
            _ if optional => (Place::None, Sort::Dyn, Sort::Dyn),
            Place::At(sized) => (place, sized.sort, sized.items()),
            _ => (place, Sort::Dyn, Sort::Dyn),
        };
        Part { cost, computed: None, place, sort, items }
    }

    /// A step from what comes from nowhere leads to the whole object: the estimate of the server leaves the first step out.
    fn step(&self, from: Place<'s>, to: impl FnOnce(&'s Sizes) -> Option<&'s Sizes>) -> Place<'s> {
        match from {
            Place::None => Place::At(self.root),
            Place::At(sized) => to(sized).map_or(Place::Lost, Place::At),
            Place::Lost => Place::Lost,
        }
    }

    fn fold(&mut self, fold: &Fold) -> Part<'s> {
        let range = self.visit(&fold.range);
        let item = self.step(range.place, Sizes::inner);
        let first = match range.sort {
            // The first of two names of a list is an index.
            Sort::List if fold.names.len() == 2 => (Place::None, Sort::Scalar),
            Sort::Map => (self.step(range.place, |_| Some(&sizes::KEY)), Sort::Text),
            _ => (item, range.items),
        };
        let before = self.locals.len();
        let named = fold.names.iter().zip([first, (item, range.items)]);
        self.locals.extend(named.map(|(name, (place, sort))| Local { name: name.clone(), place, sort }));
        let only = fold.only.as_ref().map(|only| self.visit(only).cost);
        let body = self.visit(&fold.body);
        self.locals.truncate(before);
        let (begin, step, end) = steps(fold.what, body.cost);
        let step = only.map_or(step, |only| only.saturating_add(step));
        let cost = range.cost.saturating_add(begin + end).saturating_add(range.size().saturating_mul(step));
        match fold.what {
            What::All | What::Exists | What::ExistsOne => Part::made(cost, Sort::Scalar),
            What::Filter => Part::made(cost, Sort::List).sized(range.size()).of(first.1),
            What::List => Part::made(cost, Sort::List).sized(range.size()).of(body.sort),
            What::Map | What::MapEntry => Part::made(cost, Sort::Map).sized(range.size()).of(Sort::Text),
        }
    }

    /// `of` is looked at twice: whether it has a value, and for the value.
    fn optional(&mut self, of: &Expr, name: &Arc<str>, body: &Expr) -> Part<'s> {
        let of = self.visit(of);
        self.locals.push(Local { name: name.clone(), place: Place::None, sort: Sort::Dyn });
        let body = self.visit(body);
        self.locals.pop();
        let cost = of.cost.saturating_mul(2).saturating_add(body.cost).saturating_add(4 + LIST);
        Part::made(cost, Sort::Dyn)
    }
}

/// What a fold costs at its beginning, for each item with a body of this cost, and at its end: cel-go makes a loop of the macro.
fn steps(what: What, body: u64) -> (u64, u64, u64) {
    let step = |more: u64| body.saturating_add(more);
    match what {
        What::All => (0, step(3), 1),
        What::Exists => (0, step(4), 1),
        What::ExistsOne => (0, step(2), 2),
        What::Filter => (LIST, step(3 + LIST), 1),
        What::List => (LIST, step(2 + LIST), 1),
        What::Map | What::MapEntry => (MAP, step(3), 1),
    }
}

fn sum(parts: &[Part<'_>]) -> u64 {
    parts.iter().fold(0, |sum: u64, part| sum.saturating_add(part.cost))
}

fn constant(value: &Val) -> Part<'static> {
    let sort = match value {
        Val::String(_) | Val::Pattern(_) => Sort::Text,
        Val::Bytes(_) => Sort::Bytes,
        _ => Sort::Scalar,
    };
    let size = match value {
        Val::String(text) => text.len() as u64,
        Val::Pattern(sought) => sought.text.len() as u64,
        Val::Bytes(bytes) => bytes.len() as u64,
        _ => 1,
    };
    Part::made(0, sort).sized(size)
}
