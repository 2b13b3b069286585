//! Asking what the server serves.

use lockstep_cluster::{Discovery, Lookup};
use lockstep_core::{GroupKind, Gvk};

use crate::fake::{Fake, core, groups};

#[tokio::test]
async fn two_requests_tell_everything_and_an_unchanged_answer_costs_nothing() {
    let fake = Fake::new();
    fake.clear("GET /apis");
    fake.reply_with("GET /apis", &groups("Current"), ("etag", "\"1\""));
    fake.on("GET /apis", 304, "");
    let discovery = Discovery::load(&fake.connection()).await.unwrap();
    let mut changes = discovery.changes();
    changes.mark_unchanged();
    let widget = discovery.by_name("widgets.example.com").served().unwrap();
    assert_eq!(widget.gvk, Gvk::new("example.com", "v1", "Widget"));
    assert!(widget.namespaced() && widget.verbs.has("watch") && !widget.verbs.has("patch"));
    assert_eq!(&*widget.subresources[0], "status");
    assert!(discovery.by_name("cm").served().is_some());
    discovery.refresh().await.unwrap();
    let asked = fake.seen("GET /apis");
    assert_eq!((asked.len(), asked[1].etag.as_str()), (2, "\"1\""));
    assert!(discovery.by_name("widget").served().is_some());
    assert!(!changes.has_changed().unwrap());
}

#[tokio::test]
async fn a_group_that_turns_stale_keeps_what_was_known_and_is_not_gone() {
    let fake = Fake::new();
    fake.clear("GET /apis");
    fake.on("GET /apis", 200, &groups("Current"));
    fake.on("GET /apis", 200, &groups("Stale"));
    let discovery = Discovery::load(&fake.connection()).await.unwrap();
    let kind = GroupKind::new("example.com", "Widget");
    assert!(matches!(discovery.preferred(&kind), Lookup::Served(_)));
    discovery.refresh().await.unwrap();
    assert!(matches!(discovery.preferred(&kind), Lookup::GroupFailing(_)));
    assert!(discovery.by_name("cm").served().is_some());
}

#[tokio::test]
async fn an_error_of_discovery_leaves_what_is_known() {
    let fake = Fake::new();
    let discovery = Discovery::load(&fake.connection()).await.unwrap();
    fake.clear("GET /apis");
    fake.on("GET /apis", 503, "");
    assert!(discovery.refresh().await.is_err());
    assert!(discovery.by_name("cm").served().is_some());
    assert_eq!(discovery.by_name("widget"), Lookup::NotServed);
}

#[tokio::test]
async fn servers_without_aggregation_are_asked_version_by_version() {
    let fake = Fake::new();
    for line in ["GET /api", "GET /apis"] {
        fake.clear(line);
    }
    fake.on("GET /api", 200, r#"{"kind":"APIVersions","versions":["v1"]}"#);
    let version = |version: &str| format!(r#"{{"groupVersion":"apps/{version}","version":"{version}"}}"#);
    let group = format!(
        r#"{{"name":"apps","versions":[{},{}],"preferredVersion":{}}}"#,
        version("v1beta1"),
        version("v1"),
        version("v1")
    );
    let broken = r#"{"name":"broken.example.com","versions":[{"groupVersion":"broken.example.com/v1","version":"v1"}]}"#;
    fake.on("GET /apis", 200, &format!(r#"{{"kind":"APIGroupList","groups":[{group},{broken}]}}"#));
    let pods = r#"{"kind":"APIResourceList","resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get"],"shortNames":["po"]},{"name":"pods/status","namespaced":true,"kind":"Pod","verbs":["get"]}]}"#;
    fake.on("GET /api/v1", 200, pods);
    let deployments = r#"{"resources":[{"name":"deployments","singularName":"","namespaced":true,"kind":"Deployment","verbs":["get"]}]}"#;
    fake.on("GET /apis/apps/v1", 200, deployments);
    fake.on("GET /apis/apps/v1beta1", 200, deployments);
    fake.on("GET /apis/broken.example.com/v1", 503, "");
    let discovery = Discovery::load(&fake.connection()).await.unwrap();
    let pod = discovery.by_name("po").served().unwrap();
    assert_eq!((&*pod.subresources[0], pod.subresources.len()), ("status", 1));
    let deployment = discovery.preferred(&GroupKind::new("apps", "Deployment")).served().unwrap();
    assert_eq!(&*deployment.gvk.api.version, "v1", "the preferred version goes first");
    assert!(matches!(
        discovery.resource(&Gvk::new("broken.example.com", "v1", "X")),
        Lookup::GroupFailing(_)
    ));
}

#[tokio::test]
async fn a_kind_that_is_not_known_is_asked_for() {
    let fake = Fake::new();
    fake.on("GET /apis", 200, &groups("Current"));
    let discovery = Discovery::load(&fake.connection()).await.unwrap();
    let widget = Gvk::new("example.com", "v1", "Widget");
    assert_eq!(discovery.resource(&widget), Lookup::NotServed);
    assert_eq!(
        discovery.resource_now(&widget).await.unwrap(),
        Lookup::NotServed,
        "asked less than a second ago"
    );
    discovery.refresh().await.unwrap();
    assert!(matches!(discovery.resource_now(&widget).await.unwrap(), Lookup::Served(_)));
    assert!(core().contains("configmaps"));
}
