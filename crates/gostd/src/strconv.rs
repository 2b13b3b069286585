//! Numbers as Go's `strconv` and `encoding/json` parse and print them.

use std::fmt;

/// Why a text is no number, as `strconv.NumError` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumError {
    /// The text is not written as a number.
    Syntax,
    /// The number does not fit the type.
    Range,
}

impl fmt::Display for NumError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "invalid syntax",
            Self::Range => "value out of range",
        })
    }
}

impl std::error::Error for NumError {}

/// `strconv.ParseInt(text, base, 64)`: an optional sign, then [`parse_uint`]'s syntax.
///
/// Base 0 takes the base from the prefix (`0x`, `0o`, `0b`, a leading `0` for octal) and allows underscores between digits.
pub fn parse_int(text: &str, base: u32) -> Result<i64, NumError> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = parse_uint(digits, base)?;
    match (negative, i64::try_from(magnitude)) {
        (false, result) => result.map_err(|_| NumError::Range),
        (true, Ok(number)) => Ok(-number),
        (true, Err(_)) if magnitude == i64::MIN.unsigned_abs() => Ok(i64::MIN),
        (true, Err(_)) => Err(NumError::Range),
    }
}

/// `strconv.ParseUint(text, base, 64)`: no sign; base 0 as in [`parse_int`].
pub fn parse_uint(text: &str, base: u32) -> Result<u64, NumError> {
    let (digits, radix) = if base == 0 { prefixed(text) } else { (text, base) };
    if digits.is_empty() || (base == 0 && !underscores_separate_digits(text)) {
        return Err(NumError::Syntax);
    }
    let mut number: Option<u64> = Some(0);
    let mut any = false;
    for c in digits.chars() {
        if c == '_' && base == 0 {
            continue;
        }
        let digit = c.to_digit(radix).ok_or(NumError::Syntax)?;
        any = true;
        number = number.and_then(|n| n.checked_mul(radix.into())?.checked_add(digit.into()));
    }
    if !any && radix != 8 {
        return Err(NumError::Syntax);
    }
    number.ok_or(NumError::Range)
}

/// The digits behind a base prefix, and the base. A single `0` is decimal; `0` before more digits means octal.
fn prefixed(text: &str) -> (&str, u32) {
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.get(1).map(u8::to_ascii_lowercase)) {
        (Some(b'0'), Some(b'x')) => (&text[2..], 16),
        (Some(b'0'), Some(b'b')) => (&text[2..], 2),
        (Some(b'0'), Some(b'o')) => (&text[2..], 8),
        (Some(b'0'), Some(_)) => (&text[1..], 8),
        _ => (text, 10),
    }
}

/// Whether every underscore stands between two digits, or between the base prefix and a digit.
fn underscores_separate_digits(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (body, base) = prefixed(unsigned);
    let digit = |b: u8| b.is_ascii_digit() || (base == 16 && b.is_ascii_hexdigit());
    let mut previous_is_digit = base != 10; // the prefix counts as one
    let mut bytes = body.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'_' && !(previous_is_digit && bytes.peek().is_some_and(|&next| digit(next))) {
            return false;
        }
        previous_is_digit = digit(byte);
    }
    true
}

/// `strconv.ParseFloat(text, 64)` for decimal numbers, `inf`, `infinity` and `nan` in any case.
///
/// Hexadecimal floats are [`NumError::Syntax`]: nothing that Lockstep reads can hold one.
pub fn parse_float(text: &str) -> Result<f64, NumError> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
        return Ok(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    if text.eq_ignore_ascii_case("nan") {
        return Ok(f64::NAN);
    }
    // Rust's grammar is Go's without underscores, once the words for infinity and NaN are out of the way.
    if !unsigned.bytes().all(|b| b.is_ascii_digit() || b"._eE+-".contains(&b)) {
        return Err(NumError::Syntax);
    }
    let plain = match text.contains('_') {
        true if !underscores_separate_digits(text) => return Err(NumError::Syntax),
        true => text.replace('_', "").parse::<f64>(),
        false => text.parse::<f64>(),
    };
    match plain {
        Ok(number) if number.is_infinite() => Err(NumError::Range),
        Ok(number) => Ok(number),
        Err(_) => Err(NumError::Syntax),
    }
}

/// A finite number's shortest decimal digits and its decimal exponent: `0.d1d2d3… × 10^point`.
struct Decimal {
    negative: bool,
    digits: String,
    point: i32,
}

impl Decimal {
    /// From Rust's `{:e}` form, whose digits are the shortest that read back as the same number, as Go's are.
    fn read(scientific: &str) -> Self {
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        let point = exponent.parse::<i32>().unwrap_or(0) + 1;
        Self { negative: mantissa.starts_with('-'), digits, point }
    }

    fn sign(&self) -> &'static str {
        if self.negative { "-" } else { "" }
    }

    /// Go's `%e` with the shortest digits: at least two digits of exponent, always with a sign.
    fn exponential(&self) -> String {
        let (first, rest) = self.digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let exponent = if self.digits == "0" { 0 } else { self.point - 1 };
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}{first}{dot}{rest}e{sign}{:02}", self.sign(), exponent.abs())
    }

    /// Go's `%f` with the shortest digits: zeros fill up to the point.
    fn fixed(&self) -> String {
        let count = self.digits.len();
        let sign = self.sign();
        match usize::try_from(self.point) {
            Ok(0) | Err(_) => {
                format!("{sign}0.{}{}", "0".repeat(self.point.unsigned_abs() as usize), self.digits)
            }
            Ok(point) if point >= count => format!("{sign}{}{}", self.digits, "0".repeat(point - count)),
            Ok(point) => format!("{sign}{}.{}", &self.digits[..point], &self.digits[point..]),
        }
    }

    /// Go's `%g` with the shortest digits: the exponent form below 1e-4 and from 1e6 on. (The limit of 1e21 belongs to
    /// `%v` and to JSON only.)
    fn general(&self) -> String {
        let exponent = if self.digits == "0" { 0 } else { self.point - 1 };
        if (-4..6).contains(&exponent) { self.fixed() } else { self.exponential() }
    }
}

/// `strconv.FormatFloat(number, 'g', -1, 64)`.
pub fn format_general(number: f64) -> String {
    match special(number) {
        Some(word) => word.to_owned(),
        None => Decimal::read(&format!("{number:e}")).general(),
    }
}

/// `strconv.FormatFloat(number, 'g', -1, 32)`: the number is rounded to single precision first.
#[allow(clippy::cast_possible_truncation)] // the rounding is what is asked for
pub fn format_general_32(number: f64) -> String {
    let single = number as f32;
    match special(f64::from(single)) {
        Some(word) => word.to_owned(),
        None => Decimal::read(&format!("{single:e}")).general(),
    }
}

fn special(number: f64) -> Option<&'static str> {
    match number {
        _ if number.is_nan() => Some("NaN"),
        _ if number == f64::INFINITY => Some("+Inf"),
        _ if number == f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

/// A float64 as `encoding/json` prints it; `None` for what JSON cannot say.
///
/// Plain digits from 1e-6 up to 1e21, else an exponent without a leading zero after `-` (`1e-7`, `1e+21`).
pub fn format_json(number: f64) -> Option<String> {
    if !number.is_finite() {
        return None;
    }
    let decimal = Decimal::read(&format!("{number:e}"));
    let magnitude = number.abs();
    if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
        return Some(decimal.fixed());
    }
    let text = decimal.exponential();
    let split = text.len() - 3;
    Some(match &text[split..] {
        short if short.starts_with("-0") => format!("{}-{}", &text[..split], &short[2..]),
        _ => text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_parse_as_in_go() {
        use NumError::{Range, Syntax};
        for (text, int, uint) in [
            ("0x_1", Ok(1), Ok(1)),
            ("0_1", Ok(1), Ok(1)),
            ("_1", Err(Syntax), Err(Syntax)),
            ("1_", Err(Syntax), Err(Syntax)),
            ("1__0", Err(Syntax), Err(Syntax)),
            ("0b_1", Ok(1), Ok(1)),
            ("0o7_7", Ok(63), Ok(63)),
            ("0O17", Ok(15), Ok(15)),
            ("0X1f", Ok(31), Ok(31)),
            ("-0b11", Ok(-3), Err(Syntax)),
            ("+0x1", Ok(1), Err(Syntax)),
            ("0o", Err(Syntax), Err(Syntax)),
            ("00", Ok(0), Ok(0)),
            ("0", Ok(0), Ok(0)),
            ("09", Err(Syntax), Err(Syntax)),
            ("-0", Ok(0), Err(Syntax)),
            ("+", Err(Syntax), Err(Syntax)),
            ("", Err(Syntax), Err(Syntax)),
            ("0b12", Err(Syntax), Err(Syntax)),
            ("18446744073709551615", Err(Range), Ok(u64::MAX)),
            ("18446744073709551616", Err(Range), Err(Range)),
            ("-18446744073709551615", Err(Range), Err(Syntax)),
            ("-9223372036854775808", Ok(i64::MIN), Err(Syntax)),
            ("9223372036854775808", Err(Range), Ok(1 << 63)),
        ] {
            assert_eq!(parse_int(text, 0), int, "ParseInt({text:?})");
            assert_eq!(parse_uint(text, 0), uint, "ParseUint({text:?})");
        }
        assert_eq!(parse_int("-101", 2), Ok(-5));
        assert_eq!(parse_int("1_0", 10), Err(Syntax));
        assert_eq!(parse_int("010", 10), Ok(10));
    }

    #[test]
    fn floats_parse_as_in_go() {
        use NumError::{Range, Syntax};
        for (text, expected) in [
            ("1_0", Ok(10.0)),
            (".5_0", Ok(0.5)),
            ("1e1_0", Ok(1e10)),
            ("._5", Err(Syntax)),
            ("1__0", Err(Syntax)),
            ("1_", Err(Syntax)),
            (".5e", Err(Syntax)),
            ("5.", Ok(5.0)),
            (".", Err(Syntax)),
            ("+.5", Ok(0.5)),
            ("inf", Ok(f64::INFINITY)),
            ("-Infinity", Ok(f64::NEG_INFINITY)),
            ("infin", Err(Syntax)),
            ("+nan", Err(Syntax)),
            ("1e400", Err(Range)),
            ("1e-400", Ok(0.0)),
            ("0b1", Err(Syntax)),
            ("1e+", Err(Syntax)),
            ("", Err(Syntax)),
        ] {
            assert_eq!(parse_float(text), expected, "{text:?}");
        }
        assert!(parse_float("NaN").is_ok_and(f64::is_nan));
    }

    #[test]
    fn floats_print_as_in_go() {
        for (number, general, json) in [
            (0.0, "0", "0"),
            (-0.0, "-0", "-0"),
            (1.0, "1", "1"),
            (0.5, "0.5", "0.5"),
            (100_000.0, "100000", "100000"),
            (1e6, "1e+06", "1000000"),
            (1_234_567.0, "1.234567e+06", "1234567"),
            (12_345_678.9, "1.23456789e+07", "12345678.9"),
            (1e20, "1e+20", "100000000000000000000"),
            (1e21, "1e+21", "1e+21"),
            (1.5e300, "1.5e+300", "1.5e+300"),
            (1e-4, "0.0001", "0.0001"),
            (1e-5, "1e-05", "0.00001"),
            (1e-6, "1e-06", "0.000001"),
            (1e-7, "1e-07", "1e-7"),
            (1.5e-10, "1.5e-10", "1.5e-10"),
            (123.456, "123.456", "123.456"),
            (9.223_372_036_854_776e18, "9.223372036854776e+18", "9223372036854776000"),
            (1.234_567_890_123_456_8e29, "1.2345678901234568e+29", "1.2345678901234568e+29"),
        ] {
            assert_eq!(format_general(number), general);
            assert_eq!(format_json(number).unwrap(), json);
        }
        assert_eq!(format_json(f64::NAN), None);
        assert_eq!(format_general(f64::NEG_INFINITY), "-Inf");
        assert_eq!(format_general_32(0.1), "0.1");
        assert_eq!(format_general_32(1.1), "1.1");
        assert_eq!(format_general_32(16_777_217.0), "1.6777216e+07");
    }
}
