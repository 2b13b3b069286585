//! Functions of texts.

mod format;

use schema::{Pattern, PatternError};

use super::Answer;
use crate::val::Val;

pub(super) fn global(name: &str, args: &[Val]) -> Option<Answer> {
    match (name, args) {
        ("size", [value]) => value.size().map(|size| Ok(Val::Int(size as i64))),
        ("matches", [Val::String(text), pattern]) => matches(text, pattern),
        ("strings.quote", [Val::String(text)]) => Some(Ok(Val::text(format!("{text:?}")))),
        ("jsonpatch.escapeKey", [Val::String(text)]) => {
            Some(Ok(Val::text(text.replace('~', "~0").replace('/', "~1"))))
        }
        _ => None,
    }
}

fn matches(text: &str, pattern: &Val) -> Option<Answer> {
    let matched = searched(pattern, |pattern| Val::Bool(pattern.is_match(text)))?;
    Some(matched.map_err(|error| error.to_string()))
}

/// Uses a pattern, `None` for what is none. One that was made by the expression itself is compiled each time: remembering it would
/// be a state, which a deciding room has none of.
fn searched<T>(pattern: &Val, search: impl FnOnce(&Pattern) -> T) -> Option<Result<T, PatternError>> {
    match pattern {
        Val::Pattern(sought) => Some(Ok(search(&sought.pattern))),
        Val::String(text) => Some(Pattern::new(text).map(|pattern| search(&pattern))),
        _ => None,
    }
}

pub(super) fn method(name: &str, target: &Val, args: &[Val]) -> Option<Answer> {
    if let ("size", []) = (name, args) {
        return target.size().map(|size| Ok(Val::Int(size as i64)));
    }
    let Val::String(text) = target else { return None };
    let yes = |flag: bool| Some(Ok(Val::Bool(flag)));
    let made = |text: String| Some(Ok(Val::text(text)));
    match (name, args) {
        ("startsWith", [Val::String(part)]) => yes(text.starts_with(&**part)),
        ("endsWith", [Val::String(part)]) => yes(text.ends_with(&**part)),
        ("contains", [Val::String(part)]) => yes(text.contains(&**part)),
        ("matches", [pattern]) => matches(text, pattern),
        ("trim", []) => made(text.trim().into()),
        ("lowerAscii", []) => made(text.to_ascii_lowercase()),
        ("upperAscii", []) => made(text.to_ascii_uppercase()),
        ("format", [values]) => {
            Some(values.items()?.and_then(|values| format::format(text, &values)).map(Val::text))
        }
        ("replace", [Val::String(old), Val::String(new)]) => made(text.replace(&**old, new)),
        ("replace", [Val::String(old), Val::String(new), Val::Int(count)]) => {
            made(match usize::try_from(*count) {
                Ok(count) => text.replacen(&**old, new, count),
                Err(_) => text.replace(&**old, new),
            })
        }
        ("split", [Val::String(by)]) => Some(Ok(split(text, by, -1))),
        ("split", [Val::String(by), Val::Int(count)]) => Some(Ok(split(text, by, *count))),
        ("charAt" | "substring" | "indexOf" | "lastIndexOf", _) => positions(name, text, args),
        ("find", [pattern]) => {
            let first = |found: Vec<Val>| found.into_iter().next().unwrap_or_else(|| Val::text(""));
            Some(find(text, pattern, 1)?.map(first))
        }
        ("findAll", [pattern]) => Some(find(text, pattern, -1)?.map(Val::list)),
        ("findAll", [pattern, Val::Int(count)]) => Some(find(text, pattern, *count)?.map(Val::list)),
        _ => None,
    }
}

fn split(text: &str, by: &str, count: i64) -> Val {
    let parts: Vec<Val> = match (usize::try_from(count), by) {
        (Ok(0), _) => Vec::new(),
        (Ok(count), "") => {
            let chars: Vec<char> = text.chars().collect();
            let (single, rest) = chars.split_at(count.saturating_sub(1).min(chars.len()));
            let rest: String = rest.iter().collect();
            let last = (!rest.is_empty()).then(|| Val::text(rest));
            single.iter().map(|char| Val::text(char.to_string())).chain(last).collect()
        }
        (Ok(count), _) => text.splitn(count, by).map(Val::text).collect(),
        (Err(_), "") => text.chars().map(|char| Val::text(char.to_string())).collect(),
        (Err(_), _) => text.split(by).map(Val::text).collect(),
    };
    Val::list(parts)
}

/// Functions that count characters.
fn positions(name: &str, text: &str, args: &[Val]) -> Option<Answer> {
    let chars: Vec<char> = text.chars().collect();
    let size = chars.len() as i64;
    let outside = |at: i64| Some(Err(format!("index out of range: {at}")));
    let cut = |from: i64, to: i64| Val::text(chars[from as usize..to as usize].iter().collect::<String>());
    match (name, args) {
        ("charAt", [Val::Int(at)]) if *at < 0 || *at > size => outside(*at),
        ("charAt", [Val::Int(at)]) => Some(Ok(cut(*at, (*at + 1).min(size)))),
        ("substring", [Val::Int(from)]) if *from < 0 || *from > size => outside(*from),
        ("substring", [Val::Int(from)]) => Some(Ok(cut(*from, size))),
        ("substring", [Val::Int(from), Val::Int(to)]) => match (*from, *to) {
            (from, to) if from > to => {
                Some(Err(format!("invalid substring range. start: {from}, end: {to}")))
            }
            (from, _) if from < 0 || from > size => outside(from),
            (_, to) if to < 0 || to > size => outside(to),
            (from, to) => Some(Ok(cut(from, to))),
        },
        (_, [Val::String(part), rest @ ..]) => {
            let part: Vec<char> = part.chars().collect();
            let found = |mut places: Box<dyn Iterator<Item = usize>>| {
                let here = |at: &usize| chars[*at..].starts_with(&part);
                Some(Ok(Val::Int(places.find(here).map_or(-1, |at| at as i64))))
            };
            let from = match rest {
                [] => None,
                [Val::Int(from)] if *from < 0 || *from > size => return outside(*from),
                [Val::Int(from)] => Some(*from as usize),
                _ => return None,
            };
            match name {
                "indexOf" => found(Box::new(from.unwrap_or(0)..=chars.len())),
                _ => found(Box::new((0..=from.unwrap_or(chars.len())).rev())),
            }
        }
        _ => None,
    }
}

fn find(text: &str, pattern: &Val, count: i64) -> Option<Result<Vec<Val>, String>> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let search = |pattern: &Pattern| {
        pattern.regex().find_iter(text).take(most).map(|found| Val::text(found.as_str())).collect()
    };
    Some(searched(pattern, search)?.map_err(|error| format!("Illegal regex: {error}")))
}
