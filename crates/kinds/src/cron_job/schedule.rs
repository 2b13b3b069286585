//! Schedules, as github.com/robfig/cron reads them; this says what is wrong with one in its words.

use super::zone::is_zone;

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
const DESCRIPTORS: [&str; 7] =
    ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/// What is wrong with a schedule that is not empty.
pub(super) fn check(text: &str) -> Result<(), String> {
    let rest = without_zone(text)?;
    if rest.starts_with('@') {
        return check_descriptor(rest);
    }
    let words: Vec<&str> = rest.split_whitespace().collect();
    if words.len() != FIELDS.len() {
        return Err(format!("expected exactly 5 fields, found {}: [{}]", words.len(), words.join(" ")));
    }
    words.iter().zip(&FIELDS).try_for_each(|(word, field)| {
        word.split(',').filter(|range| !range.is_empty()).try_for_each(|range| check_range(range, field))
    })
}

/// A schedule may begin with its time zone.
fn without_zone(text: &str) -> Result<&str, String> {
    if !text.starts_with("TZ=") && !text.starts_with("CRON_TZ=") {
        return Ok(text);
    }
    let equals = text.find('=').unwrap_or_default();
    let Some(space) = text.find(' ') else {
        let last = equals + 1;
        return Err(format!("invalid schedule format: runtime error: slice bounds out of range [{last}:-1]")
            .replace(&format!("[{last}:-1]"), "[:-1]"));
    };
    let zone = &text[equals + 1..space];
    match is_zone(zone) || zone.is_empty() {
        true => Ok(text[space..].trim()),
        false => Err(format!("provided bad location {zone}: unknown time zone {zone}")),
    }
}

fn check_descriptor(text: &str) -> Result<(), String> {
    if DESCRIPTORS.contains(&text) {
        return Ok(());
    }
    match text.strip_prefix("@every ") {
        Some(duration) => {
            check_duration(duration).map_err(|wrong| format!("failed to parse duration {text}: {wrong}"))
        }
        None => Err(format!("unrecognized descriptor: {text}")),
    }
}

/// As Go's `time.ParseDuration`.
fn check_duration(text: &str) -> Result<(), String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest == "0" {
        return Ok(());
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    while !rest.is_empty() {
        let number = rest.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(rest.len());
        let digits = &rest[..number];
        if !digits.bytes().any(|byte| byte.is_ascii_digit()) || digits.matches('.').count() > 1 {
            return Err(invalid());
        }
        rest = &rest[number..];
        let end = rest.find(|char: char| char.is_ascii_digit() || char == '.').unwrap_or(rest.len());
        match &rest[..end] {
            "" => return Err(format!("time: missing unit in duration {text:?}")),
            "ns" | "us" | "µs" | "μs" | "ms" | "s" | "m" | "h" => rest = &rest[end..],
            unit => return Err(format!("time: unknown unit {unit:?} in duration {text:?}")),
        }
    }
    Ok(())
}

fn check_range(text: &str, field: &Field) -> Result<(), String> {
    let parts: Vec<&str> = text.split('/').collect();
    let limits: Vec<&str> = parts[0].split('-').collect();
    let (start, mut end) = match *limits {
        ["*" | "?", ..] => (field.min, field.max),
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
            step
        }
        _ => return Err(format!("too many slashes: {text}")),
    };
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

    #[test]
    fn schedules_are_read_as_cron_does() {
        let good = |text: &str| assert_eq!(check(text), Ok(()), "{text}");
        for text in [
            "* * * * *",
            "*/5 0 1,15 jan-mar mon",
            "@hourly",
            "@every 1h30m",
            "TZ=UTC 0 0 * * *",
            "0 0 ? * 6",
            "5/10 * * * *",
        ] {
            good(text);
        }
        let bad = |text: &str, wrong: &str| assert_eq!(check(text), Err(wrong.to_owned()), "{text}");
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
}
