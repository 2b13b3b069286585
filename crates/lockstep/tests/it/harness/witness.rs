//! What others do to the live objects, and what the controller is seen to do about it.
use serde_json::{Value, json};
use xtask::{SOON, Scenario, eventually};

use super::{ours, scenario};

/// What names an object in the scenario's namespace: apiVersion, kind, name.
pub(crate) type Object<'a> = (&'a str, &'a str, &'a str);

/// The Application of [`deployed`].
pub(crate) const SHOP: &str = "shop";
/// It as an object.
pub(crate) const APPLICATION: Object<'static> = ("lockstep.dev/v1alpha1", "Application", SHOP);

/// A Deployment with the label that [`looked_at`] needs. `spec` and `container` are further fields, in flow style,
/// each with a comma at its end.
pub(crate) fn workload(name: &str, spec: &str, container: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, labels: {{sentinel: here}}}}\n\
         spec: {{{spec}selector: {{matchLabels: {{app: {name}}}}}, template: {{\n  \
         metadata: {{labels: {{app: {name}}}}},\n  \
         spec: {{containers: [{{{container}name: main, image: 'example.com/{name}:1'}}]}}}}}}\n"
    )
}

/// The stage with the Application [`SHOP`], Ready at a commit with these files.
pub(crate) async fn deployed(name: &str, files: &[(&str, &str)], changes: Value) -> Option<Scenario> {
    let stage = scenario(name).await?;
    let sha = stage.push(files);
    stage.application(SHOP, changes).await;
    stage.ready(SHOP, &sha).await;
    Some(stage)
}

/// Somebody else merges into a live object. Returns it as it was just after.
pub(crate) async fn meddle(stage: &Scenario, (api_version, kind, name): Object<'_>, patch: Value) -> Value {
    let path = stage.path(api_version, kind, name);
    stage.cluster.rest().merge(&path, &patch, "intruder").await.expect("the intruder may")
}

/// Waits until the controller has acted upon everything that was done to objects of this kind before now: a watch
/// keeps the order, so that it has seen all of it once it heals what is done to this object last.
pub(crate) async fn looked_at(stage: &Scenario, sentinel: Object<'_>) {
    meddle(stage, sentinel, json!({"metadata": {"labels": {"sentinel": "moved"}}})).await;
    stage.until(sentinel, |found| found["metadata"]["labels"]["sentinel"] == "here").await;
}

/// Ends the controller in good order, starts it again and waits until it has looked at every Application.
pub(crate) fn restart(stage: &mut Scenario) {
    stage.controller.terminate(SOON).expect("an orderly end");
    stage.controller.restart().expect("start");
    stage.controller.wait_ready(SOON).expect("readiness");
}

/// Kills the controller, starts it again and waits until it has looked at every Application.
pub(crate) fn killed(stage: &mut Scenario) {
    stage.controller.kill9().expect("kill");
    stage.controller.restart().expect("start");
    stage.controller.wait_ready(SOON).expect("readiness");
}

/// The controller's writes that the API server let through in the two namespaces: verb, resource, name; oldest first.
pub(crate) fn written(stage: &Scenario) -> Vec<(String, String, String)> {
    let writes = stage.writes().into_iter().filter(|write| write.agent == "lockstep");
    writes.map(|write| (write.verb, write.resource, write.name)).collect()
}

/// Waits until the log of the API server has so many of the controller's writes; a write is answered before it is logged.
/// More than so many are no success either.
pub(crate) async fn until_written(stage: &Scenario, resource: &str, name: &str, times: usize) {
    eventually(SOON, || async {
        let found = ours(stage, resource, name).len();
        assert!(
            found <= times,
            "{resource}/{name} was written {found} times, not {times}: {:#?}",
            written(stage)
        );
        if found == times { Ok(()) } else { Err(format!("{resource}/{name} was written {found} times")) }
    })
    .await;
}

/// Waits until a look at the log of the API server shows what is expected, for the same reason.
pub(crate) async fn until_logged<T: PartialEq + std::fmt::Debug>(look: impl Fn() -> T, expected: &T) {
    eventually(SOON, || async {
        let found = look();
        if found == *expected { Ok(()) } else { Err(format!("{found:?} instead of {expected:?}")) }
    })
    .await;
}

/// What a command that looks into the installation (`why`, `trace`, …) prints.
pub(crate) fn told(stage: &Scenario, arguments: &[&str]) -> String {
    let place = ["--instance", stage.controller.instance(), "--controller-namespace", &stage.own];
    let output = stage.cli(&[arguments, &place].concat());
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {} {complaint}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What is logged of writes that came in this order, by a server that may have left some out.
pub(crate) fn is_part_of(found: &[String], expected: &[String]) -> bool {
    let mut rest = expected.iter();
    found.iter().all(|name| rest.any(|expected| expected == name))
}
