//! `'%d of %s'.format([1, 'x'])`

use crate::library::shown;
use crate::val::Val;

pub(super) fn format(text: &str, values: &[Val]) -> Result<String, String> {
    let mut out = String::new();
    let mut next = 0;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char != '%' {
            out.push(char);
            continue;
        }
        if chars.next_if_eq(&'%').is_some() {
            out.push('%');
            continue;
        }
        let mut digits = None;
        if chars.next_if_eq(&'.').is_some() {
            let mut number = String::new();
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                number.push(digit);
            }
            digits = Some(precision(&number)?);
        }
        let Some(verb) = chars.next() else { return Err("unexpected end of string".into()) };
        let value = values.get(next).ok_or_else(|| format!("index {next} out of range"))?;
        next += 1;
        out.push_str(&clause(verb, digits, value)?);
    }
    Ok(out)
}

/// How many digits are behind the point: what no formatter can print is refused.
fn precision(text: &str) -> Result<usize, String> {
    const MOST: usize = 1_000;
    let why = match text.parse() {
        Ok(number) if number <= MOST => return Ok(number),
        Ok(number) => format!("precision {number} exceeds maximum allowed precision {MOST}"),
        Err(_) => {
            let why = if text.is_empty() { "invalid syntax" } else { "value out of range" };
            format!("error while converting precision to integer: strconv.Atoi: parsing {text:?}: {why}")
        }
    };
    Err(format!("could not parse formatting clause: error while parsing precision: {why}"))
}

/// One value as its verb prints it.
fn clause(verb: char, digits: Option<usize>, value: &Val) -> Result<String, String> {
    let wrong = |what: &str, only: &str| {
        Err(format!(
            "error during formatting: {what} clause can only be used on {only}, was given {}",
            value.type_name()
        ))
    };
    match (verb, value) {
        ('s', _) => plain(value),
        ('d', Val::Int(_) | Val::Uint(_)) => Ok(shown(value)),
        ('d', Val::Double(number)) if !number.is_finite() => Ok(infinite(*number)),
        ('d', _) => wrong("decimal", "integers"),
        ('f' | 'e', Val::Double(number)) if !number.is_finite() => Ok(infinite(*number)),
        ('f', Val::Double(number)) => Ok(format!("{number:.*}", digits.unwrap_or(6))),
        ('f', Val::Int(number)) => Ok(format!("{:.*}", digits.unwrap_or(6), *number as f64)),
        ('f', _) => wrong("fixed-point", "doubles"),
        ('e', Val::Double(number)) => Ok(scientific(*number, digits.unwrap_or(6))),
        ('e', Val::Int(number)) => Ok(scientific(*number as f64, digits.unwrap_or(6))),
        ('e', _) => wrong("scientific", "doubles"),
        ('b', Val::Int(number)) => Ok(signed(*number, |number| format!("{number:b}"))),
        ('b', Val::Uint(number)) => Ok(format!("{number:b}")),
        ('b', Val::Bool(flag)) => Ok(u8::from(*flag).to_string()),
        ('b', _) => wrong("binary", "integers and bools"),
        ('o', Val::Int(number)) => Ok(signed(*number, |number| format!("{number:o}"))),
        ('o', Val::Uint(number)) => Ok(format!("{number:o}")),
        ('o', _) => wrong("octal", "integers"),
        ('x' | 'X', _) => {
            let hex = match value {
                Val::Int(number) => signed(*number, |number| format!("{number:x}")),
                Val::Uint(number) => format!("{number:x}"),
                Val::String(text) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
                Val::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
                _ => return wrong("hexadecimal", "integers, byte buffers, and strings"),
            };
            Ok(if verb == 'X' { hex.to_uppercase() } else { hex })
        }
        (verb, _) => {
            Err(format!("could not parse formatting clause: unrecognized formatting clause \"{verb}\""))
        }
    }
}

fn signed(number: i64, digits: impl Fn(u64) -> String) -> String {
    format!("{}{}", if number < 0 { "-" } else { "" }, digits(number.unsigned_abs()))
}

fn infinite(number: f64) -> String {
    match (number.is_nan(), number > 0.0) {
        (true, _) => "NaN".into(),
        (_, true) => "Infinity".into(),
        _ => "-Infinity".into(),
    }
}

/// As the formatter of the server's languages has it: `1.500000×10⁰⁰`.
fn scientific(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(("", exponent), |exponent| ("⁻", exponent));
    let raised = |digit: char| digit.to_digit(10).and_then(|digit| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(digit as usize));
    format!("{digits}×10{sign}{}", format!("{exponent:0>2}").chars().filter_map(raised).collect::<String>())
}

/// `%s`: lists and mappings too, a mapping by its sorted keys, with the texts inside quoted.
fn plain(value: &Val) -> Result<String, String> {
    if let Some(items) = value.items() {
        let items: Vec<String> = items?.iter().map(inner).collect::<Result<_, _>>()?;
        return Ok(format!("[{}]", items.join(", ")));
    }
    if let Some(entries) = value.entries() {
        let one = |(key, value): &(Val, Val)| Ok(format!("{}:{}", inner(key)?, inner(value)?));
        let mut entries: Vec<String> = entries?.iter().map(one).collect::<Result<_, String>>()?;
        entries.sort();
        return Ok(format!("{{{}}}", entries.join(", ")));
    }
    match value {
        Val::Double(number) if !number.is_finite() => Ok(infinite(*number)),
        Val::Null
        | Val::Bool(_)
        | Val::Int(_)
        | Val::Uint(_)
        | Val::Double(_)
        | Val::String(_)
        | Val::Bytes(_)
        | Val::Time(_)
        | Val::Duration(_)
        | Val::Type(_) => Ok(shown(value)),
        other => Err(format!(
            "error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given {}",
            other.type_name()
        )),
    }
}

/// A value inside of another.
fn inner(value: &Val) -> Result<String, String> {
    match value {
        Val::String(text) => Ok(format!("{text:?}")),
        Val::Time(_) => Ok(format!("timestamp({:?})", shown(value))),
        Val::Duration(_) => Ok(format!("duration({:?})", shown(value))),
        other => plain(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_has_a_limit() {
        let check = |text: &str, want: Result<&str, &str>| {
            let got = format(text, &[Val::Double(1.0)]);
            let prefix = "could not parse formatting clause: error while parsing precision: ";
            let want = want.map(str::to_owned).map_err(|error| format!("{prefix}{error}"));
            assert_eq!(got, want, "{text}");
        };
        check("%.2f", Ok("1.00"));
        check("%.0e", Ok("1×10⁰⁰"));
        check("%.70000f", Err("precision 70000 exceeds maximum allowed precision 1000"));
        check("%.70000e", Err("precision 70000 exceeds maximum allowed precision 1000"));
        check(
            "%.99999999999999999999f",
            Err(
                "error while converting precision to integer: strconv.Atoi: parsing \"99999999999999999999\": value out of range",
            ),
        );
        check(
            "%.f",
            Err("error while converting precision to integer: strconv.Atoi: parsing \"\": invalid syntax"),
        );
    }
}
