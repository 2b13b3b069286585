//! `lockstep app diff`

use controller::{Inspection, Rehearsed};
use lockstep_core::{Finding, ObjectKey, Value};
use plan::{Because, Entry, Verdict};

use super::qualified;
use crate::applications::Place;
use crate::exit::Exit;
use crate::installation::Installation;
use crate::output::{self, Output, Texts, mapping, text};
use crate::rehearsed;
use crate::terminal::Terminal;

/// Arguments of `lockstep app diff`.
#[derive(Debug, clap::Args)]
pub(crate) struct Diff {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    installation: Installation,
    /// The name of the Application.
    name: String,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl Diff {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let here = self.place.open().await?;
        let (_, inspection) = self.installation.inspect(&here, &self.name, terminal).await?;
        let shown = shown(&inspection);
        if !output::value(terminal, self.output, &machine(&inspection, &shown), &names(&self.name, &shown))? {
            for difference in &shown {
                print(terminal, difference, self.output.texts())?;
            }
        }
        Ok(exit(&inspection, &shown))
    }
}

/// One object that is not as Git wants it.
struct Difference<'a> {
    entry: &'a Entry,
    what: What<'a>,
}

enum What<'a> {
    Rehearsed(&'a Rehearsed),
    /// Nothing will be done about it: somebody else's, or unknown.
    Untouched,
}

impl Difference<'_> {
    fn is_failure(&self) -> bool {
        match &self.what {
            What::Rehearsed(Rehearsed::Refused(_) | Rehearsed::Unknown(_)) => true,
            What::Rehearsed(_) => false,
            What::Untouched => matches!(self.entry.verdict, Verdict::Unknown(_)),
        }
    }
}

fn shown(inspection: &Inspection) -> Vec<Difference<'_>> {
    let differs = |entry| {
        let entry: &Entry = entry;
        let what = match &entry.verdict {
            Verdict::Conflict(_) | Verdict::Unknown(_) => What::Untouched,
            Verdict::InSync | Verdict::Kept(_) => return None,
            Verdict::Withheld(_, Because::PruneOff | Because::Move(_)) => What::Untouched,
            Verdict::Withheld(_, because) if is_held(because) => return None,
            Verdict::Act(_) | Verdict::Withheld(..) => {
                What::Rehearsed(inspection.rehearsed.get(&entry.key).filter(|found| found.differs())?)
            }
        };
        Some(Difference { entry, what })
    };
    inspection.report.entries.iter().filter_map(differs).collect()
}

/// Whether an object stays whatever a sync does: it cannot be told that it is unwanted.
fn is_held(because: &Because) -> bool {
    matches!(because, Because::NotRendered | Because::EmptyRender)
}

fn exit(inspection: &Inspection, shown: &[Difference<'_>]) -> Exit {
    let broken = inspection.findings.iter().any(Finding::is_error);
    if broken || shown.iter().any(Difference::is_failure) {
        return Exit::Error;
    }
    if shown.is_empty() { Exit::Success } else { Exit::No }
}

fn print(terminal: &mut Terminal, difference: &Difference<'_>, texts: Texts) -> anyhow::Result<()> {
    let place = difference.entry.origin.as_ref().map(ToString::to_string);
    match &difference.what {
        What::Rehearsed(rehearsed) => {
            let Entry { key, verdict, .. } = difference.entry;
            let from = rehearsed::adopted_from(verdict);
            let text = rehearsed::describe(key, place.as_deref(), rehearsed, from, (terminal.paint, texts));
            terminal.out.write_all(text.as_bytes())?;
        }
        What::Untouched => {
            let heading = terminal.paint.bold(rehearsed::name(&difference.entry.key));
            let why = texts.verdict(&difference.entry.verdict);
            writeln!(terminal.out, "{heading}: {why}\n")?;
        }
    }
    Ok(())
}

fn names(name: &str, shown: &[Difference<'_>]) -> String {
    if shown.is_empty() {
        return qualified(name);
    }
    let key = |key: &ObjectKey| key.to_string();
    shown.iter().map(|difference| key(&difference.entry.key)).collect::<Vec<_>>().join("\n")
}

fn machine(inspection: &Inspection, shown: &[Difference<'_>]) -> Value {
    let objects = shown.iter().map(|difference| {
        let mut value = match &difference.what {
            What::Rehearsed(rehearsed) => rehearsed::machine(&difference.entry.key, rehearsed),
            What::Untouched => mapping([
                ("object", text(difference.entry.key.to_reference())),
                ("change", text("none")),
                ("message", text(Texts::Whole.verdict(&difference.entry.verdict))),
            ]),
        };
        let from = rehearsed::adopted_from(&difference.entry.verdict);
        if !from.is_empty() {
            value.set(&["adoptedFrom"], Value::list(from.iter().map(|name| (&**name).into()).collect()));
        }
        if let Some(origin) = &difference.entry.origin {
            value.set(&["origin"], origin.to_string().into());
        }
        value
    });
    mapping([
        ("application", text(&inspection.application.key)),
        ("revision", inspection.wanted.first().and_then(|commit| text(&commit.id))),
        ("objects", Some(Value::list(objects.collect()))),
    ])
}
