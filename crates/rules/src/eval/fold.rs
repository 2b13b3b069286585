//! The macros that go over lists and mappings.

use super::{Eval, Evaluated, Fault, Scope, no_overload};
use crate::expr::{Fold, What};
use crate::val::Val;

/// What one item costs besides its body, as cel-go counts the steps of the loop that it makes of the macro.
fn step_cost(what: What) -> u64 {
    match what {
        What::All => 3,
        What::Exists => 4,
        What::ExistsOne => 1,
        What::Filter => 1,
        What::List => 12,
        What::Map | What::MapEntry => 32,
    }
}

impl Eval<'_> {
    pub(super) fn fold(&self, fold: &Fold, scope: Option<&Scope<'_>>) -> Evaluated {
        let range = self.eval(&fold.range, scope)?;
        let pairs = pairs(&range, fold.names.len())?;
        let mut run = Run { fold, out: Vec::new(), entries: Vec::new(), count: 0, fault: None };
        self.spend(1)?;
        for (first, second) in &pairs {
            self.spend(step_cost(fold.what))?;
            let outer =
                Scope { outer: scope, name: fold.names.first().map_or("", |name| name), value: first };
            let inner = match fold.names.get(1) {
                Some(name) => Scope { outer: Some(&outer), name, value: second },
                None => outer,
            };
            if let Some(end) = self.step(&mut run, (first, second), &inner)? {
                return Ok(end);
            }
        }
        run.finish()
    }

    /// One item. A value ends the fold.
    fn step(&self, run: &mut Run<'_>, pair: (&Val, &Val), scope: &Scope<'_>) -> Result<Option<Val>, Fault> {
        let fold = run.fold;
        if let Some(only) = &fold.only {
            match self.eval(only, Some(scope))? {
                Val::Bool(true) => {}
                Val::Bool(false) => return Ok(None),
                _ => return Err(no_overload()),
            }
        }
        let value = self.eval(&fold.body, Some(scope));
        match (fold.what, value) {
            (What::All, Ok(Val::Bool(false))) | (What::Exists, Ok(Val::Bool(true))) => {
                return Ok(Some(Val::Bool(fold.what == What::Exists)));
            }
            (What::All | What::Exists, Ok(Val::Bool(_))) => {}
            (What::All | What::Exists, Err(Fault::Failed(text))) => {
                // Another item may decide, whatever became of this one.
                run.fault.get_or_insert(Fault::Failed(text));
            }
            (_, Err(fault)) => return Err(fault),
            (What::ExistsOne, Ok(Val::Bool(flag))) => run.count += usize::from(flag),
            (What::Filter, Ok(Val::Bool(true))) => {
                self.spend(12)?;
                run.out.push(pair.0.clone());
            }
            (What::Filter, Ok(Val::Bool(false))) => {}
            (What::List, Ok(value)) => run.out.push(value),
            (What::Map, Ok(value)) => run.entries.push((pair.0.clone(), value)),
            (What::MapEntry, Ok(value)) => run.merge(&value)?,
            _ => return Err(no_overload()),
        }
        Ok(None)
    }
}

/// A fold under way.
struct Run<'f> {
    fold: &'f Fold,
    out: Vec<Val>,
    entries: Vec<(Val, Val)>,
    count: usize,
    fault: Option<Fault>,
}

impl Run<'_> {
    fn merge(&mut self, entry: &Val) -> Result<(), Fault> {
        let entries = entry.entries().ok_or_else(no_overload)??;
        for (key, value) in entries {
            if self.entries.iter().any(|(known, _)| known.equals(&key)) {
                return Err(Fault::Failed(format!(
                    "insert failed: key {} already exists",
                    crate::library::shown(&key)
                )));
            }
            self.entries.push((key, value));
        }
        Ok(())
    }

    fn finish(self) -> Evaluated {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        Ok(match self.fold.what {
            What::All => Val::Bool(true),
            What::Exists => Val::Bool(false),
            What::ExistsOne => Val::Bool(self.count == 1),
            What::Filter | What::List => Val::list(self.out),
            What::Map | What::MapEntry => Val::Map(self.entries.into()),
        })
    }
}

/// What the names stand for: the item or key; or index and item, key and value.
fn pairs(range: &Val, names: usize) -> Result<Vec<(Val, Val)>, Fault> {
    if let Some(items) = range.items() {
        let items = items?.into_iter();
        return Ok(match names {
            2 => items.enumerate().map(|(index, item)| (Val::Int(index as i64), item)).collect(),
            _ => items.map(|item| (item, Val::Null)).collect(),
        });
    }
    Ok(range.entries().ok_or_else(no_overload)??)
}
