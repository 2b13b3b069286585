//! Hooks: objects that are made at a moment of a sync, instead of being kept as Git has them.

use std::fmt;
use std::time::Duration;

use crate::value::Value;
use crate::wave::Wave;

/// The moment of a sync that a hook belongs to, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Before everything else.
    PreSync,
    /// Among the objects of its wave.
    Sync,
    /// When everything is applied and healthy.
    PostSync,
    /// When the sync failed.
    SyncFail,
    /// Before the objects of an Application are deleted.
    PreDelete,
    /// After that.
    PostDelete,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 6] =
        [Self::PreSync, Self::Sync, Self::PostSync, Self::SyncFail, Self::PreDelete, Self::PostDelete];

    /// As annotations and status spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreSync => "PreSync",
            Self::Sync => "Sync",
            Self::PostSync => "PostSync",
            Self::SyncFail => "SyncFail",
            Self::PreDelete => "PreDelete",
            Self::PostDelete => "PostDelete",
        }
    }

    /// Parses what `as_str` gives.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == text)
    }

    /// Whether it is a moment of an Application's deletion, and none of a sync.
    pub fn is_of_deletion(self) -> bool {
        matches!(self, Self::PreDelete | Self::PostDelete)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When the object of a hook is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookDelete {
    /// Before the next one is made under its name: so that it can be looked at until then.
    BeforeCreation,
    /// Once it succeeded.
    Succeeded,
    /// Once it failed.
    Failed,
    /// Not at all: the next one is applied over it.
    Never,
}

/// Which syncs a hook runs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookOn {
    /// In those that change something.
    #[default]
    Change,
    /// In one for each revision, also where nothing changes.
    Always,
}

impl HookOn {
    /// Parses what the annotation says.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "change" => Some(Self::Change),
            "always" => Some(Self::Always),
            _ => None,
        }
    }
}

/// What an object says of being a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// When it runs; in order, at least one.
    pub phases: Vec<Phase>,
    /// When its object is deleted.
    pub delete: Vec<HookDelete>,
    /// How long it may take.
    pub timeout: Duration,
    /// How many times it is made again in one sync where it fails.
    pub retries: u32,
    /// Which syncs it runs in.
    pub on: HookOn,
    /// Its place among the hooks of its phase.
    pub wave: Wave,
}

/// What an object is for a sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is kept as Git has it.
    Kept,
    /// It is a hook.
    Hook(Hook),
    /// It is never applied: a test of Helm, a hook of a moment that does not exist here, or what Argo CD is told to skip.
    Skipped,
}

/// The annotation by which an object says that it is a hook.
pub const HOOK_ANNOTATION: &str = "lockstep.dev/hook";
/// The annotation that says when a hook is deleted.
pub const HOOK_DELETE_ANNOTATION: &str = "lockstep.dev/hook-delete";
/// The annotation that says how long a hook may take.
pub const HOOK_TIMEOUT_ANNOTATION: &str = "lockstep.dev/hook-timeout";
/// The annotation that says how many times a hook that fails is made again in one sync.
pub const HOOK_RETRIES_ANNOTATION: &str = "lockstep.dev/hook-retries";
/// The annotation that says which syncs a hook runs in.
pub const HOOK_ON_ANNOTATION: &str = "lockstep.dev/hook-on";
/// Argo CD's annotation of hooks.
pub const ARGO_CD_HOOK: &str = "argocd.argoproj.io/hook";
/// Helm's annotation of hooks.
pub const HELM_HOOK: &str = "helm.sh/hook";

/// How long a hook may take that does not say it.
const TIMEOUT: Duration = Duration::from_secs(300);
/// No hook is made again more often than this in one sync.
const MOST_RETRIES: u32 = 100;

impl Role {
    /// Of an object: our annotation decides, then Argo CD's, then Helm's, which is read as Argo CD reads it.
    pub fn of(object: &Value) -> Self {
        let annotation = |name| object.str_at(&["metadata", "annotations", name]);
        let (phases, delete) = match [HOOK_ANNOTATION, ARGO_CD_HOOK, HELM_HOOK].map(annotation) {
            [Some(ours), _, _] => (words(ours, Phase::parse), annotation(HOOK_DELETE_ANNOTATION)),
            [_, Some(theirs), _] => {
                (words(theirs, Phase::parse), annotation("argocd.argoproj.io/hook-delete-policy"))
            }
            [_, _, Some("crd-install")] => return Self::Kept,
            [_, _, Some(helm)] => (words(helm, helm_phase), annotation("helm.sh/hook-delete-policy")),
            [None, None, None] => return Self::Kept,
        };
        if phases.is_empty() {
            return Self::Skipped;
        }
        let delete = words(delete.unwrap_or_default(), parse_delete);
        let weight = || annotation("helm.sh/hook-weight").and_then(Wave::parse).unwrap_or_default();
        let wave = Some(Wave::of(object)).filter(|wave| *wave != Wave::default()).unwrap_or_else(weight);
        let timeout = annotation(HOOK_TIMEOUT_ANNOTATION).and_then(parse_timeout).unwrap_or(TIMEOUT);
        let delete = if delete.is_empty() { vec![HookDelete::BeforeCreation] } else { delete };
        let retries = annotation(HOOK_RETRIES_ANNOTATION).and_then(parse_retries).unwrap_or_default();
        let on = annotation(HOOK_ON_ANNOTATION).and_then(HookOn::parse).unwrap_or_default();
        Self::Hook(Hook { phases, delete, timeout, retries, on, wave })
    }
}

/// Reads a list, in order and every item once; what is no item is left out.
fn words<T: Ord>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
    let mut items: Vec<T> = text.split(',').filter_map(|word| parse(word.trim())).collect();
    items.sort();
    items.dedup();
    items
}

fn helm_phase(word: &str) -> Option<Phase> {
    match word {
        "pre-install" | "pre-upgrade" => Some(Phase::PreSync),
        "post-install" | "post-upgrade" => Some(Phase::PostSync),
        "pre-delete" => Some(Phase::PreDelete),
        "post-delete" => Some(Phase::PostDelete),
        _ => None,
    }
}

/// One word of ours, of Argo CD's or of Helm's about the deletion of a hook.
pub fn parse_delete(word: &str) -> Option<HookDelete> {
    match word {
        "before-creation" | "BeforeHookCreation" | "before-hook-creation" => Some(HookDelete::BeforeCreation),
        "succeeded" | "HookSucceeded" | "hook-succeeded" => Some(HookDelete::Succeeded),
        "failed" | "HookFailed" | "hook-failed" => Some(HookDelete::Failed),
        "never" => Some(HookDelete::Never),
        _ => None,
    }
}

/// A whole number up to 100.
pub fn parse_retries(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?.filter(|retries| *retries <= MOST_RETRIES)
}

/// A whole number of seconds, minutes or hours: `90s`, `10m`, `2h`.
pub fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, seconds) = match text.split_at_checked(text.len().checked_sub(1)?)? {
        (digits, "s") => (digits, 1),
        (digits, "m") => (digits, 60),
        (digits, "h") => (digits, 3600),
        _ => return None,
    };
    let count: u32 = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    (count > 0).then(|| Duration::from_secs(u64::from(count) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::from_json;

    fn role(annotations: &str) -> Role {
        Role::of(&from_json(format!(r#"{{"metadata":{{"annotations":{annotations}}}}}"#).as_bytes()).unwrap())
    }

    /// Phases, deletion, wave; `kept` or `skipped`.
    fn check(annotations: &str, expected: &str) {
        let text = match role(annotations) {
            Role::Kept => "kept".to_owned(),
            Role::Skipped => "skipped".to_owned(),
            Role::Hook(hook) => format!("{:?} {:?} {}", hook.phases, hook.delete, hook.wave),
        };
        assert_eq!(text, expected, "{annotations}");
    }

    #[test]
    fn hooks_of_three_tongues_are_one() {
        check("{}", "kept");
        check(r#"{"lockstep.dev/hook":"PreSync"}"#, "[PreSync] [BeforeCreation] 0");
        check(
            r#"{"lockstep.dev/hook":"PostSync, PreSync","lockstep.dev/hook-delete":"succeeded","lockstep.dev/wave":"-1"}"#,
            "[PreSync, PostSync] [Succeeded] -1",
        );
        check(
            r#"{"argocd.argoproj.io/hook":"SyncFail","argocd.argoproj.io/hook-delete-policy":"HookFailed,BeforeHookCreation","argocd.argoproj.io/sync-wave":"3"}"#,
            "[SyncFail] [BeforeCreation, Failed] 3",
        );
        check(r#"{"argocd.argoproj.io/hook":"Skip"}"#, "skipped");
        check(r#"{"argocd.argoproj.io/hook":"Nonsense"}"#, "skipped");
        check(
            r#"{"helm.sh/hook":"pre-install,pre-upgrade","helm.sh/hook-weight":"-5","helm.sh/hook-delete-policy":"hook-succeeded"}"#,
            "[PreSync] [Succeeded] -5",
        );
        check(r#"{"helm.sh/hook":"post-install,pre-delete"}"#, "[PostSync, PreDelete] [BeforeCreation] 0");
        check(r#"{"helm.sh/hook":"test"}"#, "skipped");
        check(r#"{"helm.sh/hook":"pre-rollback"}"#, "skipped");
        check(r#"{"helm.sh/hook":"crd-install"}"#, "kept");
        check(
            r#"{"helm.sh/hook":"test","argocd.argoproj.io/hook":"PreSync"}"#,
            "[PreSync] [BeforeCreation] 0",
        );
        check(
            r#"{"lockstep.dev/hook":"PostSync","argocd.argoproj.io/hook":"PreSync"}"#,
            "[PostSync] [BeforeCreation] 0",
        );
    }

    #[test]
    fn what_only_ours_says() {
        let hook = |annotations: &str| match role(annotations) {
            Role::Hook(hook) => (hook.on, hook.retries),
            other => panic!("{other:?}"),
        };
        assert_eq!(hook(r#"{"lockstep.dev/hook":"PreSync"}"#), (HookOn::Change, 0));
        assert_eq!(
            hook(
                r#"{"argocd.argoproj.io/hook":"PreSync","lockstep.dev/hook-on":"always","lockstep.dev/hook-retries":"2"}"#
            ),
            (HookOn::Always, 2)
        );
        for (text, expected) in [("0", Some(0)), ("100", Some(100)), ("101", None), ("-1", None), ("", None)]
        {
            assert_eq!(parse_retries(text), expected, "{text}");
        }
    }

    #[test]
    fn timeouts_are_whole_and_not_nothing() {
        for (text, seconds) in [
            ("90s", Some(90)),
            ("10m", Some(600)),
            ("2h", Some(7200)),
            ("0s", None),
            ("5", None),
            ("", None),
            ("-5m", None),
            ("1.5h", None),
            ("é", None),
        ] {
            assert_eq!(parse_timeout(text).map(|timeout| timeout.as_secs()), seconds, "{text}");
        }
    }
}
