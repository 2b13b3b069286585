//! What those who make up scenarios from a seed write with: chance, the lines so far, and what may go wrong in any of them.

use fastrand::Rng;

pub(crate) struct Pen {
    pub(crate) rng: Rng,
    pub(crate) lines: Vec<String>,
    stopped: bool,
}

impl Pen {
    pub(crate) fn of(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed), lines: Vec::new(), stopped: false }
    }

    pub(crate) fn say(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(0..100) < percent
    }

    pub(crate) fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[self.rng.usize(0..items.len())]
    }

    /// What a fault does to a request.
    pub(crate) fn effect(&mut self) -> &'static str {
        self.pick(&["409", "429", "500", "503", "504", "unsent", "unanswered", "late 3s", "late 90s"])
    }

    /// The controller is to die beside one of its next writes.
    pub(crate) fn crash(&mut self, writes: u32) {
        let moment = self.pick(&["before", "after"]);
        let write = self.rng.u32(1..writes);
        self.say(format!("crash {moment} write {write}"));
    }

    /// The watches break or forget, or the controller starts afresh.
    pub(crate) fn interrupt(&mut self) {
        let line = self.pick(&["break", "expire", "restart"]);
        self.say(line);
        self.stopped &= line != "restart";
    }

    /// The controller stops, or starts if it is stopped.
    pub(crate) fn stop_or_restart(&mut self) {
        self.stopped = !self.stopped;
        self.say(if self.stopped { "stop" } else { "restart" });
    }

    /// The API server or the repository is away for less than so many seconds; which says that it is back is for the caller.
    pub(crate) fn away(&mut self, seconds: u32) -> &'static str {
        let what = self.pick(&["api", "repository"]);
        self.say(format!("{what} away"));
        let seconds = self.rng.u32(1..seconds);
        self.say(format!("wait {seconds}s"));
        what
    }

    /// A controller that is stopped starts again.
    pub(crate) fn resume(&mut self) {
        if self.stopped {
            self.say("restart");
        }
    }

    /// The text of the scenario.
    pub(crate) fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line, "\n"]).collect()
    }
}
