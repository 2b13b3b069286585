//! Points in time, and how long something takes.

use std::fmt;

use lockstep_core::Date;

/// Seconds and nanoseconds since 1970 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time {
    pub(crate) seconds: i64,
    pub(crate) nanos: u32,
}

/// The parts of a time in some zone.
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// From 1.
    pub(crate) month: i64,
    /// From 1.
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
    /// From Sunday, 0.
    pub(crate) weekday: i64,
    /// From 0.
    pub(crate) day_of_year: i64,
}

const DAY: i64 = 86_400;

impl Time {
    /// RFC 3339, or ISO 8601 without a zone, which is UTC.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let number = |from: usize, to: usize| -> Option<i64> {
            let part = text.get(from..to)?;
            part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten()
        };
        let mark =
            |at: usize, want: &str| text.get(at..=at).is_some_and(|mark| mark.eq_ignore_ascii_case(want));
        let marks = mark(4, "-") && mark(7, "-") && mark(10, "T") && mark(13, ":") && mark(16, ":");
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let fits = marks && (1..=12).contains(&month) && day >= 1 && hour < 24 && minute < 60 && second < 60;
        let date = Date { year, month, day };
        // A day that the month does not have is one of the next.
        if !fits || Date::of_days(date.days()) != date {
            return None;
        }
        let (nanos, zone) = fraction(text.get(19..)?)?;
        let seconds = date.days() * DAY + hour * 3600 + minute * 60 + second;
        Some(Self { seconds: seconds - offset(zone)?, nanos })
    }

    /// The parts in a zone: `UTC`, or an offset such as `-02:00`. Names of zones need a database that is not carried.
    pub(crate) fn civil(self, zone: &str) -> Option<Civil> {
        let local = self.seconds
            + match zone {
                "" | "UTC" => 0,
                zone if zone.starts_with(['+', '-']) => offset(zone)?,
                zone => offset(&format!("+{zone}"))?,
            };
        let (day, rest) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let date = Date::of_days(day);
        Some(Civil {
            year: date.year,
            month: date.month,
            day: date.day,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
            weekday: date.weekday(),
            day_of_year: day - Date { month: 1, day: 1, ..date }.days(),
        })
    }

    /// This time and so many nanoseconds more; `None` beyond the years that have four digits.
    pub(crate) fn plus(self, nanos: i64) -> Option<Self> {
        let total = i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanos) + i128::from(nanos);
        let seconds = i64::try_from(total.div_euclid(1_000_000_000)).ok()?;
        let nanos = u32::try_from(total.rem_euclid(1_000_000_000)).ok()?;
        (-62_135_596_800..=253_402_300_799).contains(&seconds).then_some(Self { seconds, nanos })
    }

    /// The nanoseconds from another time to this one.
    pub(crate) fn since(self, other: Self) -> Option<i64> {
        let nanos = i128::from(self.seconds - other.seconds) * 1_000_000_000 + i128::from(self.nanos)
            - i128::from(other.nanos);
        i64::try_from(nanos).ok()
    }
}

/// The fraction of a second, in nanoseconds, and what is behind it.
fn fraction(text: &str) -> Option<(u32, &str)> {
    let Some(rest) = text.strip_prefix('.') else { return Some((0, text)) };
    let end = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
    let digits: String = rest[..end].chars().chain("000000000".chars()).take(9).collect();
    (end > 0).then(|| Some((digits.parse().ok()?, &rest[end..]))).flatten()
}

/// Seconds east of UTC.
fn offset(zone: &str) -> Option<i64> {
    if zone.is_empty() || zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = match zone.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    // Two digits at most, as Go reads them: nothing overflows.
    let number = |text: &str| (text.len() <= 2).then(|| text.parse::<u8>().ok()).flatten().map(i64::from);
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Date { year, month, day } = Date::of_days(self.seconds.div_euclid(DAY));
        let rest = self.seconds.rem_euclid(DAY);
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)?;
        if self.nanos > 0 {
            write!(f, ".{}", format!("{:09}", self.nanos).trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

/// A duration as CEL prints it: `90s`, `1.5s`.
pub(crate) fn seconds(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let (whole, part) = (nanos.unsigned_abs() / 1_000_000_000, nanos.unsigned_abs() % 1_000_000_000);
    match part {
        0 => format!("{sign}{whole}s"),
        _ => format!("{sign}{whole}.{}s", format!("{part:09}").trim_end_matches('0')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_and_print() {
        for text in [
            "2024-02-29T10:11:12.345Z",
            "1970-01-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "0001-01-01T00:00:00Z",
        ] {
            assert_eq!(Time::parse(text).unwrap().to_string(), text);
        }
        let east = Time::parse("2024-01-01T00:30:00+02:00").unwrap();
        assert_eq!(east.to_string(), "2023-12-31T22:30:00Z");
        assert_eq!(east.civil("+02:00").unwrap().hour, 0);
        assert_eq!((east.civil("").unwrap().weekday, east.civil("").unwrap().day_of_year), (0, 364));
        let zone = "9223372036854775807:00";
        assert!(east.civil(zone).is_none() && east.civil(&format!("-{zone}")).is_none());
        assert_eq!(Time::parse(&format!("2024-01-01T00:30:00+{zone}")), None);
        assert_eq!(Time::parse("2023-02-29T00:00:00Z"), None);
        assert_eq!((seconds(90_000_000_000), seconds(-1_500_000_000)), ("90s".into(), "-1.5s".into()));
    }
}
