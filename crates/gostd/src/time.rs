//! Package `time`: durations as Go reads them, `1h30m`, `-1.5s`.

/// Nanoseconds of what `time.ParseDuration` takes.
///
/// # Errors
/// In Go's words.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0i128;
    while !rest.is_empty() {
        let end = rest.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        let digits = number.bytes().any(|byte| byte.is_ascii_digit());
        if !digits || number.matches('.').count() > 1 {
            return Err(invalid());
        }
        let end = tail.find(|char: char| char.is_ascii_digit() || char == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let nanos = match unit {
            "" => return Err(format!("time: missing unit in duration {text:?}")),
            unit => nanos(unit).ok_or_else(|| format!("time: unknown unit {unit:?} in duration {text:?}"))?,
        };
        let part = scaled(number, nanos).ok_or_else(invalid)?;
        total = total.checked_add(part).ok_or_else(invalid)?;
        rest = tail;
    }
    i64::try_from(if negative { -total } else { total }).map_err(|_| invalid())
}

fn nanos(unit: &str) -> Option<i128> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// A decimal number times a unit, rounded down; `None` where that is too large.
fn scaled(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction: String = fraction.chars().take(18).collect();
    let part = match fraction.is_empty() {
        true => 0,
        false => fraction.parse::<i128>().ok()? * unit / 10i128.pow(u32::try_from(fraction.len()).ok()?),
    };
    whole.checked_mul(unit)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_in_nanoseconds() {
        let check = |text: &str, want: Result<i64, &str>| {
            assert_eq!(parse_duration(text), want.map_err(str::to_owned), "{text}");
        };
        check("0", Ok(0));
        check("-1.5s", Ok(-1_500_000_000));
        check("1h2m3s4ms5us6ns", Ok(3_723_004_005_006));
        check(".5m", Ok(30_000_000_000));
        check("", Err("time: invalid duration \"\""));
        check("s", Err("time: invalid duration \"s\""));
        check("1.2.3s", Err("time: invalid duration \"1.2.3s\""));
        check("5", Err("time: missing unit in duration \"5\""));
        check("1d", Err("time: unknown unit \"d\" in duration \"1d\""));
        check("9999999999h", Err("time: invalid duration \"9999999999h\""));
        let most = "170141183460469231731687303715884105727ns".repeat(2);
        assert!(parse_duration(&most).is_err(), "a sum that no integer holds");
    }
}
