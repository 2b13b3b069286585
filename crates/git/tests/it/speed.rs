//! A repository of 1,000 applications: bounds far above what is measured, so that only a change of order fails.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::{Bench, RevisionSpec, fetch};

const APPS: usize = 1000;

/// A commit of 1,000 directories with four files each.
fn fill(bench: &Bench) {
    let mut input = String::from("commit refs/heads/main\ncommitter B <b@x> 1600000000 +0000\ndata 1\nx\n");
    for app in 0..APPS {
        for kind in ["account", "configmap", "deployment", "service"] {
            let content =
                format!("kind: {kind}\nmetadata:\n  name: app-{app:04}\n{}", "# padding\n".repeat(30));
            let length = content.len();
            let _ = writeln!(input, "M 100644 inline apps/{app:04}/{kind}.yaml\ndata {length}\n{content}");
        }
    }
    bench.repo.import(&input);
    bench.repo.git(&["reset", "--quiet", "--hard"]);
}

fn timed<T>(what: &str, limit: Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let taken = start.elapsed();
    println!("{what}: {taken:.1?}");
    assert!(taken < limit, "{what} took {taken:.1?}");
    result
}

#[test]
fn a_thousand_applications() {
    let bench = Bench::new();
    fill(&bench);
    let snapshot = timed("first fetch", Duration::from_secs(60), || bench.snapshot("main"));
    timed("1,000 subtree ids", Duration::from_secs(1), || {
        (0..APPS).for_each(|app| assert!(snapshot.entry(&format!("apps/{app:04}")).unwrap().is_some()));
    });
    timed("4,000 files", Duration::from_secs(20), || {
        for app in 0..APPS {
            let directory = format!("apps/{app:04}");
            for file in snapshot.walk(&directory, 10).unwrap().unwrap() {
                assert!(snapshot.content(&file.path, file.id, 10_000).unwrap().len() > 300);
            }
        }
    });
    timed("20 fetches of nothing", Duration::from_secs(30), || {
        (0..20).for_each(|_| assert!(fetch(&bench.mirror, &["main"]).unwrap().changed.is_empty()));
    });
    bench.repo.commit("apps/0500/configmap.yaml", "changed");
    let changed = timed("fetch of one line", Duration::from_secs(10), || bench.snapshot("main"));
    timed("1,000 comparisons", Duration::from_secs(1), || {
        let id = |snapshot: &lockstep_git::Snapshot, app| snapshot.entry(&format!("apps/{app:04}")).unwrap();
        let touched: Vec<usize> = (0..APPS).filter(|app| id(&snapshot, *app) != id(&changed, *app)).collect();
        assert_eq!(touched, [500]);
    });
    let specs: Vec<RevisionSpec> = (0..APPS).map(|n| RevisionSpec::new(&format!("branch-{n}"))).collect();
    let names: Vec<&str> = specs.iter().map(RevisionSpec::as_str).collect();
    timed("1,000 revisions that do not exist", Duration::from_secs(5), || {
        assert!(fetch(&bench.mirror, &names).unwrap().changed.is_empty());
    });
}
