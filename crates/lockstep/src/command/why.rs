//! `lockstep why`

use std::collections::BTreeMap;
use std::fmt::Write as _;

use api::ConditionType;
use controller::Inspection;
use lockstep_core::{Commit, CommitId, Finding, ObjectKey, Value};
use plan::{Entry, Verdict};

use crate::applications::Place;
use crate::connect::block_on;
use crate::exit::Exit;
use crate::hint::advised;
use crate::installation::Installation;
use crate::output::{self, Output, mapping, some_text, text};
use crate::paint::Paint;
use crate::reference::{Reference, resource};
use crate::rehearsed;
use crate::terminal::Terminal;

/// Say what there is to do about each object of an Application, and why: where Git has it, the commit behind it, and what others added.
#[derive(Debug, clap::Args)]
pub(crate) struct Why {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    installation: Installation,
    /// The name of the Application.
    app: String,
    /// Only this object: KIND/NAME, KIND as kubectl takes it, or NAME.
    object: Option<String>,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl Why {
    pub(crate) fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        block_on(self.tell(terminal))
    }

    async fn tell(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let wanted = self.object.as_deref().map(Reference::parse).transpose()?;
        let here = self.place.open().await?;
        let (inspector, inspection) = self.installation.inspect(&here, &self.app, terminal).await?;
        let mut entries: Vec<&Entry> = inspection.report.entries.iter().collect();
        if let Some(Reference { kind, name }) = wanted {
            let catalog = inspector.discovery().catalog();
            let kind = kind.map(|kind| resource(&catalog, kind)).transpose()?;
            let kind = kind.map(|resource| resource.gvk.group_kind());
            let is_meant = |key: &ObjectKey| {
                *key.name == *name && kind.as_ref().is_none_or(|kind| key.group_kind() == *kind)
            };
            entries.retain(|entry| is_meant(&entry.key));
            if entries.is_empty() {
                let what = format!("{name} is no object of {}", inspection.application.key);
                let hint = format!("lockstep why {} -o name lists its objects", self.app);
                return Err(advised(what, hint));
            }
        }
        let names: Vec<String> = entries.iter().map(|entry| entry.key.to_string()).collect();
        if !output::value(terminal, self.output, &machine(&inspection, &entries), &names.join("\n"))? {
            let mut all = String::new();
            if self.object.is_none() {
                all.push_str(&heading(&inspection));
            }
            for entry in entries {
                all.push_str(&describe(entry, &inspection.commits, terminal.paint));
            }
            terminal.out.write_all(all.as_bytes())?;
        }
        // Findings in files are an error here as everywhere, although the last good state could be told.
        Ok(if inspection.findings.iter().any(Finding::is_error) { Exit::Error } else { Exit::Success })
    }
}

fn heading(inspection: &Inspection) -> String {
    let ready = inspection.status.condition(ConditionType::Ready);
    let ready = ready
        .map_or("nothing was heard of it".to_owned(), |ready| format!("{}: {}", ready.reason, ready.message));
    let mut out = format!("Application {}\n  controller  {ready}\n", inspection.application.key);
    for (source, commit) in inspection.application.sources.iter().zip(&inspection.wanted) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  source      {} at {}", source.git.url, told(&commit.id, Some(commit)));
    }
    if let Some(block) = &inspection.report.block {
        let (count, limit) = (block.deletions.len(), block.limit);
        let _ = writeln!(
            out,
            "  blocked     {count} deletions wait for lockstep app approve (allowed unasked: {limit})"
        );
    }
    out.push('\n');
    out
}

/// `a1b2c3d4 Say hello (Ada <ada@example.com>, 2026-11-24T06:50:00Z)`
pub(super) fn told(id: &CommitId, commit: Option<&Commit>) -> String {
    match commit {
        Some(commit) => format!("{} {} ({}, {})", id.short(), commit.subject, commit.author, commit.time),
        None => id.short().to_owned(),
    }
}

fn describe(entry: &Entry, commits: &BTreeMap<CommitId, Commit>, paint: Paint) -> String {
    let verdict = match &entry.verdict {
        Verdict::InSync | Verdict::Kept(_) => paint.green(&entry.verdict),
        Verdict::Act(_) => paint.yellow(&entry.verdict),
        Verdict::Withheld(..) | Verdict::Conflict(_) | Verdict::Unknown(_) => paint.red(&entry.verdict),
    };
    let mut out = format!("{}: {verdict}\n", paint.bold(rehearsed::name(&entry.key)));
    let mut line = |name: &str, text: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {name:<8}{text}");
    };
    if let Some(origin) = &entry.origin {
        line("from", &origin.to_string());
    }
    if let Some(id) = &entry.commit {
        line("commit", &told(id, commits.get(id)));
    }
    for extra in entry.extras.iter() {
        let paths: Vec<String> = extra.paths.iter().map(ToString::to_string).collect();
        line("extra", &format!("{} (by {})", paths.join(", "), extra.manager));
    }
    if let Some(app) = &entry.contested {
        line("wanted", &format!("also by {app}, which leaves it alone"));
    }
    out
}

fn machine(inspection: &Inspection, entries: &[&Entry]) -> Value {
    let objects = entries.iter().map(|entry| object(entry, &inspection.commits)).collect();
    mapping([
        ("application", text(&inspection.application.key)),
        ("state", text(inspection.report.state.as_str())),
        ("revision", inspection.wanted.first().and_then(|commit| text(&commit.id))),
        ("message", some_text(&inspection.report.message)),
        ("objects", Some(Value::list(objects))),
    ])
}

fn object(entry: &Entry, commits: &BTreeMap<CommitId, Commit>) -> Value {
    let verdict = match &entry.verdict {
        Verdict::InSync => "InSync",
        Verdict::Act(_) => "Act",
        Verdict::Withheld(..) => "Withheld",
        Verdict::Conflict(_) => "Conflict",
        Verdict::Kept(_) => "Kept",
        Verdict::Unknown(_) => "Unknown",
    };
    let extras = entry.extras.iter().map(|extra| {
        let paths = extra.paths.iter().map(|path| Value::string(path.to_string())).collect();
        mapping([("manager", text(&extra.manager)), ("paths", Some(Value::list(paths)))])
    });
    let commit = entry.commit.as_ref().map(|id| {
        let commit = commits.get(id);
        mapping([
            ("id", text(id)),
            ("author", commit.and_then(|commit| text(&commit.author))),
            ("subject", commit.and_then(|commit| text(&commit.subject))),
            ("time", commit.and_then(|commit| text(commit.time))),
        ])
    });
    mapping([
        ("object", text(entry.key.to_reference())),
        ("verdict", text(verdict)),
        ("reason", text(&entry.verdict)),
        ("origin", entry.origin.as_ref().and_then(text)),
        ("commit", commit),
        ("extras", (!entry.extras.is_empty()).then(|| Value::list(extras.collect()))),
        ("contested", entry.contested.as_ref().and_then(text)),
    ])
}

#[cfg(test)]
mod tests {
    use diff::Extra;
    use lockstep_core::{AppKey, FieldPath, Origin, Timestamp, from_json};
    use plan::{Because, Change};

    use super::*;

    #[test]
    fn an_entry_says_all_that_is_known() {
        let id = CommitId::parse(&"ab".repeat(20)).unwrap();
        let commit = Commit {
            id: id.clone(),
            author: "Ada".to_owned(),
            subject: "Say hello".to_owned(),
            time: Timestamp(0),
        };
        let extra = Extra { manager: "kubectl".into(), paths: vec![FieldPath::fields(&["data", "x"])] };
        let entry = Entry {
            key: ObjectKey::new("", "ConfigMap", "shop", "a"),
            origin: Some(Origin::new("app/a.yaml", 3, 1)),
            commit: Some(id.clone()),
            verdict: Verdict::Withheld(Change::Update, Because::Manual),
            extras: vec![extra].into(),
            contested: Some(AppKey::new("n", "other")),
        };
        let commits = BTreeMap::from([(id, commit)]);
        let expected = "\
ConfigMap/a in shop: waits for a sync (mode Manual); would change it
  from    app/a.yaml:3:1
  commit  abababab Say hello (Ada, 1970-01-01T00:00:00Z)
  extra   .data.x (by kubectl)
  wanted  also by n/other, which leaves it alone
";
        assert_eq!(describe(&entry, &commits, Paint::Plain), expected);
        let expected = r#"{"object":"/ConfigMap:shop/a","verdict":"Withheld",
            "reason":"waits for a sync (mode Manual); would change it","origin":"app/a.yaml:3:1",
            "commit":{"id":"abababababababababababababababababababab","author":"Ada","subject":"Say hello","time":"1970-01-01T00:00:00Z"},
            "extras":[{"manager":"kubectl","paths":[".data.x"]}],"contested":"n/other"}"#;
        assert_eq!(object(&entry, &commits), from_json(expected.as_bytes()).unwrap());
    }
}
