//! Courses that a seed makes up: one Application in waves, with hooks, that changes as a whole while much goes wrong.
//!
//! Every commit writes every object anew, with its own number in it, so that [`crate::order`] can tell from any object which commit
//! it is of.

use std::collections::BTreeMap;

use fastrand::Rng;

/// A course: what is played, and what each commit wants.
#[derive(Clone, Debug)]
pub struct Course {
    /// The text of a scenario.
    pub script: String,
    /// By the number of a commit.
    pub(crate) commits: BTreeMap<u64, Wanted>,
}

/// What a commit wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The wave of each ConfigMap.
    pub(crate) objects: BTreeMap<String, i64>,
    /// The hooks, by the beginning of their names.
    pub(crate) hooks: Vec<HookOf>,
}

/// A hook of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HookOf {
    pub(crate) name: String,
    pub(crate) phase: &'static str,
    pub(crate) wave: i64,
}

/// The course of a seed.
pub fn course(seed: u64) -> Course {
    let mut author = Author {
        rng: Rng::with_seed(seed ^ 0x5eed),
        lines: Vec::new(),
        commits: BTreeMap::new(),
        wanted: Wanted::default(),
        number: 0,
        stopped: false,
    };
    author.begin();
    for _ in 0..author.rng.usize(3..9) {
        author.step();
    }
    author.end();
    let mut script = author.lines.join("\n");
    script.push('\n');
    Course { script, commits: author.commits }
}

struct Author {
    rng: Rng,
    lines: Vec<String>,
    commits: BTreeMap<u64, Wanted>,
    wanted: Wanted,
    number: u64,
    stopped: bool,
}

impl Author {
    fn say(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(0..100) < percent
    }

    fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[self.rng.usize(0..items.len())]
    }

    fn begin(&mut self) {
        for index in 0..self.rng.u32(3..8) {
            let wave = self.rng.i64(-2..4);
            self.wanted.objects.insert(format!("cm-{index}"), wave);
        }
        for (name, phase, waves) in [
            ("pre", "PreSync", 0..1),
            ("first", "PreSync", -1..0),
            ("mid", "Sync", -1..3),
            ("post", "PostSync", 0..2),
        ] {
            if self.chance(75) {
                let generated = if self.chance(30) { "-" } else { "" };
                let wave = self.rng.i64(waves);
                self.wanted.hooks.push(HookOf { name: format!("{name}{generated}"), phase, wave });
            }
        }
        self.commit();
        self.say("app w path=w prune");
        self.pause();
    }

    /// Everything anew.
    fn commit(&mut self) {
        self.number += 1;
        let number = self.number;
        let told = if self.chance(80) { "commit" } else { "commit quietly" };
        self.say(told);
        let before: Vec<String> = self.wanted.objects.keys().cloned().collect();
        if number > 1 {
            self.rearrange();
        }
        for name in
            before.iter().filter(|name| !self.wanted.objects.contains_key(*name)).cloned().collect::<Vec<_>>()
        {
            self.say(format!("  w/{name}.yaml: gone"));
        }
        let wanted = self.wanted.clone();
        for (name, wave) in &wanted.objects {
            self.say(format!("  w/{name}.yaml: ConfigMap {name} @wave={wave} v={number}"));
        }
        for HookOf { name, phase, wave } in &wanted.hooks {
            let after = self.pick(&["0s", "1s", "5s", "40s"]);
            let policy =
                self.pick(&["before-creation", "before-creation", "succeeded", "before-creation,failed"]);
            self.say(format!(
                "  w/{name}.yaml: Job {name} @hook={phase} @wave={wave} @hook-delete={policy} image=nginx:{number} after={after}"
            ));
        }
        self.commits.insert(number, wanted);
    }

    fn rearrange(&mut self) {
        if self.chance(20) && self.wanted.objects.len() > 2 {
            let index = self.rng.usize(0..self.wanted.objects.len());
            let name = self.wanted.objects.keys().nth(index).cloned();
            self.wanted.objects.remove(&name.unwrap_or_default());
        }
        if self.chance(20) {
            let (name, wave) = (format!("cm-{}", self.rng.u32(0..9)), self.rng.i64(-2..4));
            self.wanted.objects.insert(name, wave);
        }
    }

    fn step(&mut self) {
        match self.rng.u32(0..100) {
            0..35 => self.commit(),
            35..65 => self.crash(),
            65..78 => self.fault(),
            78..84 => self.edit(),
            84..90 => self.outage(),
            90..96 => {
                let line = self.pick(&["break", "expire", "restart"]);
                self.say(line);
                self.stopped &= line != "restart";
            }
            _ => {
                self.stopped = !self.stopped;
                self.say(if self.stopped { "stop" } else { "restart" });
            }
        }
        self.pause();
    }

    fn pause(&mut self) {
        let pause = match self.rng.u32(0..10) {
            0 => return,
            1..5 => format!("wait {}ms", self.rng.u32(1..400)),
            5..9 => format!("wait {}s", self.rng.u32(1..30)),
            _ => format!("wait {}s", self.rng.u32(60..400)),
        };
        self.say(pause);
    }

    fn crash(&mut self) {
        let moment = self.pick(&["before", "after"]);
        let write = self.rng.u32(1..14);
        self.say(format!("crash {moment} write {write}"));
        if self.chance(75) {
            self.commit();
        }
    }

    fn fault(&mut self) {
        let effect =
            self.pick(&["409", "429", "500", "503", "504", "unsent", "unanswered", "late 3s", "late 90s"]);
        let target = self.pick(&[
            "",
            " patch configmaps",
            " patch jobs",
            " delete jobs",
            " update secrets",
            " create secrets",
            " patch applications",
            " watch any",
            " list any",
        ]);
        let times = if effect.starts_with("late") { 1 } else { self.rng.u32(1..4) };
        self.say(format!("fault {effect} next {times}{target}"));
    }

    fn edit(&mut self) {
        let index = self.rng.usize(0..self.wanted.objects.len());
        let name = self.wanted.objects.keys().nth(index).cloned().unwrap_or_default();
        let line = match self.chance(50) {
            true => format!("delete ConfigMap/{name}"),
            false => format!(r#"patch ConfigMap/{name} as kubectl-edit {{"data":{{"v":"edited"}}}}"#),
        };
        self.say(line);
    }

    fn outage(&mut self) {
        let what = self.pick(&["api", "repository"]);
        self.say(format!("{what} away"));
        let seconds = self.rng.u32(1..60);
        self.say(format!("wait {seconds}s"));
        if what == "api" && self.chance(50) {
            self.commit();
        }
        self.say(format!("{what} back"));
    }

    fn end(&mut self) {
        self.say("calm");
        if self.stopped {
            self.say("restart");
        }
        self.commit();
        self.say("settle");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::script::Script;

    #[test]
    fn whatever_a_seed_makes_up_can_be_read_and_is_the_same_again() {
        for seed in 0..300 {
            let made = course(seed);
            assert_eq!(made.script, course(seed).script);
            for scene in Script::parse(&made.script).scenes() {
                let read = Command::parse(scene);
                assert!(read.is_ok(), "{seed}: {read:?}\n{}", made.script);
            }
        }
    }
}
