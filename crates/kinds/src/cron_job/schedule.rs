//! Schedules, as github.com/robfig/cron reads and reckons them; this says what is wrong with one in its words.

use gostd::time::parse_duration;
use lockstep_core::Date;

use super::zone::is_zone;

/// When a CronJob comes due, to the minute. Zones are not known but by name: all are taken for UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule(Due);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Due {
    /// Minutes, hours, days, months and days of the week.
    Calendar([Marks; 5]),
    /// So many seconds apart.
    Every(i64),
}

/// What a field of the calendar names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Marks {
    /// A bit for each number.
    bits: u64,
    /// Whether it is not restricted.
    star: bool,
}

struct Field {
    min: u64,
    max: u64,
    names: &'static [&'static str],
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: [Field; 5] = [
    Field { min: 0, max: 59, names: &[] },
    Field { min: 0, max: 23, names: &[] },
    Field { min: 1, max: 31, names: &[] },
    Field { min: 1, max: 12, names: &MONTHS },
    Field { min: 0, max: 6, names: &DAYS },
];
const DESCRIPTORS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const NANOS: i64 = 1_000_000_000;
/// A schedule that does not come due within five years never does.
const HORIZON: i64 = 5 * 366 * DAY;

impl Schedule {
    /// Reads a schedule that is not empty.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rest = without_zone(text)?;
        if !rest.starts_with('@') {
            return calendar(rest);
        }
        match DESCRIPTORS.iter().find(|(name, _)| *name == rest) {
            Some((_, fields)) => calendar(fields),
            None => every(rest),
        }
    }

    /// The first time after `after` at which it comes due, in seconds since 1970; `None` for never.
    pub fn next(&self, after: i64) -> Option<i64> {
        let [minutes, hours, ..] = match &self.0 {
            Due::Every(period) => return after.checked_add(*period),
            Due::Calendar(fields) => fields,
        };
        let end = after.checked_add(HORIZON)?;
        let mut time = (after.div_euclid(MINUTE) + 1) * MINUTE;
        while time < end {
            let second = time.rem_euclid(DAY);
            if !self.has_day(time.div_euclid(DAY)) {
                time = (time.div_euclid(DAY) + 1) * DAY;
            } else if !hours.has(second / HOUR) {
                time = (time.div_euclid(HOUR) + 1) * HOUR;
            } else if !minutes.has(second / MINUTE % 60) {
                time += MINUTE;
            } else {
                return Some(time);
            }
        }
        None
    }

    /// The last time after `after`, and not after `until`, at which it came due, in seconds since 1970; `None` if it did not. Looks
    /// back from the end, so that years of missed minutes cost nothing.
    pub fn last(&self, after: i64, until: i64) -> Option<i64> {
        let [minutes, hours, ..] = match &self.0 {
            Due::Every(period) => {
                let times = until.checked_sub(after)?.div_euclid(*period);
                return (times > 0).then(|| after + times * period);
            }
            Due::Calendar(fields) => fields,
        };
        let mut time = until.div_euclid(MINUTE) * MINUTE;
        let begin = after.max(until.saturating_sub(HORIZON));
        while time > begin {
            let second = time.rem_euclid(DAY);
            if !self.has_day(time.div_euclid(DAY)) {
                time = time.div_euclid(DAY) * DAY - MINUTE;
            } else if !hours.has(second / HOUR) {
                time = time.div_euclid(HOUR) * HOUR - MINUTE;
            } else if !minutes.has(second / MINUTE % 60) {
                time -= MINUTE;
            } else {
                return Some(time);
            }
        }
        None
    }

    fn has_day(&self, day: i64) -> bool {
        let Due::Calendar([_, _, days, months, weekdays]) = &self.0 else { return true };
        let date = Date::of_days(day);
        let (of_month, of_week) = (days.has(date.day), weekdays.has(date.weekday()));
        // Where both are restricted, either will do.
        let fits = if days.star || weekdays.star { of_month && of_week } else { of_month || of_week };
        months.has(date.month) && fits
    }
}

impl Marks {
    fn has(self, number: i64) -> bool {
        self.bits >> number & 1 == 1
    }
}

/// A schedule may begin with its time zone.
fn without_zone(text: &str) -> Result<&str, String> {
    if !text.starts_with("TZ=") && !text.starts_with("CRON_TZ=") {
        return Ok(text);
    }
    let equals = text.find('=').unwrap_or_default();
    let Some(space) = text.find(' ') else {
        // The library fails here, and is caught.
        const PANIC: &str = "invalid schedule format: runtime error: slice bounds out of range [:-1]";
        return Err(PANIC.to_owned());
    };
    let zone = &text[equals + 1..space];
    match is_zone(zone) || zone.is_empty() {
        true => Ok(text[space..].trim()),
        false => Err(format!("provided bad location {zone}: unknown time zone {zone}")),
    }
}

fn calendar(text: &str) -> Result<Schedule, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() != FIELDS.len() {
        return Err(format!("expected exactly 5 fields, found {}: [{}]", words.len(), words.join(" ")));
    }
    let mut fields = [Marks::default(); 5];
    for ((word, field), marks) in words.iter().zip(&FIELDS).zip(&mut fields) {
        for part in word.split(',').filter(|part| !part.is_empty()) {
            let Marks { bits, star } = range(part, field)?;
            *marks = Marks { bits: marks.bits | bits, star: marks.star || star };
        }
    }
    Ok(Schedule(Due::Calendar(fields)))
}

fn every(text: &str) -> Result<Schedule, String> {
    let Some(duration) = text.strip_prefix("@every ") else {
        return Err(format!("unrecognized descriptor: {text}"));
    };
    let nanos =
        parse_duration(duration).map_err(|wrong| format!("failed to parse duration {text}: {wrong}"))?;
    Ok(Schedule(Due::Every((nanos / NANOS).max(1))))
}

/// One part of a field: `*`, `5`, `1-5`, each with a step or without.
fn range(text: &str, field: &Field) -> Result<Marks, String> {
    let parts: Vec<&str> = text.split('/').collect();
    let limits: Vec<&str> = parts[0].split('-').collect();
    let mut star = false;
    let (start, mut end) = match *limits {
        // What is behind the star does not count.
        ["*" | "?", ..] => {
            star = true;
            (field.min, field.max)
        }
        [single] => {
            let number = number_or_name(single, field)?;
            (number, number)
        }
        [low, high] => {
            let low = number_or_name(low, field)?;
            (low, number_or_name(high, field)?)
        }
        _ => {
            number_or_name(limits[0], field)?;
            return Err(format!("too many hyphens: {text}"));
        }
    };
    let step = match *parts {
        [_] => 1,
        [_, step] => {
            let step = number(step)?;
            end = if limits.len() == 1 { field.max } else { end };
            star &= step <= 1;
            step
        }
        _ => return Err(format!("too many slashes: {text}")),
    };
    check_range(text, field, (start, end, step))?;
    let step = usize::try_from(step).unwrap_or(usize::MAX);
    let bits = (start..=end).step_by(step).fold(0, |bits, number| bits | 1 << number);
    Ok(Marks { bits, star })
}

fn check_range(text: &str, field: &Field, (start, end, step): (u64, u64, u64)) -> Result<(), String> {
    match () {
        () if start < field.min => {
            Err(format!("beginning of range ({start}) below minimum ({}): {text}", field.min))
        }
        () if end > field.max => Err(format!("end of range ({end}) above maximum ({}): {text}", field.max)),
        () if start > end => Err(format!("beginning of range ({start}) beyond end of range ({end}): {text}")),
        () if step == 0 => Err(format!("step of range should be a positive number: {text}")),
        () => Ok(()),
    }
}

fn number_or_name(text: &str, field: &Field) -> Result<u64, String> {
    let lower = text.to_lowercase();
    match field.names.iter().position(|name| *name == lower) {
        Some(index) => Ok(field.min + index as u64),
        None => number(text),
    }
}

/// As Go's `strconv.Atoi`, and not below zero.
fn number(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let fail = |why: &str| format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: {why}");
    let number: i64 = match text.parse() {
        Ok(number) => number,
        Err(_) if plain => return Err(fail("value out of range")),
        Err(_) => return Err(fail("invalid syntax")),
    };
    u64::try_from(number).map_err(|_| format!("negative number ({number}) not allowed: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::Timestamp;

    #[test]
    fn schedules_are_read_as_cron_does() {
        let good = |text: &str| assert_eq!(Schedule::parse(text).map(drop), Ok(()), "{text}");
        for text in [
            "* * * * *",
            "*/5 0 1,15 jan-mar mon",
            "@hourly",
            "@every 1h30m",
            "TZ=UTC 0 0 * * *",
            "0 0 ? * 6",
            "5/10 * * * *",
            "*-5 * * * *",
        ] {
            good(text);
        }
        let bad =
            |text: &str, wrong: &str| assert_eq!(Schedule::parse(text), Err(wrong.to_owned()), "{text}");
        bad("* * *", "expected exactly 5 fields, found 3: [* * *]");
        bad("60 * * * *", "end of range (60) above maximum (59): 60");
        bad("* * 0 * *", "beginning of range (0) below minimum (1): 0");
        bad("a * * * *", "failed to parse int from a: strconv.Atoi: parsing \"a\": invalid syntax");
        bad("*/0 * * * *", "step of range should be a positive number: */0");
        bad("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1");
        bad("@often", "unrecognized descriptor: @often");
        bad("@every 5", "failed to parse duration @every 5: time: missing unit in duration \"5\"");
        bad("TZ=No/Where * * * * *", "provided bad location No/Where: unknown time zone No/Where");
    }

    #[test]
    fn schedules_come_due_by_the_calendar() {
        let check = |schedule: &str, after: &str, want: &str| {
            let after = Timestamp::parse(after).unwrap().0;
            let next = Schedule::parse(schedule).unwrap().next(after).map(|next| Timestamp(next).to_string());
            assert_eq!(next.as_deref().unwrap_or("never"), want, "{schedule}");
        };
        check("* * * * *", "2026-11-24T10:00:30Z", "2026-11-24T10:01:00Z");
        check("*-5 * * * *", "2026-11-24T10:00:30Z", "2026-11-24T10:01:00Z");
        check("*/15 * * * *", "2026-11-24T10:45:00Z", "2026-11-24T11:00:00Z");
        check("0 0 1 1 *", "2026-11-24T10:00:00Z", "2027-01-01T00:00:00Z");
        check("30 4 * * mon-fri", "2026-11-27T05:00:00Z", "2026-11-30T04:30:00Z");
        check("0 0 13 * fri", "2026-11-24T10:00:00Z", "2026-11-27T00:00:00Z");
        check("0 0 */30 * fri", "2026-11-24T10:00:00Z", "2026-11-27T00:00:00Z");
        check("0 0 29 2 *", "2026-11-24T10:00:00Z", "2028-02-29T00:00:00Z");
        check("0 0 31 2 *", "2026-11-24T10:00:00Z", "never");
        check("5/20 * * * *", "2026-11-24T10:06:00Z", "2026-11-24T10:25:00Z");
        check("@hourly", "2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z");
        check("@every 90s", "2026-11-24T10:00:00Z", "2026-11-24T10:01:30Z");
        check("@every -1h", "2026-11-24T10:00:00Z", "2026-11-24T10:00:01Z");
        check("TZ=UTC 0 12 * * *", "2026-11-24T10:00:00Z", "2026-11-24T12:00:00Z");
    }

    #[test]
    fn the_last_time_is_the_one_that_counting_on_comes_to() {
        let after = Timestamp::parse("2024-02-28T10:00:30Z").unwrap().0;
        for text in
            ["* * * * *", "*/7 3 * * *", "0 0 29 2 *", "0 0 13 * fri", "@every 90s", "@hourly", "0 0 31 2 *"]
        {
            let schedule = Schedule::parse(text).unwrap();
            for until in [-90, 0, 29, 30, 89, 90, 3_600, 86_400, 1_000_000].map(|seconds| after + seconds) {
                let mut times = std::iter::successors(schedule.next(after), |time| schedule.next(*time));
                let counted = times.by_ref().take_while(|time| *time <= until).last();
                assert_eq!(schedule.last(after, until), counted, "{text} {}", until - after);
            }
        }
    }

    #[test]
    fn the_end_of_time_is_no_time() {
        for text in ["@every 2562047h", "* * * * *"] {
            assert_eq!(Schedule::parse(text).unwrap().next(i64::MAX), None, "{text}");
        }
        assert!(Schedule::parse("@every 18000000000000000000s18000000000000000000s").is_err());
    }
}
