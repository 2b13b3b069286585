//! What a pod does, as its annotations say.

use std::time::Duration;

use lockstep_core::Value;

use super::needs::Lack;
use crate::object::{annotation, controller, items, text};

const PREFIX: &str = "cluster.lockstep.dev/";

/// How long a container takes to start, and one that ends to end.
pub(super) const START: Duration = Duration::from_millis(20);
const RUN: Duration = Duration::from_millis(20);
/// How long a failed pull is told before its pause is.
const PULL: Duration = Duration::from_secs(1);
/// Pauses between starts of what crashes: the first is none, then they double.
const BACK_OFF: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(300);
/// What is told to take longer takes this long: ten years are never, and no sum of some overflows.
const TOLD: Duration = Duration::from_secs(10 * 366 * 86_400);
/// A readiness that changes more often than this would leave no time for anything else.
const SHORTEST_FLIP: Duration = Duration::from_millis(100);

/// The course of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Script {
    /// How long after its start it is ready; `None` for never.
    pub(super) ready_after: Option<Duration>,
    /// With which code its containers end, and how long after their start; `None` if they go on.
    pub(super) end: Option<(i64, Duration)>,
    /// After so many ends it goes on, or ends well; `None` for no limit.
    pub(super) ends: Option<u32>,
    /// How it ends then, if it does.
    pub(super) good_end: Option<(i64, Duration)>,
    pub(super) pull_fails: bool,
    /// How often its readiness changes.
    pub(super) flips: Option<Duration>,
    /// How long it takes to stop.
    pub(super) stops_after: Duration,
    pub(super) restarts: Restarts,
}

/// After which ends containers are started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Restarts {
    Always,
    OnFailure,
    Never,
}

/// Where a pod is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Creating,
    PullFailed,
    PullPauses,
    Running {
        run: Run,
        ready: bool,
    },
    /// It crashed, and waits to be started again.
    Pausing {
        run: Run,
        pause: Duration,
    },
    Ended {
        run: Run,
    },
    /// Some containers cannot be made; the others run.
    Unmade {
        run: Run,
        lack: Lack,
    },
}

/// One start of the containers, in time since the pod came to its node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) restarts: u32,
    pub(super) started: Duration,
    /// The last run that ended: its start, its end, its code.
    pub(super) last: Option<(Duration, Duration, i64)>,
}

impl Script {
    pub(super) fn of(pod: &Value) -> Self {
        let told = |key: &str| annotation(pod, &format!("{PREFIX}{key}"));
        let restarts = match text(pod, &["spec", "restartPolicy"]) {
            "Never" => Restarts::Never,
            "OnFailure" => Restarts::OnFailure,
            _ => Restarts::Always,
        };
        let crash = told("crash").and_then(|code| code.parse::<i64>().ok()).filter(|code| *code != 0);
        let after = |key: &str, default: Duration| match told(key) {
            Some(text) => duration(text),
            None => Some(default),
        };
        let end = match crash {
            Some(code) => after("crash-after", RUN).map(|after| (code, after)),
            None => {
                let code = told("exit-code").and_then(|code| code.parse::<i64>().ok());
                let ends = restarts != Restarts::Always || code.is_some() || told("exit-after").is_some();
                ends.then(|| after("exit-after", RUN)).flatten().map(|after| (code.unwrap_or(0), after))
            }
        };
        let good_end =
            after("exit-after", RUN).filter(|_| restarts != Restarts::Always).map(|after| (0, after));
        Self {
            good_end,
            ready_after: after("ready-after", Duration::ZERO),
            end,
            ends: told("crash-times").and_then(|times| times.parse().ok()),
            pull_fails: told("pull") == Some("fail") || has_bad_image(pod),
            flips: told("readiness-flips")
                .and_then(duration)
                .filter(|time| !time.is_zero())
                .map(|time| time.max(SHORTEST_FLIP)),
            stops_after: told("stop-after").and_then(duration).unwrap_or_default(),
            restarts,
        }
    }

    /// Where the pod is so long after it came to its node, and when that changes.
    pub(super) fn at(&self, elapsed: Duration) -> (Moment, Option<Duration>) {
        if elapsed < START {
            return (Moment::Creating, Some(START));
        }
        if self.pull_fails {
            return match elapsed < START + PULL {
                true => (Moment::PullFailed, Some(START + PULL)),
                false => (Moment::PullPauses, None),
            };
        }
        let mut run = Run { restarts: 0, started: START, last: None };
        loop {
            let has_end = self.ends.is_none_or(|ends| run.restarts < ends);
            let Some((code, after)) = (if has_end { self.end } else { self.good_end }) else {
                return self.running(run, elapsed);
            };
            let end = run.started.saturating_add(after);
            if elapsed < end {
                let (moment, next) = self.running(run, elapsed);
                let moment = match moment {
                    // What fails this soon is not seen ready by a kubelet that looks every second.
                    Moment::Running { run, .. } if code != 0 && after < Duration::from_secs(1) => {
                        Moment::Running { run, ready: false }
                    }
                    other => other,
                };
                return (moment, Some(next.map_or(end, |next| next.min(end))));
            }
            run.last = Some((run.started, end, code));
            let again = match self.restarts {
                Restarts::Always => true,
                Restarts::OnFailure => code != 0,
                Restarts::Never => false,
            };
            if !again {
                return (Moment::Ended { run }, None);
            }
            let pause = pause(run.restarts);
            let again = end.saturating_add(pause);
            if elapsed < again {
                return (Moment::Pausing { run, pause }, Some(again));
            }
            // At least a moment, so that time goes on whatever is told.
            run.started = end.saturating_add(pause.max(Duration::from_millis(1)));
            run.restarts += 1;
        }
    }

    fn running(&self, run: Run, elapsed: Duration) -> (Moment, Option<Duration>) {
        let since = elapsed.saturating_sub(run.started);
        let Some(after) = self.ready_after else { return (Moment::Running { run, ready: false }, None) };
        if since < after {
            let next = run.started.saturating_add(after);
            return (Moment::Running { run, ready: false }, Some(next));
        }
        let Some(period) = self.flips else { return (Moment::Running { run, ready: true }, None) };
        let turns = (since - after).as_nanos() / period.as_nanos();
        let until = u64::try_from((turns + 1) * period.as_nanos()).unwrap_or(u64::MAX);
        let next = run.started.saturating_add(after).saturating_add(Duration::from_nanos(until));
        (Moment::Running { run, ready: turns.is_multiple_of(2) }, Some(next))
    }
}

/// How long to wait before a start after so many restarts.
fn pause(restarts: u32) -> Duration {
    match restarts {
        0 => Duration::ZERO,
        more => (BACK_OFF * (1 << (more - 1).min(10))).min(LONGEST),
    }
}

/// What annotations of a pod say that cannot be followed, each as a sentence.
pub(super) fn unread(pod: &Value) -> Vec<String> {
    let annotations = pod.at(&["metadata", "annotations"]).and_then(Value::as_map);
    let own = annotations.into_iter().flatten().filter_map(|(key, value)| {
        let key = key.strip_prefix(PREFIX)?;
        Some((key, value.as_str().unwrap_or_default()))
    });
    own.filter_map(|(key, value)| {
        let fault = fault(key, value)?;
        Some(format!("annotation {PREFIX}{key}: {value:?} {fault}"))
    })
    .collect()
}

fn fault(key: &str, value: &str) -> Option<&'static str> {
    let (right, fault) = match key {
        "ready-after" | "crash-after" | "exit-after" | "readiness-flips" | "stop-after" => {
            (value == "never" || duration(value).is_some(), "is no duration such as 1m30s, nor \"never\"")
        }
        "crash" | "exit-code" => (value.parse::<i64>().is_ok(), "is no whole number"),
        "crash-times" => (value.parse::<u32>().is_ok(), "is no count"),
        "pull" => (value == "fail", "is not \"fail\""),
        "logs" => (true, ""),
        _ => (false, "says nothing of a pod: no such annotation is known"),
    };
    (!right).then_some(fault)
}

/// Images that no registry has: so that a typing error looks like one.
fn has_bad_image(pod: &Value) -> bool {
    let lists = ["containers", "initContainers"];
    let mut containers = lists.iter().flat_map(|list| items(pod, &["spec", list]));
    containers.any(|container| text(container, &["image"]).contains("does-not-exist"))
}

/// The lines that a container writes at each start.
pub(super) fn lines(pod: &Value, container: &Value) -> Vec<String> {
    match annotation(pod, &format!("{PREFIX}logs")) {
        Some(text) => text.lines().map(str::to_owned).collect(),
        None => {
            let by = controller(pod)
                .map(|owner| format!(" of {} {}", text(owner, &["kind"]), text(owner, &["name"])));
            let (name, image) = (text(container, &["name"]), text(container, &["image"]));
            vec![format!("{name} ({image}){} started", by.unwrap_or_default())]
        }
    }
}

/// `1h2m3.5s`, `500ms`; `None` for `never` and what is no duration.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut sum = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest.find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ms" => 0.001,
            "s" | "" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        let told = Duration::try_from_secs_f64((number * unit).min(TOLD.as_secs_f64())).ok()?;
        sum = sum.saturating_add(told).min(TOLD);
        rest = &rest[end..];
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::object;

    fn script(policy: &str, annotations: &[(&str, &str)]) -> Script {
        let mut pod = object! {"spec": object! {"restartPolicy": policy}};
        for (key, value) in annotations {
            pod.set(&["metadata", "annotations", &format!("{PREFIX}{key}")], (*value).into());
        }
        Script::of(&pod)
    }

    /// The changes of a pod up to a time.
    fn course(script: &Script, until: u64) -> Vec<String> {
        let (mut at, mut seen) = (Duration::ZERO, Vec::new());
        loop {
            let (moment, next) = script.at(at);
            let told = match moment {
                Moment::Running { run, ready } => {
                    format!("{} {}", if ready { "ready" } else { "running" }, run.restarts)
                }
                Moment::Pausing { pause, .. } => format!("pausing {}s", pause.as_secs()),
                Moment::Ended { run } => format!("ended {}", run.last.unwrap().2),
                other => format!("{other:?}"),
            };
            seen.push(format!("{}ms {told}", at.as_millis()));
            match next {
                Some(next) if next < Duration::from_secs(until) => {
                    assert!(next > at, "time goes on");
                    at = next;
                }
                _ => return seen,
            }
        }
    }

    #[test]
    fn pods_follow_their_annotations() {
        let check = |policy: &str, annotations: &[(&str, &str)], until: u64, want: &[&str]| {
            assert_eq!(course(&script(policy, annotations), until), want, "{annotations:?}");
        };
        check("Always", &[], 9, &["0ms Creating", "20ms ready 0"]);
        check("Always", &[("ready-after", "2s")], 9, &["0ms Creating", "20ms running 0", "2020ms ready 0"]);
        check("Always", &[("ready-after", "never")], 9, &["0ms Creating", "20ms running 0"]);
        check("Never", &[], 9, &["0ms Creating", "20ms ready 0", "40ms ended 0"]);
        check("Never", &[("exit-after", "never")], 9, &["0ms Creating", "20ms ready 0"]);
        check(
            "Never",
            &[("exit-code", "3"), ("exit-after", "1s")],
            9,
            &["0ms Creating", "20ms ready 0", "1020ms ended 3"],
        );
        check("Always", &[("pull", "fail")], 9, &["0ms Creating", "20ms PullFailed", "1020ms PullPauses"]);
        check(
            "Always",
            &[("readiness-flips", "4s")],
            9,
            &["0ms Creating", "20ms ready 0", "4020ms running 0", "8020ms ready 0"],
        );
        check(
            "Always",
            &[("crash", "1"), ("crash-after", "1s")],
            20,
            &[
                "0ms Creating",
                "20ms ready 0",
                "1020ms ready 1",
                "2021ms pausing 10s",
                "12021ms ready 2",
                "13021ms pausing 20s",
            ],
        );
        check(
            "Always",
            &[("crash", "1")],
            9,
            &["0ms Creating", "20ms running 0", "40ms running 1", "61ms pausing 10s"],
        );
        check(
            "OnFailure",
            &[("crash", "1"), ("crash-times", "1")],
            9,
            &["0ms Creating", "20ms running 0", "40ms ready 1", "61ms ended 0"],
        );
    }

    #[test]
    fn what_takes_longer_than_any_time_is_not_reached() {
        const LONG: &str = "18000000000000000000s18000000000000000000s";
        for (policy, key) in
            [("Always", "ready-after"), ("Never", "exit-after"), ("Always", "readiness-flips")]
        {
            let script = script(policy, &[(key, LONG), ("crash", "0")]);
            let (_, next) = script.at(Duration::from_secs(1));
            assert!(next.is_none_or(|next| next > Duration::from_secs(86_400)), "{key}");
            let (_, next) = script.at(Duration::MAX);
            assert!(next.is_none_or(|next| next > Duration::ZERO), "{key}");
        }
        let crashing = script("Always", &[("crash", "1"), ("crash-after", LONG)]);
        assert!(crashing.at(Duration::from_secs(1)).1 > Some(Duration::from_secs(86_400)));
    }

    #[test]
    fn readiness_does_not_change_too_often_and_time_goes_on() {
        let script = script("Always", &[("readiness-flips", "0.000001ms")]);
        assert_eq!(script.flips, Some(SHORTEST_FLIP));
        let late = Duration::from_secs(60 * 366 * 86_400);
        assert!(script.at(late).1 > Some(late));
    }

    #[test]
    fn what_cannot_be_followed_is_named() {
        let check = |key: &str, value: &str, want: Option<&str>| assert_eq!(fault(key, value), want, "{key}");
        check("ready-after", "1m", None);
        check("ready-after", "never", None);
        check("ready-after", "soon", Some("is no duration such as 1m30s, nor \"never\""));
        check("crash", "137", None);
        check("crash", "yes", Some("is no whole number"));
        check("crash-times", "-1", Some("is no count"));
        check("pull", "never", Some("is not \"fail\""));
        check("logs", "", None);
        check("redy-after", "1m", Some("says nothing of a pod: no such annotation is known"));
    }

    #[test]
    fn durations_are_read() {
        for (text, want) in [
            ("2s", Some(2000)),
            ("1m30s", Some(90_000)),
            ("500ms", Some(500)),
            ("1.5s", Some(1500)),
            ("3", Some(3000)),
            ("9h999999999999h", Some(TOLD.as_millis())),
            ("18000000000000000000s18000000000000000000s", Some(TOLD.as_millis())),
            ("never", None),
            ("", None),
        ] {
            assert_eq!(duration(text).map(|time| time.as_millis()), want, "{text}");
        }
    }
}
