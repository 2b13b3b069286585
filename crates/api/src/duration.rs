//! Durations as Go's `time.ParseDuration` reads them.

use std::time::Duration;

/// Parses `1h30m`, `2.5s`, `300ms`; `None` for anything else, for signs, and for what does not fit in 64 bits of nanoseconds.
pub fn parse_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (nanoseconds, after) = part(rest)?;
        total = total.checked_add(nanoseconds)?;
        rest = after;
    }
    let fits = !text.is_empty() && i64::try_from(total).is_ok();
    fits.then(|| Duration::from_nanos(total))
}

fn part(text: &str) -> Option<(u64, &str)> {
    let (number, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.')?);
    let (unit, rest) =
        rest.split_at(rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len()));
    let scale: u64 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !digits(fraction) {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    Some((whole.checked_mul(scale)?.checked_add(fraction_of(fraction, scale))?, rest))
}

/// Digits after the point, in the unit's nanoseconds, cut off below one.
fn fraction_of(digits: &str, scale: u64) -> u64 {
    let mut value = 0;
    let mut weight = scale;
    for digit in digits.bytes() {
        weight /= 10;
        value += u64::from(digit - b'0') * weight;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("5s", 5_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("2.5s", 2_500_000_000),
            (".5m", 30_000_000_000),
            ("1.s", 1_000_000_000),
            ("300ms", 300_000_000),
            ("1µs", 1_000),
            ("1h1h", 7_200_000_000_000),
        ] {
            assert_eq!(parse_duration(text), Some(Duration::from_nanos(nanoseconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "5", "s", ".s", "-5s", "+5s", "5 s", "5d", "1.2.3s", "3000000h", "5sx", "1e3s"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
