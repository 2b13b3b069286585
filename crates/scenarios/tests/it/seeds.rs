//! Schedules that seeds make up: whatever goes wrong on the way, the end is what Git wants.

/// As many as the plain run has time for; `cargo xtask scenarios` plays more.
const SEEDS: u64 = 2_000;

#[test]
fn seeds_end_as_git_wants() {
    let failures = scenarios::run_seeds(0, SEEDS, &|_| {});
    let first = failures.iter().min_by_key(|failed| failed.seed);
    if let Some(first) = first {
        let offences = first.offences.join("\n");
        panic!(
            "{} of {SEEDS} seeds fail, seed {} first:\n{offences}\n{}",
            failures.len(),
            first.seed,
            first.script
        );
    }
}
