//! The path of a field that a rule names: `.spec.a`, `['a.b']`.

use lockstep_core::Value;

/// The path as the server prints it, if the schema has such a field; else what is wrong.
pub(crate) fn normal(path: &str, schema: &Value) -> Result<String, String> {
    let (mut at, mut rest, mut out) = (schema, path, String::new());
    while !rest.is_empty() {
        let (name, behind) = match rest.strip_prefix("['") {
            Some(inner) => quoted(inner)?,
            None => named(rest)?,
        };
        rest = behind;
        if at.get("properties").is_some() {
            at = at.at(&["properties", &name]).ok_or("does not refer to a valid field")?;
            out.push_str(if out.is_empty() { "" } else { "." });
            out.push_str(&name);
        } else if let Some(inner) = at.get("additionalProperties").filter(|inner| inner.as_map().is_some()) {
            at = inner;
            out.push_str(&format!("[{name}]"));
        } else {
            return Err("does not refer to a valid field".into());
        }
    }
    Ok(out)
}

fn named(rest: &str) -> Result<(String, &str), String> {
    let Some(inner) = rest.strip_prefix('.') else {
        return Err(format!("expected [ or . but got: {rest}"));
    };
    let end = inner.find(['.', '[', ']']).unwrap_or(inner.len());
    if end == 0 {
        return Err("unexpected end of JSON path".into());
    }
    Ok((inner[..end].to_owned(), &inner[end..]))
}

fn quoted(inner: &str) -> Result<(String, &str), String> {
    let mut name = String::new();
    let mut chars = inner.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '\'' => {
                let behind = inner[at + 1..].strip_prefix(']').ok_or("expected ]")?;
                return Ok((name, behind));
            }
            '\\' => match chars.next() {
                Some((_, char @ ('\\' | '\''))) => name.push(char),
                Some((_, 'n')) => name.push('\n'),
                Some((_, 't')) => name.push('\t'),
                _ => return Err("invalid string literal".into()),
            },
            char => name.push(char),
        }
    }
    Err("unexpected end of JSON path".into())
}
