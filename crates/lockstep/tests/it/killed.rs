//! Long syncs in waves with hooks, and a controller that is killed at any moment of them.
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::witness::{SHOP, is_part_of, killed};
use crate::harness::{annotated, scenario};
use crate::hooks::{GOOD, PRE_SYNC, job, until_run};

const WAVES: usize = 10;
const IN_A_WAVE: usize = 50;
/// How often the controller is killed, where nothing else is said.
const KILLS: u64 = 10;

/// More kills than the plain run has time for: `LOCKSTEP_TEST_KILLS=200`.
fn kills() -> u64 {
    std::env::var("LOCKSTEP_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS)
}

/// The objects of a wave: one file.
fn wave(wave: usize, value: u64) -> String {
    let one = |index| {
        let name = format!("w{wave}-{index}");
        annotated(&name, &value.to_string(), &format!("lockstep.dev/wave: '{wave}'"))
    };
    (0..IN_A_WAVE).map(one).collect::<Vec<_>>().join("---\n")
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// What was written in one sync, in the order in which it has to be: hooks by their name, objects by their wave.
fn expected() -> Vec<String> {
    let mut all = vec!["migrate".to_owned()];
    for wave in 0..WAVES {
        all.extend((0..IN_A_WAVE).map(|_| format!("w{wave}")));
        if wave == 4 {
            all.push("middle".to_owned());
        }
    }
    all.push("smoke".to_owned());
    all
}

/// What of it the order counts: the wave of an object, the name of a hook.
fn group(name: &str) -> &str {
    name.split('-').next().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_objects_in_ten_waves_with_hooks_survive_a_kill_at_any_moment() {
    let Some(mut stage) = scenario("killed").await else { return };
    stage.push(&[
        ("app/migrate.yaml", &job("migrate", PRE_SYNC, GOOD)),
        ("app/middle.yaml", &job("middle", "lockstep.dev/hook: Sync, lockstep.dev/wave: '4'", GOOD)),
        ("app/smoke.yaml", &job("smoke", "lockstep.dev/hook: PostSync", GOOD)),
    ]);
    stage.application(SHOP, json!({})).await;
    let mut dice = Dice(20_261_124);
    // How long an undisturbed sync takes here: kills are spread over that.
    let mut usual = Duration::from_secs(2);
    for round in 0..=kills() {
        let files: Vec<(String, String)> =
            (0..WAVES).map(|index| (format!("app/w{index}.yaml"), wave(index, round))).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
        let start = Instant::now();
        let sha = stage.push(&files);
        if round > 0 {
            let span = u64::try_from(usual.as_millis()).unwrap_or(2000).max(2);
            tokio::time::sleep(Duration::from_millis(dice.roll(span))).await;
            killed(&mut stage);
        }
        stage.ready(SHOP, &sha).await;
        until_run(&stage, round + 1).await;
        if round == 0 {
            usual = start.elapsed();
        }
    }
    let writes = stage.writes().into_iter().filter(|write| {
        write.agent == "lockstep"
            && write.verb == "patch"
            && ["jobs", "configmaps"].contains(&&*write.resource)
    });
    let names: Vec<String> = writes.map(|write| write.name).collect();
    let expected = expected();
    let rounds = usize::try_from(kills() + 1).expect("few");
    if !stage.cluster.logs_all() {
        let found: Vec<String> = names.iter().map(|name| group(name).to_owned()).collect();
        let all: Vec<String> = std::iter::repeat_n(expected, rounds).flatten().collect();
        assert!(is_part_of(&found, &all), "{names:?}");
        let twice = names.iter().find(|name| names.iter().filter(|other| other == name).count() > rounds);
        assert_eq!(twice, None);
        return;
    }
    assert_eq!(names.len(), expected.len() * rounds);
    for (round, names) in names.chunks(expected.len()).enumerate() {
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        names.iter().for_each(|name| *times.entry(name).or_default() += 1);
        let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "round {round}: {twice:?}");
        let order: Vec<&str> = names.iter().map(|name| group(name)).collect();
        assert_eq!(order, expected, "round {round}");
    }
}
