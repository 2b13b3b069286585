//! What `cargo metadata` says, as far as the rules need it.
use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::rest::text;
use crate::workspace::Workspace;

/// The workspace and everything that it resolves to.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    pub(super) packages: Vec<Package>,
}

/// One package of the resolved graph.
#[derive(Debug, Clone, Default)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    /// An SPDX expression, or empty.
    pub(super) licence: String,
    /// Relative to the root for a member of the workspace, else `None`.
    pub(super) member: Option<Member>,
    /// The features that the graph turns on.
    pub(super) features: Vec<String>,
}

/// A package of ours.
#[derive(Debug, Clone, Default)]
pub(super) struct Member {
    pub(super) manifest: String,
    pub(super) manifest_text: String,
    /// Direct dependencies that the product is built from: no dev- and no build-dependencies.
    pub(super) dependencies: Vec<String>,
}

impl Member {
    /// The line of the manifest that names a dependency; 0 where none does.
    pub(super) fn line_of(&self, dependency: &str) -> usize {
        let short = dependency.strip_prefix("lockstep-").unwrap_or(dependency);
        let names = |line: &str| {
            let key = line.split(['.', '=', ' ']).next().unwrap_or_default();
            key == dependency || key == short
        };
        self.manifest_text.lines().position(names).map_or(0, |index| index + 1)
    }
}

impl Package {
    /// The room's name as the edges table writes it.
    pub(super) fn room(&self) -> &str {
        self.name.strip_prefix("lockstep-").unwrap_or(&self.name)
    }
}

impl Metadata {
    pub(super) fn load(workspace: &Workspace) -> Result<Self> {
        let output =
            workspace.cargo(&["metadata", "--format-version", "1"]).output().context("cargo metadata")?;
        ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        let root = workspace.root().to_string_lossy().into_owned();
        let mut metadata = Self::parse(&serde_json::from_slice(&output.stdout)?, &root);
        for member in metadata.packages.iter_mut().filter_map(|package| package.member.as_mut()) {
            member.manifest_text = std::fs::read_to_string(workspace.path(&member.manifest))?;
        }
        Ok(metadata)
    }

    fn parse(document: &Value, root: &str) -> Self {
        let members: Vec<&str> = array(document, "/workspace_members").filter_map(Value::as_str).collect();
        let features: BTreeMap<&str, Vec<String>> = array(document, "/resolve/nodes")
            .map(|node| (text(node, "/id"), array(node, "/features").filter_map(owned).collect()))
            .collect();
        let package = |package: &Value| {
            let id = text(package, "/id");
            let manifest = text(package, "/manifest_path");
            let member = members.contains(&id).then(|| Member {
                manifest: manifest.strip_prefix(root).unwrap_or(manifest).trim_start_matches('/').to_owned(),
                manifest_text: String::new(),
                dependencies: array(package, "/dependencies")
                    .filter(|dependency| dependency["kind"].is_null())
                    .filter_map(|dependency| owned(&dependency["name"]))
                    .collect(),
            });
            Package {
                name: text(package, "/name").to_owned(),
                version: text(package, "/version").to_owned(),
                licence: text(package, "/license").to_owned(),
                member,
                features: features.get(id).cloned().unwrap_or_default(),
            }
        };
        Self { packages: array(document, "/packages").map(package).collect() }
    }

    /// Our own packages.
    pub(super) fn members(&self) -> impl Iterator<Item = (&Package, &Member)> {
        self.packages.iter().filter_map(|package| Some((package, package.member.as_ref()?)))
    }
}

fn array<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn owned(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_dependencies_and_features_are_told_apart() {
        let metadata = Metadata::parse(
            &json!({
                "workspace_members": ["a"],
                "packages": [
                    {"id": "a", "name": "lockstep-a", "version": "1", "license": "Apache-2.0",
                     "manifest_path": "/r/crates/a/Cargo.toml",
                     "dependencies": [{"name": "x", "kind": null}, {"name": "y", "kind": "dev"}]},
                    {"id": "x", "name": "x", "version": "2", "license": null, "manifest_path": "/else/Cargo.toml",
                     "dependencies": []},
                ],
                "resolve": {"nodes": [{"id": "x", "features": ["std"]}]},
            }),
            "/r",
        );
        let (package, member) = metadata.members().next().expect("one member");
        assert_eq!((package.room(), member.manifest.as_str()), ("a", "crates/a/Cargo.toml"));
        assert_eq!(member.dependencies, ["x"]);
        assert_eq!(metadata.packages[1].features, ["std"]);
        assert!(metadata.packages[1].member.is_none());
    }

    #[test]
    fn a_dependency_is_found_by_either_name() {
        let text = "[dependencies]\nlockstep-core.workspace = true\nschema.workspace = true\n";
        let member = Member { manifest_text: text.into(), ..Member::default() };
        assert_eq!(member.line_of("lockstep-core"), 2);
        assert_eq!(member.line_of("lockstep-schema"), 3);
        assert_eq!(member.line_of("kube"), 0);
    }
}
