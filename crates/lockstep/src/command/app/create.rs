//! `lockstep app create`

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use lockstep_core::{Finding, Map, Value};

use super::qualified;
use super::written::Written;
use crate::applications::Place;
use crate::diagnostics;
use crate::exit::Exit;
use crate::terminal::Terminal;

/// Arguments of `lockstep app create`.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Create {
    #[command(flatten)]
    place: Place,
    /// The name of the Application.
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    name: Option<String>,
    /// A file with Applications instead; - for standard input.
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print what would be created, as YAML, and create nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    spec: Spec,
}

/// The spec, as flags.
#[derive(Debug, clap::Args)]
#[group(conflicts_with = "file")]
struct Spec {
    /// The Git repository: http, https or file.
    #[arg(long, required_unless_present = "file")]
    url: Option<String>,
    /// A branch, a tag, a commit or a semver range; else the default branch.
    #[arg(long)]
    revision: Option<String>,
    /// The directory in the repository; else its root.
    #[arg(long)]
    path: Option<String>,
    /// Look into subdirectories too.
    #[arg(long)]
    recurse: bool,
    /// Only files whose path inside the directory matches one of these globs.
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Leave out files whose path inside the directory matches one of these globs.
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Filled into namespaced objects that name none.
    #[arg(long, value_name = "NAME")]
    destination_namespace: Option<String>,
    /// The Project; else default.
    #[arg(long)]
    project: Option<String>,
    /// When differences lead to writes: at once, when asked, or never. Manual if not given.
    #[arg(long, value_enum, ignore_case = true)]
    mode: Option<Mode>,
    /// Delete objects that left Git.
    #[arg(long)]
    prune: bool,
    /// With mode automatic: leave drift as it is.
    #[arg(long)]
    no_self_heal: bool,
    /// A render without objects may delete everything.
    #[arg(long)]
    allow_empty: bool,
    /// How many deletions one sync may make unasked: a count, or a percentage such as 25%.
    #[arg(long, value_name = "COUNT")]
    deletion_budget: Option<String>,
    /// What becomes of the objects when the Application is deleted.
    #[arg(long, value_enum, ignore_case = true)]
    deletion: Option<Deletion>,
}

/// Spelt as in the resource.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "PascalCase")]
enum Mode {
    Automatic,
    Manual,
    Notify,
}

/// Spelt as in the resource.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "PascalCase")]
enum Deletion {
    Prune,
    Orphan,
}

impl Create {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let mut applications = match &self.file {
            Some(path) => match self.written(path, terminal)? {
                Some(applications) => applications,
                None => return Ok(Exit::Error),
            },
            None => {
                let application = self.spec.application(self.name.as_deref().unwrap_or_default());
                let findings = api::application(&application).1;
                diagnostics::tell(&findings, |_| None, terminal)?;
                if findings.iter().any(Finding::is_error) {
                    return Ok(Exit::Error);
                }
                vec![application]
            }
        };
        if self.dry_run {
            // Where nothing is created, no cluster is needed to tell a namespace.
            fill(&mut applications, self.place.namespace.as_deref());
            terminal.out.write_all(manifest::yaml(&applications).as_bytes())?;
            return Ok(Exit::Success);
        }
        let here = self.place.open().await?;
        fill(&mut applications, Some(&here.namespace));
        for application in &applications {
            let made = here.create(application).await?;
            writeln!(terminal.out, "{} created", qualified(super::name_of(&made)))?;
        }
        Ok(Exit::Success)
    }

    /// The Applications of a file; `None` where something in it is wrong, which is told.
    fn written(&self, path: &Path, terminal: &mut Terminal) -> anyhow::Result<Option<Vec<Value>>> {
        let Written { file, applications, findings } = Written::read(path)?;
        diagnostics::tell(&findings, |_| Some(file.clone()), terminal)?;
        Ok((!findings.iter().any(Finding::is_error)).then_some(applications))
    }
}

/// Puts the namespace into those that name none.
fn fill(applications: &mut [Value], namespace: Option<&str>) {
    let Some(namespace) = namespace else { return };
    for application in applications {
        if application.at(&["metadata", "namespace"]).is_none() {
            application.set(&["metadata", "namespace"], namespace.into());
        }
    }
}

impl Spec {
    fn application(&self, name: &str) -> Value {
        let mut application = Value::map(Map::new());
        application.set(&["apiVersion"], api::API_VERSION.into());
        application.set(&["kind"], "Application".into());
        application.set(&["metadata", "name"], name.into());
        let mut set = |keys: &[&str], value: Option<Value>| {
            if let Some(value) = value {
                application.set(keys, value);
            }
        };
        set(&["spec", "sources"], Some(Value::list(vec![self.source()])));
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        set(&["spec", "project"], text(&self.project));
        set(&["spec", "destination", "namespace"], text(&self.destination_namespace));
        let mode = self.mode.map(|mode| match mode {
            Mode::Automatic => "Automatic".into(),
            Mode::Manual => "Manual".into(),
            Mode::Notify => "Notify".into(),
        });
        set(&["spec", "sync", "mode"], mode);
        set(&["spec", "sync", "prune"], self.prune.then(|| true.into()));
        set(&["spec", "sync", "selfHeal"], self.no_self_heal.then(|| false.into()));
        set(&["spec", "sync", "allowEmpty"], self.allow_empty.then(|| true.into()));
        let budget = self.deletion_budget.as_deref();
        set(
            &["spec", "sync", "deletionBudget"],
            budget.map(|text| match text.parse::<u64>() {
                Ok(count) => Value::uint(count),
                Err(_) => text.into(),
            }),
        );
        let deletion = self.deletion.map(|deletion| match deletion {
            Deletion::Prune => "Prune".into(),
            Deletion::Orphan => "Orphan".into(),
        });
        set(&["spec", "deletion"], deletion);
        application
    }

    fn source(&self) -> Value {
        let mut source = Value::map(Map::new());
        let mut set = |keys: &[&str], value: Option<Value>| {
            if let Some(value) = value {
                source.set(keys, value);
            }
        };
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        set(&["git", "url"], text(&self.url));
        set(&["git", "revision"], text(&self.revision));
        set(&["git", "path"], text(&self.path));
        let globs = |globs: &[String]| {
            let list = || Value::list(globs.iter().map(|glob| glob.as_str().into()).collect());
            (!globs.is_empty()).then(list)
        };
        set(&["directory", "recurse"], self.recurse.then(|| true.into()));
        set(&["directory", "include"], globs(&self.include));
        set(&["directory", "exclude"], globs(&self.exclude));
        source
    }
}

#[cfg(test)]
mod tests {
    use crate::exit::Exit;
    use crate::terminal::tests::run;

    #[test]
    fn flags_become_a_spec() {
        let (exit, out, err) = run(&[
            "app",
            "create",
            "shop",
            "-n",
            "team",
            "--url",
            "https://h/x",
            "--revision",
            "main",
            "--path",
            "a",
            "--recurse",
            "--mode",
            "automatic",
            "--prune",
            "--deletion-budget",
            "25%",
            "--destination-namespace",
            "shop",
            "--dry-run",
        ]);
        assert_eq!((exit, &*err), (Exit::Success, ""));
        let expected = "\
apiVersion: lockstep.dev/v1alpha1
kind: Application
metadata:
  name: shop
  namespace: team
spec:
  destination:
    namespace: shop
  sources:
  - directory:
      recurse: true
    git:
      path: a
      revision: main
      url: https://h/x
  sync:
    deletionBudget: 25%
    mode: Automatic
    prune: true
";
        assert_eq!(out, expected);
    }

    #[test]
    fn what_the_controller_would_refuse_is_refused_here() {
        let (exit, out, err) =
            run(&["app", "create", "shop", "--url", "ssh://h/x", "--path", "/a", "--dry-run"]);
        assert_eq!((exit, &*out), (Exit::Error, ""));
        assert!(err.contains("ssh is not built yet") && err.contains("must be relative"), "{err}");
        assert!(err.ends_with("2 errors\n"), "{err}");
    }
}
