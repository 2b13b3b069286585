//! How long an object may still live once its deletion was asked for.

use lockstep_core::{Timestamp, Value};

use crate::call::Call;
use crate::options::DeleteOptions;

/// How much time an object gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grace {
    /// None: its kind knows no grace, or it is over.
    None,
    /// It is being deleted already, and that is not to be faster.
    Pending,
    Seconds(i64),
}

/// What an object gets of it.
pub(super) fn grace(call: &Call<'_>, object: &Value, options: &DeleteOptions) -> Grace {
    if !call.served.is("", "pods") {
        return Grace::None;
    }
    let wanted = options.grace.map(|seconds| if seconds < 0 { 1 } else { seconds });
    if object.at(&["metadata", "deletionTimestamp"]).is_some() {
        let left = object.int_at(&["metadata", "deletionGracePeriodSeconds"]).unwrap_or(0);
        return match wanted {
            _ if left == 0 => Grace::None,
            Some(seconds) if seconds < left => Grace::Seconds(seconds),
            _ => Grace::Pending,
        };
    }
    let of_pod = object.int_at(&["spec", "terminationGracePeriodSeconds"]).unwrap_or(0);
    let unscheduled = object.str_at(&["spec", "nodeName"]).is_none_or(str::is_empty);
    let over = matches!(object.str_at(&["status", "phase"]), Some("Failed" | "Succeeded"));
    let seconds = if unscheduled || over { 0 } else { wanted.unwrap_or(of_pod) };
    Grace::Seconds(if seconds < 0 { 1 } else { seconds })
}

/// The end of the year 9999: no later time can be written.
const LAST: i64 = 253_402_300_799;

/// Sets when an object with grace is to be gone.
pub(super) fn shorten(object: &mut Value, seconds: i64, now: Timestamp) {
    let deleted = object.str_at(&["metadata", "deletionTimestamp"]).and_then(Timestamp::parse);
    let (time, seconds) = match deleted {
        Some(Timestamp(time)) => {
            let before = object.int_at(&["metadata", "deletionGracePeriodSeconds"]).unwrap_or(0);
            let time = time.saturating_sub(before).saturating_add(seconds).min(LAST);
            match time < now.0 {
                true => (now.0, seconds.min(1)),
                false => (time, seconds),
            }
        }
        None => {
            raise_generation(object);
            (now.0.saturating_add(seconds).min(LAST), seconds)
        }
    };
    object.set(&["metadata", "deletionTimestamp"], Timestamp(time).to_string().into());
    object.set(&["metadata", "deletionGracePeriodSeconds"], seconds.into());
}

fn raise_generation(object: &mut Value) {
    if let Some(generation) = object.int_at(&["metadata", "generation"]).filter(|generation| *generation > 0)
    {
        object.set(&["metadata", "generation"], (generation + 1).into());
    }
}

/// Marks an object that finalizers still hold.
pub(super) fn mark_deleted(object: &mut Value, now: Timestamp) {
    let before = object.str_at(&["metadata", "deletionTimestamp"]).and_then(Timestamp::parse);
    if before.is_none() {
        raise_generation(object);
    }
    if before.is_none_or(|before| before > now) {
        object.set(&["metadata", "deletionTimestamp"], now.to_string().into());
    }
    object.set(&["metadata", "deletionGracePeriodSeconds"], 0.into());
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    #[test]
    fn any_number_of_seconds_is_taken() {
        let check = |metadata: &str, seconds: i64, expected: (&str, i64)| {
            let mut object = from_json(format!(r#"{{"metadata":{metadata}}}"#).as_bytes()).unwrap();
            shorten(&mut object, seconds, Timestamp(1_700_000_000));
            let got = (
                object.str_at(&["metadata", "deletionTimestamp"]).unwrap(),
                object.int_at(&["metadata", "deletionGracePeriodSeconds"]).unwrap(),
            );
            assert_eq!(got, expected, "{metadata} {seconds}");
        };
        let marked = r#"{"deletionTimestamp":"2023-11-14T22:13:50Z","deletionGracePeriodSeconds":30}"#;
        check("{}", 30, ("2023-11-14T22:13:50Z", 30));
        check("{}", i64::MAX, ("9999-12-31T23:59:59Z", i64::MAX));
        check(marked, 10, ("2023-11-14T22:13:30Z", 10));
        check(marked, i64::MAX, ("9999-12-31T23:59:59Z", i64::MAX));
        let long = r#"{"deletionTimestamp":"9999-12-31T23:59:59Z","deletionGracePeriodSeconds":9223372036854775807}"#;
        check(long, 5, ("2023-11-14T22:13:20Z", 1));
    }
}
