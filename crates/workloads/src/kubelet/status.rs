//! What a kubelet says of a pod.

use std::time::Duration;

use lockstep_core::Value;

use super::needs::Lack;
use super::script::{Moment, Run};
use crate::condition;
use crate::object::{items, name, namespace, number, object, stamp, text, uid};

/// Where and when a pod runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) begun: Duration,
    pub(super) address: &'a str,
    pub(super) host: &'a str,
    pub(super) now: Duration,
}

/// The pod with the status that it has at a moment.
pub(super) fn status(pod: &Value, moment: &Moment, place: &Place<'_>) -> Value {
    let mut after = pod.clone();
    let (phase, started, ready) = match moment {
        Moment::Creating | Moment::PullFailed | Moment::PullPauses => ("Pending", false, false),
        // A container that was never started keeps the pod waiting, though others run.
        Moment::Unmade { lack, .. } => ("Pending", lacking_init(pod, lack).is_none(), false),
        Moment::Running { ready, .. } => ("Running", true, *ready),
        Moment::Pausing { .. } => ("Running", true, false),
        Moment::Ended { run } => match run.last {
            Some((_, _, code)) if code != 0 => ("Failed", true, false),
            _ => ("Succeeded", true, false),
        },
    };
    after.set(&["status", "phase"], phase.into());
    after.set(&["status", "observedGeneration"], number(pod, &["metadata", "generation"]).into());
    after.set(&["status", "hostIP"], place.host.into());
    after.set(&["status", "hostIPs"], Value::list(vec![object! {"ip": place.host}]));
    if pod.at(&["status", "startTime"]).is_none() {
        after.set(&["status", "startTime"], stamp(place.begun).into());
    }
    let has_network = *moment != Moment::Creating;
    if has_network {
        after.set(&["status", "podIP"], place.address.into());
        after.set(&["status", "podIPs"], Value::list(vec![object! {"ip": place.address}]));
    }
    let ended = matches!(moment, Moment::Ended { .. });
    let unready = unready(pod, moment);
    let progress = Progress { has_network, started, ready, ended, phase, unready };
    conditions(&mut after, &progress, place.now);
    containers(&mut after, moment, place);
    after
}

struct Progress<'a> {
    has_network: bool,
    started: bool,
    ready: bool,
    ended: bool,
    phase: &'a str,
    /// The containers that are not ready, where some are not.
    unready: String,
}

/// The init container that cannot be made, by its place.
fn lacking_init(pod: &Value, lack: &Lack) -> Option<usize> {
    items(pod, &["spec", "initContainers"]).iter().position(|init| lack.of(text(init, &["name"])).is_some())
}

fn unready(pod: &Value, moment: &Moment) -> String {
    let names = items(pod, &["spec", "containers"]).iter().map(|container| text(container, &["name"]));
    let list: Vec<&str> = match moment {
        Moment::Unmade { lack, .. } if lacking_init(pod, lack).is_none() => {
            names.filter(|name| lack.of(name).is_some()).collect()
        }
        _ => names.collect(),
    };
    list.join(" ")
}

fn conditions(pod: &mut Value, progress: &Progress<'_>, now: Duration) {
    let inits = items(pod, &["spec", "initContainers"]);
    let initialized = progress.started || inits.is_empty();
    let names = |list: &str| {
        let names = items(pod, &["spec", list]).iter().map(|container| text(container, &["name"]));
        names.collect::<Vec<_>>().join(" ")
    };
    let waiting_inits = format!("containers with incomplete status: [{}]", names("initContainers"));
    let unready = format!("containers with unready status: [{}]", progress.unready);
    let gates = items(pod, &["spec", "readinessGates"]).iter();
    let closed: Vec<&str> = gates
        .map(|gate| text(gate, &["conditionType"]))
        .filter(|gate| !condition::is_true(pod, gate))
        .collect();
    let gate = closed
        .first()
        .map(|gate| format!("corresponding condition of pod readiness gate \"{gate}\" does not exist."));
    let not_ready = match progress.phase {
        "Succeeded" => ("PodCompleted", ""),
        "Failed" => ("PodFailed", ""),
        _ => ("ContainersNotReady", &*unready),
    };
    let list = [
        ("PodReadyToStartContainers", progress.has_network && !progress.ended, ("", "")),
        (
            "Initialized",
            initialized,
            if progress.ended { ("PodCompleted", "") } else { ("ContainersNotInitialized", &*waiting_inits) },
        ),
        (
            "Ready",
            progress.ready && gate.is_none(),
            match &gate {
                Some(gate) if progress.ready => ("ReadinessGatesNotReady", &**gate),
                _ => not_ready,
            },
        ),
        ("ContainersReady", progress.ready, not_ready),
        ("PodScheduled", true, ("", "")),
    ];
    let list: Vec<Value> = list
        .iter()
        .map(|(kind, holds, why)| {
            let (reason, message) = if *holds && !(progress.phase == "Succeeded" && *kind == "Initialized") {
                ("", "")
            } else {
                *why
            };
            let mut condition = object! {"type": *kind, "status": if *holds { "True" } else { "False" }};
            for (key, text) in
                [("reason", reason), ("message", message)].into_iter().filter(|(_, text)| !text.is_empty())
            {
                condition.set(&[key], text.into());
            }
            condition.set(&["lastProbeTime"], Value::Null);
            condition.set(&["observedGeneration"], number(pod, &["metadata", "generation"]).into());
            condition
        })
        .collect();
    let now = stamp(now);
    list.into_iter().for_each(|condition| _ = condition::set(pod, condition, &now));
}

fn containers(pod: &mut Value, moment: &Moment, place: &Place<'_>) {
    for (list, statuses) in [("initContainers", "initContainerStatuses"), ("containers", "containerStatuses")]
    {
        let found: Vec<Value> = items(pod, &["spec", list])
            .iter()
            .map(|container| {
                let kept = items(pod, &["status", statuses]);
                let before = kept.iter().find(|status| status.get("name") == container.get("name"));
                let sidecar = text(container, &["restartPolicy"]) == "Always";
                let is_init = list == "initContainers" && !sidecar;
                keep_times(container_status(pod, container, moment, (place, is_init)), before)
            })
            .collect();
        if !found.is_empty() {
            pod.set(&["status", statuses], Value::list(found));
        }
    }
}

fn container_status(
    pod: &Value,
    container: &Value,
    moment: &Moment,
    (place, is_init): (&Place<'_>, bool),
) -> Value {
    let at = |time: Duration| stamp(place.begun + time);
    let (container_name, image) = (text(container, &["name"]), text(container, &["image"]));
    let id = |run: u32| format!("lockstep://{}-{container_name}-{run}", uid(pod));
    let ended = |(started, finished, code): (Duration, Duration, i64), run: u32| {
        object! {"terminated": object! {
            "exitCode": code,
            "reason": if code == 0 { "Completed" } else { "Error" },
            "startedAt": at(started),
            "finishedAt": at(finished),
            "containerID": id(run),
        }}
    };
    let waiting = |reason: &str, message: &str| {
        let mut waiting = object! {"reason": reason};
        if !message.is_empty() {
            waiting.set(&["message"], message.into());
        }
        object! {"waiting": waiting}
    };
    let back_off = |pause: &Duration| {
        let place = format!("{}_{}({})", name(pod), namespace(pod), uid(pod));
        let pause = go_duration(*pause);
        format!("back-off {pause} restarting failed container={container_name} pod={place}")
    };
    let last = |run: &Run| run.last.map(|last| ended(last, run.restarts.saturating_sub(1)));
    let (state, last, restarts, ready) = match moment {
        Moment::Creating if !is_init && !items(pod, &["spec", "initContainers"]).is_empty() => {
            (waiting("PodInitializing", ""), None, 0, false)
        }
        Moment::Creating => (waiting("ContainerCreating", ""), None, 0, false),
        Moment::PullFailed => (waiting("ErrImagePull", &no_image(image)), None, 0, false),
        Moment::PullPauses => {
            let message = format!("Back-off pulling image \"{image}\": ErrImagePull: {}", no_image(image));
            (waiting("ImagePullBackOff", &message), None, 0, false)
        }
        Moment::Unmade { run, lack } => match unmade(pod, container, lack) {
            Unmade::Waits(reason, why) => (waiting(reason, why), None, 0, false),
            Unmade::Done => (ended((run.started, run.started, 0), 0), None, 0, true),
            Unmade::Runs => (object! {"running": object! {"startedAt": at(run.started)}}, None, 0, true),
        },
        Moment::Running { run, .. } | Moment::Pausing { run, .. } | Moment::Ended { run } if is_init => {
            let first = run.last.map_or(run.started, |(started, ..)| started);
            (ended((first, first, 0), 0), None, 0, true)
        }
        Moment::Running { run, ready } => {
            (object! {"running": object! {"startedAt": at(run.started)}}, last(run), run.restarts, *ready)
        }
        Moment::Pausing { run, pause } => {
            let ended = run.last.map(|last| ended(last, run.restarts));
            (waiting("CrashLoopBackOff", &back_off(pause)), ended, run.restarts, false)
        }
        Moment::Ended { run } => {
            (run.last.map(|last| ended(last, run.restarts)).unwrap_or_default(), None, run.restarts, false)
        }
    };
    let runs = match moment {
        Moment::Running { .. } | Moment::Pausing { .. } | Moment::Ended { .. } => true,
        Moment::Unmade { lack, .. } => !matches!(unmade(pod, container, lack), Unmade::Waits(..)),
        Moment::Creating | Moment::PullFailed | Moment::PullPauses => false,
    };
    let mut status = object! {
        "name": container_name,
        "image": image,
        "imageID": if runs { format!("lockstep://{image}") } else { String::new() },
        "lastState": last.unwrap_or_else(|| Value::map(lockstep_core::Map::new())),
        "state": state,
        "ready": ready,
        "restartCount": i64::from(restarts),
        "started": runs && matches!(moment, Moment::Running { .. } | Moment::Unmade { .. }) && !is_init,
    };
    if runs {
        status.set(&["containerID"], id(restarts).into());
    }
    status
}

/// Where a container is while some cannot be made.
enum Unmade<'a> {
    Waits(&'a str, &'a str),
    /// An init container that has ended.
    Done,
    Runs,
}

fn unmade<'a>(pod: &Value, container: &Value, lack: &'a Lack) -> Unmade<'a> {
    let wanted = text(container, &["name"]);
    if let Some(why) = lack.of(wanted) {
        return Unmade::Waits("CreateContainerConfigError", why);
    }
    let inits = items(pod, &["spec", "initContainers"]);
    let place = inits.iter().position(|init| text(init, &["name"]) == wanted);
    match (lacking_init(pod, lack), place) {
        (Some(failing), place) if place.is_none_or(|place| place > failing) => {
            Unmade::Waits("PodInitializing", "")
        }
        (_, Some(_)) if text(container, &["restartPolicy"]) != "Always" => Unmade::Done,
        _ => Unmade::Runs,
    }
}

/// The times of a state that was told already stay: they were told by a clock that knows parts of seconds.
fn keep_times(mut status: Value, before: Option<&Value>) -> Value {
    let Some(before) = before.filter(|before| before.get("restartCount") == status.get("restartCount"))
    else {
        return status;
    };
    for path in [["state", "running"], ["state", "terminated"], ["lastState", "terminated"]] {
        for key in ["startedAt", "finishedAt"] {
            let path = [path[0], path[1], key];
            if let Some(time) = before.at(&path).filter(|_| status.at(&path).is_some()) {
                status.set(&path, time.clone());
            }
        }
    }
    status
}

/// Why an image cannot be had.
pub(super) fn no_image(image: &str) -> String {
    format!(
        "failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {image}: not found"
    )
}

/// As Go prints durations: `1m20s`.
fn go_duration(time: Duration) -> String {
    match (time.as_secs() / 60, time.as_secs() % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    }
}

/// The pod as one that was told to stop, and did.
pub(super) fn stopped(pod: &Value, now: Duration) -> Value {
    let mut after = pod.clone();
    let statuses = items(pod, &["status", "containerStatuses"]).iter().map(|status| {
        let mut status = status.clone();
        let started = text(&status, &["state", "running", "startedAt"]).to_owned();
        let mut ended = object! {"exitCode": 143, "reason": "Error", "finishedAt": stamp(now)};
        ended.set(&["startedAt"], if started.is_empty() { stamp(now) } else { started }.into());
        status.set(&["state"], object! {"terminated": ended});
        status.set(&["ready"], false.into());
        status.set(&["started"], false.into());
        status
    });
    let statuses: Vec<Value> = statuses.collect();
    if !statuses.is_empty() {
        after.set(&["status", "containerStatuses"], Value::list(statuses));
    }
    after.set(&["status", "phase"], "Failed".into());
    for kind in ["Ready", "ContainersReady"] {
        let mut condition = condition::find(pod, kind).cloned().unwrap_or_else(|| object! {"type": kind});
        if text(&condition, &["status"]) != "False" {
            condition.set(&["status"], "False".into());
            condition.set(&["reason"], "PodFailed".into());
        }
        condition::set(&mut after, condition, &stamp(now));
    }
    after
}
