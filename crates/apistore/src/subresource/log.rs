//! Reading the log of a container.

use std::time::Duration;

use lockstep_core::{Timestamp, Value};

use crate::call::{Call, Outcome, Shown};
use crate::failure::{Failure, Halt};
use crate::logs::Part;
use crate::state::State;

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
    if let Some(reason) = waiting(&pod, container) {
        let name = &call.info.name;
        let (container, name) = (crate::failure::quoted(container), crate::failure::quoted(name));
        let message = format!("container {container} in pod {name} is waiting to start: {reason}");
        return Err(Failure::bad_request(message).into());
    }
    let part = part(call)?;
    let text = state.logs.read(&entry.uid, container, &part);
    Ok(Outcome::read(Shown::Text(text.into())))
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

/// Why a container has not started.
fn waiting<'p>(pod: &'p Value, container: &str) -> Option<&'p str> {
    let lists = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];
    let mut statuses =
        lists.iter().flat_map(|list| pod.at(&["status", list]).and_then(Value::as_list).unwrap_or_default());
    let status = statuses.find(|status| status.str_at(&["name"]) == Some(container))?;
    let ran = status.at(&["lastState", "terminated"]).is_some();
    status.str_at(&["state", "waiting", "reason"]).filter(|_| !ran)
}

fn part(call: &Call<'_>) -> Result<Part, Failure> {
    let number = |name: &str| match call.request.parameter(name) {
        None => Ok(None),
        Some(text) => text.parse::<u64>().map(Some).map_err(|_| {
            let text = crate::failure::quoted(text);
            Failure::bad_request(format!("strconv.ParseInt: parsing {text}: invalid syntax"))
        }),
    };
    let flag = |name: &str| call.request.parameter(name).is_some_and(|value| !matches!(value, "false" | "0"));
    let since_time = call.request.parameter("sinceTime").and_then(Timestamp::parse);
    let since_time = since_time.and_then(|time| u64::try_from(time.0).ok()).map(Duration::from_secs);
    let since = number("sinceSeconds")?.map(|seconds| call.now.saturating_sub(Duration::from_secs(seconds)));
    let small = |number: Option<u64>| number.and_then(|number| usize::try_from(number).ok());
    Ok(Part {
        since: since.or(since_time),
        tail: small(number("tailLines")?),
        bytes: small(number("limitBytes")?),
        timestamps: flag("timestamps"),
    })
}
