//! Points in time, and how long something takes.

use std::fmt;

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

/// Days since 1970 of a date of the Gregorian calendar (Howard Hinnant's algorithm).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let shifted = (month + 9) % 12;
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

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
        let next = if month == 12 { days(year + 1, 1, 1) } else { days(year, month + 1, 1) };
        if !fits || days(year, month, day) >= next {
            return None;
        }
        let (nanos, zone) = fraction(text.get(19..)?)?;
        let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
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
        let (year, month, of_month) = date(day);
        Some(Civil {
            year,
            month,
            day: of_month,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
            weekday: (day + 4).rem_euclid(7),
            day_of_year: day - days(year, 1, 1),
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

fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted - era * 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
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
    Some(sign * (hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60))
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.seconds.div_euclid(DAY));
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
        assert_eq!(Time::parse("2023-02-29T00:00:00Z"), None);
        assert_eq!((seconds(90_000_000_000), seconds(-1_500_000_000)), ("90s".into(), "-1.5s".into()));
    }
}
