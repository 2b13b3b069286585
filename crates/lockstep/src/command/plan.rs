//! `lockstep plan`

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context;
use cluster::Discovery;
use controller::{CatalogScopes, InspectError, Inspector, Rehearsal, Rehearsed};
use lockstep_core::{Application, Key, ObjectKey, Origin, Value};
use render::{Folder, Identity, Limits, Namespaces, Options, Rendered};

use crate::applications::{Applications, Place};
use crate::connect::block_on;
use crate::exit::Exit;
use crate::installation::{Installation, with_findings};
use crate::local::{self, Local};
use crate::output::{self, Output, mapping, text};
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
    rehearsed: Rehearsed,
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
        let failed = |fate: &Fate| matches!(fate.rehearsed, Rehearsed::Refused(_) | Rehearsed::Unknown(_));
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
        self.local.render(folder, self.local.directory(first), &options)
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
        let objects = rendered.objects.into_iter().map(Arc::new).collect::<Vec<_>>();
        let tried = rehearsal.apply(objects.clone()).await?;
        let mut fates: Vec<Fate> = tried
            .into_iter()
            .zip(objects)
            .map(|((key, rehearsed), object)| Fate { key, origin: Some(object.origin.clone()), rehearsed })
            .collect();
        let Some(stand) = stand else { return Ok(fates) };
        let record = stand.inspector.record(&stand.app.key);
        for (key, recorded) in record.objects.iter().filter(|(key, _)| !wanted.contains(*key)) {
            if let Some(rehearsed) = rehearsal.delete(key, &recorded.gvk).await {
                fates.push(Fate { key: key.clone(), origin: None, rehearsed });
            }
        }
        if !stand.app.sync.prune {
            fates.retain(|fate| !matches!(fate.rehearsed, Rehearsed::Delete(_)));
        }
        Ok(fates)
    }

    fn print(&self, fates: &[Fate], terminal: &mut Terminal) -> anyhow::Result<()> {
        let names: Vec<String> =
            fates.iter().filter(|fate| fate.rehearsed.differs()).map(|fate| fate.key.to_string()).collect();
        if output::value(terminal, self.output, &machine(fates), &names.join("\n"))? {
            return Ok(());
        }
        for fate in fates.iter().filter(|fate| fate.rehearsed.differs()) {
            let place = fate.origin.as_ref().map(|origin| {
                let file = self.local.shown(&origin.file).display().to_string();
                Origin { file: file.into(), ..origin.clone() }.to_string()
            });
            let style = (terminal.paint, self.output.texts());
            let text = rehearsed::describe(&fate.key, place.as_deref(), &fate.rehearsed, &[], style);
            terminal.out.write_all(text.as_bytes())?;
        }
        writeln!(terminal.out, "{}", summary(fates))?;
        Ok(())
    }
}

fn summary(fates: &[Fate]) -> String {
    let mut counts = [0; 5];
    for fate in fates {
        counts[match &fate.rehearsed {
            Rehearsed::Create { .. } => 0,
            Rehearsed::Change(diff) if !diff.is_empty() => 1,
            Rehearsed::Delete(_) => 2,
            Rehearsed::Change(_) => 3,
            Rehearsed::Refused(_) | Rehearsed::Unknown(_) => 4,
        }] += 1;
    }
    let [create, change, delete, same, failed] = counts;
    let failed = if failed > 0 { format!(", {failed} refused") } else { String::new() };
    format!("{create} to create, {change} to change, {delete} to delete, {same} unchanged{failed}")
}

fn machine(fates: &[Fate]) -> Value {
    let objects = fates.iter().map(|fate| {
        let mut value = rehearsed::machine(&fate.key, &fate.rehearsed);
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
        .map(|rehearsed| Fate { key: key.clone(), origin: None, rehearsed })
        .collect();
        assert_eq!(summary(&fates), "1 to create, 1 to change, 1 to delete, 2 unchanged, 1 refused");
        assert_eq!(summary(&[]), "0 to create, 0 to change, 0 to delete, 0 unchanged");
    }
}
