//! What the pod of a hook that failed wrote at last, for whoever has to mend it: read once, before the failure is told.

use std::time::Duration;

use ::plan::Report;
use cluster::{ApiError, Resource, ResourceScope};
use diff::Hidden;
use lockstep_core::{Gvk, HookEnd, ObjectKey, Run, Value, from_json};

use super::observe::Observed;
use crate::context::Context;

/// So many lines are told.
const LINES: usize = 50;
/// Characters of one line, and of all of them.
const LONGEST_LINE: usize = 300;
const LONGEST: usize = 3900;
/// Pods of one hook that are looked at for the last one.
const PODS: usize = 8;
/// What is not answered by then is not told: the failure itself is more important.
const PATIENCE: Duration = Duration::from_secs(5);

/// Adds to the hooks that failed just now what their pods wrote.
pub(super) async fn add(context: &Context, observed: &Observed, report: &mut Report) {
    let found = &observed.rendered.valid.found;
    let (Some(told), Some(run)) = (&found.told.run, &mut report.run) else { return };
    for (name, end) in &mut run.hooks {
        let HookEnd::Failed(failure) = end else { continue };
        if !failure.log.is_empty() || matches!(told.hooks.get(name), Some(HookEnd::Failed(_))) {
            continue;
        }
        let log = tokio::time::timeout(PATIENCE, read(context, observed, told, name));
        failure.log = log.await.ok().flatten().unwrap_or_default();
    }
}

async fn read(context: &Context, observed: &Observed, told: &Run, name: &str) -> Option<String> {
    let set = &observed.rendered.outcome.rendering()?.set;
    let (key, gvk) = ::plan::hook_object(set, told, name)?;
    let pod = last_pod(context, &key, &gvk).await?;
    let hidden = match hidden(context, observed, &pod).await {
        Ok(hidden) => hidden,
        Err(secret) => return Some(format!("the log is not shown: Secret/{secret} cannot be read")),
    };
    let pod_key = ObjectKey::new("", "Pod", &key.namespace, pod.str_at(&["metadata", "name"])?);
    let mut text = String::new();
    for container in containers(&pod) {
        match context.cluster.writer.connection().log(&pod_key, container, LINES).await {
            Ok(log) => text.push_str(&log),
            Err(error) => {
                tracing::warn!(pod = %pod_key, container, error = %error, "A log could not be read")
            }
        }
    }
    Some(last_lines(&hidden.redact(&text)))
}

fn last_lines(text: &str) -> String {
    let lines: Vec<String> =
        text.lines().rev().take(LINES).map(|line| line.chars().take(LONGEST_LINE).collect()).collect();
    let mut kept: Vec<&str> = Vec::new();
    let mut length = 0;
    for line in &lines {
        length += line.chars().count() + 1;
        if length > LONGEST {
            break;
        }
        kept.push(line);
    }
    kept.reverse();
    kept.join("\n")
}

fn pods() -> Resource {
    Resource::new(Gvk::new("", "v1", "Pod"), "pods", ResourceScope::Namespaced)
}

async fn get(context: &Context, resource: &Resource, key: &ObjectKey) -> Result<Option<Value>, ApiError> {
    match context.cluster.writer.connection().get(resource, key).await {
        Ok(raw) => Ok(from_json(raw.bytes()).ok()),
        Err(ApiError::NotFound | ApiError::NamespaceMissing) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The pod of a hook that was made last, or the hook itself where it is one.
async fn last_pod(context: &Context, key: &ObjectKey, gvk: &Gvk) -> Option<Value> {
    let index = &context.cluster.index;
    let names = match key.is("", "Pod") {
        true => vec![key.clone()],
        false => {
            let hook = index.meta(gvk, key).ok()??;
            let children = index.children(&hook.uid).into_iter().map(|child| child.key);
            children.filter(|child| child.is("", "Pod")).collect()
        }
    };
    let mut last: Option<Value> = None;
    for name in names.iter().rev().take(PODS) {
        let Ok(Some(pod)) = get(context, &pods(), name).await else { continue };
        let made = |pod: &Value| pod.str_at(&["metadata", "creationTimestamp"]).map(str::to_owned);
        if last.as_ref().is_none_or(|last| made(last) < made(&pod)) {
            last = Some(pod);
        }
    }
    last
}

/// The containers whose logs tell something: those that failed, else all that have started.
fn containers(pod: &Value) -> Vec<&str> {
    let lists = ["initContainerStatuses", "containerStatuses"];
    let all = lists.iter().flat_map(|list| items(pod, &["status", list]));
    let all: Vec<&Value> = all.collect();
    let ended_badly = |status: &&&Value| {
        ["state", "lastState"]
            .iter()
            .filter_map(|state| status.int_at(&[state, "terminated", "exitCode"]))
            .any(|code| code != 0)
    };
    let failed: Vec<&Value> = all.iter().filter(ended_badly).copied().collect();
    let chosen = if failed.is_empty() { all } else { failed };
    chosen.into_iter().filter_map(|status| status.str_at(&["name"])).collect()
}

fn items<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    value.at(path).and_then(Value::as_list).unwrap_or_default()
}

/// The values of every Secret that the Application has in Git, and of those that the pod can read. Its error is the name of one that
/// may not be read: its values could not be recognised.
async fn hidden(context: &Context, observed: &Observed, pod: &Value) -> Result<Hidden, String> {
    let set = observed.rendered.outcome.rendering().map(|rendering| &rendering.set);
    let objects = set
        .into_iter()
        .flat_map(|set| set.objects().iter().chain(set.hooks().iter().map(|hook| &hook.object)));
    let mut secrets: Vec<Value> =
        objects.filter(|object| object.key.is("", "Secret")).map(|object| object.value.clone()).collect();
    let namespace = pod.str_at(&["metadata", "namespace"]).unwrap_or_default();
    for name in referred(pod) {
        let key = ObjectKey::new("", "Secret", namespace, name);
        match get(context, &crate::records::secrets(), &key).await {
            Ok(secret) => secrets.extend(secret),
            Err(_) => return Err(name.to_owned()),
        }
    }
    Ok(Hidden::of(&secrets))
}

/// The Secrets that a pod names.
fn referred(pod: &Value) -> Vec<&str> {
    let mut names = Vec::new();
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        for container in items(pod, &["spec", list]) {
            let variables = items(container, &["env"]).iter();
            names.extend(
                variables.filter_map(|variable| variable.str_at(&["valueFrom", "secretKeyRef", "name"])),
            );
            names.extend(
                items(container, &["envFrom"]).iter().filter_map(|all| all.str_at(&["secretRef", "name"])),
            );
        }
    }
    for volume in items(pod, &["spec", "volumes"]) {
        names.extend(volume.str_at(&["secret", "secretName"]));
        let sources = items(volume, &["projected", "sources"]).iter();
        names.extend(sources.filter_map(|source| source.str_at(&["secret", "name"])));
    }
    names.extend(items(pod, &["spec", "imagePullSecrets"]).iter().filter_map(|one| one.str_at(&["name"])));
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_that_a_pod_can_read_is_known() {
        let pod = from_json(
            br#"{"spec":{"containers":[{"env":[{"name":"a","valueFrom":{"secretKeyRef":{"name":"one","key":"k"}}},{"name":"b","value":"x"}],
                "envFrom":[{"secretRef":{"name":"two"}},{"configMapRef":{"name":"no"}}]}],
                "initContainers":[{"envFrom":[{"secretRef":{"name":"three"}}]}],
                "imagePullSecrets":[{"name":"four"}],
                "volumes":[{"secret":{"secretName":"five"}},{"projected":{"sources":[{"secret":{"name":"six"}}]}}]}}"#,
        )
        .unwrap();
        assert_eq!(referred(&pod), ["five", "four", "one", "six", "three", "two"]);
    }

    #[test]
    fn the_containers_that_failed_are_read_else_all() {
        let check = |json: &str, expected: &[&str]| {
            assert_eq!(containers(&from_json(json.as_bytes()).unwrap()), expected, "{json}");
        };
        check(
            r#"{"status":{"containerStatuses":[{"name":"a","state":{"terminated":{"exitCode":0}}},{"name":"b","state":{"terminated":{"exitCode":3}}}]}}"#,
            &["b"],
        );
        check(
            r#"{"status":{"containerStatuses":[{"name":"a","state":{"waiting":{}},"lastState":{"terminated":{"exitCode":1}}}]}}"#,
            &["a"],
        );
        check(r#"{"status":{"containerStatuses":[{"name":"a","state":{"running":{}}}]}}"#, &["a"]);
        check("{}", &[]);
    }

    #[test]
    fn the_end_of_a_log_is_kept() {
        let long: String = (0..100).map(|line| format!("line {line}\n")).collect();
        let kept = last_lines(&long);
        assert!(kept.starts_with("line 50\n") && kept.ends_with("line 99"), "{kept}");
        let wide = format!("{}\nend", "é".repeat(5000)).repeat(30);
        let kept = last_lines(&wide);
        assert!(kept.chars().count() <= LONGEST && kept.ends_with("end"), "{}", kept.len());
    }
}
