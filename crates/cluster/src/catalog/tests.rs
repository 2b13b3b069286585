use super::*;
use crate::resource::{ResourceScope, Verbs};

fn resource(group: &str, version: &str, kind: &str, short: &[&str]) -> Arc<Resource> {
    let plural = format!("{}s", kind.to_lowercase());
    let mut resource = Resource::new(Gvk::new(group, version, kind), &plural, ResourceScope::Namespaced);
    resource.short_names = short.iter().map(|short| Arc::from(*short)).collect();
    resource.verbs = Verbs::default();
    Arc::new(resource)
}

fn version(name: &str, failing: Option<&str>, resources: Vec<Arc<Resource>>) -> Version {
    Version { name: name.into(), failing: failing.map(Arc::from), resources }
}

fn groups(metrics_failing: Option<&str>, metrics: Vec<Arc<Resource>>) -> Vec<Group> {
    let group = |name: &str, versions| Group { name: name.into(), versions };
    let v1 = vec![resource("", "v1", "Pod", &["po"]), resource("", "v1", "Event", &["ev"])];
    let apps = vec![resource("apps", "v1", "Deployment", &["deploy"])];
    let events = vec![resource("events.k8s.io", "v1", "Event", &["ev"])];
    let hpa = |version| vec![resource("autoscaling", version, "HorizontalPodAutoscaler", &["hpa"])];
    vec![
        group("", vec![version("v1", None, v1)]),
        group("apps", vec![version("v1", None, apps)]),
        group("events.k8s.io", vec![version("v1", None, events)]),
        group("autoscaling", vec![version("v2", None, hpa("v2")), version("v1", None, hpa("v1"))]),
        group("metrics.k8s.io", vec![version("v1beta1", metrics_failing, metrics)]),
    ]
}

fn catalog() -> Catalog {
    let metrics = vec![resource("metrics.k8s.io", "v1beta1", "PodMetrics", &[])];
    Catalog::new(groups(None, metrics), &Catalog::default())
}

#[test]
fn names_are_found_as_kubectl_finds_them() {
    let catalog = catalog();
    for (text, found) in [
        ("deploy", "apps/v1, Kind=Deployment"),
        ("Deployment", "apps/v1, Kind=Deployment"),
        ("DEPLOYMENTS", "apps/v1, Kind=Deployment"),
        ("deployments.apps", "apps/v1, Kind=Deployment"),
        ("deployments.v1.apps", "apps/v1, Kind=Deployment"),
        ("deploy.apps", "apps/v1, Kind=Deployment"),
        ("events", "v1, Kind=Event"),
        ("ev.events.k8s.io", "events.k8s.io/v1, Kind=Event"),
        ("events.v1.events.k8s.io", "events.k8s.io/v1, Kind=Event"),
        ("pods.v1", "v1, Kind=Pod"),
        ("pods.v1.", "v1, Kind=Pod"),
        ("hpa", "autoscaling/v2, Kind=HorizontalPodAutoscaler"),
        ("hpa.v1.autoscaling", "autoscaling/v1, Kind=HorizontalPodAutoscaler"),
    ] {
        let resource = catalog.by_name(text).served();
        assert_eq!(resource.map(|resource| resource.gvk.to_string()).as_deref(), Some(found), "{text}");
    }
    for text in ["", "nothing", "deployments.v2.apps", "deployments.nowhere", "pods.apps"] {
        assert_eq!(catalog.by_name(text), Lookup::NotServed, "{text}");
    }
}

#[test]
fn the_preferred_version_is_the_servers_first() {
    let kind = GroupKind::new("autoscaling", "HorizontalPodAutoscaler");
    let found = catalog().preferred(&kind).served().unwrap();
    assert_eq!(&*found.gvk.api.version, "v2");
    assert!(catalog().resource(&Gvk::new("autoscaling", "v1", "HorizontalPodAutoscaler")).served().is_some());
}

#[test]
fn a_failing_group_is_never_gone() {
    let failing = Catalog::new(groups(Some("503"), vec![]), &catalog());
    let pods = Gvk::new("metrics.k8s.io", "v1beta1", "PodMetrics");
    assert_eq!(failing.resource(&pods), Lookup::GroupFailing("503".into()));
    assert_eq!(failing.preferred(&pods.group_kind()), Lookup::GroupFailing("503".into()));
    // Also a kind that was never seen: the group might serve it.
    let unknown = Gvk::new("metrics.k8s.io", "v1beta1", "NodeMetrics");
    assert_eq!(failing.resource(&unknown), Lookup::GroupFailing("503".into()));
    assert_eq!(failing.by_name("podmetricss"), Lookup::GroupFailing("503".into()));
    assert!(failing.resource(&Gvk::new("apps", "v1", "Deployment")).served().is_some());
    assert_eq!(failing.failing(), [("metrics.k8s.io/v1beta1".to_owned(), Arc::from("503"))]);
    // What was known comes back with the group.
    let again = Catalog::new(groups(Some("503"), vec![]), &failing);
    assert!(again.groups.last().unwrap().versions[0].resources[0].gvk == pods);
}

#[test]
fn a_group_that_is_no_longer_listed_is_gone() {
    let mut fewer = groups(None, vec![]);
    fewer.pop();
    let catalog = Catalog::new(fewer, &catalog());
    assert_eq!(catalog.resource(&Gvk::new("metrics.k8s.io", "v1beta1", "PodMetrics")), Lookup::NotServed);
}
