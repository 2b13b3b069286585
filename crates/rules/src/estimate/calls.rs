//! What calls may cost at most.

use super::{Estimate, Part, Place, Sizes, Sort, sum};
use crate::expr::Expr;

/// A tenth, rounded up: what looking at each character costs.
fn tenth(size: u64) -> u64 {
    size.div_ceil(10)
}

impl<'s> Estimate<'s> {
    pub(super) fn call(&mut self, function: &str, target: Option<&Expr>, args: &[Expr]) -> Part<'s> {
        let target = target.map(|target| self.visit(target));
        let args: Vec<Part<'s>> = args.iter().map(|arg| self.visit(arg)).collect();
        if let ("_?_:_", [condition, yes, no]) = (function, &args[..]) {
            let cost = condition.cost.saturating_add(yes.cost.max(no.cost));
            let size = yes.size().max(no.size());
            return Part { items: yes.items, ..Part::made(cost, yes.sort) }.sized(size);
        }
        let all: Vec<Part<'s>> = target.into_iter().chain(args).collect();
        let before = sum(&all);
        let mut part = match (function, &all[..]) {
            ("_[_]" | "_[?_]", [of, _]) => self.index(function, of),
            _ => own(function, &all),
        };
        part.cost = part.cost.saturating_add(before);
        part
    }

    fn index(&self, function: &str, of: &Part<'s>) -> Part<'s> {
        if function == "_[?_]" {
            return Part::made(1, Sort::Dyn);
        }
        let place = self.step(of.place, Sizes::inner);
        let (sort, items) = match place {
            Place::At(sized) => (sized.sort, sized.items()),
            _ => (Sort::Dyn, Sort::Dyn),
        };
        Part { cost: 1, computed: None, place, sort, items }
    }
}

/// The cost of a call itself, and what it gives; the target is the first of `all`.
fn own<'s>(function: &str, all: &[Part<'s>]) -> Part<'s> {
    let size = |index: usize| all.get(index).map_or(0, Part::size);
    let sort = |index: usize| all.get(index).map_or(Sort::Dyn, |part| part.sort);
    let scalar = |cost| Part::made(cost, Sort::Scalar);
    let text = |cost| Part::made(cost, Sort::Text);
    match function {
        "_&&_" | "_||_" => scalar(0),
        "_==_" | "_!=_" => scalar(tenth(size(0).min(size(1)))),
        "_<_" | "_<=_" | "_>_" | "_>=_" => match sort(0) {
            Sort::Text | Sort::Bytes => scalar(tenth(size(0).min(size(1)))),
            Sort::Dyn => scalar(tenth(size(0).min(size(1))).max(1)),
            _ => scalar(1),
        },
        "_+_" => added(all),
        "@in" if sort(1) == Sort::Map => scalar(1),
        "@in" => scalar(size(1)),
        "startsWith" | "endsWith" => scalar(tenth(size(1))),
        "contains" => scalar(tenth(size(0)).saturating_mul(tenth(size(1)))),
        "matches" => scalar(searched(size(0), size(1))),
        "find" => text(searched(size(0), size(1))).sized(size(0)),
        "findAll" => Part::made(searched(size(0), size(1)), Sort::List).sized(size(0)).of(Sort::Text),
        "format" => text(tenth(size(0))),
        "string" => match sort(0) {
            // What may be bytes is no longer as a text.
            Sort::Bytes | Sort::Dyn => text(tenth(size(0)).max(1)).sized(size(0)),
            _ => text(1),
        },
        "bytes" => Part::made(tenth(size(0)), Sort::Bytes).sized(size(0).saturating_mul(4)),
        "check" => Part::made(350_000, Sort::Dyn),
        _ => of_library(function, all),
    }
}

/// The functions that the server adds to the language.
fn of_library<'s>(function: &str, all: &[Part<'s>]) -> Part<'s> {
    let size = |index: usize| all.get(index).map_or(0, Part::size);
    let first = all.first().map_or(Sort::Dyn, |part| part.sort);
    let items = all.first().map_or(Sort::Dyn, |part| part.items);
    let seen = tenth(size(0));
    match function {
        "lowerAscii" | "upperAscii" | "substring" | "trim" => Part::made(seen, Sort::Text).sized(size(0)),
        "replace" => Part::made(tenth(size(0).saturating_mul(2)), Sort::Text).sized(replaced(size)),
        "split" => {
            let made = Part::made(tenth(size(0).saturating_mul(2)), Sort::List);
            made.sized(size(0)).of(Sort::Text)
        }
        "join" => {
            let long = size(0).saturating_mul(item_size(all).saturating_add(size(1)));
            Part::made(tenth(long), Sort::Text).sized(long)
        }
        "indexOf" | "lastIndexOf" if first == Sort::Text => Part::made(seen, Sort::Scalar),
        "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => {
            let each = if items == Sort::Text { 1 + tenth(item_size(all)) } else { 1 };
            let gives = if matches!(function, "max" | "min") { items } else { Sort::Scalar };
            Part::made(size(0).saturating_mul(each), gives)
        }
        "url" | "quantity" | "ip" | "cidr" | "semver" => Part::made(seen, Sort::Dyn),
        "isQuantity" | "isIP" | "isCIDR" | "isSemver" => Part::made(seen, Sort::Scalar),
        "containsIP" | "containsCIDR" => Part::made(5, Sort::Scalar),
        // The longest of the patterns of names, in steps of four characters.
        "validate" => Part::made(tenth(size(1)).saturating_mul(32), Sort::Dyn),
        "size" | "int" | "uint" | "double" | "timestamp" | "duration" | "_-_" | "_*_" | "_/_" | "_%_"
        | "-_" | "!_" | "isURL" | "hasValue" | "family" => Part::made(1, Sort::Scalar),
        name if name.starts_with("is") || name.starts_with("get") && !name.starts_with("getH") => {
            Part::made(1, Sort::Scalar)
        }
        _ => Part::made(1, Sort::Dyn),
    }
}

/// `+` looks at each character of texts, but not at the items of lists.
fn added<'s>(all: &[Part<'s>]) -> Part<'s> {
    let [a, b] = all else { return Part::made(1, Sort::Scalar) };
    let size = a.size().saturating_add(b.size());
    match a.sort {
        Sort::List => Part::made(1, Sort::List).sized(size).of(a.items),
        Sort::Text | Sort::Bytes => Part::made(tenth(size), a.sort).sized(size),
        Sort::Dyn => Part::made(tenth(size).max(1), b.sort).sized(size),
        sort => Part::made(1, sort),
    }
}

/// A text searched for a pattern: of patterns, four characters are taken for a step.
fn searched(text: u64, pattern: u64) -> u64 {
    tenth(text.saturating_add(1)).saturating_mul(pattern.div_ceil(4))
}

/// How long a text is once each occurrence of one part is replaced by another.
fn replaced(size: impl Fn(usize) -> u64) -> u64 {
    let (text, old, new) = (size(0), size(1), size(2));
    match old {
        0 => text.saturating_add(text.saturating_add(1).saturating_mul(new)),
        old if new <= old => text,
        old => text.div_ceil(old).saturating_mul(new),
    }
}

/// How large the items of the first part are.
fn item_size(all: &[Part<'_>]) -> u64 {
    match all.first().map(|part| part.place) {
        Some(Place::At(sized)) => sized.inner().map_or(0, |inner| inner.most),
        _ => u64::MAX,
    }
}
