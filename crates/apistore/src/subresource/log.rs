//! Reading the log of a container.

use std::sync::Arc;
use std::time::Duration;

use lockstep_core::{Timestamp, Value};

use crate::call::{Call, Outcome, Shown};
use crate::failure::{Failure, Halt};
use crate::logs::{Part, Place, Which};
use crate::shelf::key;
use crate::state::{PODS, State};

/// Shows the log of a container.
pub(super) fn log(state: &State, call: &mut Call<'_>) -> Result<Outcome, Halt> {
    let Some(entry) = state.entry(&call.served, call.namespace(), &call.info.name) else {
        return Err(call.not_found().into());
    };
    let pod = entry.value();
    let wanted = call.request.parameter("container").unwrap_or_default();
    let container = container(&pod, wanted)?;
    if pod.str_at(&["spec", "nodeName"]).is_none_or(str::is_empty) {
        // A pod without a node has no log; the server answers with nothing.
        return Ok(Outcome::with(204, Shown::Text(Vec::new().into())));
    }
    let run = run(&pod, container, call)?;
    let part = Part { run, ..part(call)? };
    let shown = match flag(call, "follow") && run == Which::Current {
        true => Shown::Log(Box::new(FollowedLog {
            pod: key(call.namespace(), &call.info.name),
            uid: entry.uid.clone(),
            container: container.to_owned(),
            next: state.logs.begin(&entry.uid, container, &part),
            left: part.bytes,
            timestamps: part.timestamps,
        })),
        false => Shown::Text(state.logs.read(&entry.uid, container, &part).into()),
    };
    Ok(Outcome::read(shown))
}

/// A log that is read as it grows, until its container stops or its pod goes.
#[derive(Clone, Debug)]
pub struct FollowedLog {
    pod: Arc<str>,
    uid: Box<str>,
    container: String,
    next: Place,
    /// How many bytes may still be told.
    left: Option<usize>,
    timestamps: bool,
}

impl FollowedLog {
    pub(crate) fn poll(&mut self, state: &State) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        self.next = state.logs.read_on((&self.uid, &self.container), self.next, self.timestamps, &mut text);
        if let Some(left) = &mut self.left {
            text.truncate(*left);
            *left -= text.len();
        }
        let goes_on = !text.is_empty() || (self.left != Some(0) && self.may_grow(state));
        goes_on.then_some(text)
    }

    fn may_grow(&self, state: &State) -> bool {
        let entry = state.shelf(PODS).and_then(|shelf| shelf.get(&self.pod));
        entry.filter(|entry| entry.uid == self.uid).is_some_and(|entry| {
            let pod = entry.value();
            let over = matches!(pod.str_at(&["status", "phase"]), Some("Failed" | "Succeeded"));
            let stopped = status(&pod, &self.container)
                .is_some_and(|status| status.at(&["state", "terminated"]).is_some());
            !over && !stopped
        })
    }
}

const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

fn names<'p>(pod: &'p Value, list: &str) -> Vec<&'p str> {
    let list = pod.at(&["spec", list]).and_then(Value::as_list).unwrap_or_default();
    list.iter().filter_map(|container| container.str_at(&["name"])).collect()
}

fn container<'p>(pod: &'p Value, wanted: &str) -> Result<&'p str, Failure> {
    let pod_name = pod.str_at(&["metadata", "name"]).unwrap_or_default();
    let [containers, init, ephemeral] = LISTS.map(|list| names(pod, list));
    if !wanted.is_empty() {
        let all = containers.iter().chain(&init).chain(&ephemeral);
        return all.copied().find(|name| *name == wanted).ok_or_else(|| {
            Failure::bad_request(format!("container {wanted} is not valid for pod {pod_name}"))
        });
    }
    if let [only] = containers[..] {
        return Ok(only);
    }
    let list = |names: &[&str]| format!("[{}]", names.join(" "));
    let mut message = format!(
        "a container name must be specified for pod {pod_name}, choose one of: {}",
        list(&containers)
    );
    if !init.is_empty() {
        message.push_str(&format!(" or one of the init containers: {}", list(&init)));
    }
    if !ephemeral.is_empty() {
        message.push_str(&format!(" or one of the ephemeral containers: {}", list(&ephemeral)));
    }
    Err(Failure::bad_request(message))
}

fn status<'p>(pod: &'p Value, container: &str) -> Option<&'p Value> {
    let lists = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];
    let mut statuses =
        lists.iter().flat_map(|list| pod.at(&["status", list]).and_then(Value::as_list).unwrap_or_default());
    statuses.find(|status| status.str_at(&["name"]) == Some(container))
}

/// Whose lines are to be read, as a kubelet chooses: one that waits to be started again shows those of its last run.
fn run(pod: &Value, container: &str, call: &Call<'_>) -> Result<Which, Failure> {
    let (shown, name) = (crate::failure::quoted(container), crate::failure::quoted(&call.info.name));
    let status = status(pod, container);
    let has = |path: &[&str]| status.is_some_and(|status| status.at(path).is_some());
    let ran = has(&["lastState", "terminated"]);
    let waits = status.and_then(|status| status.str_at(&["state", "waiting", "reason"]));
    match (flag(call, "previous"), waits) {
        (true, _) if !ran => {
            let message = format!("previous terminated container {shown} in pod {name} not found");
            Err(Failure::bad_request(message))
        }
        (true, None) => Ok(Which::Previous),
        (false, Some(reason)) if !ran => {
            let why = match reason {
                "ErrImagePull" => "image can't be pulled",
                "ImagePullBackOff" => "trying and failing to pull image",
                other => other,
            };
            let message = format!("container {shown} in pod {name} is waiting to start: {why}");
            Err(Failure::bad_request(message))
        }
        _ => Ok(Which::Current),
    }
}

fn flag(call: &Call<'_>, name: &str) -> bool {
    call.request.parameter(name).is_some_and(|value| !matches!(value, "false" | "0"))
}

fn part(call: &Call<'_>) -> Result<Part, Failure> {
    let number = |name: &str| match call.request.parameter(name) {
        None => Ok(None),
        Some(text) => text.parse::<u64>().map(Some).map_err(|_| {
            let text = crate::failure::quoted(text);
            Failure::bad_request(format!("strconv.ParseInt: parsing {text}: invalid syntax"))
        }),
    };
    let since_time = call.request.parameter("sinceTime").and_then(Timestamp::parse);
    let since_time = since_time.and_then(|time| u64::try_from(time.0).ok()).map(Duration::from_secs);
    let since = number("sinceSeconds")?.map(|seconds| call.now.saturating_sub(Duration::from_secs(seconds)));
    let small = |number: Option<u64>| number.and_then(|number| usize::try_from(number).ok());
    Ok(Part {
        run: Which::Current,
        since: since.or(since_time),
        tail: small(number("tailLines")?),
        bytes: small(number("limitBytes")?),
        timestamps: flag(call, "timestamps"),
    })
}
