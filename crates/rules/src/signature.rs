//! The functions with the types that they take and give.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::types::Type;

/// One way to call a function.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    /// With the target of a method first.
    pub(crate) takes: Vec<Type>,
    pub(crate) gives: Type,
}

/// One function a line: its name, with a dot in front for a method, then the signatures. `A` and `B` stand for any types.
static TABLE: &str = include_str!("signatures.txt");

static SIGNATURES: LazyLock<HashMap<&'static str, Vec<Signature>>> = LazyLock::new(|| {
    let mut all: HashMap<&'static str, Vec<Signature>> = HashMap::new();
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, signatures) = line.split_once(' ').unwrap_or((line, ""));
        all.entry(name).or_default().extend(signatures.split(';').filter_map(|text| read(text.trim())));
    }
    all
});

/// The signatures of a function, or of a method.
pub(crate) fn signatures(name: &str, method: bool) -> Option<&'static [Signature]> {
    let key = if method { format!(".{name}") } else { name.to_owned() };
    SIGNATURES.get(&*key).map(Vec::as_slice)
}

/// Whether there is a function, not a method, of a name.
pub(crate) fn is_function(name: &str) -> bool {
    SIGNATURES.contains_key(name)
}

fn read(text: &str) -> Option<Signature> {
    let (takes, gives) = text.split_once("->")?;
    let takes = split(takes.trim().strip_prefix('(')?.strip_suffix(')')?);
    Some(Signature { takes: takes.iter().filter_map(|text| of(text)).collect(), gives: of(gives.trim())? })
}

/// Splits at commas outside of brackets.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, char) in text.char_indices() {
        match char {
            '<' => depth += 1,
            '>' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = text[start..].trim();
    if !last.is_empty() {
        parts.push(last);
    }
    parts
}

fn of(text: &str) -> Option<Type> {
    if let Some((outer, inner)) = text.strip_suffix('>').and_then(|text| text.split_once('<')) {
        let inner: Vec<Type> = split(inner).iter().filter_map(|text| of(text)).collect();
        return Some(match (outer, &inner[..]) {
            ("list", [item]) => Type::list(item.clone()),
            ("map", [key, value]) => Type::map(key.clone(), value.clone()),
            ("optional", [of]) => Type::Optional(Arc::new(of.clone())),
            ("type", [of]) => Type::Kind(Arc::new(of.clone())),
            _ => return None,
        });
    }
    Some(match text {
        "A" => Type::Var(0),
        "B" => Type::Var(1),
        "dyn" => Type::Dyn,
        "timestamp" => Type::Time,
        "duration" => Type::Duration,
        name => crate::types::of_name(name).unwrap_or_else(|| Type::Named(name.into())),
    })
}
