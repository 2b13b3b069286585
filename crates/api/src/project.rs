//! Project: a limit that cannot be enforced yet blocks, it is never taken for none.

use std::sync::Arc;

use lockstep_core::{Finding, Value};

use crate::application::check_kind;
use crate::fields::{Fields, Log};

/// A Project that this binary can hold its Applications to: one without limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its name.
    pub name: Arc<str>,
}

/// Reads a Project. There is one exactly if no finding is an error; without one its Applications are blocked.
pub fn project(value: &Value) -> (Option<Project>, Vec<Finding>) {
    let log = Log::default();
    let mut root = Fields::root(value, &log);
    check_kind(&mut root, "Project");
    root.skip(&["status"]);
    let mut metadata = root.mapping_or_empty("metadata");
    let name = metadata.word("name").unwrap_or_default();
    if name.is_empty() {
        metadata.error("name", "must not be empty");
    }
    let mut spec = root.mapping_or_empty("spec");
    spec.text("description");
    limit_sources(&mut spec);
    for limit in ["destinations", "kinds", "roles", "windows", "identities", "orphans", "signatures"] {
        // An empty allow list allows nothing, in Argo CD as in a reader's eye: its presence is a limit.
        if spec.get(limit).is_some() {
            spec.error(limit, "cannot be enforced yet, so that its Applications are blocked");
        }
    }
    spec.finish();
    root.finish();
    let project = Project { name: name.into() };
    log.conclude(Some(project))
}

fn limit_sources(spec: &mut Fields<'_>) {
    let present = spec.get("sources").is_some();
    if present && spec.texts("sources") != ["*"] {
        spec.error("sources", "cannot be enforced yet, so that its Applications are blocked");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::default_project;
    use lockstep_core::from_json;

    fn refusals(spec: &str) -> Vec<String> {
        let json = format!(
            r#"{{"apiVersion":"lockstep.dev/v1alpha1","kind":"Project","metadata":{{"name":"p"}},"spec":{spec}}}"#
        );
        let (project, findings) = project(&from_json(json.as_bytes()).unwrap());
        assert_eq!(project.is_some(), findings.is_empty());
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_project_default_allows_everything() {
        assert_eq!(project(&default_project()), (Some(Project { name: "default".into() }), vec![]));
    }

    #[test]
    fn a_limit_blocks_also_an_empty_one() {
        for (spec, field) in [
            ("{}", None),
            (r#"{"description":"x"}"#, None),
            (r#"{"sources":["*"]}"#, None),
            (r#"{"sources":["https://h/*"]}"#, Some("spec.sources")),
            (r#"{"sources":[]}"#, Some("spec.sources")),
            (r#"{"destinations":[]}"#, Some("spec.destinations")),
            (r#"{"kinds":{}}"#, Some("spec.kinds")),
            (r#"{"roles":[{"name":"x"}]}"#, Some("spec.roles")),
            (r#"{"windows":[]}"#, Some("spec.windows")),
            (r#"{"identities":[]}"#, Some("spec.identities")),
            (r#"{"orphans":{}}"#, Some("spec.orphans")),
            (r#"{"signatures":{}}"#, Some("spec.signatures")),
            (r#"{"source":[]}"#, Some("spec.source")),
        ] {
            let found = refusals(spec);
            assert_eq!(found.len(), usize::from(field.is_some()), "{spec} {found:?}");
            assert!(
                field.is_none_or(|field| found[0].starts_with(&format!("{field}: "))),
                "{spec} {found:?}"
            );
        }
    }

    #[test]
    fn every_limit_of_the_schema_is_known_here() {
        let definition = crate::project_definition();
        let version = &definition.at(&["spec", "versions"]).and_then(Value::as_list).unwrap()[0];
        let spec = version.at(&["schema", "openAPIV3Schema", "properties", "spec", "properties"]).unwrap();
        for field in spec.as_map().unwrap().keys().filter(|field| &***field != "description") {
            let found = refusals(&format!(r#"{{"{field}":{{}}}}"#));
            assert!(!found.is_empty() && !found[0].contains("unknown field"), "{field} {found:?}");
        }
    }
}
