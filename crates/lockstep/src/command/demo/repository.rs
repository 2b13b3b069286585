//! The sample repository: bare, so that a clone can be pushed to it.

use std::fs;
use std::path::Path;

use anyhow::Context;
use gix::ObjectId;
use gix::actor::SignatureRef;
use gix::objs::Tree;
use gix::objs::tree::{Entry, EntryKind};
use lockstep_core::Timestamp;

/// The manifests, by name.
const FILES: &[(&str, &str)] = &[
    ("greeting.yaml", include_str!("../../../demo/greeting.yaml")),
    ("web.yaml", include_str!("../../../demo/web.yaml")),
];

/// Makes the repository, unless it is there.
pub(super) fn make(dir: &Path, now: Timestamp) -> anyhow::Result<()> {
    if dir.join("HEAD").exists() {
        return Ok(());
    }
    write(dir, now).with_context(|| format!("cannot make the repository {}", dir.display()))
}

fn write(dir: &Path, now: Timestamp) -> anyhow::Result<()> {
    fs::create_dir_all(dir)?;
    let repository = gix::init_bare(dir)?;
    let mut entries = Vec::new();
    for (name, text) in FILES {
        let oid = repository.write_blob(text)?.detach();
        entries.push(Entry { mode: EntryKind::Blob.into(), filename: (*name).into(), oid });
    }
    let apps = repository.write_object(Tree { entries })?.detach();
    let folder = Entry { mode: EntryKind::Tree.into(), filename: "app".into(), oid: apps };
    let tree = repository.write_object(Tree { entries: vec![folder] })?.detach();
    let time = format!("{} +0000", now.0);
    let author = SignatureRef { name: "Lockstep".into(), email: "demo@lockstep.dev".into(), time: &time };
    let parents: [ObjectId; 0] = [];
    repository.commit_as(author, author, "refs/heads/main", "Say hello", tree, parents)?;
    fs::write(dir.join("HEAD"), "ref: refs/heads/main\n")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_holds_the_manifests_on_main_and_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sample.git");
        make(&path, Timestamp(1_795_503_000)).unwrap();
        let repository = gix::open(&path).unwrap();
        let head = repository.head_id().unwrap();
        assert_eq!(repository.head_name().unwrap().unwrap().as_bstr(), "refs/heads/main");
        let tree = repository.find_commit(head).unwrap().tree().unwrap();
        for (name, text) in FILES {
            let path = format!("app/{name}");
            let entry = tree.lookup_entry_by_path(&path).unwrap().unwrap();
            assert_eq!(entry.object().unwrap().data, text.as_bytes());
        }
        make(&path, Timestamp(0)).unwrap();
        assert_eq!(gix::open(&path).unwrap().head_id().unwrap(), head);
    }

    #[test]
    fn the_manifests_render_without_a_word() {
        for (name, text) in FILES {
            let parsed = manifest::read(name, text.as_bytes(), &manifest::Limits::default());
            assert_eq!(parsed.findings, [], "{name}");
            assert!(!parsed.objects.is_empty(), "{name}");
        }
    }
}
