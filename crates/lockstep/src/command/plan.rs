//! `lockstep plan`

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Context;
use cluster::Discovery;
use controller::{CatalogScopes, InspectError, Inspector, Rehearsal, Rehearsed};
use lockstep_core::{Application, Key, ObjectKey, Origin, Value, Wave};
use plan::{DesiredSet, Section};
use render::{Folder, Identity, Limits, Namespaces, Options, Rendered, with_namespace};

use crate::applications::{Applications, Place};
use crate::connect::block_on;
use crate::exit::Exit;
use crate::installation::{Installation, with_findings};
use crate::local::{self, Local};
use crate::output::{self, Output, Texts, mapping, text};
use crate::paint::Paint;
use crate::rehearsed;
use crate::terminal::Terminal;

/// Show what applying a local folder would change in the cluster. Nothing is written: the API server is asked with dry runs.
#[derive(Debug, clap::Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    installation: Installation,
    #[command(flatten)]
    local: Local,
    /// As the content of this Application: with its namespace and its name on the objects, and with what would be pruned.
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// The Application that a folder is planned as.
struct Stand {
    app: Application,
    inspector: Inspector,
}

/// What would become of one object.
struct Fate {
    key: ObjectKey,
    origin: Option<Origin>,
    /// When; hooks may run several times.
    sections: Vec<Section>,
    /// `None` of a hook: it is made anew each time.
    rehearsed: Option<Rehearsed>,
}

impl Fate {
    fn differs(&self) -> bool {
        self.rehearsed.as_ref().is_some_and(Rehearsed::differs)
    }
}

impl Plan {
    pub(crate) fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        block_on(self.plan(terminal))
    }

    async fn plan(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let folder = self.local.open()?;
        let here = self.place.open().await?;
        let stand = match &self.app {
            Some(name) => Some(self.stand(&here, name, terminal).await?),
            None => None,
        };
        let discovery =
            Discovery::load(&here.connection).await.context("cannot ask the API server what it serves")?;
        let rendered = self.render(&folder, stand.as_ref(), &here.namespace, &discovery)?;
        self.local.tell(&rendered.findings, &folder, terminal)?;
        if rendered.has_errors() {
            return Ok(Exit::Error);
        }
        let fates = self.fates(rendered, stand.as_ref(), &here, &discovery).await?;
        self.print(&fates, terminal)?;
        let failed =
            |fate: &Fate| matches!(fate.rehearsed, Some(Rehearsed::Refused(_) | Rehearsed::Unknown(_)));
        Ok(if fates.iter().any(failed) { Exit::Error } else { Exit::Success })
    }

    async fn stand(&self, here: &Applications, name: &str, terminal: &mut Terminal) -> anyhow::Result<Stand> {
        let (app, findings) = api::application(&here.get(name).await?);
        let app = app.ok_or_else(|| with_findings(InspectError::Spec(findings), terminal))?;
        Ok(Stand { app, inspector: self.installation.inspector(&here.connection).await? })
    }

    fn render(
        &self,
        folder: &Folder,
        stand: Option<&Stand>,
        namespace: &str,
        discovery: &Discovery,
    ) -> anyhow::Result<Rendered> {
        let nobody = local::nobody()?;
        let namespaces = match stand {
            None => Namespaces::Fill(namespace),
            Some(stand) => {
                let destination = stand.app.destination.namespace.as_deref();
                destination.map_or(Namespaces::Required, Namespaces::Fill)
            }
        };
        let options = Options {
            identity: stand
                .map(|stand| Identity { instance: &self.installation.instance, app: &stand.app.key }),
            namespaces,
            scopes: &CatalogScopes(discovery.catalog()),
            // These digests are compared with nothing.
            key: &Key::new([0; 32]),
            commit: &|_, _| nobody.clone(),
            limits: Limits::default(),
        };
        // As said, else as the Application's first source says.
        let first = stand.and_then(|stand| stand.app.sources.first()).map(|source| &source.directory);
        let mut rendered = self.local.render(folder, self.local.directory(first), &options)?;
        if let Some(stand) = stand {
            with_namespace(&mut rendered, stand.app.sync.create_namespace.as_ref(), &options);
        }
        Ok(rendered)
    }

    async fn fates(
        &self,
        rendered: Rendered,
        stand: Option<&Stand>,
        here: &Applications,
        discovery: &Discovery,
    ) -> anyhow::Result<Vec<Fate>> {
        let rehearsal = match stand {
            Some(stand) => stand.inspector.rehearsal(),
            None => {
                Rehearsal::new(&here.connection, discovery, &self.installation.instance, Key::new([0; 32]))
            }
        };
        let wanted: BTreeSet<ObjectKey> = rendered.objects.iter().map(|object| object.key.clone()).collect();
        let set = DesiredSet::new(local::nobody()?, rendered.objects.iter().cloned());
        let kept = rendered.objects.into_iter().filter(|object| set.get(&object.key).is_some());
        let objects = kept.map(Arc::new).collect::<Vec<_>>();
        let tried = rehearsal.apply(objects.clone()).await?;
        let fate = |key: ObjectKey, origin: &Origin, rehearsed: Option<Rehearsed>| {
            let sections = Section::of(&set, &key);
            Fate { key, origin: Some(origin.clone()), sections, rehearsed }
        };
        let mut fates: Vec<Fate> = tried
            .into_iter()
            .zip(objects)
            .map(|((key, rehearsed), object)| fate(key, &object.origin, Some(rehearsed)))
            .collect();
        let hooks = set.hooks().iter().map(|hook| &hook.object);
        fates.extend(hooks.map(|object| fate(object.key.clone(), &object.origin, None)));
        let Some(stand) = stand else { return Ok(fates) };
        let record = stand.inspector.record(&stand.app.key);
        for (key, recorded) in record.objects.iter().filter(|(key, _)| !wanted.contains(*key)) {
            if let Some(rehearsed) = rehearsal.delete(key, &recorded.gvk).await {
                let (key, rehearsed) = (key.clone(), Some(rehearsed));
                fates.push(Fate { sections: Section::of(&set, &key), key, origin: None, rehearsed });
            }
        }
        if !stand.app.sync.prune {
            fates.retain(|fate| !matches!(fate.rehearsed, Some(Rehearsed::Delete(_))));
        }
        Ok(fates)
    }

    fn print(&self, fates: &[Fate], terminal: &mut Terminal) -> anyhow::Result<()> {
        let names: Vec<String> =
            fates.iter().filter(|fate| fate.differs()).map(|fate| fate.key.to_string()).collect();
        if output::value(terminal, self.output, &machine(fates), &names.join("\n"))? {
            return Ok(());
        }
        let differing = shown(fates);
        let headed = differing.keys().any(|section| !is_plain(*section));
        for (section, fates) in differing {
            if headed {
                writeln!(terminal.out, "{}\n", terminal.paint.bold(format!("# {section}")))?;
            }
            for fate in fates {
                let text = self.describe(fate, (terminal.paint, self.output.texts()));
                terminal.out.write_all(text.as_bytes())?;
            }
        }
        writeln!(terminal.out, "{}", summary(fates))?;
        Ok(())
    }

    fn describe(&self, fate: &Fate, style: (Paint, Texts)) -> String {
        let place = fate.origin.as_ref().map(|origin| {
            let file = self.local.shown(&origin.file).display().to_string();
            Origin { file: file.into(), ..origin.clone() }.to_string()
        });
        match &fate.rehearsed {
            Some(rehearsed) => rehearsed::describe(&fate.key, place.as_deref(), rehearsed, &[], style),
            None => {
                let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
                format!("{} {}{place}\n\n", style.0.green("run"), style.0.bold(rehearsed::name(&fate.key)))
            }
        }
    }
}

/// What differs, in the order of a sync, with the hooks that would run because of it.
fn shown(fates: &[Fate]) -> BTreeMap<Section, Vec<&Fate>> {
    let runs = fates.iter().any(Fate::differs);
    let mut shown: BTreeMap<Section, Vec<&Fate>> = BTreeMap::new();
    for fate in fates.iter().filter(|fate| fate.differs() || fate.rehearsed.is_none() && runs) {
        for section in &fate.sections {
            shown.entry(*section).or_default().push(fate);
        }
    }
    shown
}

/// Where there is nothing but these, no heading says anything.
fn is_plain(section: Section) -> bool {
    section == Section::Wave(Wave::default()) || section == Section::Deletions(Wave::default())
}

fn summary(fates: &[Fate]) -> String {
    let mut counts = [0; 5];
    for fate in fates {
        let Some(rehearsed) = &fate.rehearsed else { continue };
        counts[match rehearsed {
            Rehearsed::Create { .. } => 0,
            Rehearsed::Change(diff) if !diff.is_empty() => 1,
            Rehearsed::Delete(_) => 2,
            Rehearsed::Change(_) => 3,
            Rehearsed::Refused(_) | Rehearsed::Unknown(_) => 4,
        }] += 1;
    }
    let [create, change, delete, same, failed] = counts;
    let failed = if failed > 0 { format!(", {failed} refused") } else { String::new() };
    let hooks = fates.iter().filter(|fate| fate.rehearsed.is_none()).count();
    let hooks = match hooks {
        0 => String::new(),
        1 => ", 1 hook".to_owned(),
        hooks => format!(", {hooks} hooks"),
    };
    format!("{create} to create, {change} to change, {delete} to delete, {same} unchanged{failed}{hooks}")
}

fn machine(fates: &[Fate]) -> Value {
    let objects = fates.iter().map(|fate| {
        let mut value = match &fate.rehearsed {
            Some(rehearsed) => rehearsed::machine(&fate.key, rehearsed),
            None => mapping([("object", text(fate.key.to_reference())), ("change", text("hook"))]),
        };
        let sections = fate.sections.iter().map(|section| Value::string(section.to_string()));
        value.set(&["sections"], Value::list(sections.collect()));
        if let Some(origin) = &fate.origin {
            value.set(&["origin"], origin.to_string().into());
        }
        value
    });
    mapping([("objects", Some(Value::list(objects.collect()))), ("summary", text(summary(fates)))])
}

#[cfg(test)]
mod tests {
    use diff::{ObjectDiff, object_diff};

    use super::*;

    #[test]
    fn the_summary_counts_every_object_once() {
        let key = ObjectKey::new("", "ConfigMap", "n", "a");
        let changed = object_diff(&Value::Null, &lockstep_core::from_json(br#"{"x":1}"#).unwrap(), &key);
        let fates: Vec<Fate> = [
            Rehearsed::Create { diff: ObjectDiff::default(), untried: None },
            Rehearsed::Change(changed),
            Rehearsed::Change(ObjectDiff::default()),
            Rehearsed::Change(ObjectDiff::default()),
            Rehearsed::Delete(ObjectDiff::default()),
            Rehearsed::Refused(String::new()),
        ]
        .into_iter()
        .map(|rehearsed| Fate {
            key: key.clone(),
            origin: None,
            sections: Vec::new(),
            rehearsed: Some(rehearsed),
        })
        .collect();
        assert_eq!(summary(&fates), "1 to create, 1 to change, 1 to delete, 2 unchanged, 1 refused");
        assert_eq!(summary(&[]), "0 to create, 0 to change, 0 to delete, 0 unchanged");
    }
}
