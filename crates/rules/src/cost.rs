//! What calls cost, in the units of cel-go: about one a step, a tenth for each character that is looked at.

use crate::val::Val;

/// What an expression may cost.
pub(crate) const PER_CALL: u64 = 1_000_000;
/// What all rules of an object, or one policy with one binding, may cost together.
pub(crate) const BUDGET: i64 = 10_000_000;
/// What the match conditions of a policy may cost together.
pub(crate) const MATCH_BUDGET: i64 = 2_500_000;

pub(crate) const LIST: u64 = 10;
pub(crate) const MAP: u64 = 30;

fn size(value: &Val) -> u64 {
    value.size().map_or(1, |size| size as u64)
}

/// A tenth, rounded up.
fn traversal(size: u64) -> u64 {
    size.div_ceil(10)
}

/// What a call costs, from what it is given.
pub(crate) fn before(function: &str, target: Option<&Val>, args: &[Val]) -> u64 {
    let all: Vec<&Val> = target.into_iter().chain(args).collect();
    let at = |index: usize| all.get(index).map_or(0, |value| size(value));
    let first = all.first();
    match (function, first) {
        ("startsWith" | "endsWith", _) => traversal(at(1)),
        ("bytes" | "format" | "strings.quote", _) => traversal(at(0)),
        ("string", Some(Val::Bytes(_))) => traversal(at(0)),
        ("@in", _) if matches!(args.get(1), Some(list) if list.items().is_some()) => at(1),
        ("_==_" | "_!=_" | "_<_" | "_<=_" | "_>_" | "_>=_", _) => traversal(at(0).min(at(1))),
        ("_+_", Some(Val::String(_) | Val::Bytes(_))) => traversal(at(0) + at(1)),
        ("matches" | "find" | "findAll", _) => traversal(at(0) + 1) * at(1).div_ceil(4),
        ("contains", _) => traversal(at(0)) * traversal(at(1)),
        ("isSorted" | "sum" | "min" | "max" | "indexOf" | "lastIndexOf", _)
            if first.is_some_and(|value| value.items().is_some()) =>
        {
            at(0)
        }
        // What grows is paid for before it does.
        ("lists.range", Some(Val::Int(count))) => u64::try_from(*count).unwrap_or(0),
        ("join", Some(list)) => {
            let by = at(1);
            let items = list.items().and_then(Result::ok).unwrap_or_default();
            traversal(items.iter().map(|item| size(item) + by).sum())
        }
        ("replace", _) => traversal(at(0).saturating_mul(at(2).max(1))),
        ("sets.contains" | "sets.intersects", _) => at(0).saturating_mul(at(1)).saturating_add(1),
        ("sets.equivalent", _) => at(0).saturating_mul(at(1)).saturating_mul(2).saturating_add(1),
        ("check", _) => 350_000,
        (
            "trim" | "lowerAscii" | "upperAscii" | "split" | "substring" | "charAt" | "url" | "quantity"
            | "ip" | "cidr" | "isURL" | "isQuantity" | "isIP" | "isCIDR",
            _,
        ) => traversal(at(0)),
        ("validate", _) => traversal(at(1)) * 10,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_cost_what_they_look_at() {
        let list = |size: usize| Val::list(vec![Val::Int(1); size]);
        let text = |size: usize| Val::text("x".repeat(size));
        let check = |function: &str, args: &[Val], want: u64| {
            assert_eq!(before(function, None, args), want, "{function}");
        };
        check("sets.contains", &[list(30), list(20)], 601);
        check("sets.intersects", &[list(0), list(20)], 1);
        check("sets.equivalent", &[list(30), list(20)], 1201);
        check("matches", &[text(99), text(8)], 20);
        check("matches", &[text(0), text(0)], 0);
    }
}
