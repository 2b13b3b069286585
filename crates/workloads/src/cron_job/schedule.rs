//! When a schedule comes due, as github.com/robfig/cron reckons.

use lockstep_core::Timestamp;

/// A schedule in UTC, to the minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Schedule {
    /// By the fields of the calendar, each a set of bits.
    Calendar {
        minutes: u64,
        hours: u64,
        days: u64,
        months: u64,
        weekdays: u64,
        any_day: bool,
        any_weekday: bool,
    },
    /// So many seconds apart.
    Every(i64),
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const MINUTE: i64 = 60;
const DAY: i64 = 86_400;
/// A schedule that does not come due within five years never does.
const HORIZON: i64 = 5 * 366 * DAY;

impl Schedule {
    /// `None` where the text is none; the API refuses such before.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = match text.strip_prefix("TZ=").or_else(|| text.strip_prefix("CRON_TZ=")) {
            Some(rest) => rest.split_once(' ')?.1.trim(),
            None => text.trim(),
        };
        let fields = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            _ => text,
        };
        if let Some(period) = fields.strip_prefix("@every ") {
            let seconds = crate::kubelet::duration(period)?.as_secs();
            return Some(Self::Every(i64::try_from(seconds).ok()?.max(1)));
        }
        let words: Vec<&str> = fields.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = words[..] else { return None };
        let any = |word: &str| word.starts_with(['*', '?']);
        Some(Self::Calendar {
            minutes: bits(minute, (0, 59), &[])?,
            hours: bits(hour, (0, 23), &[])?,
            days: bits(day, (1, 31), &[])?,
            months: bits(month, (1, 12), &MONTHS)?,
            weekdays: bits(weekday, (0, 6), &DAYS)?,
            any_day: any(day),
            any_weekday: any(weekday),
        })
    }

    /// The first time after `after` at which it comes due, in seconds since 1970.
    pub(super) fn next(&self, after: i64) -> Option<i64> {
        let (minutes, hours) = match self {
            Self::Every(period) => return Some(after + period),
            Self::Calendar { minutes, hours, .. } => (minutes, hours),
        };
        let mut time = (after.div_euclid(MINUTE) + 1) * MINUTE;
        while time < after + HORIZON {
            let second = time.rem_euclid(DAY);
            if !self.has_day(time) {
                time = (time.div_euclid(DAY) + 1) * DAY;
            } else if hours >> (second / 3600) & 1 == 0 {
                time = (time.div_euclid(3600) + 1) * 3600;
            } else if minutes >> (second / MINUTE % 60) & 1 == 0 {
                time += MINUTE;
            } else {
                return Some(time);
            }
        }
        None
    }

    fn has_day(&self, time: i64) -> bool {
        let Self::Calendar { days, months, weekdays, any_day, any_weekday, .. } = self else { return true };
        let text = Timestamp(time).to_string();
        let number =
            |from: usize| text.get(from..from + 2).and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
        let weekday = (time.div_euclid(DAY) + 4).rem_euclid(7);
        let (day, of_week) = (days >> number(8) & 1 == 1, weekdays >> weekday & 1 == 1);
        // Where both are restricted, either will do.
        let fits = if *any_day || *any_weekday { day && of_week } else { day || of_week };
        months >> number(5) & 1 == 1 && fits
    }
}

/// The numbers that a field names, as bits.
fn bits(field: &str, (min, max): (u32, u32), names: &[&str]) -> Option<u64> {
    let number = |text: &str| {
        let lower = text.to_lowercase();
        let named = names.iter().position(|name| *name == lower).and_then(|at| u32::try_from(at).ok());
        named.map(|at| at + min).or_else(|| text.parse().ok())
    };
    let mut bits = 0;
    for part in field.split(',').filter(|part| !part.is_empty()) {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let (first, last) = match range.split_once('-') {
            _ if matches!(range, "*" | "?") => (min, max),
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(range)?, if step.is_some() { max } else { number(range)? }),
        };
        let step = step.map_or(Some(1), |step| step.parse::<usize>().ok())?;
        (first..=last.min(63)).step_by(step.max(1)).for_each(|number| bits |= 1 << number);
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_come_due_by_the_calendar() {
        let check = |schedule: &str, after: &str, want: &str| {
            let after = Timestamp::parse(after).unwrap().0;
            let next = Schedule::parse(schedule).unwrap().next(after).map(|next| Timestamp(next).to_string());
            assert_eq!(next.as_deref().unwrap_or("never"), want, "{schedule}");
        };
        check("* * * * *", "2026-11-24T10:00:30Z", "2026-11-24T10:01:00Z");
        check("*/15 * * * *", "2026-11-24T10:45:00Z", "2026-11-24T11:00:00Z");
        check("0 0 1 1 *", "2026-11-24T10:00:00Z", "2027-01-01T00:00:00Z");
        check("30 4 * * mon-fri", "2026-11-27T05:00:00Z", "2026-11-30T04:30:00Z");
        check("0 0 13 * fri", "2026-11-24T10:00:00Z", "2026-11-27T00:00:00Z");
        check("0 0 29 2 *", "2026-11-24T10:00:00Z", "2028-02-29T00:00:00Z");
        check("0 0 31 2 *", "2026-11-24T10:00:00Z", "never");
        check("5/20 * * * *", "2026-11-24T10:06:00Z", "2026-11-24T10:25:00Z");
        check("@hourly", "2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z");
        check("@every 90s", "2026-11-24T10:00:00Z", "2026-11-24T10:01:30Z");
        check("TZ=UTC 0 12 * * *", "2026-11-24T10:00:00Z", "2026-11-24T12:00:00Z");
    }
}
