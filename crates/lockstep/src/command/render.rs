//! `lockstep render`

use clap::ValueEnum;
use lockstep_core::{Key, Value};
use render::{Limits, Namespaces, NoScopes, Options};

use crate::exit::Exit;
use crate::local::{self, Local};
use crate::terminal::Terminal;

/// Render a folder or a file of manifests, without a cluster. Nothing is printed if there are errors.
#[derive(Debug, clap::Args)]
pub(crate) struct Render {
    #[command(flatten)]
    local: Local,
    /// How to print: a stream of documents, or one v1 List.
    #[arg(short, long, value_enum, default_value_t = Format::Yaml)]
    output: Format,
    /// Fill this namespace into namespaced objects that name none.
    #[arg(short, long)]
    namespace: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Yaml,
}

impl Render {
    pub(crate) fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let folder = self.local.open()?;
        let nobody = local::nobody()?;
        let options = Options {
            identity: None,
            namespaces: self.namespace.as_deref().map_or(Namespaces::AsWritten, Namespaces::Fill),
            scopes: &NoScopes,
            // Digests are not printed.
            key: &Key::new([0; 32]),
            commit: &|_, _| nobody.clone(),
            limits: Limits::default(),
        };
        let rendered = self.local.render(&folder, self.local.directory(None), &options)?;
        self.local.tell(&rendered.findings, &folder, terminal)?;
        if rendered.has_errors() {
            return Ok(Exit::Error);
        }
        if rendered.objects.is_empty() {
            writeln!(terminal.err, "{} holds no objects.", self.local.path.display())?;
        }
        let objects: Vec<Value> = rendered.objects.into_iter().map(|object| object.value).collect();
        let text = match self.output {
            Format::Json => manifest::json(&manifest::list(objects)),
            Format::Yaml => manifest::yaml(&objects),
        };
        terminal.out.write_all(text.as_bytes())?;
        Ok(Exit::Success)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use crate::exit::Exit;
    use crate::terminal::tests::run;

    fn folder(files: &[(&str, &str)]) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn map(name: &str) -> String {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{ratio: \"1\"}}\n")
    }

    #[test]
    fn json_is_one_list_and_yaml_a_stream() {
        let dir = folder(&[("a.yaml", &map("a")), ("sub/b.yaml", &map("b"))]);
        let path = dir.path().to_str().unwrap();
        let (exit, out, err) = run(&["render", path, "-o", "json", "--recurse", "-n", "shop"]);
        assert_eq!((exit, &*err), (Exit::Success, ""));
        let list = lockstep_core::from_json(out.as_bytes()).unwrap();
        assert_eq!((list.str_at(&["kind"]), list.str_at(&["apiVersion"])), (Some("List"), Some("v1")));
        let items = list.get("items").unwrap().as_list().unwrap();
        let name = |item: &lockstep_core::Value| {
            let text = |key| item.str_at(&["metadata", key]).unwrap().to_owned();
            (text("namespace"), text("name"))
        };
        let names: Vec<_> = items.iter().map(name).collect();
        assert_eq!(names, [("shop".to_owned(), "a".to_owned()), ("shop".to_owned(), "b".to_owned())]);

        let (_, out, _) = run(&["render", path]);
        assert_eq!(out, "apiVersion: v1\ndata:\n  ratio: \"1\"\nkind: ConfigMap\nmetadata:\n  name: a\n");
        let (_, out, _) = run(&["render", path, "--recurse"]);
        assert_eq!(out.matches("---\n").count(), 1);
    }

    #[test]
    fn errors_name_the_file_as_it_was_typed_and_nothing_is_printed() {
        let broken = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a: b\n";
        let dir = folder(&[("a.yaml", &map("a")), ("b.yaml", broken)]);
        let typed = dir.path().join("b.yaml");
        for path in [dir.path(), &typed] {
            let (exit, out, err) = run(&["render", path.to_str().unwrap()]);
            assert_eq!((exit, &*out), (Exit::Error, ""));
            let place = format!("--> {}:4:10", typed.display());
            assert!(err.contains("error[yaml-syntax]: mapping values are not allowed"), "{err}");
            assert!(err.contains(&place) && err.contains("4 |   name: a: b"), "{err}");
            assert!(err.ends_with("\n1 error\n"), "{err}");
        }
    }

    #[test]
    fn warnings_do_not_stop_it() {
        let dir = folder(&[("a.yaml", &map("a")), ("values.yaml", "replicas: 1\n")]);
        let (exit, out, err) = run(&["render", dir.path().to_str().unwrap()]);
        assert_eq!(exit, Exit::Success);
        assert!(out.contains("name: a") && err.contains("warning[no-manifest]"), "{out}{err}");
    }

    #[test]
    fn a_chart_is_refused_unless_its_files_are_asked_for() {
        let dir = folder(&[("a.yaml", &map("a")), ("Chart.yaml", "name: x\n")]);
        let path = dir.path().to_str().unwrap();
        let (exit, _, err) = run(&["render", path]);
        assert!(exit == Exit::Error && err.contains("calls for Helm"), "{err}");
        let (exit, out, _) = run(&["render", path, "--exclude", "Chart.yaml"]);
        assert!(exit == Exit::Success && out.contains("name: a"));
    }

    #[test]
    fn where_there_is_nothing_to_render_that_is_told() {
        let dir = folder(&[("sub/a.yaml", &map("a"))]);
        let path = dir.path().to_str().unwrap();
        let (exit, out, err) = run(&["render", path]);
        assert_eq!((exit, out, err), (Exit::Success, String::new(), format!("{path} holds no objects.\n")));
    }

    #[test]
    fn a_path_that_is_not_there_is_an_error() {
        let (exit, out, err) = run(&["render", "/nonexistent/x"]);
        assert_eq!((exit, &*out), (Exit::Error, ""));
        assert!(err.contains("cannot open /nonexistent/x") && err.contains("No such file"), "{err}");
    }
}
