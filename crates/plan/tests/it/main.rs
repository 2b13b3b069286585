//! Scenarios in a few words, and what plan makes of them.
#![allow(clippy::unwrap_used, reason = "a scenario that cannot be set up is a failed test")]

mod deleting;
mod farewell;
mod generated;
mod hooks;
mod lookups;
mod memo;
mod messages;
mod objects;
mod ownership;
mod policy;
mod pruning;
mod retrying;
mod runs;
mod scale;
mod syncing;
mod text;
mod treatment;
mod waves;
mod world;

use world::World;

/// Plays a scenario and compares the state, the report and the steps. What is remembered must not change them.
#[track_caller]
fn check(scenario: &str, expected: &str) {
    let mut world = World::play(scenario);
    compare(&world.plan(), expected);
    compare(&world.plan(), expected);
}

/// The same for the deletion of the Application.
#[track_caller]
fn check_deletion(scenario: &str, expected: &str) {
    compare(&World::play(scenario).delete(), expected);
}

#[track_caller]
fn compare(actual: &str, expected: &str) {
    let trimmed = |text: &str| text.trim().lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let (actual, expected) = (trimmed(actual), trimmed(expected));
    assert!(actual == expected, "--- expected\n{expected}\n--- actual\n{actual}\n");
}
