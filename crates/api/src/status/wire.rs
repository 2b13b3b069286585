//! The parts of a status as the wire has them.

use lockstep_core::{CommitId, HealthState, HookEnd, HookFailure, Run, RunScope, RunStage, Timestamp, Value};

use super::{
    Condition, ConditionType, Counts, Handled, HealthStatus, HistoryEntry, Operation, OperationPhase,
    SyncState, SyncStatus, cut,
};

/// Characters of a text for people. The schema refuses more than 4,096, and with them the whole status.
const LONGEST_TEXT: usize = 1000;
/// Characters of what a hook's pod wrote.
const LONGEST_LOG: usize = 4000;
/// Entries of a list for people; the schema refuses more than 256.
const LONGEST_LIST: usize = 100;

impl SyncStatus {
    pub(super) fn read(value: &Value) -> Self {
        let state = value.str_at(&["state"]).and_then(SyncState::parse).unwrap_or(SyncState::Unknown);
        let mut revisions: Vec<CommitId> =
            texts(value, &["revisions"]).iter().filter_map(|text| CommitId::parse(text)).collect();
        if revisions.is_empty() {
            revisions.extend(value.str_at(&["revision"]).and_then(CommitId::parse));
        }
        Self { state, revisions, plan: text(value, &["plan"]) }
    }

    pub(super) fn to_value(&self) -> Value {
        let Self { state, revisions, plan } = self;
        let all = revisions.iter().map(|id| id.as_str().into()).collect();
        fields([
            ("state", Some(state.as_str().into())),
            ("revision", revisions.first().map(|id| id.as_str().into())),
            ("revisions", (revisions.len() > 1).then(|| Value::list(all))),
            ("plan", plan.as_deref().map(Value::from)),
        ])
    }
}

impl HealthStatus {
    pub(super) fn read(value: &Value) -> Option<Self> {
        let state = parse_health(value.str_at(&["state"])?)?;
        let reason = text(value, &["reason"]).unwrap_or_default();
        Some(Self { state, reason, since: time(value, "since")? })
    }

    pub(super) fn to_value(&self) -> Value {
        let Self { state, reason, since } = self;
        fields([
            ("state", Some(state.to_string().into())),
            ("reason", (!reason.is_empty()).then(|| cut(reason, LONGEST_TEXT).into())),
            ("since", Some(since.to_string().into())),
        ])
    }
}

impl Operation {
    pub(super) fn read(value: &Value) -> Option<Self> {
        Some(Self {
            phase: OperationPhase::parse(value.str_at(&["phase"])?)?,
            wave: value.int_at(&["wave"]),
            plan: text(value, &["plan"]).unwrap_or_default(),
            revision: value.str_at(&["revision"]).and_then(CommitId::parse),
            started_at: time(value, "startedAt")?,
            finished_at: time(value, "finishedAt"),
            message: text(value, &["message"]).unwrap_or_default(),
        })
    }

    pub(super) fn to_value(&self) -> Value {
        let Self { phase, wave, plan, revision, started_at, finished_at, message } = self;
        fields([
            ("phase", Some(phase.as_str().into())),
            ("wave", wave.map(Value::from)),
            ("plan", Some(plan.as_str().into())),
            ("revision", revision.as_ref().map(|id| id.as_str().into())),
            ("startedAt", Some(started_at.to_string().into())),
            ("finishedAt", finished_at.map(|at| at.to_string().into())),
            ("message", (!message.is_empty()).then(|| cut(message, LONGEST_TEXT).into())),
        ])
    }
}

/// Reads a sync with hooks.
pub(super) fn read_run(value: &Value) -> Option<Run> {
    let hooks = items(value, &["hooks"]).iter().filter_map(|hook| {
        let part = |name: &str| text(hook, &[name]).unwrap_or_default();
        let why = part("message");
        let failures = || u32::try_from(count(hook, &["failures"])).unwrap_or(u32::MAX);
        let end = match hook.str_at(&["result"])? {
            "Succeeded" => HookEnd::Succeeded,
            "Skipped" => HookEnd::Skipped,
            "Again" => HookEnd::Again { failures: failures(), why },
            _ => HookEnd::Failed(HookFailure { why, log: part("log") }),
        };
        Some((text(hook, &["hook"])?, end))
    });
    Some(Run {
        target: text(value, &["target"])?,
        revision: text(value, &["revision"]).unwrap_or_default(),
        number: u64::try_from(value.int_at(&["number"])?).ok()?,
        attempt: u32::try_from(value.int_at(&["attempt"])?).ok()?,
        scope: value.str_at(&["scope"]).and_then(RunScope::parse).unwrap_or_default(),
        stage: RunStage::parse(value.str_at(&["stage"])?)?,
        started: time(value, "startedAt"),
        ended: time(value, "endedAt"),
        failure: text(value, &["message"]),
        hooks: hooks.collect(),
    })
}

/// A sync with hooks as the wire has it.
pub(super) fn run(run: &Run) -> Value {
    let hook = |(name, end): (&String, &HookEnd)| {
        let (result, message) = match end {
            HookEnd::Succeeded => ("Succeeded", None),
            HookEnd::Skipped => ("Skipped", None),
            HookEnd::Again { why, .. } => ("Again", Some(why)),
            HookEnd::Failed(failure) => ("Failed", Some(&failure.why)),
        };
        let log = match end {
            HookEnd::Failed(failure) if !failure.log.is_empty() => {
                Some(cut(&failure.log, LONGEST_LOG).into())
            }
            _ => None,
        };
        let failures = match end {
            HookEnd::Again { failures, .. } => Some(Value::uint(u64::from(*failures))),
            _ => None,
        };
        fields([
            ("hook", Some(name.as_str().into())),
            ("result", Some(result.into())),
            ("failures", failures),
            ("message", message.map(|why| cut(why, LONGEST_TEXT).into())),
            ("log", log),
        ])
    };
    let hooks: Vec<Value> = run.hooks.iter().map(hook).collect();
    fields([
        ("target", Some(run.target.as_str().into())),
        ("revision", (!run.revision.is_empty()).then(|| run.revision.as_str().into())),
        ("number", Some(Value::uint(run.number))),
        ("attempt", Some(Value::uint(u64::from(run.attempt)))),
        ("scope", (run.scope != RunScope::All).then(|| run.scope.as_str().into())),
        ("stage", Some(run.stage.as_str().into())),
        ("startedAt", run.started.map(|at| at.to_string().into())),
        ("endedAt", run.ended.map(|at| at.to_string().into())),
        ("message", run.failure.as_ref().map(|why| cut(why, LONGEST_TEXT).into())),
        ("hooks", (!hooks.is_empty()).then(|| Value::list(hooks))),
    ])
}

impl HistoryEntry {
    pub(super) fn read(value: &Value) -> Option<Self> {
        Some(Self {
            revision: CommitId::parse(value.str_at(&["revision"])?)?,
            author: text(value, &["author"]).unwrap_or_default(),
            subject: text(value, &["subject"]).unwrap_or_default(),
            plan: text(value, &["plan"]).unwrap_or_default(),
            result: OperationPhase::parse(value.str_at(&["result"])?)?,
            at: time(value, "at")?,
        })
    }

    pub(super) fn to_value(&self) -> Value {
        let Self { revision, author, subject, plan, result, at } = self;
        fields([
            ("revision", Some(revision.as_str().into())),
            ("author", Some(author.as_str().into())),
            ("subject", Some(subject.as_str().into())),
            ("plan", Some(plan.as_str().into())),
            ("result", Some(result.as_str().into())),
            ("at", Some(at.to_string().into())),
        ])
    }
}

impl Condition {
    pub(super) fn read(value: &Value) -> Option<Self> {
        Some(Self {
            kind: ConditionType::parse(value.str_at(&["type"])?)?,
            holds: value.str_at(&["status"])? == "True",
            reason: text(value, &["reason"]).unwrap_or_default(),
            message: text(value, &["message"]).unwrap_or_default(),
            since: time(value, "lastTransitionTime")?,
            observed_generation: value.int_at(&["observedGeneration"]).unwrap_or_default(),
        })
    }

    pub(super) fn to_value(&self) -> Value {
        let Self { kind, holds, reason, message, since, observed_generation } = self;
        fields([
            ("type", Some(kind.as_str().into())),
            ("status", Some(if *holds { "True" } else { "False" }.into())),
            ("reason", Some(reason.as_str().into())),
            ("message", Some(message.as_str().into())),
            ("lastTransitionTime", Some(since.to_string().into())),
            ("observedGeneration", Some((*observed_generation).into())),
        ])
    }
}

impl Counts {
    pub(super) fn to_value(self) -> Value {
        let Self { total, out_of_sync, degraded } = self;
        let number = |count: usize| Some(Value::uint(count as u64));
        fields([("total", number(total)), ("outOfSync", number(out_of_sync)), ("degraded", number(degraded))])
    }
}

impl Handled {
    pub(super) fn to_value(&self) -> Option<Value> {
        let Self { sync, refresh, abort } = self;
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        let value = fields([("sync", text(sync)), ("refresh", text(refresh)), ("abort", text(abort))]);
        (!value.is_empty_container()).then_some(value)
    }
}

fn parse_health(text: &str) -> Option<HealthState> {
    let all = [
        HealthState::Healthy,
        HealthState::Suspended,
        HealthState::Progressing,
        HealthState::Missing,
        HealthState::Degraded,
        HealthState::Unknown,
    ];
    all.into_iter().find(|state| state.to_string() == text)
}

/// A mapping of the fields that are there.
pub(super) fn fields<const N: usize>(entries: [(&str, Option<Value>); N]) -> Value {
    let present = entries.into_iter().filter_map(|(name, value)| Some((name.into(), value?)));
    Value::map(present.collect())
}

pub(super) fn text(value: &Value, keys: &[&str]) -> Option<String> {
    value.str_at(keys).map(str::to_owned)
}

fn time(value: &Value, key: &str) -> Option<Timestamp> {
    value.str_at(&[key]).and_then(Timestamp::parse)
}

pub(super) fn items<'a>(value: &'a Value, keys: &[&str]) -> &'a [Value] {
    value.at(keys).and_then(Value::as_list).unwrap_or_default()
}

pub(super) fn texts(value: &Value, keys: &[&str]) -> Vec<String> {
    items(value, keys).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(super) fn count(value: &Value, keys: &[&str]) -> usize {
    value.int_at(keys).and_then(|count| usize::try_from(count).ok()).unwrap_or_default()
}

/// The first entries of a list of texts, where there are any.
pub(super) fn list(texts: &[String]) -> Option<Value> {
    let first = texts.iter().take(LONGEST_LIST).map(|text| cut(text, LONGEST_TEXT).into());
    (!texts.is_empty()).then(|| Value::list(first.collect()))
}
