//! `lockstep why`

use std::collections::BTreeMap;
use std::fmt::Write as _;

use api::{Condition, ConditionType};
use controller::{Inspection, Rehearsed};
use lockstep_core::{Commit, CommitId, Finding, ObjectKey, Value};
use plan::{Entry, Verdict};

use crate::applications::Place;
use crate::command::app::standing;
use crate::commit::{self, told};
use crate::connect::block_on;
use crate::exit::Exit;
use crate::hint::advised;
use crate::installation::Installation;
use crate::output::{self, Output, Texts, mapping, some_text, text};
use crate::paint::Paint;
use crate::reference::{Reference, resource};
use crate::rehearsed;
use crate::said::{self, Said, said};
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
        let objects = objects(&inspection, entries);
        let names: Vec<String> = objects.iter().map(|object| object.entry.key.to_string()).collect();
        let message = match wanted {
            Some(_) => objects.iter().map(Object::sentence).collect::<Vec<_>>().join("; "),
            None => inspection.report.message.clone(),
        };
        if !output::value(
            terminal,
            self.output,
            &machine(&inspection, &objects, &message),
            &names.join("\n"),
        )? {
            let mut all = String::new();
            if wanted.is_none() {
                all.push_str(&heading(&inspection));
            }
            for object in &objects {
                all.push_str(&describe(object, &inspection.commits, (terminal.paint, self.output.texts())));
            }
            terminal.out.write_all(all.as_bytes())?;
        }
        // Findings in files and refusals are errors here as everywhere, although something could be told.
        let broken = inspection.findings.iter().any(Finding::is_error);
        let refused = objects.iter().any(|object| object.is_refused(&inspection));
        Ok(if broken || refused { Exit::Error } else { Exit::Success })
    }
}

/// One object, with everything that there is to say about it.
struct Object<'a> {
    entry: &'a Entry,
    /// What the API server says against it, asked just now.
    refusal: Option<&'a str>,
    /// What the controller told of it.
    said: Vec<Said<'a>>,
    /// The fields that go when it is adopted.
    lost: Vec<String>,
}

impl Object<'_> {
    fn is_refused(&self, inspection: &Inspection) -> bool {
        let rehearsed = inspection.rehearsed.get(&self.entry.key);
        matches!(rehearsed, Some(Rehearsed::Refused(_) | Rehearsed::Unknown(_)))
    }

    fn sentence(&self) -> String {
        let refusal = self.refusal.map(|why| format!("; refused: {why}")).unwrap_or_default();
        let said = self.said.iter().map(|said| format!("; {}: {}", said.condition.reason, said.text));
        let said: String = said.collect();
        format!("{}: {:#}{refusal}{said}", self.entry.key, self.entry.verdict)
    }
}

fn objects<'a>(inspection: &'a Inspection, entries: Vec<&'a Entry>) -> Vec<Object<'a>> {
    let mut said = said(&inspection.status, &inspection.report.entries);
    let object = |entry: &'a Entry| {
        let told = match inspection.rehearsed.get(&entry.key) {
            Some(Rehearsed::Refused(why) | Rehearsed::Unknown(why)) => Some(&**why),
            _ => None,
        };
        let settled = matches!(entry.verdict, Verdict::InSync | Verdict::Kept(_));
        let mut said = said.remove(&entry.key).unwrap_or_default();
        // A failure is over once the object is as it should be; what is refused now is newer than what was.
        said.retain(|said| said.condition.kind == ConditionType::Fighting || !settled && told.is_none());
        // The verdict of a dry run holds its words already.
        let refusal = told.filter(|why| entry.verdict.refusal() != Some(why));
        let lost = match (rehearsed::adopted_from(&entry.verdict), inspection.rehearsed.get(&entry.key)) {
            ([], _) | (_, None) => Vec::new(),
            (_, Some(rehearsed)) => rehearsed::removed(rehearsed),
        };
        Object { entry, refusal, said, lost }
    };
    entries.into_iter().map(object).collect()
}

/// The Application: what the controller told of it, and what it is told to be.
fn heading(inspection: &Inspection) -> String {
    let mut out = format!("Application {}\n", inspection.application.key);
    let mut line = |name: &str, text: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {name:<13}{text}");
    };
    if inspection.status.condition(ConditionType::Ready).is_none() {
        line("Ready", "nothing was heard of it; is the controller running?");
    }
    for (name, text) in standing(&inspection.status) {
        line(name, &text);
    }
    for (source, commit) in inspection.application.sources.iter().zip(&inspection.wanted) {
        line("Source", &format!("{} at {}", source.git.url, told(&commit.id, Some(commit))));
    }
    if let Some(block) = &inspection.report.block {
        let (count, limit) = (block.deletions.len(), block.limit);
        let waits = "deletions wait for lockstep app approve";
        line("Blocked", &format!("{count} {waits} (allowed unasked: {limit})"));
    }
    out.push('\n');
    out
}

fn describe(
    object: &Object<'_>,
    commits: &BTreeMap<CommitId, Commit>,
    (paint, texts): (Paint, Texts),
) -> String {
    let entry = object.entry;
    let words = texts.verdict(&entry.verdict);
    let verdict = match &entry.verdict {
        Verdict::InSync | Verdict::Kept(_) => paint.green(words),
        Verdict::Act(_) => paint.yellow(words),
        Verdict::Withheld(..) | Verdict::Conflict(_) | Verdict::Unknown(_) => paint.red(words),
    };
    let mut out = format!("{}: {verdict}\n", paint.bold(rehearsed::name(&entry.key)));
    let mut line = |name: &str, text: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {name:<8}{text}");
    };
    if let Some(why) = object.refusal {
        line("refused", &texts.said(why));
    }
    if let Some(adoption) = rehearsed::adoption(rehearsed::adopted_from(&entry.verdict)) {
        let lost =
            if object.lost.is_empty() { String::new() } else { format!(": {}", object.lost.join(", ")) };
        line("adopts", &format!("from {adoption}{lost}"));
    }
    for Said { condition, text } in &object.said {
        line("told", &format!("{} since {}: {text}", condition.reason, condition.since));
    }
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

fn machine(inspection: &Inspection, objects: &[Object<'_>], message: &str) -> Value {
    let status = &inspection.status;
    let holds = |condition: &&Condition| condition.holds || condition.kind == ConditionType::Ready;
    let conditions = status.conditions.iter().filter(holds);
    let conditions = conditions.map(|condition| said::machine(condition, &condition.message)).collect();
    mapping([
        ("application", text(&inspection.application.key)),
        ("state", text(inspection.report.state.as_str())),
        ("revision", inspection.wanted.first().and_then(|commit| text(&commit.id))),
        ("message", some_text(message)),
        ("conditions", Some(Value::list(conditions))),
        ("objects", Some(Value::list(objects.iter().map(|one| one.machine(&inspection.commits)).collect()))),
    ])
}

impl Object<'_> {
    fn machine(&self, commits: &BTreeMap<CommitId, Commit>) -> Value {
        let mut value = machine_of(self.entry, commits);
        if let Some(why) = self.refusal {
            value.set(&["message"], why.into());
        }
        if !self.lost.is_empty() {
            let lost = self.lost.iter().map(|path| (&**path).into());
            value.set(&["lost"], Value::list(lost.collect()));
        }
        if !self.said.is_empty() {
            let said = self.said.iter().map(|said| said::machine(said.condition, &said.text));
            value.set(&["told"], Value::list(said.collect()));
        }
        value
    }
}

fn machine_of(entry: &Entry, commits: &BTreeMap<CommitId, Commit>) -> Value {
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
    let commit = entry.commit.as_ref().map(|id| commit::machine(id, commits.get(id)));
    mapping([
        ("object", text(entry.key.to_reference())),
        ("verdict", text(verdict)),
        ("reason", text(Texts::Whole.verdict(&entry.verdict))),
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

    const STYLE: (Paint, Texts) = (Paint::Plain, Texts::Elided);

    fn entry(verdict: Verdict) -> Entry {
        Entry {
            wave: lockstep_core::Wave::default(),
            key: ObjectKey::new("", "ConfigMap", "shop", "a"),
            origin: None,
            commit: None,
            verdict,
            extras: Vec::new().into(),
            contested: None,
        }
    }

    fn object(entry: &Entry) -> Object<'_> {
        Object { entry, refusal: None, said: Vec::new(), lost: Vec::new() }
    }

    #[test]
    fn a_deletion_says_what_holds_it() {
        let prune = Change::Prune { uid: "u".into() };
        for (verdict, expected) in [
            (Verdict::Act(prune.clone()), "deletes, Git does not have it"),
            (
                Verdict::Withheld(prune.clone(), Because::PruneOff),
                "left over (prune is off); would delete it",
            ),
            (
                Verdict::Withheld(prune.clone(), Because::Budget),
                "blocked by the deletion budget; would delete it",
            ),
            (
                Verdict::Withheld(prune.clone(), Because::EmptyRender),
                "held, the render is empty; would delete it",
            ),
            (Verdict::Act(Change::Forget), "forgets, Git does not have it and it is gone"),
        ] {
            let entry = entry(verdict);
            let text = describe(&object(&entry), &BTreeMap::new(), STYLE);
            assert_eq!(text, format!("ConfigMap/a in shop: {expected}\n"));
            assert_eq!(object(&entry).machine(&BTreeMap::new()).str_at(&["reason"]), Some(expected));
        }
    }

    #[test]
    fn a_refusal_is_shortened_for_people_and_whole_for_programs() {
        let message = format!("it is invalid: {}: field is immutable", "x".repeat(1000));
        let entry = entry(Verdict::Withheld(Change::Update, Because::Refused(message.as_str().into())));
        let text = describe(&object(&entry), &BTreeMap::new(), STYLE);
        assert!(text.len() < 400 && text.contains("xxx: field is immutable"), "{text}");
        let wide = describe(&object(&entry), &BTreeMap::new(), (Paint::Plain, Texts::Whole));
        assert!(wide.contains(&message), "{wide}");
        let value = object(&entry).machine(&BTreeMap::new());
        assert!(value.str_at(&["reason"]).unwrap().contains(&message));
    }

    #[test]
    fn an_adoption_names_the_fields_that_go() {
        let change = Change::Adopt { from: vec!["helm".into()], owner: None };
        let entry = Entry {
            wave: lockstep_core::Wave::default(),
            key: ObjectKey::new("", "ConfigMap", "shop", "a"),
            origin: None,
            commit: None,
            verdict: Verdict::Act(change),
            extras: Vec::new().into(),
            contested: None,
        };
        let object =
            Object { entry: &entry, refusal: None, said: Vec::new(), lost: vec![".data.lost".to_owned()] };
        let expected = "\
ConfigMap/a in shop: adopts, it has no record, with the fields of helm
  adopts  from helm; its fields that Git does not have go: .data.lost
";
        assert_eq!(describe(&object, &BTreeMap::new(), STYLE), expected);
        let expected = r#"{"object":"/ConfigMap:shop/a","verdict":"Act",
            "reason":"adopts, it has no record, with the fields of helm","lost":[".data.lost"]}"#;
        assert_eq!(object.machine(&BTreeMap::new()), from_json(expected.as_bytes()).unwrap());
    }

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
            wave: lockstep_core::Wave::default(),
            key: ObjectKey::new("", "ConfigMap", "shop", "a"),
            origin: Some(Origin::new("app/a.yaml", 3, 1)),
            commit: Some(id.clone()),
            verdict: Verdict::Withheld(Change::Update, Because::Manual),
            extras: vec![extra].into(),
            contested: Some(AppKey::new("n", "other")),
        };
        let commits = BTreeMap::from([(id, commit)]);
        let condition = Condition {
            kind: ConditionType::Fighting,
            holds: true,
            reason: "Fighting".to_owned(),
            message: String::new(),
            since: Timestamp(0),
            observed_generation: 1,
        };
        let said = vec![Said { condition: &condition, text: "rival keeps changing .data".to_owned() }];
        let object = Object { entry: &entry, refusal: Some("it is not valid"), said, lost: Vec::new() };
        let expected = "\
ConfigMap/a in shop: waits for a sync (mode Manual); would change it
  refused it is not valid
  told    Fighting since 1970-01-01T00:00:00Z: rival keeps changing .data
  from    app/a.yaml:3:1
  commit  abababab Say hello (Ada, 1970-01-01T00:00:00Z)
  extra   .data.x (by kubectl)
  wanted  also by n/other, which leaves it alone
";
        assert_eq!(describe(&object, &commits, STYLE), expected);
        let expected = r#"{"object":"/ConfigMap:shop/a","verdict":"Withheld",
            "reason":"waits for a sync (mode Manual); would change it","origin":"app/a.yaml:3:1",
            "commit":{"id":"abababababababababababababababababababab","author":"Ada","subject":"Say hello","time":"1970-01-01T00:00:00Z"},
            "extras":[{"manager":"kubectl","paths":[".data.x"]}],"contested":"n/other","message":"it is not valid",
            "told":[{"type":"Fighting","reason":"Fighting","message":"rival keeps changing .data","since":"1970-01-01T00:00:00Z"}]}"#;
        assert_eq!(
            object.sentence(),
            "ConfigMap/a: waits for a sync (mode Manual); would change it; refused: it is not valid; \
             Fighting: rival keeps changing .data"
        );
        assert_eq!(object.machine(&commits), from_json(expected.as_bytes()).unwrap());
    }
}
