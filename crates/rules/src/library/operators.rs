//! Arithmetic, comparison and indexing.

use super::Answer;
use crate::val::Val;

const OVERFLOW: &str = "integer overflow";

pub(super) fn call(name: &str, args: &[Val]) -> Option<Answer> {
    match (name, args) {
        ("_==_", [a, b]) => Some(Ok(Val::Bool(a.equals(b)))),
        ("_!=_", [a, b]) => Some(Ok(Val::Bool(!a.equals(b)))),
        ("_<_" | "_<=_" | "_>_" | "_>=_", [a, b]) => compare(name, a, b),
        ("!_", [Val::Bool(flag)]) => Some(Ok(Val::Bool(!flag))),
        ("-_", [Val::Int(number)]) => Some(number.checked_neg().map(Val::Int).ok_or(OVERFLOW.into())),
        ("-_", [Val::Double(number)]) => Some(Ok(Val::Double(-number))),
        ("-_", [Val::Duration(nanos)]) => Some(nanos.checked_neg().map(Val::Duration).ok_or(OVERFLOW.into())),
        ("@in", [item, of]) => Some(within(item, of)),
        ("_[_]", [of, key]) => index(of, key),
        ("_[?_]", [of, key]) => optional_index(of, key),
        ("_+_", [a, b]) => plus(a, b).or_else(|| arithmetic(name, a, b)),
        ("_-_", [a, b]) => minus(a, b).or_else(|| arithmetic(name, a, b)),
        ("_*_" | "_/_" | "_%_", [a, b]) => arithmetic(name, a, b),
        _ => None,
    }
}

fn compare(name: &str, a: &Val, b: &Val) -> Option<Answer> {
    let order = match (a.compare(b), a, b) {
        (Some(order), ..) => order,
        (None, Val::Double(_), Val::Double(_)) => return Some(Ok(Val::Bool(false))),
        _ => return None,
    };
    Some(Ok(Val::Bool(match name {
        "_<_" => order.is_lt(),
        "_<=_" => order.is_le(),
        "_>_" => order.is_gt(),
        _ => order.is_ge(),
    })))
}

fn within(item: &Val, of: &Val) -> Answer {
    if let Some(items) = of.items() {
        return Ok(Val::Bool(items?.iter().any(|known| known.equals(item))));
    }
    match (of, item) {
        (Val::Data(..), Val::String(name)) => Ok(Val::Bool(of.field(name).is_some())),
        (Val::Map(_), _) => Ok(Val::Bool(of.entry(item).is_some())),
        _ => Err("no such overload".into()),
    }
}

/// The index that a number is: a double counts if it is whole.
fn position(key: &Val) -> Option<i64> {
    match key {
        Val::Int(number) => Some(*number),
        Val::Uint(number) => i64::try_from(*number).ok(),
        Val::Double(number) if number.fract() == 0.0 => Some(*number as i64),
        _ => None,
    }
}

fn index(of: &Val, key: &Val) -> Option<Answer> {
    if let Val::Optional(inner) = of {
        return Some(match inner {
            None => Ok(Val::Optional(None)),
            Some(inner) => optional_index(inner, key)?,
        });
    }
    if let (Some(_), Some(at)) = (of.size(), position(key))
        && !matches!(
            of,
            Val::Map(_) | Val::Data(lockstep_core::Value::Map(_), _) | Val::String(_) | Val::Bytes(_)
        )
    {
        let item = usize::try_from(at).ok().and_then(|at| of.item(at));
        return Some(item.unwrap_or_else(|| Err(format!("index out of bounds: {at}"))));
    }
    let found = match (of, key) {
        (Val::Map(_), _) => of.entry(key),
        (Val::Data(..), Val::String(name)) => of.field(name),
        (Val::Data(..), _) => None,
        _ => return None,
    };
    Some(found.unwrap_or_else(|| Err(format!("no such key: {}", super::shown(key)))))
}

fn optional_index(of: &Val, key: &Val) -> Option<Answer> {
    if let Val::Optional(None) = of {
        return Some(Ok(Val::Optional(None)));
    }
    Some(match index(of, key)? {
        Ok(found @ Val::Optional(_)) => Ok(found),
        Ok(found) => Ok(Val::some(found)),
        Err(_) => Ok(Val::Optional(None)),
    })
}

fn plus(a: &Val, b: &Val) -> Option<Answer> {
    Some(Ok(match (a, b) {
        (Val::String(a), Val::String(b)) => Val::text(format!("{a}{b}")),
        (Val::Bytes(a), Val::Bytes(b)) => Val::Bytes([&**a, &**b].concat().into()),
        (Val::Time(time), Val::Duration(nanos)) | (Val::Duration(nanos), Val::Time(time)) => {
            return Some(time.plus(*nanos).map(Val::Time).ok_or("timestamp overflow".into()));
        }
        (Val::Duration(a), Val::Duration(b)) => {
            return Some(a.checked_add(*b).map(Val::Duration).ok_or("duration overflow".into()));
        }
        _ => return joined(a, b),
    }))
}

/// Lists one after the other; a list with keys or a set keeps its items unique.
fn joined(a: &Val, b: &Val) -> Option<Answer> {
    let (left, right) = (a.items()?, b.items()?);
    let lists = left.and_then(|left| Ok((left, right?)));
    Some(lists.map(|(mut left, right)| {
        let unique = match a {
            Val::Data(_, shape) => shape.text("x-kubernetes-list-type").to_owned(),
            _ => String::new(),
        };
        let keys = match a {
            Val::Data(_, crate::val::Shape::Schema(schema)) => schema
                .get("x-kubernetes-list-map-keys")
                .and_then(lockstep_core::Value::as_list)
                .unwrap_or_default()
                .iter()
                .filter_map(|key| Some(key.as_str()?.to_owned()))
                .collect(),
            _ => Vec::new(),
        };
        for item in right {
            let same = |known: &Val| match &*unique {
                "set" => known.equals(&item),
                "map" => keys.iter().all(|key| match (known.field(key), item.field(key)) {
                    (Some(Ok(a)), Some(Ok(b))) => a.equals(&b),
                    (a, b) => a.is_none() && b.is_none(),
                }),
                _ => false,
            };
            match left.iter().position(same) {
                Some(at) => left[at] = item,
                None => left.push(item),
            }
        }
        Val::list(left)
    }))
}

fn minus(a: &Val, b: &Val) -> Option<Answer> {
    Some(match (a, b) {
        (Val::Time(a), Val::Time(b)) => a.since(*b).map(Val::Duration).ok_or("duration overflow".into()),
        (Val::Time(time), Val::Duration(nanos)) => nanos
            .checked_neg()
            .and_then(|nanos| time.plus(nanos))
            .map(Val::Time)
            .ok_or("timestamp overflow".into()),
        (Val::Duration(a), Val::Duration(b)) => {
            a.checked_sub(*b).map(Val::Duration).ok_or("duration overflow".into())
        }
        _ => return None,
    })
}

fn arithmetic(name: &str, a: &Val, b: &Val) -> Option<Answer> {
    match (a, b) {
        (Val::Int(a), Val::Int(b)) => Some(integers(name, *a, *b).map(Val::Int)),
        (Val::Uint(a), Val::Uint(b)) => Some(unsigned(name, *a, *b).map(Val::Uint)),
        (Val::Double(a), Val::Double(b)) => Some(Ok(Val::Double(match name {
            "_+_" => a + b,
            "_-_" => a - b,
            "_*_" => a * b,
            "_/_" => a / b,
            _ => return None,
        }))),
        _ => None,
    }
}

fn integers(name: &str, a: i64, b: i64) -> Result<i64, String> {
    let result = match (name, b) {
        ("_/_", 0) => return Err("division by zero".into()),
        ("_%_", 0) => return Err("modulus by zero".into()),
        ("_+_", _) => a.checked_add(b),
        ("_-_", _) => a.checked_sub(b),
        ("_*_", _) => a.checked_mul(b),
        ("_/_", _) => a.checked_div(b),
        _ => a.checked_rem(b),
    };
    result.ok_or(OVERFLOW.into())
}

fn unsigned(name: &str, a: u64, b: u64) -> Result<u64, String> {
    let result = match (name, b) {
        ("_/_", 0) => return Err("division by zero".into()),
        ("_%_", 0) => return Err("modulus by zero".into()),
        ("_+_", _) => a.checked_add(b),
        ("_-_", _) => a.checked_sub(b),
        ("_*_", _) => a.checked_mul(b),
        ("_/_", _) => a.checked_div(b),
        _ => a.checked_rem(b),
    };
    result.ok_or("unsigned integer overflow".into())
}
