//! Scenarios that a seed makes up.
//!
//! Names tell what may become of an object, so that [`crate::laws`] can hold the controller to it: `keep-` is never without a place
//! in Git, `held-` may be deleted only by somebody else, `theirs-` is nobody's business.

use std::collections::BTreeMap;

use fastrand::Rng;

/// The script of a seed.
pub fn schedule(seed: u64) -> String {
    let mut author = Author {
        rng: Rng::with_seed(seed),
        files: BTreeMap::new(),
        lines: Vec::new(),
        theirs: 0,
        version: 0,
        stopped: false,
    };
    author.begin();
    for _ in 0..author.rng.usize(3..10) {
        author.step();
    }
    author.end();
    let mut text = author.lines.join("\n");
    text.push('\n');
    text
}

/// The places of the repository, one an Application.
const PLACES: [&str; 2] = ["a", "b"];

struct Author {
    rng: Rng,
    /// What each object's file is, by name: its place and its shorthand.
    files: BTreeMap<String, (String, String)>,
    lines: Vec<String>,
    theirs: u32,
    version: u32,
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
        self.say("commit");
        for name in ["keep-1", "keep-2", "cm-1", "cm-2", "held-1", "held-2"] {
            let place = if name.starts_with("held") { "c" } else { self.pick(&PLACES) };
            self.put(name, place);
        }
        // Neither may be empty: an Application whose source vanishes deletes nothing, whatever else holds.
        self.put("keep-3", "a");
        self.put("keep-4", "b");
        self.put("keep-5", "c");
        if self.chance(15) {
            self.put("dep-1", "a");
        }
        self.say("app a path=a prune");
        self.say("app b path=b prune");
        self.say("app c path=c prune budget=0");
        self.pause();
    }

    /// A line of a commit: an object in a place, with new content.
    fn put(&mut self, name: &str, place: &str) {
        self.version += 1;
        let version = self.version;
        let line = match name.starts_with("dep") {
            true => format!("Deployment {name} replicas={} image=nginx:{version}", 1 + version % 3),
            false if self.chance(50) => format!("ConfigMap {name} v={version} w={version}"),
            false => format!("ConfigMap {name} v={version}"),
        };
        if let Some((old, _)) = self.files.insert(name.to_owned(), (place.to_owned(), line.clone()))
            && old != place
        {
            self.say(format!("  {old}/{name}.yaml: gone"));
        }
        self.say(format!("  {place}/{name}.yaml: {line}"));
    }

    fn take_away(&mut self, name: &str) {
        if let Some((place, _)) = self.files.remove(name) {
            self.say(format!("  {place}/{name}.yaml: gone"));
        }
    }

    fn step(&mut self) {
        match self.rng.u32(0..100) {
            0..34 => self.commit(),
            34..56 => self.edit(),
            56..68 => self.fault(),
            68..82 => self.crash(),
            82..88 => self.outage(),
            88..93 => {
                let line = self.pick(&["break", "expire", "restart"]);
                self.say(line);
                self.stopped &= line != "restart";
            }
            _ if self.stopped => {
                self.stopped = false;
                self.say("restart");
            }
            _ => {
                self.stopped = true;
                self.say("stop");
            }
        }
        self.pause();
    }

    fn pause(&mut self) {
        let pause = match self.rng.u32(0..10) {
            0..3 => return,
            3..6 => format!("wait {}ms", self.rng.u32(1..60)),
            6..9 => format!("wait {}s", self.rng.u32(1..20)),
            _ => format!("wait {}s", self.rng.u32(60..600)),
        };
        self.say(pause);
    }

    fn commit(&mut self) {
        let told = if self.chance(70) { "commit" } else { "commit quietly" };
        self.say(told);
        let before = self.lines.len();
        for _ in 0..self.rng.u32(1..4) {
            self.change();
        }
        if self.lines.len() == before {
            self.put("cm-1", "a");
        }
    }

    fn change(&mut self) {
        let name = self.pick(&[
            "keep-1", "keep-2", "keep-3", "cm-1", "cm-2", "cm-3", "held-1", "held-2", "dep-1", "bad",
        ]);
        // A path stands at most once in a commit.
        let named = format!("/{name}.yaml:");
        let since = self.lines.iter().rposition(|line| line.starts_with("commit")).unwrap_or(0);
        if self.lines[since..].iter().any(|line| line.contains(&named)) {
            return;
        }
        let place = self.files.get(name).map(|(place, _)| place.clone());
        match (name, place) {
            ("bad", Some(_)) => self.take_away("bad"),
            ("bad", None) => {
                let place = self.pick(&PLACES);
                self.files.insert("bad".to_owned(), (place.to_owned(), "broken".to_owned()));
                self.say(format!("  {place}/bad.yaml: broken"));
            }
            ("dep-1", None) if self.chance(70) => {}
            ("held-1" | "held-2", Some(_)) if self.chance(50) => self.take_away(name),
            ("held-1" | "held-2", _) => self.put(name, "c"),
            ("keep-3", _) => self.put(name, "a"),
            ("cm-1" | "cm-2" | "cm-3" | "dep-1", Some(_)) if self.chance(40) => self.take_away(name),
            (name, Some(place)) if self.chance(60) => self.put(name, &place),
            (name, _) => {
                let place = self.pick(&PLACES);
                self.put(name, place);
            }
        }
    }

    fn edit(&mut self) {
        let name = self.pick(&["keep-1", "keep-2", "cm-1", "cm-2", "cm-3", "held-1", "held-2"]);
        let line = match self.rng.u32(0..10) {
            0 | 1 => format!("delete ConfigMap/{name}"),
            2..5 => format!(r#"patch ConfigMap/{name} as kubectl-edit {{"data":{{"v":"edited"}}}}"#),
            5 => format!(r#"patch ConfigMap/{name} as kubectl-edit {{"data":null}}"#),
            6 => format!(r#"patch ConfigMap/{name} as kubectl-edit {{"data":{{"extra":"1"}}}}"#),
            7 => format!(r#"patch ConfigMap/{name} as kubectl-edit {{"metadata":{{"annotations":null}}}}"#),
            8 => {
                self.theirs += 1;
                let name = format!("theirs-{}", self.theirs);
                self.say("create as kubectl");
                format!("  ConfigMap {name} v=theirs")
            }
            _ => {
                self.say("create as kubectl");
                format!("  ConfigMap {name} v=0")
            }
        };
        self.say(line);
    }

    fn fault(&mut self) {
        let times = self.rng.u32(1..4);
        let effect =
            self.pick(&["409", "429", "500", "503", "504", "unsent", "unanswered", "late 3s", "late 90s"]);
        let target = self.pick(&[
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
        self.say(format!("fault {effect} next {times}{target}"));
    }

    fn crash(&mut self) {
        let moment = self.pick(&["before", "after"]);
        let write = self.rng.u32(1..8);
        self.say(format!("crash {moment} write {write}"));
        if self.chance(60) {
            self.commit();
        }
    }

    fn outage(&mut self) {
        let what = self.pick(&["api", "repository"]);
        self.say(format!("{what} away"));
        let seconds = self.rng.u32(1..100);
        self.say(format!("wait {seconds}s"));
        if self.chance(30) {
            self.commit_while(what);
        }
        self.say(format!("{what} back"));
    }

    fn commit_while(&mut self, away: &str) {
        if away == "api" {
            self.commit();
        }
    }

    fn end(&mut self) {
        self.say("calm");
        if self.files.contains_key("bad") {
            self.say("commit");
            self.take_away("bad");
        }
        if self.stopped {
            self.say("restart");
        }
        self.say("settle");
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
