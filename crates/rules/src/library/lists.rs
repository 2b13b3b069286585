//! Functions of lists and sets.

use super::Answer;
use crate::val::Val;

pub(super) fn global(name: &str, args: &[Val]) -> Option<Answer> {
    match (name, args) {
        ("lists.range", [Val::Int(end)]) => Some(Ok(Val::list((0..*end).map(Val::Int).collect()))),
        ("sets.contains" | "sets.equivalent" | "sets.intersects", [a, b]) => {
            let (a, b) = (a.items()?, b.items()?);
            Some(a.and_then(|a| Ok((a, b?))).map(|(a, b)| Val::Bool(sets(name, &a, &b))))
        }
        _ => None,
    }
}

fn sets(name: &str, a: &[Val], b: &[Val]) -> bool {
    let within = |item: &Val, of: &[Val]| of.iter().any(|known| known.equals(item));
    match name {
        "sets.contains" => b.iter().all(|item| within(item, a)),
        "sets.equivalent" => b.iter().all(|item| within(item, a)) && a.iter().all(|item| within(item, b)),
        _ => a.iter().any(|item| within(item, b)),
    }
}

pub(super) fn method(name: &str, target: &Val, args: &[Val]) -> Option<Answer> {
    let items = match target.items()? {
        Ok(items) => items,
        Err(error) => return Some(Err(error)),
    };
    match (name, args) {
        ("isSorted", []) => {
            let pairs = items.windows(2).map(|pair| pair[0].compare(&pair[1]));
            Some(Ok(Val::Bool(pairs.into_iter().all(|order| order.is_some_and(|order| order.is_le())))))
        }
        ("sum", []) => sum(&items),
        ("min" | "max", []) => Some(extreme(name, &items)),
        ("indexOf", [item]) => Some(Ok(place(items.iter().position(|known| known.equals(item))))),
        ("lastIndexOf", [item]) => Some(Ok(place(items.iter().rposition(|known| known.equals(item))))),
        ("join", []) => join(&items, ""),
        ("join", [Val::String(by)]) => join(&items, by),
        ("slice", [Val::Int(from), Val::Int(to)]) => Some(slice(&items, *from, *to)),
        ("flatten", []) => Some(flatten(items, 1)),
        ("flatten", [Val::Int(depth)]) => Some(flatten(items, *depth)),
        ("reverse", []) => Some(Ok(Val::list(items.into_iter().rev().collect()))),
        ("distinct", []) => Some(Ok(Val::list(distinct(items)))),
        ("sort", []) => Some(sorted(items.clone(), &items)),
        ("@sortByAssociatedKeys", [keys]) => {
            let keys = keys.items()?;
            Some(keys.and_then(|keys| sorted(items, &keys)))
        }
        ("first", []) => Some(Ok(items.first().cloned().map_or(Val::Optional(None), Val::some))),
        ("last", []) => Some(Ok(items.last().cloned().map_or(Val::Optional(None), Val::some))),
        _ => None,
    }
}

fn place(at: Option<usize>) -> Val {
    Val::Int(at.map_or(-1, |at| at as i64))
}

fn sum(items: &[Val]) -> Option<Answer> {
    let Some((first, rest)) = items.split_first() else { return Some(Ok(Val::Int(0))) };
    let mut total = first.clone();
    for item in rest {
        total = match super::operators::call("_+_", &[total, item.clone()])? {
            Ok(total) => total,
            Err(error) => return Some(Err(error)),
        };
    }
    Some(Ok(total))
}

fn extreme(name: &str, items: &[Val]) -> Answer {
    let Some(first) = items.first() else { return Err(format!("{name} called on empty list")) };
    let better = |best: &Val, item: &Val| {
        let order = item.compare(best);
        if name == "min" {
            order.is_some_and(|order| order.is_lt())
        } else {
            order.is_some_and(|order| order.is_gt())
        }
    };
    Ok(items.iter().fold(first, |best, item| if better(best, item) { item } else { best }).clone())
}

fn join(items: &[Val], by: &str) -> Option<Answer> {
    let text = |item: &Val| match item {
        Val::String(text) => Some(text.to_string()),
        _ => None,
    };
    Some(Ok(Val::text(items.iter().map(text).collect::<Option<Vec<_>>>()?.join(by))))
}

fn slice(items: &[Val], from: i64, to: i64) -> Answer {
    if from < 0 || to < 0 {
        return Err(format!("cannot slice({from}, {to}), negative indexes not supported"));
    }
    if from > to {
        return Err(format!(
            "cannot slice({from}, {to}), start index must be less than or equal to end index"
        ));
    }
    match items.get(from as usize..to as usize) {
        Some(items) => Ok(Val::list(items.to_vec())),
        None => Err(format!("cannot slice({from}, {to}), list is length {}", items.len())),
    }
}

fn flatten(items: Vec<Val>, depth: i64) -> Answer {
    if depth < 0 {
        return Err("level must be non-negative".into());
    }
    let mut out = Vec::new();
    for item in items {
        match item.items() {
            Some(inner) if depth > 0 => match flatten(inner?, depth - 1)? {
                Val::List(inner) => out.extend(inner.iter().cloned()),
                other => out.push(other),
            },
            _ => out.push(item),
        }
    }
    Ok(Val::list(out))
}

fn distinct(items: Vec<Val>) -> Vec<Val> {
    let mut out: Vec<Val> = Vec::new();
    for item in items {
        if !out.iter().any(|known| known.equals(&item)) {
            out.push(item);
        }
    }
    out
}

/// The items in the order of their keys.
fn sorted(items: Vec<Val>, keys: &[Val]) -> Answer {
    if let Some(first) = keys.first()
        && keys.iter().any(|key| key.type_name() != first.type_name() || key.compare(key).is_none())
    {
        return Err("list elements must have the same type".into());
    }
    let mut pairs: Vec<(&Val, Val)> = keys.iter().zip(items).collect();
    pairs.sort_by(|(a, _), (b, _)| a.compare(b).unwrap_or(std::cmp::Ordering::Equal));
    Ok(Val::list(pairs.into_iter().map(|(_, item)| item).collect()))
}
