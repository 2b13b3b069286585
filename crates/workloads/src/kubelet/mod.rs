//! The kubelets of the simulated nodes: what becomes of pods that were bound to them.

mod needs;
mod script;
mod status;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use lockstep_core::Value;

use crate::client::{Actor, Context, Refused};
use crate::controller::{Controller, Due};
use crate::kind::Kind;
use crate::object::{finalizers, is_deleting, items, name, namespace, number, seconds, text, time, uid};
use crate::pod::is_finished;
use crate::view::{Change, Id, Key, View};
use needs::Lack;
use script::{Moment, Run, START, Script};

/// Runs the pods of simulated nodes, as their annotations say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kubelet {
    /// What is known of the pods that are there, by their uids.
    runs: HashMap<String, Course>,
    taken: HashSet<String>,
    next_address: u32,
    /// The pods that wait for a ConfigMap or a Secret.
    waiting: BTreeSet<Key>,
}

/// What was done for a pod.
#[derive(Clone, Debug)]
struct Course {
    /// When it came to its node.
    begun: Duration,
    address: String,
    /// Of how many starts its log tells.
    starts: u32,
    /// The containers that were started while others could not be made.
    early: BTreeSet<String>,
    /// Whether all its containers were made: what is gone afterwards stops none of them.
    made: bool,
    lacks: bool,
    /// When it was told to stop.
    stopping: Option<Duration>,
    script: Script,
    /// What its annotations say that nobody understands.
    unread: Vec<String>,
}

impl Controller for Kubelet {
    fn actor(&self) -> Actor<'static> {
        Actor::Kubelet("")
    }

    fn touched(&mut self, change: &Change, _view: &View) -> Vec<Id> {
        if matches!(change.id.kind, Kind::CONFIG_MAPS | Kind::SECRETS) {
            let near = self.waiting.iter().filter(|key| key.namespace == change.id.key.namespace);
            return near.map(|key| Id { kind: Kind::PODS, key: key.clone() }).collect();
        }
        if change.id.kind != Kind::PODS {
            return Vec::new();
        }
        let Some(new) = &change.new else {
            self.waiting.remove(&change.id.key);
            if let Some(course) = self.runs.remove(uid(change.object())) {
                self.taken.remove(&course.address);
            }
            return Vec::new();
        };
        let status = |pod: &Value| pod.get("status").cloned();
        let old = change.old.as_ref();
        // What the kubelet itself wrote is nothing new to it.
        let news = old.is_none_or(|old| {
            old.get("metadata").map(plain) != new.get("metadata").map(plain)
                || old.get("spec") != new.get("spec")
                || status(old).is_none()
        });
        (news && !text(new, &["spec", "nodeName"]).is_empty())
            .then(|| change.id.clone())
            .into_iter()
            .collect()
    }

    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let Some(pod) = cx.view.get(Kind::PODS, &id.key) else { return Ok(None) };
        let node_name = text(pod, &["spec", "nodeName"]);
        let node = cx.view.find(Kind::NODES, "", node_name);
        let Some(node) = node.filter(|node| crate::scheduler::is_simulated(node)) else { return Ok(None) };
        let address = crate::nodes::address_of(node).to_owned();
        let mut cx = cx.acting_as(Actor::Kubelet(node_name));
        if is_deleting(pod) {
            return self.stop(pod, &mut cx);
        }
        if is_finished(pod) {
            return Ok(None);
        }
        self.run(pod, &address, &mut cx)
    }
}

/// Metadata without what changes at every write.
fn plain(metadata: &Value) -> Value {
    let mut plain = metadata.clone();
    plain.remove(&["managedFields"]);
    plain.remove(&["resourceVersion"]);
    plain
}

impl Kubelet {
    fn run(&mut self, pod: &Value, host: &str, cx: &mut Context<'_>) -> Result<Due, Refused> {
        self.meet(pod, host, cx);
        let Some(course) = self.runs.get_mut(uid(pod)) else { return Ok(None) };
        let key = Key::new(namespace(pod), name(pod));
        let lack = course.look(cx.view, pod, cx.now);
        match &lack {
            Some(_) => _ = self.waiting.insert(key),
            None => _ = self.waiting.remove(&key),
        }
        if let Some(Lack::Volume { volume, why }) = &lack {
            let message = format!("MountVolume.SetUp failed for volume \"{volume}\" : {why}");
            cx.warning(pod, "FailedMount", &message);
        }
        let (moment, next) = course.at(cx.now, lack);
        let place = status::Place { begun: course.begun, address: &course.address, host, now: cx.now };
        let after = status::status(pod, &moment, &place);
        if after.get("status") != pod.get("status") {
            cx.update_status(Kind::PODS, &after)?;
        }
        tell(pod, &moment, course, cx);
        Ok(next.map(|next| course.begun.saturating_add(next)))
    }

    /// Takes notice of a pod; one that fails to be pulled begins anew with another image.
    fn meet(&mut self, pod: &Value, host: &str, cx: &mut Context<'_>) {
        let (script, unread) = (Script::of(pod), script::unread(pod));
        let known = self.runs.get_mut(uid(pod));
        if known.as_ref().is_none_or(|known| known.unread != unread) {
            unread.iter().for_each(|text| cx.warning(pod, "UnreadableAnnotation", text));
        }
        if let Some(known) = known {
            if known.script.pull_fails && !script.pull_fails {
                known.begun = cx.now;
            }
            (known.script, known.unread) = (script, unread);
            return;
        }
        let address = match text(pod, &["status", "podIP"]) {
            _ if pod.at(&["spec", "hostNetwork"]).and_then(Value::as_bool) == Some(true) => host.to_owned(),
            "" => self.new_address(cx.view),
            known => known.to_owned(),
        };
        self.taken.insert(address.clone());
        let begun = time(pod, &["status", "startTime"]).unwrap_or(cx.now);
        let starts = known_starts(pod);
        if starts > 0 {
            // Logs are not kept when the cluster stops: those of the last two starts are told again, what happened is not.
            for _ in 0..starts.min(2) {
                items(pod, &["spec", "containers"])
                    .iter()
                    .for_each(|container| write_log(pod, container, cx));
            }
        }
        let made = starts > 0;
        self.runs.insert(
            uid(pod).to_owned(),
            Course { starts, made, unread, ..Course::new(begun, address, script) },
        );
    }

    /// An address of 10.244.0.0/16 that no pod has.
    fn new_address(&mut self, view: &View) -> String {
        if self.taken.is_empty() {
            let known = view.all(Kind::PODS).map(|(_, pod)| text(pod, &["status", "podIP"]));
            self.taken.extend(known.filter(|address| !address.is_empty()).map(str::to_owned));
        }
        loop {
            self.next_address = self.next_address % 0xfffe + 1;
            let [_, _, high, low] = self.next_address.to_be_bytes();
            let address = format!("10.244.{high}.{low}");
            if !self.taken.contains(&address) || self.taken.len() > 0xff00 {
                return address;
            }
        }
    }

    /// Stops a pod, and says that it is gone.
    fn stop(&mut self, pod: &Value, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let script = Script::of(pod);
        let grace = seconds(pod, &["metadata", "deletionGracePeriodSeconds"]).unwrap_or_default();
        let needs = script.stops_after.min(grace);
        let address = text(pod, &["status", "podIP"]).to_owned();
        let fresh = Course::new(cx.now, address, script);
        let course = self.runs.entry(uid(pod).to_owned()).or_insert(fresh);
        if course.stopping.is_none() && !needs.is_zero() {
            for container in items(pod, &["spec", "containers"]) {
                cx.normal(pod, "Killing", &format!("Stopping container {}", text(container, &["name"])));
            }
        }
        let begun = *course.stopping.get_or_insert(cx.now);
        let end = begun.saturating_add(needs);
        if cx.now < end {
            return Ok(Some(end));
        }
        // Something else still holds it: how it ended must be seen.
        if !finalizers(pod).is_empty() && !is_finished(pod) {
            let after = status::stopped(pod, cx.now);
            cx.update_status(Kind::PODS, &after)?;
        }
        cx.delete(Kind::PODS, pod, &[("gracePeriodSeconds", 0.into())])?;
        Ok(None)
    }
}

impl Course {
    fn new(begun: Duration, address: String, script: Script) -> Self {
        Self {
            begun,
            address,
            starts: 0,
            early: BTreeSet::new(),
            made: false,
            lacks: false,
            stopping: None,
            script,
            unread: Vec::new(),
        }
    }

    /// What keeps containers from being made. Once all are, nobody looks again.
    fn look(&mut self, view: &View, pod: &Value, now: Duration) -> Option<Lack> {
        if self.made {
            return None;
        }
        let lack = needs::lack(view, pod);
        // Images are pulled before containers are made, after volumes are mounted.
        let lack = lack.filter(|lack| !self.script.pull_fails || matches!(lack, Lack::Volume { .. }));
        if lack.is_none() && self.lacks {
            // What waited starts now.
            self.begun = now.saturating_sub(START);
        }
        self.lacks = lack.is_some();
        self.made = !self.lacks && !self.script.pull_fails && now.saturating_sub(self.begun) >= START;
        lack
    }

    /// Where the pod is now, and when that changes.
    fn at(&self, now: Duration, lack: Option<Lack>) -> (Moment, Due) {
        let elapsed = now.saturating_sub(self.begun);
        match lack {
            Some(Lack::Volume { .. }) => (Moment::Creating, None),
            Some(lack) if elapsed >= START => {
                (Moment::Unmade { run: Run { restarts: 0, started: START, last: None }, lack }, None)
            }
            _ => self.script.at(elapsed),
        }
    }
}

/// Writes the log of starts that are not in it yet, and tells of what happened.
fn tell(pod: &Value, moment: &Moment, course: &mut Course, cx: &mut Context<'_>) {
    let containers = items(pod, &["spec", "containers"]);
    match moment {
        Moment::Creating => {}
        Moment::PullFailed => {
            for container in containers {
                let image = text(container, &["image"]);
                cx.warning(
                    pod,
                    "Failed",
                    &format!("Failed to pull image \"{image}\": {}", status::no_image(image)),
                );
                cx.warning(pod, "Failed", "Error: ErrImagePull");
            }
        }
        Moment::PullPauses => {
            for container in containers {
                let image = text(container, &["image"]);
                cx.normal(pod, "BackOff", &format!("Back-off pulling image \"{image}\""));
                cx.warning(pod, "Failed", "Error: ImagePullBackOff");
            }
        }
        Moment::Pausing { .. } => {
            for container in containers {
                let name_ = text(container, &["name"]);
                let place = format!("{}_{}({})", name(pod), namespace(pod), uid(pod));
                cx.warning(
                    pod,
                    "BackOff",
                    &format!("Back-off restarting failed container {name_} in pod {place}"),
                );
            }
        }
        Moment::Unmade { lack, .. } => tell_unmade(pod, lack, course, cx),
        Moment::Running { .. } | Moment::Ended { .. } => {}
    }
    let starts = match moment {
        Moment::Running { run, .. } | Moment::Pausing { run, .. } | Moment::Ended { run } => run.restarts + 1,
        _ => 0,
    };
    for _ in course.starts..starts {
        let early = std::mem::take(&mut course.early);
        for container in containers.iter().filter(|container| !early.contains(text(container, &["name"]))) {
            write_log(pod, container, cx);
            started(pod, container, cx);
        }
    }
    course.starts = starts.max(course.starts);
}

/// Tells of containers that cannot be made, and starts the others.
fn tell_unmade(pod: &Value, lack: &Lack, course: &mut Course, cx: &mut Context<'_>) {
    for container in items(pod, &["spec", "initContainers"]) {
        if let Some(why) = lack.of(text(container, &["name"])) {
            pulled(pod, container, cx);
            cx.warning(pod, "Failed", &format!("Error: {why}"));
            return;
        }
    }
    for container in items(pod, &["spec", "containers"]) {
        let name = text(container, &["name"]);
        match lack.of(name) {
            Some(why) => {
                pulled(pod, container, cx);
                cx.warning(pod, "Failed", &format!("Error: {why}"));
            }
            None if course.early.insert(name.to_owned()) => {
                write_log(pod, container, cx);
                started(pod, container, cx);
            }
            None => {}
        }
    }
}

/// How often the containers of a pod were started, by its status: not at all while one of them never was.
fn known_starts(pod: &Value) -> u32 {
    let statuses = items(pod, &["status", "containerStatuses"]);
    let ran = |status: &Value| status.get("containerID").is_some();
    let starts =
        statuses.iter().map(|status| if ran(status) { number(status, &["restartCount"]) + 1 } else { 0 });
    let starts = if statuses.iter().all(ran) { starts.max() } else { None };
    starts.and_then(|starts| u32::try_from(starts).ok()).unwrap_or(0)
}

/// What a container writes at one start.
fn write_log(pod: &Value, container: &Value, cx: &mut Context<'_>) {
    cx.store.begin_log(uid(pod), text(container, &["name"]));
    for line in script::lines(pod, container) {
        cx.store.log(uid(pod), text(container, &["name"]), &line, cx.now);
    }
}

fn pulled(pod: &Value, container: &Value, cx: &mut Context<'_>) {
    let image = text(container, &["image"]);
    let pulled =
        format!("Container image \"{image}\" already present on machine and can be accessed by the pod");
    cx.normal(pod, "Pulled", &pulled);
}

fn started(pod: &Value, container: &Value, cx: &mut Context<'_>) {
    let name = text(container, &["name"]);
    pulled(pod, container, cx);
    cx.normal(pod, "Created", &format!("Created container: {name}"));
    cx.normal(pod, "Started", &format!("Started container {name}"));
}
