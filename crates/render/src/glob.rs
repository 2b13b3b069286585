//! The globs of `directory.include` and `directory.exclude`, as Argo CD reads them: `*` matches a slash too, `{a,b}` is one of
//! several, and a pattern covers the whole path.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use lockstep_core::{Directory, Finding};

/// Which files of a directory count.
#[derive(Debug)]
pub(crate) struct Selection {
    include: Option<GlobSet>,
    exclude: Option<GlobSet>,
}

impl Selection {
    /// Reads the globs; each that cannot be read is a finding and matches nothing.
    pub(crate) fn new(directory: &Directory, findings: &mut Vec<Finding>) -> Self {
        Self {
            include: compile("include", &directory.include, findings),
            exclude: compile("exclude", &directory.exclude, findings),
        }
    }

    /// Whether a path inside the directory counts; exclusion is stronger.
    pub(crate) fn takes(&self, path: &str) -> bool {
        let excluded = self.exclude.as_ref().is_some_and(|globs| globs.is_match(path));
        !excluded && self.include.as_ref().is_none_or(|globs| globs.is_match(path))
    }
}

fn compile(field: &str, globs: &[String], findings: &mut Vec<Finding>) -> Option<GlobSet> {
    if globs.is_empty() {
        return None;
    }
    let mut set = GlobSetBuilder::new();
    for (index, text) in globs.iter().enumerate() {
        // globset gives ** between slashes a meaning of its own, where Argo CD's library takes it for *.
        let mut plain = text.clone();
        while plain.contains("**") {
            plain = plain.replace("**", "*");
        }
        match GlobBuilder::new(&plain).literal_separator(false).backslash_escape(true).build() {
            Ok(glob) => {
                set.add(glob);
            }
            Err(error) => {
                let message = format!("directory.{field}[{index}]: {}", error.kind());
                findings.push(Finding::error("bad-glob", message).with_text(text.as_str()));
            }
        }
    }
    Some(set.build().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(include: &[&str], exclude: &[&str], path: &str) -> bool {
        let own = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect();
        let directory = Directory { include: own(include), exclude: own(exclude), ..Directory::default() };
        let mut findings = Vec::new();
        let taken = Selection::new(&directory, &mut findings).takes(path);
        assert_eq!(findings, []);
        taken
    }

    #[test]
    fn globs_match_as_in_argo_cd() {
        for (include, exclude, path, expected) in [
            (&[][..], &[][..], "a.yaml", true),
            (&["*.yaml"], &[], "deep/a.yaml", true),
            (&["*.yaml"], &[], "a.yml", false),
            (&["**/a.yaml"], &[], "a.yaml", false),
            (&["**/a.yaml"], &[], "x/y/a.yaml", true),
            (&["{a,b}.yaml"], &[], "b.yaml", true),
            (&["{config.yaml,env-use2/*}"], &[], "env-use2/x.yaml", true),
            (&["a?.yaml"], &[], "ab.yaml", true),
            (&["[!a].yaml"], &[], "a.yaml", false),
            (&["a.yaml", "b.yaml"], &[], "b.yaml", true),
            (&["*.yaml"], &["b*"], "b.yaml", false),
            (&[], &["test/*"], "test/x/a.yaml", false),
            (&["yaml"], &[], "a.yaml", false),
        ] {
            assert_eq!(takes(include, exclude, path), expected, "{include:?} {exclude:?} {path}");
        }
    }

    #[test]
    fn a_broken_glob_is_a_finding_and_takes_nothing() {
        let directory = Directory { include: vec!["[".to_owned()], ..Directory::default() };
        let mut findings = Vec::new();
        assert!(!Selection::new(&directory, &mut findings).takes("["));
        assert_eq!(findings[0].rule, "bad-glob");
        assert!(findings[0].message.starts_with("directory.include[0]: "), "{}", findings[0].message);
    }
}
