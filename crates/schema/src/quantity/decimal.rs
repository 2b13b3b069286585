//! Decimal numbers of any size that are not below zero.

use std::cmp::Ordering;

/// How many digits two numbers may be apart and still be added: none that is meant needs more.
const FAR: usize = 4_096;

/// Digits (most significant first, no zero before them, none for zero) times a power of ten.
#[derive(Clone, Debug)]
pub(super) struct Decimal {
    pub(super) digits: Vec<u8>,
    pub(super) exponent: i64,
}

impl Decimal {
    pub(super) const ZERO: Self = Self { digits: Vec::new(), exponent: 0 };

    pub(super) fn new(written: &[u8], exponent: i64) -> Self {
        let digits = written.iter().skip_while(|digit| **digit == b'0').map(|digit| digit - b'0').collect();
        Self { digits, exponent }
    }

    pub(super) fn multiply(&mut self, factor: u32, times: i64) {
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
    pub(super) fn round_up(&mut self, exponent: i64) {
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
    pub(super) fn trailing_zeros(&self) -> usize {
        self.digits.iter().rev().take_while(|digit| **digit == 0).count()
    }

    pub(super) fn is_whole(&self) -> bool {
        self.exponent >= 0
            || usize::try_from(-self.exponent).is_ok_and(|behind| self.trailing_zeros() >= behind)
    }

    /// The digits as text, and an exponent that is a multiple of three, as large as it can be.
    pub(super) fn in_thousands(&self) -> (String, i64) {
        let zeros = self.trailing_zeros();
        let exponent = self.exponent + i64::try_from(zeros).unwrap_or_default();
        let missing = exponent.rem_euclid(3);
        let kept = self.digits.iter().take(self.digits.len() - zeros);
        let mut text: String = kept.map(|digit| char::from(digit + b'0')).collect();
        (0..missing).for_each(|_| text.push('0'));
        (text, exponent - missing)
    }

    /// A whole number of at most 64 bits without its factors of 1024, and how many they are.
    pub(super) fn in_powers_of_1024(&self) -> (u128, usize) {
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

    pub(super) fn compare(&self, other: &Self) -> Ordering {
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

    /// The digits of both, with the same exponent; `None` where they are so far apart that the smaller does not count.
    fn aligned(&self, other: &Self) -> Option<(Vec<u8>, Vec<u8>, i64)> {
        let exponent = self.exponent.min(other.exponent);
        let digits = |decimal: &Self| {
            let zeros = usize::try_from(decimal.exponent - exponent).ok().filter(|zeros| *zeros < FAR)?;
            Some([&decimal.digits[..], &vec![0; zeros]].concat())
        };
        let (mut own, mut others) = (digits(self)?, digits(other)?);
        let length = own.len().max(others.len());
        for digits in [&mut own, &mut others] {
            digits.splice(0..0, std::iter::repeat_n(0, length - digits.len()));
        }
        Some((own, others, exponent))
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        let Some((mut sum, others, exponent)) = self.aligned(other) else { return self.larger(other) };
        let mut carry = 0;
        for (digit, other) in sum.iter_mut().zip(&others).rev() {
            let both = *digit + other + carry;
            (*digit, carry) = (both % 10, both / 10);
        }
        if carry > 0 {
            sum.insert(0, carry);
        }
        Self::of_digits(sum, exponent)
    }

    /// What is left of the larger of both.
    pub(super) fn difference(&self, other: &Self) -> Self {
        let Some((own, others, exponent)) = self.aligned(other) else { return self.larger(other) };
        let (mut more, less) = if own < others { (others, own) } else { (own, others) };
        let mut borrowed = 0;
        for (digit, other) in more.iter_mut().zip(&less).rev() {
            let left = *digit + 10 - other - borrowed;
            (*digit, borrowed) = (left % 10, u8::from(left < 10));
        }
        Self::of_digits(more, exponent)
    }

    fn larger(&self, other: &Self) -> Self {
        if self.compare(other).is_lt() { other.clone() } else { self.clone() }
    }

    fn of_digits(digits: Vec<u8>, exponent: i64) -> Self {
        Self { digits: digits.into_iter().skip_while(|digit| *digit == 0).collect(), exponent }
    }

    /// In units of this power of ten, rounded away from zero; the largest number where it is larger.
    pub(super) fn in_units(&self, exponent: i64) -> i64 {
        let mut rounded = self.clone();
        rounded.round_up(exponent);
        let digits = rounded.digits.iter().map(|digit| i64::from(*digit));
        // More zeros than these make any digit too large.
        let zeros = usize::try_from(rounded.exponent - exponent).unwrap_or_default().min(20);
        let zeros = std::iter::repeat_n(0, if rounded.digits.is_empty() { 0 } else { zeros });
        digits.chain(zeros).fold(0, |number: i64, digit| number.saturating_mul(10).saturating_add(digit))
    }

    pub(super) fn float(&self) -> f64 {
        let digits: String = self.digits.iter().map(|digit| char::from(digit + b'0')).collect();
        format!("0{digits}e{}", self.exponent).parse().unwrap_or(f64::INFINITY)
    }
}
