//! Quantities: `100m`, `1.5Gi`, `1e3`.

use std::cmp::Ordering;
use std::fmt;

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

/// Digits (most significant first, no zero before them, none for zero) times a power of ten.
#[derive(Clone, Debug)]
struct Decimal {
    digits: Vec<u8>,
    exponent: i64,
}

const NANO: i64 = -9;
const MILLI: i64 = -3;
/// Digits that are sure to fit in 64 bits.
const SAFE_DIGITS: usize = 18;
const DECIMAL: [(&str, i64); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// The text that the API server writes for a quantity: `None` for the one given.
pub(super) fn canonical_quantity(text: &str) -> Result<Option<String>, QuantityError> {
    let quantity = Quantity::parse(text)?;
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

impl Quantity {
    /// Reads a text; spaces around it do not count.
    ///
    /// # Errors
    /// Where it is no quantity.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let text = text.trim();
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

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
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

impl Decimal {
    fn new(written: &[u8], exponent: i64) -> Self {
        let digits = written.iter().skip_while(|digit| **digit == b'0').map(|digit| digit - b'0').collect();
        Self { digits, exponent }
    }

    fn multiply(&mut self, factor: u32, times: i64) {
        for _ in 0..times {
            let mut carry = 0;
            for digit in self.digits.iter_mut().rev() {
                carry += u32::from(*digit) * factor;
                *digit = (carry % 10) as u8;
                carry /= 10;
            }
            while carry > 0 {
                self.digits.insert(0, (carry % 10) as u8);
                carry /= 10;
            }
        }
    }

    /// Away from zero, to a multiple of this power of ten.
    fn round_up(&mut self, exponent: i64) {
        if self.exponent >= exponent || self.digits.is_empty() {
            return;
        }
        let dropped = usize::try_from(exponent - self.exponent).unwrap_or(usize::MAX);
        let cut = self.digits.len().saturating_sub(dropped);
        let exact = dropped <= self.digits.len() && self.digits.iter().skip(cut).all(|digit| *digit == 0);
        self.digits.truncate(cut);
        self.exponent = exponent;
        if exact {
            return;
        }
        for digit in self.digits.iter_mut().rev() {
            if *digit < 9 {
                *digit += 1;
                return;
            }
            *digit = 0;
        }
        self.digits.insert(0, 1);
    }

    /// Zeros at the end, which may as well be in the exponent.
    fn trailing_zeros(&self) -> usize {
        self.digits.iter().rev().take_while(|digit| **digit == 0).count()
    }

    fn is_whole(&self) -> bool {
        self.exponent >= 0
            || usize::try_from(-self.exponent).is_ok_and(|behind| self.trailing_zeros() >= behind)
    }

    /// The digits as text, and an exponent that is a multiple of three, as large as it can be.
    fn in_thousands(&self) -> (String, i64) {
        let zeros = self.trailing_zeros();
        let exponent = self.exponent + i64::try_from(zeros).unwrap_or_default();
        let missing = exponent.rem_euclid(3);
        let kept = self.digits.iter().take(self.digits.len() - zeros);
        let mut text: String = kept.map(|digit| char::from(digit + b'0')).collect();
        (0..missing).for_each(|_| text.push('0'));
        (text, exponent - missing)
    }

    /// A whole number of at most 64 bits without its factors of 1024, and how many they are.
    fn in_powers_of_1024(&self) -> (u128, usize) {
        let all = self.digits.iter().fold(0, |sum: u128, digit| sum.saturating_mul(10) + u128::from(*digit));
        let scale = |number: u128| match u32::try_from(self.exponent.unsigned_abs()) {
            Ok(power) if self.exponent < 0 => number / 10u128.saturating_pow(power),
            Ok(power) => number.saturating_mul(10u128.saturating_pow(power)),
            Err(_) => number,
        };
        let (mut number, mut power) = (scale(all), 0);
        while number >= 1024 && number.is_multiple_of(1024) {
            number /= 1024;
            power += 1;
        }
        (number, power)
    }

    fn compare(&self, other: &Self) -> Ordering {
        let magnitude = |decimal: &Self| match decimal.digits.len() {
            0 => i64::MIN,
            length => decimal.exponent.saturating_add(i64::try_from(length).unwrap_or(i64::MAX)),
        };
        let significant = |decimal: &'_ Self| decimal.digits.len() - decimal.trailing_zeros();
        magnitude(self).cmp(&magnitude(other)).then_with(|| {
            let (own, others) = (self.digits.iter().take(significant(self)), other.digits.iter());
            own.cmp(others.take(significant(other)))
        })
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
        let quantity = |text: &str| Quantity::parse(text).unwrap();
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
}
