//! Times as the server writes them, and how long they are ago.

use std::time::Duration;

use lockstep_core::{Date, Timestamp};

use super::age::age;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Nanoseconds since 1970 of a time in UTC as the server writes it; `None` for anything else.
pub(super) fn nanos(text: &str) -> Option<i128> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (whole, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut time = whole.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let seconds = Date { year, month, day }.days() * DAY + hour * HOUR + minute * MINUTE + second;
    Some(i128::from(seconds) * 1_000_000_000 + digits.parse::<i128>().ok()?)
}

/// How long a time is ago.
pub(super) fn since(text: &str, now: Duration) -> String {
    let now = i128::try_from(now.as_nanos()).unwrap_or(i128::MAX);
    nanos(text).map_or("<unknown>".into(), |then| human(now - then))
}

/// How long it took from one time to another.
pub(super) fn between(from: &str, to: &str) -> String {
    nanos(from).zip(nanos(to)).map_or("<unknown>".into(), |(from, to)| human(to - from))
}

/// A time span in the words of [`age`].
pub(super) fn human(nanos: i128) -> String {
    let seconds = i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX);
    age(Timestamp(-seconds), Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_server_writes_them() {
        assert_eq!(nanos("1970-01-02T00:00:01Z"), Some(86_401_000_000_000));
        assert_eq!(nanos("2020-02-29T12:00:00.5Z"), Some(1_582_977_600_500_000_000));
        assert_eq!(nanos("x"), None);
        assert_eq!(human(125_900_000_000), "2m5s");
        assert_eq!(between("2020-01-01T00:00:00Z", "2020-01-01T03:01:00Z"), "3h1m");
    }
}
