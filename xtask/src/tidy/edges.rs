//! Who may know whom: the `edges` table of ARCHITECTURE.md against the manifests.
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use super::Finding;
use super::metadata::Metadata;
use crate::workspace::Workspace;

const DOCUMENT: &str = "ARCHITECTURE.md";
/// Not a room of the product: nothing but tests may know it.
const TOOL: &str = "xtask";

pub(super) fn check(workspace: &Workspace, metadata: &Metadata) -> Result<Vec<Finding>> {
    let text = std::fs::read_to_string(workspace.path(DOCUMENT)).context(DOCUMENT)?;
    let (table, mut findings) = Table::parse(&text);
    findings.extend(table.compare(metadata));
    findings.extend(metadata.members().filter(|(_, member)| !takes_lints(&member.manifest_text)).map(
        |(_, member)| {
            Finding::new(
                &member.manifest,
                0,
                "does not take the workspace's lints: `[lints] workspace = true`",
            )
        },
    ));
    Ok(findings)
}

fn takes_lints(manifest: &str) -> bool {
    let mut section = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    section.next() == Some("workspace = true")
}

/// The allowed edges, each room with the line that it stands on.
#[derive(Debug, Default)]
struct Table {
    rooms: BTreeMap<String, (usize, BTreeSet<String>)>,
}

impl Table {
    /// Reads the fenced block that starts with "```edges". An edge may only go to a room of an earlier line,
    /// so that the table can hold no circle.
    fn parse(document: &str) -> (Self, Vec<Finding>) {
        let (mut table, mut findings) = (Self::default(), Vec::new());
        let block = document
            .lines()
            .enumerate()
            .skip_while(|(_, line)| line.trim() != "```edges")
            .skip(1)
            .take_while(|(_, line)| line.trim() != "```")
            .filter(|(_, line)| !line.trim().is_empty());
        for (index, line) in block {
            let number = index + 1;
            let Some((room, allowed)) = line.split_once(':') else {
                findings.push(Finding::new(DOCUMENT, number, "is not `crate: dependency dependency …`"));
                continue;
            };
            let allowed: BTreeSet<String> = allowed.split_whitespace().map(str::to_owned).collect();
            for unknown in allowed.iter().filter(|known| !table.rooms.contains_key(*known)) {
                let message =
                    format!("{room} -> {unknown} does not go downwards: no earlier line declares {unknown}");
                findings.push(Finding::new(DOCUMENT, number, message));
            }
            table.rooms.insert(room.trim().to_owned(), (number, allowed));
        }
        if table.rooms.is_empty() {
            findings.push(Finding::new(DOCUMENT, 0, "has no ```edges block"));
        }
        (table, findings)
    }

    fn compare(&self, metadata: &Metadata) -> Vec<Finding> {
        let mut findings = Vec::new();
        let members: BTreeSet<&str> = metadata.members().map(|(package, _)| package.name.as_str()).collect();
        for (package, member) in metadata.members().filter(|(package, _)| package.room() != TOOL) {
            let Some((line, allowed)) = self.rooms.get(package.room()) else {
                let message = format!("{} is missing from the edges of {DOCUMENT}", package.room());
                findings.push(Finding::new(&member.manifest, 0, message));
                continue;
            };
            let mut used = BTreeSet::new();
            for dependency in member.dependencies.iter().filter(|name| members.contains(name.as_str())) {
                let room = dependency.strip_prefix("lockstep-").unwrap_or(dependency);
                used.insert(room);
                if !allowed.contains(room) {
                    let message = format!("{} -> {room} is no edge of {DOCUMENT}", package.room());
                    findings.push(Finding::new(&member.manifest, member.line_of(dependency), message));
                }
            }
            // An edge that nobody needs would let the next one in unargued.
            let unused = allowed.iter().filter(|room| !used.contains(room.as_str()));
            findings.extend(unused.map(|room| {
                Finding::new(DOCUMENT, *line, format!("{} -> {room} is used by nothing", package.room()))
            }));
        }
        let rooms: BTreeSet<&str> = metadata.members().map(|(package, _)| package.room()).collect();
        let gone = self.rooms.iter().filter(|(room, _)| !rooms.contains(room.as_str()));
        findings.extend(
            gone.map(|(room, (line, _))| Finding::new(DOCUMENT, *line, format!("there is no crate {room}"))),
        );
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::metadata::{Member, Package};

    fn package(name: &str, dependencies: &[&str]) -> Package {
        let member = Member {
            manifest: format!("crates/{name}/Cargo.toml"),
            manifest_text: dependencies.iter().map(|d| format!("{d}.workspace = true\n")).collect(),
            dependencies: dependencies.iter().map(|d| (*d).to_owned()).collect(),
        };
        Package { name: name.into(), member: Some(member), ..Package::default() }
    }

    fn check(document: &str, packages: Vec<Package>, want: &[&str]) {
        let (table, mut findings) = Table::parse(document);
        findings.extend(table.compare(&Metadata { packages }));
        let got: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(got, want, "{document}");
    }

    #[test]
    fn lints_are_taken_or_not() {
        assert!(takes_lints("[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"));
        assert!(!takes_lints("[package]\nname = \"a\"\n"));
    }

    #[test]
    fn every_edge_is_declared_and_goes_downwards() {
        let plan = || package("lockstep-plan", &["lockstep-core", "serde"]);
        let core = || package("lockstep-core", &[]);
        check(
            "```edges\ncore:\nplan: core\n```\n",
            vec![core(), plan(), package("xtask", &["lockstep-core"])],
            &[],
        );
        check(
            "```edges\ncore:\nplan:\n```\n",
            vec![core(), plan()],
            &["crates/lockstep-plan/Cargo.toml:1: plan -> core is no edge of ARCHITECTURE.md"],
        );
        check(
            "```edges\ncore:\nold: core\nplan: core old\n```\n",
            vec![core(), package("lockstep-old", &["lockstep-core"]), plan()],
            &["ARCHITECTURE.md:4: plan -> old is used by nothing"],
        );
        check(
            "```edges\nplan: core\ncore:\n```\n",
            vec![core(), plan()],
            &["ARCHITECTURE.md:2: plan -> core does not go downwards: no earlier line declares core"],
        );
        check(
            "```edges\ncore:\nold:\n```\n",
            vec![core(), plan()],
            &[
                "crates/lockstep-plan/Cargo.toml: plan is missing from the edges of ARCHITECTURE.md",
                "ARCHITECTURE.md:3: there is no crate old",
            ],
        );
        check("nothing", vec![], &["ARCHITECTURE.md: has no ```edges block"]);
    }
}
