//! The Applications of a file, for `lockstep app create -f`.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use anyhow::Context;
use api::Part;
use lockstep_core::{FieldPath, Finding, ObjectKey, Origin, Value};
use manifest::Object;

use crate::diagnostics::File;

/// What a file holds.
pub(super) struct Written {
    /// The file, for findings to point into.
    pub(super) file: File,
    /// The Applications.
    pub(super) applications: Vec<Value>,
    /// Everything that is wrong, or odd, with its place, in the order of the file.
    pub(super) findings: Vec<Finding>,
}

impl Written {
    /// Reads a file; `-` is standard input.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let mut bytes = Vec::new();
        let mut name = path.display().to_string();
        if name == "-" {
            name = "<stdin>".to_owned();
            std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
        } else {
            bytes = std::fs::read(path).with_context(|| format!("cannot read {name}"))?;
        }
        Ok(Self::parse(name, bytes))
    }

    fn parse(name: String, bytes: Vec<u8>) -> Self {
        let parsed = manifest::read(&name, &bytes, &manifest::Limits::default());
        let mut findings = parsed.findings;
        if parsed.objects.is_empty() && findings.is_empty() {
            let hint = "lockstep app create NAME --url URL --dry-run prints one to begin with";
            let none = Finding::error("no-application", "the file holds no Application");
            findings.push(none.at(Origin::file(&*name)).with_hint(hint));
        }
        let mut seen: BTreeSet<ObjectKey> = BTreeSet::new();
        for object in &parsed.objects {
            findings.extend(check(object));
            if !seen.insert(object.key()) {
                let message = format!("{} is in this file twice", object.key());
                let place = object.origin_of_fields(&["metadata", "name"]);
                findings.push(Finding::error("duplicate-object", message).at(place));
            }
        }
        findings.sort_by(|a, b| a.origin.cmp(&b.origin));
        let applications = parsed.objects.into_iter().map(|object| object.value).collect();
        Self { file: File::new(name, bytes), applications, findings }
    }
}

/// What is wrong with one object.
fn check(object: &Object) -> Vec<Finding> {
    let key = object.key();
    if !key.is(api::GROUP, "Application") {
        let other = Finding::error("no-application", format!("{key} is not an Application"));
        let place = object.origin_of_fields(&["kind"]);
        return vec![other.at(place).with_hint("kubectl apply creates objects of other kinds")];
    }
    let locate = |path: &FieldPath, part: Part| match part {
        Part::Name => object.origin_of_name(&path.0),
        Part::Value => object.origin_of(&path.0),
    };
    api::application_in_file(&object.value, &locate).1
}

#[cfg(test)]
mod tests {
    use crate::exit::Exit;
    use crate::terminal::tests::run;

    const GOOD: &str = "apiVersion: lockstep.dev/v1alpha1\nkind: Application\nmetadata: {name: a}\n\
                        spec: {sources: [{git: {url: https://h/x}}]}\n";

    /// Creates from a file of this text: how it ended, what was printed, and what was complained of, with the file called `f`.
    fn create(text: impl AsRef<[u8]>) -> (Exit, String, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, text).unwrap();
        let file = path.to_str().unwrap();
        let (exit, out, err) = run(&["app", "create", "-f", file, "--dry-run", "-n", "team"]);
        (exit, out, err.replace(file, "f"))
    }

    #[test]
    fn applications_are_taken_as_they_are_written() {
        let other = GOOD.replace("{name: a}", "{name: b, namespace: own}");
        let (exit, out, err) = create(format!("{GOOD}---\n{other}"));
        assert_eq!((exit, &*err), (Exit::Success, ""));
        assert!(
            out.contains("name: a\n  namespace: team\n") && out.contains("name: b\n  namespace: own\n"),
            "{out}"
        );
    }

    #[test]
    fn everything_wrong_in_every_document_is_told_at_its_place() {
        let broken = "apiVersion: lockstep.dev/v1alpha1\nkind: Application\nmetadata: {name: b}\nspec:\n  sync: {mode: auto}\n  \
                      suspendd: true\n  sources:\n  - git:\n      url: ssh://h/x\n      path: /a\n";
        let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n";
        let (exit, out, err) = create([GOOD, broken, "a: b: c\n", map, GOOD].join("---\n"));
        assert_eq!((exit, &*out), (Exit::Error, ""));
        let places: Vec<&str> =
            err.lines().filter_map(|line| line.trim_start().strip_prefix("--> f:")).collect();
        assert_eq!(places, ["10:16", "11:3", "14:12", "15:13", "17:5", "20:7", "25:18"], "{err}");
        let expected = "\
error[unknown-field]: spec.suspendd: unknown field
  --> f:11:3
   |
11 |   suspendd: true
   |   ^^^^^^^^
   |
   = help: did you mean suspend?
";
        assert!(err.contains(expected), "{err}");
        for part in [
            "ConfigMap/c is not an Application",
            "Application.lockstep.dev/a is in this file twice",
            "ssh is not built yet",
        ] {
            assert!(err.contains(part), "{part} is not in {err}");
        }
        assert!(err.ends_with("\n7 errors\n"), "{err}");
    }

    #[test]
    fn json_is_pointed_into_too() {
        let text = "{\"apiVersion\":\"lockstep.dev/v1alpha1\",\"kind\":\"Application\",\"metadata\":{\"name\":\"a\"},\n \
                    \"spec\":{\"sources\":[{\"git\":{\"url\":\"ssh://h/x\",\"pth\":\"a\"}}]}}\n";
        let (exit, _, err) = create(text);
        assert_eq!(exit, Exit::Error);
        let underlined = |name: &str| {
            let line = text.lines().nth(1).unwrap();
            format!("2 | {line}\n  | {}{}", " ".repeat(line.find(name).unwrap()), "^".repeat(name.len()))
        };
        assert!(err.contains(&underlined("\"ssh://h/x\"")) && err.contains(&underlined("\"pth\"")), "{err}");
    }

    #[test]
    fn nothing_of_a_binary_file_is_shown() {
        let (exit, out, err) = create(b"\x7fELF\xff\x1b[31m");
        assert_eq!((exit, &*out), (Exit::Error, ""));
        assert!(err.starts_with("error[bad-encoding]: ") && err.contains("--> f:1:"), "{err}");
        assert!(!err.contains("ELF") && !err.contains('\x1b'), "{err}");
    }

    #[test]
    fn a_file_without_an_application_is_told_so() {
        for text in ["", "# nothing\n---\n", "null\n"] {
            let (exit, out, err) = create(text);
            assert_eq!((exit, &*out), (Exit::Error, ""));
            assert!(
                err.starts_with("error[no-application]: the file holds no Application\n--> f\n"),
                "{err}"
            );
        }
    }
}
