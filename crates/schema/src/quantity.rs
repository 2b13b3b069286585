//! Quantities: `100m`, `1.5Gi`, `1e3`.

mod decimal;

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use decimal::Decimal;
use lockstep_core::Value;

/// An amount as Kubernetes writes it (k8s.io/apimachinery, package resource). Two are equal when the amounts are, however they
/// are written; `Display` gives the text that the API server would write.
#[derive(Clone, Debug)]
pub struct Quantity {
    negative: bool,
    amount: Decimal,
    format: Format,
    /// The text that it was read from, where that counts as canonical.
    text: Option<Box<str>>,
}

/// Why a text is no quantity, in the server's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// It has not the form of one.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// There is no number in it.
    #[error("unable to parse numeric part of quantity")]
    Number,
    /// Its unit is none.
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Decimal,
    Exponent,
    Binary,
}

const NANO: i64 = -9;
const MILLI: i64 = -3;
/// Digits that are sure to fit in 64 bits.
const SAFE_DIGITS: usize = 18;
const DECIMAL: [(&str, i64); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// The text that the API server writes for a quantity: `None` for the one given.
pub(crate) fn canonical_quantity(text: &str) -> Result<Option<String>, QuantityError> {
    let quantity: Quantity = text.trim().parse()?;
    let same = quantity.text.as_deref() == Some(text);
    Ok((!same).then(|| quantity.to_string()).filter(|written| written != text))
}

/// A text taken apart: sign, digits before and behind the point, unit.
struct Parts<'t> {
    negative: bool,
    whole: &'t str,
    fraction: &'t str,
    suffix: &'t str,
    has_digits: bool,
}

impl<'t> Parts<'t> {
    fn of(text: &'t str) -> Result<Self, QuantityError> {
        let digits = |text: &'t str| {
            text.split_at(text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len()))
        };
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (all, rest) = digits(unsigned);
        let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), digits);
        let unit = suffix.trim_start_matches(|char| "eEinumkKMGTP".contains(char));
        let (_, behind) = digits(unit.strip_prefix(['-', '+']).unwrap_or(unit));
        if !behind.is_empty() || text.is_empty() {
            return Err(QuantityError::Format);
        }
        let whole = all.trim_start_matches('0');
        let has_digits = !all.is_empty() || !fraction.is_empty();
        Ok(Self { negative: text.starts_with('-'), whole, fraction, suffix, has_digits })
    }
}

/// A unit: the exponent of ten, or that of 1024.
fn unit(suffix: &str) -> Result<(Format, i64), QuantityError> {
    if let Some((_, exponent)) = DECIMAL.iter().find(|(unit, _)| *unit == suffix) {
        return Ok((Format::Decimal, *exponent));
    }
    if let Some(power) = BINARY.iter().position(|unit| *unit == suffix) {
        return Ok((Format::Binary, i64::try_from(power).unwrap_or_default()));
    }
    let exponent = suffix.strip_prefix(['e', 'E']).and_then(|exponent| exponent.parse::<i64>().ok());
    #[allow(clippy::cast_possible_truncation)] // as Go does
    exponent.map(|exponent| (Format::Exponent, i64::from(exponent as i32))).ok_or(QuantityError::Suffix)
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let parts = Parts::of(text)?;
        let (format, power) = unit(parts.suffix)?;
        let written: Vec<u8> = match parts.whole {
            "" => [b"0", parts.fraction.as_bytes()].concat(),
            whole => [whole, parts.fraction].concat().into_bytes(),
        };
        let behind_point = i64::try_from(parts.fraction.len()).unwrap_or(i64::MAX);
        let fits = match format {
            // An exact 1024 is a bit more than three digits.
            Format::Binary => {
                let taken = usize::try_from(power * 3).unwrap_or(SAFE_DIGITS);
                parts.fraction.is_empty() && written.len() + taken < 15
            }
            _ => written.len() <= SAFE_DIGITS && power - behind_point >= NANO,
        };
        let kept = fits && is_canonical(format, power - behind_point, &written);
        let mut quantity = Self {
            negative: parts.negative,
            amount: Decimal::new(&written, -behind_point),
            format,
            text: kept.then(|| text.into()),
        };
        match format {
            Format::Binary => quantity.amount.multiply(1024, power),
            _ => quantity.amount.exponent += power,
        }
        if !fits {
            if !parts.has_digits {
                return Err(QuantityError::Number);
            }
            quantity.bound();
        }
        Ok(quantity)
    }
}

impl Quantity {
    /// What stands in an object as an amount: a text or a whole number.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => text.parse().ok(),
            Value::Int(number) => Some((*number).into()),
            _ => None,
        }
    }
}

impl From<i64> for Quantity {
    fn from(number: i64) -> Self {
        let amount = Decimal::new(number.unsigned_abs().to_string().as_bytes(), 0);
        Self { negative: number < 0, amount, ..Self::ZERO }
    }
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self =
        Self { negative: false, amount: Decimal::ZERO, format: Format::Decimal, text: None };

    /// Less than, equal to or greater than nothing.
    pub fn sign(&self) -> Ordering {
        match (self.amount.digits.is_empty(), self.negative) {
            (true, _) => Ordering::Equal,
            (false, true) => Ordering::Less,
            (false, false) => Ordering::Greater,
        }
    }

    /// The amount rounded away from zero to a whole number, as Go's `Value()`; what is larger than that holds is the largest.
    pub fn value(&self) -> i64 {
        self.signed(self.amount.in_units(0))
    }

    /// The amount in thousandths, rounded away from zero, as Go's `MilliValue()`.
    pub fn milli_value(&self) -> i64 {
        self.signed(self.amount.in_units(MILLI))
    }

    fn signed(&self, number: i64) -> i64 {
        if self.negative { -number } else { number }
    }

    /// The amount, if it is a whole number of 64 bits.
    pub fn integer(&self) -> Option<i64> {
        let value = self.value();
        (*self == Self::from(value)).then_some(value)
    }

    /// The amount, more or less.
    pub fn float(&self) -> f64 {
        if self.negative { -self.amount.float() } else { self.amount.float() }
    }

    /// The sum, written like `self` unless that is nothing.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let format = if self.sign().is_eq() { other.format } else { self.format };
        let (negative, amount) = match self.negative == other.negative {
            true => (self.negative, self.amount.plus(&other.amount)),
            false => {
                let own = self.amount.compare(&other.amount).is_ge();
                (if own { self.negative } else { other.negative }, self.amount.difference(&other.amount))
            }
        };
        Self { negative, amount, format, text: None }
    }

    /// The difference, written like `self` unless that is nothing.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.plus(&Self { negative: !other.negative, ..other.clone() })
    }

    /// What is too small or too large for the type comes as near as it can.
    fn bound(&mut self) {
        self.amount.round_up(NANO);
        if self.format == Format::Binary {
            let most = Decimal::new(i64::MAX.to_string().as_bytes(), 0);
            if self.amount.compare(&most).is_gt() {
                self.amount = most;
            }
            if self.amount.compare(&Decimal::new(b"1", 0)).is_lt() {
                self.format = Format::Decimal;
            }
        }
    }

    fn is_negative(&self) -> bool {
        self.negative && !self.amount.digits.is_empty()
    }

    /// The amount in thousandths, rounded up: resource lists hold nothing finer.
    #[must_use]
    pub fn rounded_to_milli(mut self) -> Self {
        if self.text.is_some() && self.amount.exponent >= MILLI {
            return self;
        }
        self.amount.round_up(MILLI);
        Self { text: None, ..self }
    }
}

/// Whether a text is written as the server would write it: it takes this for granted more often than it holds.
fn is_canonical(format: Format, scale: i64, written: &[u8]) -> bool {
    match format {
        Format::Binary => {
            let low =
                written.iter().rev().take(3).rev().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
            low & 7 != 0
        }
        _ => scale % 3 == 0 && !written.ends_with(b"000") && written.first() != Some(&b'0'),
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = &self.text {
            return f.write_str(text);
        }
        if self.amount.digits.is_empty() {
            return f.write_str("0");
        }
        let sign = if self.negative { "-" } else { "" };
        let small = self.amount.compare(&Decimal::new(b"1024", 0)).is_lt();
        match self.format {
            Format::Binary if !small && self.amount.is_whole() => {
                let (digits, power) = self.amount.in_powers_of_1024();
                write!(f, "{sign}{digits}{}", BINARY.get(power).copied().unwrap_or_default())
            }
            format => {
                let (digits, exponent) = self.amount.in_thousands();
                write!(f, "{sign}{digits}")?;
                match format {
                    Format::Exponent if exponent == 0 => Ok(()),
                    Format::Exponent => write!(f, "e{exponent}"),
                    _ => {
                        let unit = DECIMAL.iter().find(|(_, power)| *power == exponent);
                        f.write_str(unit.map(|(unit, _)| *unit).unwrap_or_default())
                    }
                }
            }
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
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
        match (self.is_negative(), other.is_negative()) {
            (false, false) => self.amount.compare(&other.amount),
            (true, true) => other.amount.compare(&self.amount),
            (negative, _) => {
                if negative {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_written_as_the_server_writes_them() {
        let check = |text: &str, want: &str| {
            let written = canonical_quantity(text).map(|written| written.unwrap_or_else(|| text.into()));
            assert_eq!(written.as_deref(), Ok(want), "{text}");
        };
        for same in ["0", "1", "100m", "1Gi", "1e3", "1E3", "+1", "1.500", "007", "7Ki", "-5", "1k", "2E"] {
            check(same, same);
        }
        for (text, want) in [
            ("1000m", "1"),
            ("0.5", "500m"),
            ("1.5", "1500m"),
            ("00", "0"),
            ("-0", "0"),
            ("0.0", "0"),
            ("0Mi", "0"),
            ("1000", "1k"),
            ("1024Mi", "1Gi"),
            ("1000Mi", "1000Mi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Ki", "512"),
            ("0.1Ki", "102400m"),
            ("1.1Ki", "1126400m"),
            ("0.0001Ki", "102400u"),
            ("8Ei", "9223372036854775807"),
            ("1Ei", "1Ei"),
            ("1e1", "10"),
            ("1e-10", "1e-9"),
            ("0.0000000001", "1n"),
            ("1.0000000001", "1000000001n"),
            ("-1.0000000001", "-1000000001n"),
            ("12345678901234567890", "12345678901234567890"),
            ("100000000000000000000", "100E"),
            ("1000000E", "1"),
            (" 5 ", "5"),
            (".", "0"),
        ] {
            check(text, want);
        }
    }

    #[test]
    fn what_is_no_quantity_is_told() {
        let check =
            |text: &str, want: QuantityError| assert_eq!(canonical_quantity(text), Err(want), "{text}");
        for text in ["", "x", "1x", "1 Gi", "1Gi!", "1.2.3", "1KiB", "1gi"] {
            check(text, QuantityError::Format);
        }
        for text in ["--1", "1Mm", "1ee3", "1K"] {
            check(text, QuantityError::Suffix);
        }
        check(".e-10", QuantityError::Number);
    }

    #[test]
    fn quantities_are_compared_by_amount() {
        let quantity = |text: &str| text.parse::<Quantity>().unwrap();
        for (small, large) in
            [("1", "1001m"), ("-2", "-1"), ("-1", "0"), ("0", "1n"), ("999Mi", "1Gi"), ("9", "1e1")]
        {
            assert!(quantity(small) < quantity(large), "{small} {large}");
        }
        for (a, b) in [("1", "1000m"), ("0", "-0"), ("1Ki", "1024"), ("1e3", "1k"), ("1.50", "1500m")] {
            assert_eq!(quantity(a), quantity(b), "{a} {b}");
        }
        let rounded = |text: &str| quantity(text).rounded_to_milli().to_string();
        assert_eq!(
            [rounded("1u"), rounded("1.500"), rounded("1.0001"), rounded("1")],
            ["1m", "1.500", "1001m", "1"]
        );
    }

    #[test]
    fn quantities_are_counted_exactly() {
        let check = |text: &str, value: i64, milli: i64, integer: Option<i64>| {
            let quantity: Quantity = text.parse().unwrap();
            let got = (quantity.value(), quantity.milli_value(), quantity.integer());
            assert_eq!(got, (value, milli, integer), "{text}");
        };
        check("0", 0, 0, Some(0));
        check("1.5Gi", 1_610_612_736, 1_610_612_736_000, Some(1_610_612_736));
        check("500m", 1, 500, None);
        check("-500m", -1, -500, None);
        check("1n", 1, 1, None);
        check("9223372036854775807", i64::MAX, i64::MAX, Some(i64::MAX));
        check("1e40", i64::MAX, i64::MAX, None);
        check("-1e40", -i64::MAX, -i64::MAX, None);
        check("1e2000000000", i64::MAX, i64::MAX, None);
        let tiny = format!("1.{}1", "0".repeat(49));
        check(&tiny, 2, 1001, None);
        assert_eq!(canonical_quantity(&tiny), Ok(Some("1000000001n".into())));
        assert_eq!(Quantity::from(i64::MIN).to_string(), "-9223372036854775808");
    }

    #[test]
    fn quantities_are_added() {
        let check = |a: &str, b: &str, sum: &str, difference: &str| {
            let [a, b]: [Quantity; 2] = [a, b].map(|text| text.parse().unwrap());
            let got = (a.plus(&b).to_string(), a.minus(&b).to_string());
            assert_eq!(got, (sum.to_owned(), difference.to_owned()), "{a} {b}");
        };
        check("1", "999m", "1999m", "1m");
        check("100m", "1", "1100m", "-900m");
        check("0", "1Gi", "1Gi", "-1Gi");
        check("1Gi", "1Gi", "2Gi", "0");
        check("-1", "-2", "-3", "1");
        check("-5", "2", "-3", "-7");
        check(
            "1e40",
            "1",
            "10000000000000000000000000000000000000001",
            "9999999999999999999999999999999999999999",
        );
        check(
            "1e2000000000",
            "1",
            "1e1999999998".replace("1e1999999998", "100e1999999998").as_str(),
            "100e1999999998",
        );
    }
}
