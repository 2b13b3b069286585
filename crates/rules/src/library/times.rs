//! The parts of times and durations.

use super::Answer;
use crate::val::Val;

pub(super) fn method(name: &str, target: &Val, args: &[Val]) -> Option<Answer> {
    match (target, args) {
        (Val::Duration(nanos), []) => Some(Ok(Val::Int(match name {
            "getHours" => nanos / 3_600_000_000_000,
            "getMinutes" => nanos / 60_000_000_000,
            "getSeconds" => nanos / 1_000_000_000,
            "getMilliseconds" => nanos / 1_000_000,
            _ => return None,
        }))),
        (Val::Time(time), []) => part(name, *time, ""),
        (Val::Time(time), [Val::String(zone)]) => part(name, *time, zone),
        _ => None,
    }
}

fn part(name: &str, time: crate::time::Time, zone: &str) -> Option<Answer> {
    let Some(civil) = time.civil(zone) else {
        return Some(Err(format!("unknown time zone {zone}")));
    };
    Some(Ok(Val::Int(match name {
        "getFullYear" => civil.year,
        "getMonth" => civil.month - 1,
        "getDate" => civil.day,
        "getDayOfMonth" => civil.day - 1,
        "getDayOfWeek" => civil.weekday,
        "getDayOfYear" => civil.day_of_year,
        "getHours" => civil.hour,
        "getMinutes" => civil.minute,
        "getSeconds" => civil.second,
        "getMilliseconds" => i64::from(time.nanos / 1_000_000),
        _ => return None,
    })))
}
