//! Courses that seeds make up: each hook runs once a plan, and waves keep their order, whatever goes wrong.

/// As many as the plain run has time for.
const SEEDS: u64 = if cfg!(debug_assertions) { 25 } else { 1_000 };

#[test]
fn courses_keep_their_order_and_no_hook_runs_twice() {
    let failures = scenarios::run_courses(0, SEEDS, &|_| {});
    if let Some(first) = failures.iter().min_by_key(|failed| failed.seed) {
        let offences = first.offences.join("\n");
        panic!("{} of {SEEDS} fail, {} first:\n{offences}\n{}", failures.len(), first.seed, first.script);
    }
}
