//! Which scalars go-yaml v2 takes for a timestamp. They stay text when read, and are quoted when written.

/// Whether Go's `time.Parse` takes the text by one of go-yaml's four layouts: a date; a date, `T` or `t`, a time and a zone; a
/// date, a space and a time.
pub(crate) fn is_timestamp(text: &str) -> bool {
    let mut rest = Rest(text.as_bytes());
    date(&mut rest).is_some() && (rest.0.is_empty() || time(&mut rest).is_some())
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn byte(&mut self, allowed: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        if !allowed.contains(&first) {
            return None;
        }
        self.0 = rest;
        Some(first)
    }

    /// One or two digits, or exactly two.
    fn number(&mut self, exactly_two: bool) -> Option<u32> {
        let digits = self.0.iter().take(2).take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 || (exactly_two && digits == 1) {
            return None;
        }
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        Some(number.iter().fold(0, |n, b| n * 10 + u32::from(b - b'0')))
    }
}

fn date(rest: &mut Rest<'_>) -> Option<()> {
    let year = rest.number(true)? * 100 + rest.number(true)?;
    rest.byte(b"-")?;
    let month = rest.number(false)?;
    rest.byte(b"-")?;
    let day = rest.number(false)?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    (1..=days).contains(&day).then_some(())
}

fn time(rest: &mut Rest<'_>) -> Option<()> {
    let divider = rest.byte(b"Tt ")?;
    let hour = rest.number(false)?;
    rest.byte(b":")?;
    let minute = rest.number(false)?;
    rest.byte(b":")?;
    let second = rest.number(false)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    if let [b'.' | b',', digit, ..] = rest.0
        && digit.is_ascii_digit()
    {
        let digits = rest.0[1..].iter().take_while(|b| b.is_ascii_digit()).count();
        rest.0 = &rest.0[1 + digits..];
    }
    if divider != b' ' {
        zone(rest)?;
    }
    rest.0.is_empty().then_some(())
}

/// `Z` or `±hh:mm`
fn zone(rest: &mut Rest<'_>) -> Option<()> {
    if rest.byte(b"Z+-")? == b'Z' {
        return Some(());
    }
    let hour = rest.number(true)?;
    rest.byte(b":")?;
    let minute = rest.number(true)?;
    (hour <= 24 && minute < 60).then_some(())
}

#[cfg(test)]
mod tests {
    use super::is_timestamp;

    #[test]
    fn timestamps_are_told_as_in_go() {
        for (text, expected) in [
            ("2020-01-01", true),
            ("2020-1-1", true),
            ("2020-02-30", false),
            ("2020-02-29", true),
            ("2021-02-29", false),
            ("2020-13-01", false),
            ("20200-01-01", false),
            ("2001-12-14t21:59:43.10-05:00", true),
            ("2001-12-14T21:59:43Z", true),
            ("2001-12-14T21:59:43", false),
            ("2001-12-14 21:59:43.10", true),
            ("2001-12-14 21:59:43,5", true),
            ("2001-12-14 21:59:43.", false),
            ("2001-12-14 21:59:43 -5", false),
            ("2001-12-14T1:2:3Z", true),
            ("2001-12-14T24:00:00Z", false),
            ("2001-12-14 21:59", false),
            ("2001-12-14T21:59:43+5:00", false),
            ("", false),
        ] {
            assert_eq!(is_timestamp(text), expected, "{text:?}");
        }
    }
}
