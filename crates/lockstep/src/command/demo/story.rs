//! What the demo tells.

use api::{ConditionType, Status, SyncState};
use lockstep_core::{CommitId, HealthState, Value};

use super::NAMESPACE;
use super::folder::Folder;
use crate::connect::environment;
use crate::paint::Paint;

/// An Application as the demo tells of it.
pub(super) struct Seen {
    pub(super) name: String,
    /// Its state.
    pub(super) words: String,
    /// The commit at which it is synced and healthy, if it is.
    pub(super) settled_at: Option<CommitId>,
}

impl Seen {
    pub(super) fn of(application: &Value, paint: Paint) -> Self {
        let name = application.str_at(&["metadata", "name"]).unwrap_or_default().to_owned();
        let status = Status::read(application);
        let synced = status.sync.state == SyncState::Synced;
        let healthy = status.health.as_ref().is_some_and(|health| health.state == HealthState::Healthy);
        let revision = status.sync.revisions.first();
        let subject = revision.and_then(|revision| {
            let entry = status.history.iter().find(|entry| entry.revision == *revision)?;
            Some(format!(" “{}”", entry.subject))
        });
        let at = revision.map(|revision| format!(" at {}{}", revision.short(), subject.unwrap_or_default()));
        let health = status.health.as_ref().map(|health| format!(", {}", health.state));
        let state = if synced { paint.green(status.sync.state) } else { paint.yellow(status.sync.state) };
        let mut words = format!("{state}{}{}", at.unwrap_or_default(), health.unwrap_or_default());
        let ready = status.condition(ConditionType::Ready);
        if let Some(ready) = ready.filter(|ready| !ready.holds && !synced) {
            words.push_str(&format!(": {}", ready.message));
        }
        let settled_at = revision.filter(|_| synced && healthy).cloned();
        Self { name, words, settled_at }
    }
}

/// What to try.
pub(super) fn advice(folder: &Folder) -> String {
    let program = program();
    let hand = |name: &str| match folder.is_kept() {
        true => format!("{program} demo {name} --dir {}", folder.path().display()),
        false => format!("{program} demo {name}"),
    };
    let (git, kubectl) = (is_installed("git"), is_installed("kubectl"));
    let look = match kubectl {
        true => format!("    kubectl get lapp,deployment,statefulset,pod -n {NAMESPACE}\n"),
        false => format!("    {program} app list -n {NAMESPACE}\n"),
    };
    let edit = match git {
        true => format!(
            "    cd {}\n    sed -i.old s/hello/ahoy/ greeting/greeting.yaml && git commit -qam 'Say ahoy'\n",
            folder.repository().display()
        ),
        false => format!("    {}\n", hand("edit")),
    };
    let show = match kubectl {
        true => format!("    kubectl get configmap greeting -n {NAMESPACE} -o yaml\n"),
        false => format!("    {program} why greeting -n {NAMESPACE}\n"),
    };
    let scale = match kubectl {
        true => format!(
            "    kubectl scale deployment web -n {NAMESPACE} --replicas 3\n    kubectl get deployment web -n {NAMESPACE}\n"
        ),
        false => format!("    {}\n", hand("scale")),
    };
    let revert =
        if git { "    git revert --no-edit HEAD\n".to_owned() } else { format!("    {}\n", hand("revert")) };
    format!(
        "
Everything is synced. Look at it from another terminal:

    export KUBECONFIG={}
{look}
Then try three things:

1. Change it in Git. It is live about a second later:

{edit}{show}
2. Change it in the cluster. It is back within milliseconds:

{scale}
3. Take the change in Git back:

{revert}
{program} why web -n {NAMESPACE} says where each object comes from.
Ctrl-C ends the demo{}

",
        folder.state().kubeconfig().display(),
        if folder.is_kept() { "." } else { " and leaves nothing behind." },
    )
}

/// What is left.
pub(super) fn farewell(folder: &Folder) -> String {
    match folder.is_kept() {
        true => format!("\nThe repository and the cluster stay in {}.", folder.path().display()),
        false => "\nNothing is left behind.".to_owned(),
    }
}

/// How the user calls this program.
fn program() -> String {
    match std::env::current_exe() {
        Ok(path) if !is_installed("lockstep") => path.display().to_string(),
        _ => "lockstep".to_owned(),
    }
}

/// Whether a program is found where the shell looks for it.
fn is_installed(name: &str) -> bool {
    let path = environment("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::from_json;

    #[test]
    fn a_state_is_told_with_its_commit() {
        let text = r#"{"metadata":{"name":"web"},"status":{
            "sync":{"state":"Synced","revision":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
            "health":{"state":"Healthy","since":"2026-11-24T06:50:00Z"},
            "history":[{"revision":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","author":"A","subject":"Say hi","plan":"p",
              "result":"Succeeded","at":"2026-11-24T06:50:00Z"}]}}"#;
        let seen = Seen::of(&from_json(text.as_bytes()).unwrap(), Paint::Plain);
        let told = (&*seen.name, &*seen.words, seen.settled_at.is_some());
        assert_eq!(told, ("web", "Synced at aaaaaaaa “Say hi”, Healthy", true));
        let new = Seen::of(&Value::default(), Paint::Plain);
        assert_eq!((&*new.words, new.settled_at), ("Unknown", None));
    }
}
