//! Time zones by name. The names are those of the IANA database (`data/zones.txt`), which a server has on its disk.

use schema::{At, FieldError};

static ZONES: &str = include_str!("../../data/zones.txt");

/// Whether it is a zone that a server knows.
pub(super) fn is_zone(name: &str) -> bool {
    name == "Local" || ZONES.lines().any(|zone| zone == name)
}

/// What is wrong with the zone of a CronJob.
pub(super) fn validate_zone(errors: &mut Vec<FieldError>, at: &At, name: &str) {
    if name.is_empty() {
        errors.push(FieldError::invalid(at, name, "timeZone must be nil or non-empty string"));
        return;
    }
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte);
    let part = |part: &str| {
        !matches!(part, "" | "." | "..")
            && !part.starts_with('-')
            && part.len() <= 14
            && part.bytes().all(fine)
    };
    if !name.split('/').all(part) {
        errors.push(FieldError::invalid(at, name, format!("unknown time zone {name}")));
        return;
    }
    if name.eq_ignore_ascii_case("Local") {
        let text = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        errors.push(FieldError::invalid(at, name, text));
    }
    if !is_zone(name) {
        errors.push(FieldError::invalid(at, name, format!("unknown time zone {name}")));
    }
}
