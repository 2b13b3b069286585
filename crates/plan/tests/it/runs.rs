//! Syncs that fail, take too long, are ended by a user or superseded; hooks that are made again, or run for each revision.

use lockstep_core::*;

use crate::objects::key_of;
use crate::world::World;

impl World {
    fn failure(&self) -> &str {
        self.run.as_ref().and_then(|run| run.failure.as_deref()).unwrap_or_default()
    }

    pub(crate) fn is_live(&self, object: &str) -> bool {
        self.live.contains_key(&key_of(object))
    }

    fn conditions(&mut self, object: &str, json: &str) {
        let live = self.live.get_mut(&key_of(object)).unwrap();
        live.value.set(&["status", "conditions"], from_json(json.as_bytes()).unwrap());
    }
}

const SORRY: &str = "git ConfigMap/sorry x=1 @hook=SyncFail";

#[test]
fn a_wave_that_fails_names_its_object_its_reason_and_since_when_and_ends_the_sync() {
    let mut world = World::play(&format!(
        "{SORRY}
         git Deployment/web image=1
         git ConfigMap/late x=1 @wave=1"
    ));
    (0..2).for_each(|_| world.work());
    world.conditions(
        "Deployment/web",
        r#"[{"type":"Progressing","lastTransitionTime":"2026-11-24T06:50:00Z"}]"#,
    );
    world.fares("Deployment/web", HealthState::Degraded, "crashes");
    world.work();
    let named = "waits for wave 0: Deployment/web is Degraded (crashes) since 2026-11-24T06:50:00Z";
    assert_eq!((world.stage(), world.failure()), ("Failing", named));
    (0..3).for_each(|_| world.work());
    assert_eq!((world.stage(), world.failure()), ("Failed", named));
    assert!(world.is_live("ConfigMap/sorry") && !world.is_live("ConfigMap/late"));
    // What was done, and what was not, object by object.
    world.expect(&format!(
        "OutOfSync SyncFailed
         ConfigMap/late: waits for another sync: {named}; would create it
         Deployment/web: in sync"
    ));
}

#[test]
fn only_what_is_left_is_done_again() {
    let mut world = World::play(&format!(
        "{SORRY}
         git ConfigMap/before x=1 @hook=PreSync
         git ConfigMap/a x=1
         git ConfigMap/b x=1 @wave=1
         git ConfigMap/after x=1 @hook=PostSync"
    ));
    world.fares("ConfigMap/after", HealthState::Degraded, "exit code 1");
    (0..14).for_each(|_| world.work());
    assert_eq!(world.stage(), "Failed");
    let before = world.live.clone();
    world.fares("ConfigMap/after", HealthState::Healthy, "");
    world.act("wait 6");
    (0..6).for_each(|_| world.work());
    assert_eq!(world.stage(), "Succeeded");
    for name in ["before", "a", "b"] {
        let key = key_of(&format!("ConfigMap/{name}"));
        assert_eq!(
            world.live[&key].resource_version, before[&key].resource_version,
            "{name} is not written again"
        );
    }
}

#[test]
fn retries_pause_longer_each_time_until_they_are_used_up() {
    let mut world =
        World::play(&format!("{SORRY}\ngit ConfigMap/before x=1 @hook=PreSync\ngit ConfigMap/a x=1"));
    world.app.sync.retry.limit = Some(2);
    world.fares("ConfigMap/before", HealthState::Degraded, "exit code 1");
    let mut attempts = Vec::new();
    for _ in 0..120 {
        world.work();
        let run = world.run.clone().unwrap();
        if run.stage == RunStage::Failed && attempts.last() != Some(&(run.attempt, run.ended)) {
            attempts.push((run.attempt, run.ended));
        }
        world.act("wait 1");
    }
    let times: Vec<i64> = attempts.iter().filter_map(|(_, ended)| Some(ended.as_ref()?.0)).collect();
    let pauses: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(attempts.len(), 3, "{attempts:?}");
    assert!(pauses[0] >= 5 && pauses[1] >= 10 && pauses[1] > pauses[0], "{pauses:?}");
    // A user asks.
    world.act("ask");
    world.work();
    assert_eq!(world.run.as_ref().map(|run| (run.attempt, run.stage)), Some((1, RunStage::Running)));
}

#[test]
fn a_sync_that_takes_too_long_fails() {
    let mut world = World::play(
        "policy timeout=60
         git Deployment/web image=1
         git ConfigMap/late x=1 @wave=1",
    );
    world.fares("Deployment/web", HealthState::Progressing, "0 of 1");
    (0..3).for_each(|_| world.work());
    assert_eq!(world.stage(), "Running");
    assert_eq!(world.decide().1.wake, Some(world.now.after(std::time::Duration::from_secs(60))));
    world.act("wait 60");
    (0..2).for_each(|_| world.work());
    assert_eq!(world.stage(), "Failed");
    assert_eq!(
        world.failure(),
        "it took longer than 60 s: waits for wave 0: Deployment/web is Progressing (0 of 1)"
    );
    assert!(!world.is_live("ConfigMap/late"));
    // In time.
    world.act("regit ConfigMap/late x=2 @wave=1");
    world.work();
    world.fares("Deployment/web", HealthState::Healthy, "");
    (0..4).for_each(|_| world.work());
    assert_eq!(world.stage(), "Succeeded");
    assert!(world.is_live("ConfigMap/late"));
}

#[test]
fn a_hook_that_takes_longer_than_the_sync_may_fails_with_it() {
    let mut world =
        World::play("policy timeout=60\ngit ConfigMap/before x=1 @hook=PreSync\ngit ConfigMap/a x=1");
    world.fares("ConfigMap/before", HealthState::Progressing, "0 of 1");
    (0..3).for_each(|_| world.work());
    world.act("wait 60");
    (0..2).for_each(|_| world.work());
    assert_eq!(world.stage(), "Failed");
    assert_eq!(
        world.failure(),
        "it took longer than 60 s: waits for hook ConfigMap/before of PreSync: runs, 0 of 1"
    );
}

#[test]
fn a_hook_is_made_again_as_often_as_it_says() {
    let mut world =
        World::play("git ConfigMap/before x=1 @hook=PreSync @hook-retries=2\ngit ConfigMap/a x=1");
    world.fares("ConfigMap/before", HealthState::Degraded, "exit code 1");
    let mut made = 0;
    for _ in 0..20 {
        let before = world.is_live("ConfigMap/before");
        world.work();
        made += usize::from(!before && world.is_live("ConfigMap/before"));
    }
    assert_eq!((made, world.stage()), (3, "Failed"));
    // The second time is good.
    let mut world =
        World::play("git ConfigMap/before x=1 @hook=PreSync @hook-retries=2\ngit ConfigMap/a x=1");
    world.fares("ConfigMap/before", HealthState::Degraded, "exit code 1");
    (0..4).for_each(|_| world.work());
    let again = HookEnd::Again { failures: 1, why: "exit code 1".into() };
    assert_eq!(world.run.as_ref().unwrap().hooks.values().collect::<Vec<_>>(), [&again]);
    world.fares("ConfigMap/before", HealthState::Healthy, "");
    (0..8).for_each(|_| world.work());
    assert_eq!(world.stage(), "Succeeded");
}

#[test]
fn hooks_that_run_always_run_once_a_revision_also_where_nothing_changes() {
    let mut world = World::play(
        "git ConfigMap/each x=1 @hook=PostSync @hook-on=always
         git ConfigMap/before x=1 @hook=PreSync
         git ConfigMap/a x=1",
    );
    (0..9).for_each(|_| world.work());
    let number = |world: &World| world.run.as_ref().map_or(0, |run| run.number);
    assert_eq!((world.stage(), number(&world)), ("Succeeded", 1));
    world.expect("Synced Synced\nConfigMap/a: in sync");
    // A revision that changes nothing.
    let uid = world.live[&key_of("ConfigMap/before")].resource_version.clone();
    world.act("revision b");
    world.work();
    assert_eq!(
        world.run.as_ref().map(|run| (run.scope, run.stage)),
        Some((RunScope::Always, RunStage::Running))
    );
    (0..6).for_each(|_| world.work());
    assert_eq!((world.stage(), number(&world)), ("Succeeded", 2));
    assert_eq!(world.live[&key_of("ConfigMap/before")].resource_version, uid, "only those that run always");
    world.expect("Synced Synced\nConfigMap/a: in sync");
    // One that changes something runs them all, in one sync.
    world.act("revision c");
    world.act("regit ConfigMap/a x=2");
    (0..12).for_each(|_| world.work());
    assert_eq!((world.stage(), number(&world)), ("Succeeded", 3));
    assert_ne!(world.live[&key_of("ConfigMap/before")].resource_version, uid);
    // Where nobody asked, nothing runs.
    world.act("policy manual");
    world.act("revision d");
    world.expect("Synced Synced\nConfigMap/a: in sync");
}

#[test]
fn an_aborted_sync_is_not_taken_up_until_there_is_something_newer() {
    let scenario = "git ConfigMap/before x=1 @hook=PreSync
         git ConfigMap/a x=1";
    let mut world = World::play(scenario);
    world.fares("ConfigMap/before", HealthState::Progressing, "0 of 1");
    (0..3).for_each(|_| world.work());
    world.act("abort");
    world.work();
    world.act("unabort");
    assert_eq!(world.stage(), "Aborted");
    world.work();
    assert!(!world.is_live("ConfigMap/before"), "a hook that was under way is deleted");
    world.act("wait 600");
    (0..3).for_each(|_| world.work());
    world.expect(
        "OutOfSync SyncFailed
         ConfigMap/a: waits for another sync: it was aborted; a newer revision or `lockstep app sync` starts afresh; would create it",
    );
    for news in ["ask", "revision b", "regit ConfigMap/a x=2"] {
        let mut world = World::play(scenario);
        world.act("abort");
        world.work();
        world.act("unabort");
        assert_eq!(world.stage(), "Aborted");
        world.act(news);
        (0..6).for_each(|_| world.work());
        assert!(world.is_live("ConfigMap/a"), "{news}");
        assert_eq!(world.stage(), "Succeeded", "{news}");
    }
}

#[test]
fn waves_without_hooks_are_aborted_too() {
    let mut world = World::play(
        "git Deployment/web image=1
         git ConfigMap/late x=1 @wave=1",
    );
    world.fares("Deployment/web", HealthState::Progressing, "");
    world.work();
    world.act("abort");
    world.work();
    world.act("unabort");
    world.fares("Deployment/web", HealthState::Healthy, "");
    (0..3).for_each(|_| world.work());
    assert!(!world.is_live("ConfigMap/late"));
    world.act("ask");
    (0..3).for_each(|_| world.work());
    assert!(world.is_live("ConfigMap/late"));
    // With nothing under way there is nothing to abort.
    world.act("unask");
    world.act("abort");
    let run = world.run.clone();
    world.work();
    assert_eq!(world.run, run);
}

/// What a hook that Git has no more is doing, and what becomes of it: it goes, finishes first, or stays.
fn check_dropped(policy: &str, state: HealthState, goes: bool) {
    let mut world = World::play(&format!(
        "policy no-prune
         git ConfigMap/before x=1 @hook=PreSync @hook-delete={policy}
         git ConfigMap/a x=1"
    ));
    world.fares("ConfigMap/before", HealthState::Progressing, "");
    (0..3).for_each(|_| world.work());
    world.act("ungit ConfigMap/before");
    world.act("regit ConfigMap/a x=2");
    world.fares("ConfigMap/before", state, "");
    (0..4).for_each(|_| world.work());
    assert_eq!(world.is_live("ConfigMap/before"), !goes, "{policy} {state}");
    assert!(world.is_live("ConfigMap/a"), "nothing waits for it: {policy} {state}");
}

#[test]
fn hooks_of_a_superseded_sync_finish_or_go_as_they_say() {
    check_dropped("before-creation", HealthState::Progressing, true);
    check_dropped("succeeded", HealthState::Progressing, false);
    check_dropped("succeeded", HealthState::Healthy, true);
    check_dropped("failed", HealthState::Progressing, false);
    check_dropped("failed", HealthState::Degraded, true);
    check_dropped("never", HealthState::Progressing, false);
    check_dropped("never", HealthState::Healthy, false);
}

/// What is left of a hook after a sync, by its policy and its end.
fn check_policy(policy: &str, end: HealthState, stays: bool) {
    let mut world = World::play(&format!(
        "git ConfigMap/before x=1 @hook=PreSync @hook-delete={policy}
         git ConfigMap/a x=1"
    ));
    world.app.sync.retry.limit = Some(0);
    world.fares("ConfigMap/before", end, "");
    (0..9).for_each(|_| world.work());
    assert_eq!(world.is_live("ConfigMap/before"), stays, "{policy} {end}");
}

#[test]
fn what_a_hook_leaves_stays_or_goes_as_it_says() {
    use HealthState::{Degraded, Healthy};
    for (policy, good, bad) in [
        ("before-creation", true, true),
        ("succeeded", false, true),
        ("failed", true, false),
        ("succeeded,failed", false, false),
        ("never", true, true),
    ] {
        check_policy(policy, Healthy, good);
        check_policy(policy, Degraded, bad);
    }
}
