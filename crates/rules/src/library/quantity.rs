//! Amounts of resources: `500m`, `1.5Gi`.

use std::cmp::Ordering;

/// An amount in billionths, which is as fine as the server keeps them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quantity(i128);

const ONE: i128 = 1_000_000_000;

impl Quantity {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        const SHAPE: &str =
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
        if text.is_empty() {
            return Err(SHAPE.into());
        }
        let end =
            text.find(|char: char| !(char.is_ascii_digit() || ".+-".contains(char))).unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let scaled = decimal(number).ok_or(SHAPE)?;
        let factor = factor(suffix).ok_or("unable to parse quantity's suffix")?;
        // The finest digits are rounded up, away from zero.
        let (value, digits) = scaled;
        let wide = value.checked_mul(factor.0).ok_or(SHAPE)?;
        let divisor =
            10i128.checked_pow(digits).and_then(|power| power.checked_mul(factor.1)).ok_or(SHAPE)?;
        let whole = wide / divisor;
        let rest = wide % divisor;
        Ok(Self(if rest == 0 { whole } else { whole + rest.signum() }))
    }

    pub(crate) fn of(whole: i64) -> Self {
        Self(i128::from(whole) * ONE)
    }

    pub(crate) fn sign(self) -> i64 {
        self.0.signum() as i64
    }

    pub(crate) fn integer(self) -> Option<i64> {
        (self.0 % ONE == 0).then(|| i64::try_from(self.0 / ONE).ok()).flatten()
    }

    #[allow(clippy::cast_precision_loss)] // approximate by name
    pub(crate) fn float(self) -> f64 {
        self.0 as f64 / ONE as f64
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    pub(crate) fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

/// The digits of a decimal number as an integer, and how many of them are behind the point.
fn decimal(text: &str) -> Option<(i128, u32)> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((sign * all.parse::<i128>().ok()?, u32::try_from(fraction.len()).ok()?))
}

/// What a suffix multiplies billionths with, and divides them by.
fn factor(suffix: &str) -> Option<(i128, i128)> {
    let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    if let Some(power) = binary.iter().position(|known| *known == suffix) {
        return Some((ONE << (10 * (power + 1)), 1));
    }
    let power = match suffix {
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
        _ => suffix.strip_prefix(['e', 'E'])?.parse::<i32>().ok()?,
    };
    match power {
        0.. => Some((ONE.checked_mul(10i128.checked_pow(power.unsigned_abs())?)?, 1)),
        _ => Some((ONE, 10i128.checked_pow(power.unsigned_abs())?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_compare_across_suffixes() {
        let parse = |text| Quantity::parse(text).unwrap();
        for (less, more) in [("1", "1Ki"), ("999m", "1"), ("1k", "1Ki"), ("1e3", "1001")] {
            assert!(parse(less).cmp(&parse(more)).is_lt(), "{less} {more}");
        }
        assert!(parse("1000m").cmp(&parse("1")).is_eq());
        assert_eq!((parse("1.5Gi").integer(), parse("500m").integer()), (Some(1_610_612_736), None));
        assert!(
            Quantity::parse("x").is_err() && Quantity::parse("1x").is_err() && Quantity::parse("").is_err()
        );
    }
}
