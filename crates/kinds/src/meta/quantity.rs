//! Amounts of resources: `100m`, `1Gi`, `1e3`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// An amount, exact to a billionth, with the family of its suffix. Equality and order are of the amount.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    nanos: i128,
    family: Family,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Decimal,
    Binary,
    Exponent,
}

const NANO: i128 = 1_000_000_000;
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// Text that is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAQuantity;

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self { nanos: 0, family: Family::Decimal };

    /// Less than, equal to or greater than nothing.
    pub fn sign(self) -> Ordering {
        self.nanos.cmp(&0)
    }

    /// Whether it is a whole number.
    pub fn is_whole(self) -> bool {
        self.nanos % NANO == 0
    }

    /// The amount rounded up to a whole number, as Go's `Value()`.
    pub fn value(self) -> i64 {
        i64::try_from(div_up(self.nanos, NANO)).unwrap_or(i64::MAX)
    }

    /// The amount in thousandths, rounded up, as Go's `MilliValue()`.
    pub fn milli_value(self) -> i64 {
        i64::try_from(div_up(self.nanos, NANO / 1000)).unwrap_or(i64::MAX)
    }

    /// Rounded up to thousandths, as the server does with all resources.
    pub fn round_up_to_milli(self) -> Self {
        let milli = NANO / 1000;
        Self { nanos: div_up(self.nanos, milli) * milli, ..self }
    }

    /// The sum, in the family of `self` unless that is nothing.
    pub fn plus(self, other: Self) -> Self {
        let family = if self.nanos == 0 { other.family } else { self.family };
        Self { nanos: self.nanos.saturating_add(other.nanos), family }
    }
}

/// Away from zero, as Go rounds quantities.
fn div_up(number: i128, by: i128) -> i128 {
    let whole = number / by;
    if number % by == 0 { whole } else { whole + number.signum() }
}

impl FromStr for Quantity {
    type Err = NotAQuantity;

    fn from_str(text: &str) -> Result<Self, NotAQuantity> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let sign = if text.starts_with('-') { -1 } else { 1 };
        let digits =
            unsigned.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(digits);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
            return Err(NotAQuantity);
        }
        let (family, scale) = suffix_of(suffix).ok_or(NotAQuantity)?;
        Ok(Self { nanos: sign * amount(whole, fraction, scale), family })
    }
}

/// A power of ten, or of 1024.
#[derive(Clone, Copy)]
enum Scale {
    Ten(i32),
    Kibi(u32),
}

fn suffix_of(suffix: &str) -> Option<(Family, Scale)> {
    if let Some((_, power)) = DECIMAL.iter().find(|(text, _)| *text == suffix) {
        return Some((Family::Decimal, Scale::Ten(*power)));
    }
    if let Some(index) = BINARY.iter().position(|text| *text == suffix) {
        return Some((Family::Binary, Scale::Kibi(u32::try_from(index).ok()? + 1)));
    }
    let power = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    Some((Family::Exponent, Scale::Ten(power)))
}

/// What cannot be said in billionths is rounded up; what is too large is the largest.
fn amount(whole: &str, fraction: &str, scale: Scale) -> i128 {
    let digits = format!("{whole}{fraction}");
    let mantissa: i128 = digits
        .trim_start_matches('0')
        .get(..)
        .filter(|text| !text.is_empty())
        .map_or(0, |text| text.parse().unwrap_or(i128::MAX / NANO / 1024));
    let places = i32::try_from(fraction.len()).unwrap_or(i32::MAX);
    let (multiple, power) = match scale {
        Scale::Ten(power) => (1, power),
        Scale::Kibi(power) => (1024_i128.pow(power), 0),
    };
    let power = power.saturating_sub(places).saturating_add(9);
    let ten = |power: i32| 10_i128.checked_pow(power.unsigned_abs()).unwrap_or(i128::MAX);
    let scaled = mantissa.saturating_mul(multiple);
    if power >= 0 { scaled.saturating_mul(ten(power)) } else { div_up(scaled, ten(power)) }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

/// The canonical form: no fraction, the largest suffix that fits.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let small = self.nanos.abs() < 1024 * NANO;
        match self.family {
            _ if self.nanos == 0 => f.write_str("0"),
            Family::Binary if !small && self.is_whole() => binary(f, self.nanos / NANO),
            Family::Exponent => decimal(f, self.nanos, |power| match power {
                0 => String::new(),
                power => format!("e{power}"),
            }),
            _ => decimal(f, self.nanos, |power| {
                let index = usize::try_from(power / 3 + 3).unwrap_or_default();
                DECIMAL.get(index).map_or_else(|| format!("e{power}"), |(suffix, _)| (*suffix).to_owned())
            }),
        }
    }
}

fn binary(f: &mut fmt::Formatter<'_>, mut number: i128) -> fmt::Result {
    let mut power = 0;
    while number % 1024 == 0 && power < BINARY.len() {
        number /= 1024;
        power += 1;
    }
    write!(f, "{number}{}", power.checked_sub(1).map_or("", |index| BINARY[index]))
}

fn decimal(f: &mut fmt::Formatter<'_>, mut number: i128, suffix: impl Fn(i32) -> String) -> fmt::Result {
    let mut power = -9;
    while number % 1000 == 0 && power < 18 {
        number /= 1000;
        power += 3;
    }
    write!(f, "{number}{}", suffix(power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_compared_and_printed_in_their_canonical_form() {
        let check = |text: &str, canonical: &str| {
            assert_eq!(text.parse::<Quantity>().unwrap().to_string(), canonical, "{text}");
        };
        check("0.5", "500m");
        check("1000m", "1");
        check("1024Mi", "1Gi");
        check("1.5Gi", "1536Mi");
        check("100Ki", "100Ki");
        check("0.5Ki", "512");
        check("1e3", "1e3");
        check("12345", "12345");
        check("5000", "5k");
        check("0", "0");
        check("-1", "-1");
        check("1E", "1E");
        assert!("1Gi".parse::<Quantity>().unwrap() > "1G".parse().unwrap());
        assert_eq!("1".parse::<Quantity>(), "1000m".parse());
        assert_eq!("1x".parse::<Quantity>(), Err(NotAQuantity));
        assert_eq!("".parse::<Quantity>(), Err(NotAQuantity));
        assert_eq!("100u".parse::<Quantity>().unwrap().round_up_to_milli().to_string(), "1m");
    }
}
