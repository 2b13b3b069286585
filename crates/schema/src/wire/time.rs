//! Times in JSON, as Go's `time.Parse` reads them.

use std::fmt::Write;

/// How the seconds are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Precision {
    Seconds,
    /// Exactly six digits behind the point.
    Micros,
}

impl Precision {
    fn layout(self) -> &'static str {
        match self {
            Self::Seconds => "2006-01-02T15:04:05Z07:00",
            Self::Micros => "2006-01-02T15:04:05.000000Z07:00",
        }
    }
}

/// What is wrong with a text.
enum Bad {
    /// This is not what the layout has in this place.
    Part(usize, &'static str),
    /// This number is too large, or something follows.
    Message(String),
}

/// The text that is written for the same time in UTC; `None` for no time at all: the first second of the first year.
pub(super) fn canonical(text: &str, precision: Precision) -> Result<Option<String>, String> {
    let mut cursor = Cursor { text: text.as_bytes(), at: 0 };
    let time = cursor.time(precision).map_err(|bad| match bad {
        Bad::Part(at, part) => format!(
            "parsing time {} as {}: cannot parse {} as {}",
            quoted(text.as_bytes()),
            quoted(precision.layout().as_bytes()),
            quoted(text.as_bytes().get(at..).unwrap_or_default()),
            quoted(part.as_bytes())
        ),
        Bad::Message(message) => format!("parsing time {}: {message}", quoted(text.as_bytes())),
    })?;
    Ok(time.is_set().then(|| time.written(precision)))
}

/// The text of a time in seconds and microseconds since 1970; `None` for no time at all. The error is a year that nobody writes.
pub(super) fn of_unix((seconds, micros): (i64, i64), precision: Precision) -> Result<Option<String>, ()> {
    const FIRST: i64 = -62_167_219_200;
    const LAST: i64 = 253_402_300_799;
    if !(FIRST..=LAST).contains(&seconds) {
        return Err(());
    }
    let time = Time { seconds: seconds - FIRST, micros };
    Ok(time.is_set().then(|| time.written(precision)))
}

/// Seconds since the first year began, and what is beyond.
struct Time {
    seconds: i64,
    micros: i64,
}

struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
}

impl Cursor<'_> {
    fn time(&mut self, precision: Precision) -> Result<Time, Bad> {
        let year = self.year()?;
        self.separator(b'-', "-")?;
        let month = self.pair("01")?;
        in_range(month, 1, 12, "month")?;
        self.separator(b'-', "-")?;
        let day = self.pair("02")?;
        self.separator(b'T', "T")?;
        let hour = self.hour()?;
        in_range(hour, 0, 23, "hour")?;
        self.separator(b':', ":")?;
        let minute = self.pair("04")?;
        in_range(minute, 0, 59, "minute")?;
        self.separator(b':', ":")?;
        let second = self.pair("05")?;
        in_range(second, 0, 59, "second")?;
        let micros = self.fraction(precision)?;
        let offset = self.zone()?;
        if let Some(rest) = self.text.get(self.at..).filter(|rest| !rest.is_empty()) {
            return Err(Bad::Message(format!("extra text: {}", quoted(rest))));
        }
        in_range(day, 1, days_in(month, year), "day")?;
        let days = days_before_year(year) + days_before_month(month, year) + day - 1;
        Ok(Time { seconds: days * 86_400 + hour * 3600 + minute * 60 + second - offset, micros })
    }

    fn digit(&self, ahead: usize) -> Option<i64> {
        let byte = self.text.get(self.at + ahead)?;
        byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        let number = (0..count).try_fold(0, |number, ahead| Some(number * 10 + self.digit(ahead)?))?;
        self.at += count;
        Some(number)
    }

    fn separator(&mut self, byte: u8, name: &'static str) -> Result<(), Bad> {
        if self.text.get(self.at) != Some(&byte) {
            return Err(Bad::Part(self.at, name));
        }
        self.at += 1;
        Ok(())
    }

    fn year(&mut self) -> Result<i64, Bad> {
        self.digits(4).ok_or(Bad::Part(self.at, "2006"))
    }

    fn pair(&mut self, name: &'static str) -> Result<i64, Bad> {
        self.digits(2).ok_or(Bad::Part(self.at, name))
    }

    /// One digit is enough.
    fn hour(&mut self) -> Result<i64, Bad> {
        let two = self.digits(2);
        two.or_else(|| self.digits(1)).ok_or(Bad::Part(self.at, "15"))
    }

    fn fraction(&mut self, precision: Precision) -> Result<i64, Bad> {
        let point = matches!(self.text.get(self.at), Some(b'.' | b','));
        let start = self.at;
        self.at += usize::from(point);
        match precision {
            Precision::Micros if point => self.digits(6).ok_or(Bad::Part(start, ".000000")),
            Precision::Micros => Err(Bad::Part(start, ".000000")),
            Precision::Seconds if point && self.digit(0).is_some() => {
                while self.digit(0).is_some() {
                    self.at += 1;
                }
                Ok(0)
            }
            Precision::Seconds => {
                self.at = start;
                Ok(0)
            }
        }
    }

    /// Seconds east.
    fn zone(&mut self) -> Result<i64, Bad> {
        let start = self.at;
        let bad = || Bad::Part(start, "Z07:00");
        let Some(rest) = self.text.get(self.at..) else { return Err(bad()) };
        if rest.first() == Some(&b'Z') {
            self.at += 1;
            return Ok(0);
        }
        if rest.len() < 6 || rest.get(3) != Some(&b':') {
            return Err(bad());
        }
        self.at += 1;
        let hours = self.digits(2);
        self.at = start + 4;
        let minutes = hours.and_then(|_| self.digits(2));
        self.at = start + 6;
        in_range(minutes.unwrap_or_default(), 0, 60, "time zone offset minute")?;
        in_range(hours.unwrap_or_default(), 0, 24, "time zone offset hour")?;
        let offset = (hours.ok_or_else(bad)? * 60 + minutes.ok_or_else(bad)?) * 60;
        match rest.first() {
            Some(b'+') => Ok(offset),
            Some(b'-') => Ok(-offset),
            _ => Err(bad()),
        }
    }
}

fn in_range(number: i64, least: i64, most: i64, name: &str) -> Result<(), Bad> {
    match (least..=most).contains(&number) {
        true => Ok(()),
        false => Err(Bad::Message(format!("{name} out of range"))),
    }
}

impl Time {
    fn is_set(&self) -> bool {
        self.seconds != days_before_year(1) * 86_400 || self.micros != 0
    }

    fn written(&self, precision: Precision) -> String {
        let (mut days, second) = (self.seconds.div_euclid(86_400), self.seconds.rem_euclid(86_400));
        let mut year = days / 366;
        while days_before_year(year + 1) <= days {
            year += 1;
        }
        days -= days_before_year(year);
        let mut month = 1;
        while month < 12 && days_before_month(month + 1, year) <= days {
            month += 1;
        }
        let day = days - days_before_month(month, year) + 1;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        if precision == Precision::Micros {
            let _ = write!(text, ".{:06}", self.micros);
        }
        text.push('Z');
        text
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days from the beginning of the year 0.
fn days_before_year(year: i64) -> i64 {
    let before = year - 1;
    year * 365 + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400) + 1
}

fn days_before_month(month: i64, year: i64) -> i64 {
    (1..month).map(|month| days_in(month, year)).sum()
}

fn days_in(month: i64, year: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// As the package `time` quotes.
fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from('"');
    for byte in bytes {
        match byte {
            b'"' | b'\\' => {
                text.push('\\');
                text.push(char::from(*byte));
            }
            b' '..0x7f => text.push(char::from(*byte)),
            byte => {
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        let check = |text: &str, precision: Precision, want: Option<&str>| {
            assert_eq!(canonical(text, precision), Ok(want.map(str::to_owned)), "{text}");
        };
        use Precision::{Micros, Seconds};
        for (text, want) in [
            ("2024-02-29T01:02:03Z", "2024-02-29T01:02:03Z"),
            ("2024-03-01T00:30:00+01:00", "2024-02-29T23:30:00Z"),
            ("2023-12-31T23:30:00-00:45", "2024-01-01T00:15:00Z"),
            ("2024-01-01T1:02:03.999Z", "2024-01-01T01:02:03Z"),
            ("2024-01-01T01:02:03,5Z", "2024-01-01T01:02:03Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
            ("2100-12-31T00:00:00Z", "2100-12-31T00:00:00Z"),
        ] {
            check(text, Seconds, Some(want));
        }
        check("2024-01-01T01:02:03.000001+00:01", Micros, Some("2024-01-01T01:01:03.000001Z"));
        check("0001-01-01T00:00:00Z", Seconds, None);
    }

    #[test]
    fn times_are_counted_from_1970() {
        use Precision::{Micros, Seconds};
        let check = |seconds, precision, want: Result<Option<&str>, ()>| {
            let want = want.map(|text| text.map(str::to_owned));
            assert_eq!(of_unix((seconds, 5), precision), want, "{seconds}");
        };
        check(0, Seconds, Ok(Some("1970-01-01T00:00:00Z")));
        check(1_709_168_523, Micros, Ok(Some("2024-02-29T01:02:03.000005Z")));
        check(253_402_300_799, Seconds, Ok(Some("9999-12-31T23:59:59Z")));
        check(-62_167_219_200, Seconds, Ok(Some("0000-01-01T00:00:00Z")));
        check(253_402_300_800, Seconds, Err(()));
        check(i64::MIN, Seconds, Err(()));
        assert_eq!(of_unix((-62_135_596_800, 0), Seconds), Ok(None));
    }

    #[test]
    fn what_is_no_time_is_told() {
        let check = |text: &str, precision: Precision, want: &str| {
            assert_eq!(canonical(text, precision).unwrap_err(), format!("parsing time {want}"), "{text}");
        };
        let as_seconds = |text: &str, rest: &str, part: &str| {
            let want =
                format!(r#""{text}" as "2006-01-02T15:04:05Z07:00": cannot parse "{rest}" as "{part}""#);
            check(text, Precision::Seconds, &want);
        };
        as_seconds("", "", "2006");
        as_seconds("yesterday", "yesterday", "2006");
        as_seconds("2024", "", "-");
        as_seconds("2024-1-01T00:00:00Z", "1-01T00:00:00Z", "01");
        as_seconds("2024-01-01", "", "T");
        as_seconds("2024-01-01 00:00:00Z", " 00:00:00Z", "T");
        as_seconds("2024-01-01T00:00:00", "", "Z07:00");
        as_seconds("2024-01-01T00:00:00+0100", "+0100", "Z07:00");
        check("2024-13-01T00:00:00Z", Precision::Seconds, r#""2024-13-01T00:00:00Z": month out of range"#);
        check("2023-02-29T00:00:00Z", Precision::Seconds, r#""2023-02-29T00:00:00Z": day out of range"#);
        check("2024-01-01T24:00:00Z", Precision::Seconds, r#""2024-01-01T24:00:00Z": hour out of range"#);
        check("2024-01-01T00:00:00Zz", Precision::Seconds, r#""2024-01-01T00:00:00Zz": extra text: "z""#);
        check(
            "2024-01-01T00:00:00Z",
            Precision::Micros,
            r#""2024-01-01T00:00:00Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000""#,
        );
    }
}
