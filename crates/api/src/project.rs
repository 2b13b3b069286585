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
