//! Two spellings of one amount.

use lockstep_core::{Value, to_json};

/// Whether two values are the same Kubernetes quantity: `0.5` and `500m`, `1024Mi` and `1Gi`.
pub(crate) fn is_same_amount(a: &Value, b: &Value) -> bool {
    let amounts = (amount(a), amount(b));
    amounts.0.is_some() && amounts.0 == amounts.1
}

fn amount(value: &Value) -> Option<i128> {
    match value {
        Value::String(text) => nanos(text),
        Value::Int(_) | Value::Uint(_) | Value::Float(_) => nanos(&String::from_utf8(to_json(value)).ok()?),
        _ => None,
    }
}

/// The quantity in billionths, the finest that Kubernetes keeps; `None` for other texts and what does not fit.
fn nanos(text: &str) -> Option<i128> {
    let end = text.find(|c: char| !c.is_ascii_digit() && !"+-.".contains(c)).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let (binary, decimal) = scale(suffix)?;
    let exponent = decimal + 9 - i32::try_from(fraction.len()).ok()?;
    let amount = digits.checked_mul(1i128.checked_shl(binary)?)?;
    let factor = 10i128.checked_pow(exponent.unsigned_abs())?;
    match exponent {
        0.. => amount.checked_mul(factor),
        _ if amount % factor == 0 => Some(amount / factor),
        _ => None,
    }
}

/// The powers of two and of ten of a suffix.
fn scale(suffix: &str) -> Option<(u32, i32)> {
    const LARGE: &str = "KMGTPE";
    if let Some(prefix) = suffix.strip_suffix('i') {
        let power = LARGE.find(prefix).filter(|_| prefix.len() == 1)?;
        return Some((10 * (u32::try_from(power).ok()? + 1), 0));
    }
    let decimal = match suffix {
        "n" => -9,
        "u" => -6,
        "m" => -3,
        "" => 0,
        "k" => 3,
        "M" => 6,
        "G" => 9,
        "T" => 12,
        "P" => 15,
        "E" => 18,
        exponent => exponent.strip_prefix(['e', 'E'])?.parse().ok()?,
    };
    Some((0, decimal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::from_json;

    #[test]
    fn spellings_of_one_amount_are_equal_and_others_are_not() {
        for (a, b, same) in [
            ("0.5", "\"500m\"", true),
            ("\"1024Mi\"", "\"1Gi\"", true),
            ("1", "\"1000m\"", true),
            ("\"1e3\"", "\"1k\"", true),
            ("\"0.1Gi\"", "\"107374182400m\"", true),
            ("\"-1\"", "-1", true),
            ("\"2Ei\"", "2305843009213693952", true),
            ("0.5", "\"600m\"", false),
            ("\"1M\"", "\"1Mi\"", false),
            ("\"x\"", "\"x\"", false),
            ("\"\"", "\"\"", false),
            ("true", "true", false),
            ("\"1Ki i\"", "\"1024\"", false),
            ("\"9e99\"", "\"9e99\"", false),
            ("\"1e-30\"", "0", false),
        ] {
            let value = |json: &str| from_json(json.as_bytes()).unwrap();
            assert_eq!(is_same_amount(&value(a), &value(b)), same, "{a} {b}");
        }
    }
}
