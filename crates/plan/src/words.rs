//! The Report in words, as `lockstep why` and condition messages show it.

use std::fmt;

use lockstep_core::{Owner, elide};

use crate::live::Unrendered;
use crate::report::{Because, Change, Drift, Entry, KeptBecause, Report, Verdict};

/// Fields that one line names before it counts the rest.
const FIELDS: usize = 5;

/// One line an object.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.iter().try_for_each(|entry| writeln!(f, "{entry}"))
    }
}

/// An entry without its extra fields, for conditions.
pub(crate) struct Brief<'a>(pub(crate) &'a Entry);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.key, self.0.verdict)?;
        match &self.0.contested {
            Some(app) => write!(f, ", also wanted by {app}"),
            None => Ok(()),
        }
    }
}

/// `Deployment/web: heals, .spec.replicas changed by kubectl-edit`.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.verdict)?;
        for extra in self.extras.iter() {
            let paths: Vec<String> = extra.paths.iter().take(FIELDS).map(ToString::to_string).collect();
            write!(f, "; extra {} (by {})", paths.join(", "), extra.manager)?;
            rest(f, extra.paths.len())?;
        }
        match &self.contested {
            Some(app) => write!(f, "; also wanted by {app}, which leaves it alone"),
            None => Ok(()),
        }
    }
}

fn rest(f: &mut fmt::Formatter<'_>, count: usize) -> fmt::Result {
    if count > FIELDS { write!(f, " and {} more", count - FIELDS) } else { Ok(()) }
}

/// What the API server says is shortened; `{:#}` has it whole.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InSync => f.write_str("in sync"),
            Self::Act(change) => change.fmt(f),
            Self::Withheld(change, because) => {
                because.fmt(f)?;
                write!(f, "; would {}", Infinitive(change))
            }
            Self::Conflict(owner) => write!(f, "left alone, belongs to {}", Whose(owner)),
            Self::Kept(because) => write!(f, "stays, {because}"),
            Self::Unknown(reason) => write!(f, "unknown, {reason}"),
        }
    }
}

struct Whose<'a>(&'a Owner);

impl fmt::Display for Whose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0.app, self.0.instance)
    }
}

/// In the third person: what the plan does.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create => f.write_str("creates, it does not exist"),
            Self::Update => f.write_str("changes, Git has it otherwise than it was applied"),
            Self::Heal(drift) => write!(f, "heals, {drift}"),
            Self::Adopt { from, owner } => {
                f.write_str("adopts, it has no record")?;
                adopted_from(f, from, owner.as_ref())
            }
            Self::Recreate => f.write_str("deletes and creates, an immutable field changed"),
            Self::Recover => f.write_str("records, it is as Git has it"),
            Self::Prune { .. } => f.write_str("deletes, Git does not have it"),
            Self::Hook(phase) => write!(f, "starts, a hook of {phase}"),
            Self::HookEnded => f.write_str("deletes, what a hook has left"),
            Self::Forget => f.write_str("forgets, Git does not have it and it is gone"),
        }
    }
}

fn adopted_from(
    f: &mut fmt::Formatter<'_>,
    from: &[std::sync::Arc<str>],
    owner: Option<&lockstep_core::AppKey>,
) -> fmt::Result {
    if let Some(app) = owner {
        write!(f, ", taken over from application {app}")?;
    }
    match from {
        [] => Ok(()),
        from => write!(f, ", with the fields of {}", from.join(", ")),
    }
}

struct Infinitive<'a>(&'a Change);

impl fmt::Display for Infinitive<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Change::Create => f.write_str("create it"),
            Change::Update => f.write_str("change it"),
            Change::Heal(drift) => write!(f, "heal: {drift}"),
            Change::Adopt { from, owner } => {
                f.write_str("adopt it")?;
                adopted_from(f, from, owner.as_ref())
            }
            Change::Recreate => f.write_str("delete and create it, an immutable field changed"),
            Change::Recover => f.write_str("record it"),
            Change::Prune { .. } => f.write_str("delete it"),
            Change::Hook(phase) => write!(f, "start it, a hook of {phase}"),
            Change::HookEnded => f.write_str("delete what a hook has left"),
            Change::Forget => f.write_str("forget it"),
        }
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleted => f.write_str("it was deleted"),
            Self::Replaced => f.write_str("it was deleted and made again"),
            Self::Undecided => f.write_str("it cannot be compared field by field"),
            Self::Fields(fields) if fields.is_empty() => f.write_str("its values changed"),
            Self::Fields(fields) => {
                let named: Vec<String> = fields.iter().take(FIELDS).map(ToString::to_string).collect();
                f.write_str(&named.join(", "))?;
                rest(f, fields.len())
            }
        }
    }
}

impl Verdict {
    /// What the API server says against it, whole.
    pub fn refusal(&self) -> Option<&str> {
        match self {
            Self::Withheld(_, Because::Failed(failure, _)) => Some(&failure.message),
            Self::Withheld(_, Because::Refused(message)) => Some(message),
            _ => None,
        }
    }
}

/// What the API server says is shortened; `{:#}` has it whole.
impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Notify => f.write_str("left as it is (mode Notify)"),
            Self::Manual => f.write_str("waits for a sync (mode Manual)"),
            Self::Suspended => f.write_str("suspended"),
            Self::SelfHealOff => f.write_str("drifted (selfHeal is off)"),
            Self::PruneOff => f.write_str("left over (prune is off)"),
            Self::Budget => f.write_str("blocked by the deletion budget"),
            Self::Approval => f.write_str("blocked, its deletion needs an approval"),
            Self::EmptyRender => f.write_str("held, the render is empty"),
            Self::NotRendered => f.write_str("held, nothing is rendered"),
            Self::Move(by) => {
                f.write_str("held, it may be moving to ")?;
                list(f, by)
            }
            Self::MovingFrom(app) => {
                write!(f, "waits for {app} to render the newest commit, which has it so far")
            }
            Self::KindAwaited => f.write_str("waits for its kind to be served"),
            Self::KindMissing => f.write_str("failed, the cluster does not serve its kind"),
            Self::OtherVersion(gvk) => {
                write!(f, "failed, the cluster serves its kind in another version, {}", gvk.api)
            }
            Self::Terminating => f.write_str("waits, it is being deleted"),
            Self::NamespaceTerminating => f.write_str("waits, its namespace is being deleted"),
            Self::NamespaceMissing => f.write_str("failed, its namespace does not exist"),
            Self::Failed(failure, hint) => {
                write!(
                    f,
                    "failed ({}, attempt {}): {}",
                    failure.refusal.as_str(),
                    failure.attempts,
                    said(f, &failure.message)
                )?;
                match hint {
                    Some(hint) => write!(f, " ({hint})"),
                    None => Ok(()),
                }
            }
            Self::Fighting { manager: Some(manager), .. } => {
                write!(f, "fighting {manager}, heals less often")
            }
            Self::Fighting { manager: None, .. } => f.write_str("fighting another writer, heals less often"),
            Self::Wave(gate) => gate.fmt(f),
            Self::HookRuns { words, .. } => write!(f, "is on its way: {words}"),
            Self::HookFailed(why) => write!(f, "failed: {why}"),
            Self::Order => f.write_str("waits, what may depend on it goes first"),
            Self::DryRun => f.write_str("waits for a dry run"),
            Self::Refused(message) => write!(f, "failed (dry run): {}", said(f, message)),
        }
    }
}

fn said<'a>(f: &fmt::Formatter<'_>, message: &'a str) -> std::borrow::Cow<'a, str> {
    if f.alternate() { message.into() } else { elide(message) }
}

/// Names up to five Applications.
fn list(f: &mut fmt::Formatter<'_>, by: &[Unrendered]) -> fmt::Result {
    let named: Vec<String> = by.iter().take(FIELDS).map(ToString::to_string).collect();
    f.write_str(&named.join(", "))?;
    rest(f, by.len())
}

impl fmt::Display for Unrendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failed {
            true => write!(f, "{} (its render failed)", self.app),
            false => write!(f, "{} (not rendered yet)", self.app),
        }
    }
}

impl fmt::Display for KeptBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PruneDisabled => f.write_str("it is annotated `lockstep.dev/prune: disabled`"),
            Self::HookNever => {
                f.write_str("a hook has left it that is annotated `lockstep.dev/hook-delete: never`")
            }
            Self::Orphan => f.write_str("the application's deletion policy is Orphan"),
            Self::MovedTo(app) => write!(f, "{app} has it now"),
            Self::OwnedBy(owner) => write!(f, "it belongs to {}", Whose(owner)),
            Self::Replaced => f.write_str("it is not the object that was applied"),
            Self::Untouched => f.write_str("it is annotated to be left alone"),
            Self::Exists => f.write_str("it is only made where it is missing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_server_says_is_shortened_unless_all_of_it_is_asked_for() {
        let message = format!("it is invalid: {}: field is immutable", "x".repeat(1000));
        let verdict = Verdict::Withheld(Change::Update, Because::Refused(message.as_str().into()));
        let short = verdict.to_string();
        assert!(short.starts_with("failed (dry run): it is invalid: xxx") && short.len() < 300, "{short}");
        assert!(short.ends_with("xxx: field is immutable; would change it"), "{short}");
        assert_eq!(format!("{verdict:#}"), format!("failed (dry run): {message}; would change it"));
        assert_eq!(verdict.refusal(), Some(&*message));
    }
}
