//! What the labels of a namespace want.

use std::fmt;

use lockstep_core::Value;
use schema::{At, FieldError};

/// How much is forbidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    #[default]
    Privileged,
    Baseline,
    Restricted,
}

/// A level as a release of Kubernetes defines it: the minor number; none for the latest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) level: Level,
    pub(super) version: Option<u32>,
}

impl Wanted {
    /// Whether the rules of a release (`1.minor`) hold.
    pub(super) fn since(&self, minor: u32) -> bool {
        self.version.is_none_or(|version| version >= minor)
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.level {
            Level::Privileged => "privileged",
            Level::Baseline => "baseline",
            Level::Restricted => "restricted",
        })?;
        match self.version {
            Some(minor) => write!(f, ":v1.{minor}"),
            None => f.write_str(":latest"),
        }
    }
}

/// What is refused and what is warned of. What would be written down for audits is nobody's here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) enforce: Wanted,
    pub(super) warn: Wanted,
}

impl Policy {
    /// The policy of a namespace, and what is wrong with its labels.
    pub(super) fn of(namespace: &Value) -> (Self, Vec<FieldError>) {
        let mut errors = Vec::new();
        let mut read = |mode: &str| {
            let (key, version_key) = (
                format!("pod-security.kubernetes.io/{mode}"),
                format!("pod-security.kubernetes.io/{mode}-version"),
            );
            let label = |key: &str| namespace.str_at(&["metadata", "labels", key]);
            let level = label(&key).map(|text| level(text).ok_or(text));
            if let Some(Err(text)) = level {
                errors.push(invalid(&key, text, "must be one of privileged, baseline, restricted"));
            }
            let version = label(&version_key).map(|text| version(text).ok_or(text));
            if let Some(Err(text)) = version {
                errors.push(invalid(&version_key, text, "must be \"latest\" or \"v1.x\""));
            }
            (level, version.and_then(Result::ok).flatten(), version.is_some())
        };
        let (enforce, enforce_version, _) = read("enforce");
        let _ = read("audit");
        let (warn, warn_version, says_warn_version) = read("warn");
        let enforced = Wanted {
            level: match enforce {
                None => Level::Privileged,
                Some(level) => level.unwrap_or(Level::Restricted),
            },
            version: enforce_version,
        };
        let mut warned =
            Wanted { level: warn.and_then(Result::ok).unwrap_or_default(), version: warn_version };
        if warn.is_none() && matches!(enforce, Some(Ok(level)) if level > warned.level) {
            warned.level = enforced.level;
            if !says_warn_version {
                warned.version = enforced.version;
            }
        }
        (Self { enforce: enforced, warn: warned }, errors)
    }
}

fn invalid(key: &str, value: &str, why: &str) -> FieldError {
    let at = At::ROOT.field("metadata");
    let at = at.field("labels");
    FieldError::invalid(&at.key(key), value, why)
}

fn level(text: &str) -> Option<Level> {
    match text {
        "privileged" => Some(Level::Privileged),
        "baseline" => Some(Level::Baseline),
        "restricted" => Some(Level::Restricted),
        _ => None,
    }
}

/// `None` where it is no version; `Some(None)` for the latest.
fn version(text: &str) -> Option<Option<u32>> {
    if text == "latest" {
        return Some(None);
    }
    let minor = text.strip_prefix("v1.")?;
    let fits = minor == "0" || !minor.starts_with('0');
    let digits = !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit());
    if fits && digits { minor.parse().ok().map(Some) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::from_json;

    #[track_caller]
    fn check(labels: &str, want: &str, errors: usize) {
        let json = format!(r#"{{"metadata":{{"labels":{{{labels}}}}}}}"#);
        let (policy, found) = Policy::of(&from_json(json.as_bytes()).unwrap());
        assert_eq!(format!("{} {}", policy.enforce, policy.warn), want);
        assert_eq!(found.len(), errors, "{found:?}");
    }

    #[test]
    fn labels_say_what_is_enforced_and_warned_of() {
        let enforce = r#""pod-security.kubernetes.io/enforce":"#;
        check("", "privileged:latest privileged:latest", 0);
        check(&format!(r#"{enforce}"baseline""#), "baseline:latest baseline:latest", 0);
        check(&format!(r#"{enforce}"bad""#), "restricted:latest privileged:latest", 1);
        let version = r#","pod-security.kubernetes.io/enforce-version":"v1.24""#;
        check(&format!(r#"{enforce}"restricted"{version}"#), "restricted:v1.24 restricted:v1.24", 0);
        check(
            r#""pod-security.kubernetes.io/warn-version":"v1.01""#,
            "privileged:latest privileged:latest",
            1,
        );
    }
}
