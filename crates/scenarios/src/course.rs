//! Courses that a seed makes up: one Application in waves, with hooks, that changes as a whole while much goes wrong.
//!
//! Every commit writes every object anew, with its own number in it, so that [`crate::order`] can tell from any object which commit
//! it is of.

use std::collections::BTreeMap;

use crate::pen::Pen;

/// A course: what is played, and what each commit wants.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    /// The text of a scenario.
    pub(crate) script: String,
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
pub(crate) fn course(seed: u64) -> Course {
    let mut author = Author {
        pen: Pen::of(seed ^ 0x5eed),
        commits: BTreeMap::new(),
        wanted: Wanted::default(),
        number: 0,
    };
    author.begin();
    for _ in 0..author.pen.rng.usize(3..9) {
        author.step();
    }
    author.end();
    Course { script: author.pen.text(), commits: author.commits }
}

struct Author {
    pen: Pen,
    commits: BTreeMap<u64, Wanted>,
    wanted: Wanted,
    number: u64,
}

impl Author {
    fn begin(&mut self) {
        for index in 0..self.pen.rng.u32(3..8) {
            let wave = self.pen.rng.i64(-2..4);
            self.wanted.objects.insert(format!("cm-{index}"), wave);
        }
        for (name, phase, waves) in [
            ("pre", "PreSync", 0..1),
            ("first", "PreSync", -1..0),
            ("mid", "Sync", -1..3),
            ("post", "PostSync", 0..2),
        ] {
            if self.pen.chance(75) {
                let generated = if self.pen.chance(30) { "-" } else { "" };
                let wave = self.pen.rng.i64(waves);
                self.wanted.hooks.push(HookOf { name: format!("{name}{generated}"), phase, wave });
            }
        }
        self.commit();
        self.pen.say("app w path=w prune");
        self.pause();
    }

    /// Everything anew.
    fn commit(&mut self) {
        self.number += 1;
        let number = self.number;
        let told = if self.pen.chance(80) { "commit" } else { "commit quietly" };
        self.pen.say(told);
        let before: Vec<String> = self.wanted.objects.keys().cloned().collect();
        if number > 1 {
            self.rearrange();
        }
        let wanted = self.wanted.clone();
        for name in before.iter().filter(|name| !wanted.objects.contains_key(*name)) {
            self.pen.say(format!("  w/{name}.yaml: gone"));
        }
        for (name, wave) in &wanted.objects {
            self.pen.say(format!("  w/{name}.yaml: ConfigMap {name} @wave={wave} v={number}"));
        }
        for HookOf { name, phase, wave } in &wanted.hooks {
            let after = self.pen.pick(&["0s", "1s", "5s", "40s"]);
            let policy =
                self.pen.pick(&["before-creation", "before-creation", "succeeded", "before-creation,failed"]);
            self.pen.say(format!(
                "  w/{name}.yaml: Job {name} @hook={phase} @wave={wave} @hook-delete={policy} image=nginx:{number} after={after}"
            ));
        }
        self.commits.insert(number, wanted);
    }

    fn rearrange(&mut self) {
        if self.pen.chance(20) && self.wanted.objects.len() > 2 {
            let index = self.pen.rng.usize(0..self.wanted.objects.len());
            let name = self.wanted.objects.keys().nth(index).cloned();
            self.wanted.objects.remove(&name.unwrap_or_default());
        }
        if self.pen.chance(20) {
            let (name, wave) = (format!("cm-{}", self.pen.rng.u32(0..9)), self.pen.rng.i64(-2..4));
            self.wanted.objects.insert(name, wave);
        }
    }

    fn step(&mut self) {
        match self.pen.rng.u32(0..100) {
            0..35 => self.commit(),
            35..65 => self.crash(),
            65..78 => self.fault(),
            78..84 => self.edit(),
            84..90 => self.outage(),
            90..96 => self.pen.interrupt(),
            _ => self.pen.stop_or_restart(),
        }
        self.pause();
    }

    fn pause(&mut self) {
        let pause = match self.pen.rng.u32(0..10) {
            0 => return,
            1..5 => format!("wait {}ms", self.pen.rng.u32(1..400)),
            5..9 => format!("wait {}s", self.pen.rng.u32(1..30)),
            _ => format!("wait {}s", self.pen.rng.u32(60..400)),
        };
        self.pen.say(pause);
    }

    fn crash(&mut self) {
        self.pen.crash(14);
        if self.pen.chance(75) {
            self.commit();
        }
    }

    fn fault(&mut self) {
        let effect = self.pen.effect();
        let target = self.pen.pick(&[
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
        let times = if effect.starts_with("late") { 1 } else { self.pen.rng.u32(1..4) };
        self.pen.say(format!("fault {effect} next {times}{target}"));
    }

    fn edit(&mut self) {
        let index = self.pen.rng.usize(0..self.wanted.objects.len());
        let name = self.wanted.objects.keys().nth(index).cloned().unwrap_or_default();
        let line = match self.pen.chance(50) {
            true => format!("delete ConfigMap/{name}"),
            false => format!(r#"patch ConfigMap/{name} as kubectl-edit {{"data":{{"v":"edited"}}}}"#),
        };
        self.pen.say(line);
    }

    fn outage(&mut self) {
        let what = self.pen.away(60);
        if what == "api" && self.pen.chance(50) {
            self.commit();
        }
        self.pen.say(format!("{what} back"));
    }

    fn end(&mut self) {
        self.pen.say("calm");
        self.pen.resume();
        self.commit();
        self.pen.say("settle");
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
