//! Many seeds.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use parking_lot::Mutex;

use crate::laws::{Restarted, judge};
use crate::schedule::{calmed, schedule};

/// A seed after which something does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The seed.
    pub seed: u64,
    /// Its schedule: the text of a scenario.
    pub script: String,
    /// What does not hold.
    pub offences: Vec<String>,
}

/// Of so many seeds one is also played without anything going wrong: that is another half of what a seed takes, and what must hold
/// at the end of each says most of it already.
const COMPARED: u64 = 2;

/// Plays the schedule of a seed; and, for every second seed, the same without anything going wrong.
///
/// # Errors
/// When a law is broken, or the two do not end the same.
fn run_seed(seed: u64) -> Result<(), Failed> {
    let script = schedule(seed);
    let failed = |offences| Failed { seed, script: script.clone(), offences };
    let (rough, offences) =
        judge(&script, seed, Restarted::Yes).map_err(|error| failed(vec![format!("{error:#}")]))?;
    if !offences.is_empty() {
        return Err(failed(offences));
    }
    if !seed.is_multiple_of(COMPARED) {
        return Ok(());
    }
    let (calm, offences) = judge(&calmed(&script), seed, Restarted::No)
        .map_err(|error| failed(vec![format!("calm: {error:#}")]))?;
    if !offences.is_empty() {
        return Err(failed(offences.into_iter().map(|offence| format!("calm: {offence}")).collect()));
    }
    let offences = differences(&rough, &calm);
    if offences.is_empty() { Ok(()) } else { Err(failed(offences)) }
}

fn differences(rough: &crate::laws::End, calm: &crate::laws::End) -> Vec<String> {
    let objects = calm.objects.iter().map(|(name, calm)| (name, calm, rough.objects.get(name)));
    let words = calm.words.iter().map(|(name, calm)| (name, calm, rough.words.get(name)));
    let both = objects.chain(words).filter(|(_, calm, rough)| Some(*calm) != *rough);
    let mut all: Vec<String> = both
        .map(|(name, calm, rough)| format!("{name} ends as {rough:?}, and without trouble as {calm:?}"))
        .collect();
    let more = rough.objects.keys().filter(|name| !calm.objects.contains_key(*name));
    all.extend(more.map(|name| format!("{name} is there only after trouble")));
    all
}

/// Plays `count` seeds from `from` on, on as many threads as there are processors. Calls `tell` for each that fails.
pub fn run_seeds(from: u64, count: u64, tell: &(dyn Fn(&Failed) + Sync)) -> Vec<Failed> {
    run_many(run_seed, from..from + count, tell)
}

/// The same for whatever is made of a seed.
pub(crate) fn run_many(
    run: fn(u64) -> Result<(), Failed>,
    seeds: Range<u64>,
    tell: &(dyn Fn(&Failed) + Sync),
) -> Vec<Failed> {
    let (next, failures) = (AtomicU64::new(seeds.start), Mutex::new(Vec::new()));
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let play = || {
        let each = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        for seed in each.take_while(|seed| *seed < seeds.end) {
            if let Err(failed) = run(seed) {
                tell(&failed);
                failures.lock().push(failed);
            }
        }
    };
    thread::scope(|scope| (0..threads).for_each(|_| _ = scope.spawn(play)));
    failures.into_inner()
}
