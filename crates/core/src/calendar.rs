//! Days and dates.

/// A day of the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// The year; 0 is the one before 1.
    pub year: i64,
    /// The month, from 1.
    pub month: i64,
    /// The day of the month, from 1.
    pub day: i64,
}

impl Date {
    /// The day so many days after 1970-01-01.
    ///
    /// Years are shifted to start in March so that the leap day is last, as in Howard Hinnant's algorithms.
    pub fn of_days(days: i64) -> Self {
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        Self { year: year_of_era + era * 400 + i64::from(month <= 2), month, day }
    }

    /// Days since 1970-01-01. A day that its month does not have counts on into the next.
    pub fn days(self) -> i64 {
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let day_of_year = (153 * ((self.month + 9) % 12) + 2) / 5 + self.day - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }

    /// The day of the week, Sunday being 0.
    pub fn weekday(self) -> i64 {
        (self.days() + 4).rem_euclid(7)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        let check = |(year, month, day), days: i64, weekday: i64| {
            let date = Date { year, month, day };
            assert_eq!((date.days(), Date::of_days(days), date.weekday()), (days, date, weekday));
        };
        check((1970, 1, 1), 0, 4);
        check((1969, 12, 31), -1, 3);
        check((2000, 2, 29), 11_016, 2);
        check((2026, 11, 24), 20_781, 2);
        check((0, 3, 1), -719_468, 3);
        check((9999, 12, 31), 2_932_896, 5);
        assert_eq!(
            Date { year: 2023, month: 2, day: 29 }.days(),
            Date { year: 2023, month: 3, day: 1 }.days()
        );
    }
}
