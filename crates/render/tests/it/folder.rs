//! Local folders.

use std::fs;
use std::os::unix::fs::symlink;

use lockstep_render::{EntryKind, FileError, Files, Folder};

fn rule(error: FileError) -> &'static str {
    match error {
        FileError::Refused { rule, .. } => rule,
        FileError::Unreadable(cause) => panic!("{cause}"),
    }
}

#[test]
fn a_folder_is_listed_and_links_inside_are_followed() {
    let outside = tempfile::tempdir().unwrap();
    let root = outside.path().join("repo");
    fs::create_dir_all(root.join("apps/sub")).unwrap();
    fs::create_dir_all(root.join(".git")).unwrap();
    fs::write(root.join("shared.yaml"), "shared").unwrap();
    fs::write(outside.path().join("secret.yaml"), "secret").unwrap();
    fs::write(root.join("apps/lfs.yaml"), "version https://git-lfs.github.com/spec/v1\noid x\n").unwrap();
    symlink("../shared.yaml", root.join("apps/in.yaml")).unwrap();
    symlink("../../secret.yaml", root.join("apps/out.yaml")).unwrap();
    symlink("nowhere", root.join("apps/broken.yaml")).unwrap();
    symlink("sub", root.join("apps/dir.yaml")).unwrap();
    let folder = Folder::open(&root.join("apps")).unwrap();

    let mut entries = folder.list("").unwrap().unwrap();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let kinds: Vec<(&str, EntryKind)> = entries.iter().map(|entry| (&*entry.name, entry.kind)).collect();
    assert_eq!(kinds[0], ("broken.yaml", EntryKind::Link));
    assert!(kinds.contains(&("lfs.yaml", EntryKind::File)) && kinds.contains(&("sub", EntryKind::Directory)));

    assert_eq!(folder.read("in.yaml", 100).unwrap().as_deref(), Some(&b"shared"[..]));
    assert_eq!(folder.read("broken.yaml", 100).unwrap(), None);
    assert_eq!(folder.read("dir.yaml", 100).unwrap(), None);
    assert_eq!(rule(folder.read("out.yaml", 100).unwrap_err()), "path-escape");
    assert_eq!(rule(folder.read("../../secret.yaml", 100).unwrap_err()), "path-escape");
    assert_eq!(rule(folder.read("lfs.yaml", 100).unwrap_err()), "git-lfs");
    assert_eq!(rule(folder.read("in.yaml", 5).unwrap_err()), "too-large");
    assert!(folder.list("nowhere").unwrap().is_none());
    assert!(folder.list("lfs.yaml").unwrap().is_none());
    let top = Folder::open(&root).unwrap().list("").unwrap().unwrap();
    assert!(top.iter().all(|entry| &*entry.name != ".git"));
}

#[test]
fn a_circle_of_links_is_a_finding_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    symlink("circle.yaml", root.path().join("circle.yaml")).unwrap();
    let folder = Folder::open(root.path()).unwrap();
    assert_eq!(rule(folder.read("circle.yaml", 100).unwrap_err()), "unreadable");
}

#[test]
fn a_single_file_is_a_folder_that_shows_only_it() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a.yaml"), "a").unwrap();
    fs::write(root.path().join("b.yaml"), "b").unwrap();
    let folder = Folder::open(&root.path().join("a.yaml")).unwrap();
    let names: Vec<String> = folder.list("").unwrap().unwrap().iter().map(|e| e.name.to_string()).collect();
    assert_eq!(names, ["a.yaml"]);
    assert!(Folder::open(&root.path().join("none")).is_err());
}
