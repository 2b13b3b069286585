//! Mirrors that are broken, full, shared or alone.

use std::fs;
use std::path::PathBuf;

use lockstep_core::CommitId;
use lockstep_git::{Limits, RevisionSpec};

use crate::server::Rules;
use crate::{Bench, open, text};

fn files(bench: &Bench, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![bench.mirror.directory().unwrap().to_owned()];
    while let Some(directory) = todo.pop() {
        for file in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            match file.file_type().unwrap().is_dir() {
                true => todo.push(file.path()),
                false if file.path().to_str().unwrap().ends_with(ending) => found.push(file.path()),
                false => {}
            }
        }
    }
    found
}

#[test]
fn the_last_state_is_there_after_a_restart_with_the_repository_away() {
    let mut bench = Bench::new();
    let a = bench.repo.commit("file", "a");
    bench.snapshot("main");
    bench.server.set(Rules { fixed: Some((503, "text/html", "")), ..Rules::default() });
    bench.reopen();
    assert_eq!(bench.try_fetch(&["main"]).unwrap_err().class(), "Unavailable");
    let commit = bench.mirror.last_resolved(&RevisionSpec::new("main")).unwrap();
    assert_eq!(commit.id.as_str(), a);
    let snapshot = bench.mirror.snapshot(&commit.id).unwrap().unwrap();
    assert_eq!(text(&snapshot, "file").as_deref(), Some("a"));
    assert_eq!(bench.mirror.last_resolved(&RevisionSpec::new("other")), None);
    bench.server.set(Rules::default());
    bench.repo.commit("file", "b");
    assert_eq!(text(&bench.snapshot("main"), "file").as_deref(), Some("b"));
}

#[test]
fn packs_stay_few_and_old_snapshots_readable() {
    let mut bench = Bench::with(Limits { packs: 8, ..Limits::default() });
    bench.repo.commit("file", "0");
    let first = bench.snapshot("main");
    for n in 1..60 {
        bench.repo.commit("file", &n.to_string());
        assert_eq!(text(&bench.snapshot("main"), "file"), Some(n.to_string()));
        assert!(files(&bench, ".pack").len() <= 8 + 8, "two generations at most");
    }
    assert_eq!(text(&first, "file").as_deref(), Some("0"));
    drop(first);
    assert!(files(&bench, ".pack").len() <= 8);
    bench.reopen();
    assert_eq!(text(&bench.snapshot("main"), "file").as_deref(), Some("59"));
}

#[test]
fn a_mirror_that_grew_too_large_is_replaced() {
    let bench = Bench::with(Limits { growth: 20_000, ..Limits::default() });
    let noise = |seed: u64| -> String {
        (1_u64..1000).map(|n| format!("{:x}", (n * seed).wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect()
    };
    for n in 1..20 {
        bench.repo.commit("file", &noise(n));
        bench.snapshot("main");
        let bytes: u64 = files(&bench, ".pack").iter().map(|path| path.metadata().unwrap().len()).sum();
        assert!(bytes < 80_000, "{bytes}");
    }
}

#[test]
fn a_damaged_mirror_mends_itself() {
    for damage in ["truncate", "garbage", "remove"] {
        let mut bench = Bench::new();
        let a = bench.repo.commit("file", "a");
        bench.snapshot("main");
        for pack in files(&bench, ".pack") {
            let mut permissions = pack.metadata().unwrap().permissions();
            #[allow(clippy::permissions_set_readonly_false, reason = "the file is the test's own")]
            permissions.set_readonly(false);
            fs::set_permissions(&pack, permissions).unwrap();
            match damage {
                "truncate" => fs::File::options().write(true).open(&pack).unwrap().set_len(20).unwrap(),
                "garbage" => fs::write(&pack, vec![7; pack.metadata().unwrap().len() as usize]).unwrap(),
                _ => fs::remove_file(&pack).unwrap(),
            }
        }
        bench.reopen();
        // Whatever a reader meets, no fetch after it needs a hand.
        if let Ok(Some(snapshot)) = bench.mirror.snapshot(&CommitId::parse(&a).unwrap()) {
            assert!(snapshot.read("file", 100).is_err(), "{damage}");
        }
        assert_eq!(text(&bench.snapshot("main"), "file").as_deref(), Some("a"), "{damage}");
        bench.repo.commit("file", "b");
        assert_eq!(text(&bench.snapshot("main"), "file").as_deref(), Some("b"), "{damage}");
    }
}

#[test]
fn a_damaged_tree_is_met_while_reading_and_mended_by_the_next_fetch() {
    let bench = Bench::new();
    bench.repo.commit("dir/file", "a");
    let snapshot = bench.snapshot("main");
    for pack in files(&bench, ".pack") {
        fs::remove_file(&pack).unwrap();
        fs::remove_file(pack.with_extension("idx")).unwrap();
    }
    // What is mapped into memory stays readable; a mirror opened now sees the damage.
    assert_eq!(text(&snapshot, "dir/file").as_deref(), Some("a"));
    drop(snapshot);
    let mut bench = bench;
    bench.reopen();
    assert_eq!(text(&bench.snapshot("main"), "dir/file").as_deref(), Some("a"));
}

#[test]
fn a_fetch_killed_in_the_middle_leaves_a_usable_mirror() {
    let mut bench = Bench::new();
    bench.repo.commit("file", "a");
    for cut in [200, 300, 400] {
        bench.server.set(Rules { cut: Some(cut), ..Rules::default() });
        assert_eq!(bench.try_fetch(&["main"]).unwrap_err().class(), "Unavailable");
    }
    bench.server.set(Rules::default());
    bench.snapshot("main");
    bench.repo.commit("file", "b");
    bench.server.set(Rules { cut: Some(250), ..Rules::default() });
    assert_eq!(bench.try_fetch(&["main"]).unwrap_err().class(), "Unavailable");
    bench.server.set(Rules::default());
    // What a process leaves that dies without cleaning up.
    let packs = files(&bench, ".pack")[0].parent().unwrap().to_owned();
    for name in [".tmpAbC123", "pack-1234.pack", "pack-5678.idx", "pack-1234.keep"] {
        fs::write(packs.join(name), "garbage").unwrap();
    }
    fs::create_dir_all(bench.mirror.directory().unwrap().join("new-7/objects/pack")).unwrap();
    bench.reopen();
    assert_eq!(text(&bench.snapshot("main"), "file").as_deref(), Some("b"));
    assert!(files(&bench, ".tmpAbC123").is_empty() && files(&bench, "pack-1234.pack").is_empty());
    assert!(!bench.mirror.directory().unwrap().join("new-7").exists());
}

#[test]
fn a_directory_in_use_is_left_alone() {
    let bench = Bench::new();
    bench.repo.commit("file", "a");
    let other = open(&bench.server, bench.state.path(), &bench.limits);
    assert_ne!(other.directory(), bench.mirror.directory());
    assert_eq!(crate::resolve(&other, "main"), bench.resolve("main"));
}

#[test]
fn two_fetches_at_once() {
    let bench = Bench::new();
    let a = bench.repo.commit("file", "a");
    std::thread::scope(|scope| {
        let fetches: Vec<_> = (0..8).map(|_| scope.spawn(|| bench.resolve("main"))).collect();
        for fetch in fetches {
            assert_eq!(fetch.join().unwrap(), a);
        }
    });
    assert_eq!(files(&bench, ".pack").len(), 1);
}

#[test]
fn git_itself_finds_nothing_wrong_with_a_mirror() {
    let bench = Bench::new();
    for n in 0..5 {
        bench.repo.commit("dir/file", &n.to_string());
        bench.snapshot("main");
    }
    let generation = files(&bench, "HEAD")[0].parent().unwrap().to_str().unwrap().to_owned();
    bench.repo.git(&["--git-dir", &generation, "fsck", "--full", "--strict"]);
}
