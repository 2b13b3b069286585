//! Scenarios that a seed makes up.
//!
//! Names tell what may become of an object, so that [`crate::laws`] can hold the controller to it: `keep-` is never without a place
//! in Git, `held-` may be deleted only by somebody else, `theirs-` is nobody's business.

use std::collections::BTreeMap;

use crate::pen::Pen;

/// The script of a seed.
pub fn schedule(seed: u64) -> String {
    let mut author = Author { pen: Pen::of(seed), files: BTreeMap::new(), theirs: 0, version: 0 };
    author.begin();
    for _ in 0..author.pen.rng.usize(3..10) {
        author.step();
    }
    author.end();
    author.pen.text()
}

/// The places of the repository, one an Application.
const PLACES: [&str; 2] = ["a", "b"];

struct Author {
    pen: Pen,
    /// What each object's file is, by name: its place and its shorthand.
    files: BTreeMap<String, (String, String)>,
    theirs: u32,
    version: u32,
}

impl Author {
    fn begin(&mut self) {
        self.pen.say("commit");
        for name in ["keep-1", "keep-2", "cm-1", "cm-2", "held-1", "held-2"] {
            let place = if name.starts_with("held") { "c" } else { self.pen.pick(&PLACES) };
            self.put(name, place);
        }
        // Neither may be empty: an Application whose source vanishes deletes nothing, whatever else holds.
        self.put("keep-3", "a");
        self.put("keep-4", "b");
        self.put("keep-5", "c");
        if self.pen.chance(15) {
            self.put("dep-1", "a");
        }
        self.pen.say("app a path=a prune");
        self.pen.say("app b path=b prune");
        self.pen.say("app c path=c prune budget=0");
        self.pause();
    }

    /// A line of a commit: an object in a place, with new content.
    fn put(&mut self, name: &str, place: &str) {
        self.version += 1;
        let version = self.version;
        let line = match name.starts_with("dep") {
            true => format!("Deployment {name} replicas={} image=nginx:{version}", 1 + version % 3),
            false if self.pen.chance(50) => format!("ConfigMap {name} v={version} w={version}"),
            false => format!("ConfigMap {name} v={version}"),
        };
        if let Some((old, _)) = self.files.insert(name.to_owned(), (place.to_owned(), line.clone()))
            && old != place
        {
            self.pen.say(format!("  {old}/{name}.yaml: gone"));
        }
        self.pen.say(format!("  {place}/{name}.yaml: {line}"));
    }

    fn take_away(&mut self, name: &str) {
        if let Some((place, _)) = self.files.remove(name) {
            self.pen.say(format!("  {place}/{name}.yaml: gone"));
        }
    }

    fn step(&mut self) {
        match self.pen.rng.u32(0..100) {
            0..34 => self.commit(),
            34..56 => self.edit(),
            56..68 => self.fault(),
            68..82 => self.crash(),
            82..88 => self.outage(),
            88..93 => self.pen.interrupt(),
            _ => self.pen.stop_or_restart(),
        }
        self.pause();
    }

    fn pause(&mut self) {
        let pause = match self.pen.rng.u32(0..10) {
            0..3 => return,
            3..6 => format!("wait {}ms", self.pen.rng.u32(1..60)),
            6..9 => format!("wait {}s", self.pen.rng.u32(1..20)),
            _ => format!("wait {}s", self.pen.rng.u32(60..600)),
        };
        self.pen.say(pause);
    }

    fn commit(&mut self) {
        let told = if self.pen.chance(70) { "commit" } else { "commit quietly" };
        self.pen.say(told);
        let before = self.pen.lines.len();
        for _ in 0..self.pen.rng.u32(1..4) {
            self.change();
        }
        if self.pen.lines.len() == before {
            self.put("cm-1", "a");
        }
    }

    fn change(&mut self) {
        let name = self.pen.pick(&[
            "keep-1", "keep-2", "keep-3", "cm-1", "cm-2", "cm-3", "held-1", "held-2", "dep-1", "bad",
        ]);
        // A path stands at most once in a commit.
        let named = format!("/{name}.yaml:");
        let since = self.pen.lines.iter().rposition(|line| line.starts_with("commit")).unwrap_or(0);
        if self.pen.lines[since..].iter().any(|line| line.contains(&named)) {
            return;
        }
        let place = self.files.get(name).map(|(place, _)| place.clone());
        match (name, place) {
            ("bad", Some(_)) => self.take_away("bad"),
            ("bad", None) => {
                let place = self.pen.pick(&PLACES);
                self.files.insert("bad".to_owned(), (place.to_owned(), "broken".to_owned()));
                self.pen.say(format!("  {place}/bad.yaml: broken"));
            }
            ("dep-1", None) if self.pen.chance(70) => {}
            ("held-1" | "held-2", Some(_)) if self.pen.chance(50) => self.take_away(name),
            ("held-1" | "held-2", _) => self.put(name, "c"),
            ("keep-3", _) => self.put(name, "a"),
            ("cm-1" | "cm-2" | "cm-3" | "dep-1", Some(_)) if self.pen.chance(40) => self.take_away(name),
            (name, Some(place)) if self.pen.chance(60) => self.put(name, &place),
            (name, _) => {
                let place = self.pen.pick(&PLACES);
                self.put(name, place);
            }
        }
    }

    fn edit(&mut self) {
        let name = self.pen.pick(&["keep-1", "keep-2", "cm-1", "cm-2", "cm-3", "held-1", "held-2"]);
        let line = match self.pen.rng.u32(0..10) {
            0 | 1 => format!("delete ConfigMap/{name}"),
            2..5 => format!(r#"patch ConfigMap/{name} as kubectl-edit {{"data":{{"v":"edited"}}}}"#),
            5 => format!(r#"patch ConfigMap/{name} as kubectl-edit {{"data":null}}"#),
            6 => format!(r#"patch ConfigMap/{name} as kubectl-edit {{"data":{{"extra":"1"}}}}"#),
            7 => format!(r#"patch ConfigMap/{name} as kubectl-edit {{"metadata":{{"annotations":null}}}}"#),
            8 => {
                self.theirs += 1;
                let name = format!("theirs-{}", self.theirs);
                self.pen.say("create as kubectl");
                format!("  ConfigMap {name} v=theirs")
            }
            _ => {
                self.pen.say("create as kubectl");
                format!("  ConfigMap {name} v=0")
            }
        };
        self.pen.say(line);
    }

    fn fault(&mut self) {
        let times = self.pen.rng.u32(1..4);
        let effect = self.pen.effect();
        let target = self.pen.pick(&[
            "",
            "",
            " patch configmaps",
            " delete configmaps",
            " create secrets",
            " update secrets",
            " patch applications",
            " watch any",
            " list any",
            " get any",
        ]);
        let times = if effect.starts_with("late") { 1 } else { times };
        self.pen.say(format!("fault {effect} next {times}{target}"));
    }

    fn crash(&mut self) {
        self.pen.crash(8);
        if self.pen.chance(60) {
            self.commit();
        }
    }

    fn outage(&mut self) {
        let what = self.pen.away(100);
        if self.pen.chance(30) && what == "api" {
            self.commit();
        }
        self.pen.say(format!("{what} back"));
    }

    fn end(&mut self) {
        self.pen.say("calm");
        if self.files.contains_key("bad") {
            self.pen.say("commit");
            self.take_away("bad");
        }
        self.pen.resume();
        self.pen.say("settle");
    }
}

/// The same without anything that goes wrong on the way.
pub(crate) fn calmed(script: &str) -> String {
    let rough = ["crash", "fault", "restart", "stop", "break", "expire", "api", "repository"];
    let is_rough = |line: &&str| rough.contains(&line.split(' ').next().unwrap_or_default());
    script.lines().filter(|line| !is_rough(line)).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::script::Script;

    #[test]
    fn whatever_a_seed_makes_up_can_be_read_and_is_the_same_again() {
        for seed in 0..500 {
            let text = schedule(seed);
            assert_eq!(text, schedule(seed));
            for text in [&text, &calmed(&text)] {
                for scene in Script::parse(text).scenes() {
                    let read = Command::parse(scene);
                    assert!(read.is_ok(), "{seed}: {read:?}\n{text}");
                }
            }
        }
    }
}
