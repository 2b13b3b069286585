//! The built-in kinds that run pods.

use lockstep_core::Gvk;

/// Whether objects of a kind run pods of their own until they are well.
pub(super) fn is_workload(gvk: &Gvk) -> bool {
    !kinds_below(gvk).is_empty()
}

/// The kinds of what the controllers of a kind make, the pods among them.
pub(super) fn below(gvk: &Gvk) -> impl Iterator<Item = Gvk> + use<> {
    kinds_below(gvk).iter().map(|(group, kind)| Gvk::new(group, "v1", kind))
}

fn kinds_below(gvk: &Gvk) -> &'static [(&'static str, &'static str)] {
    match (&*gvk.api.group, &*gvk.kind) {
        ("apps", "Deployment") => &[("", "Pod"), ("apps", "ReplicaSet")],
        ("apps", "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") => &[("", "Pod")],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_has_replica_sets_between_itself_and_its_pods() {
        for (group, kind, expected) in [
            ("apps", "Deployment", &["v1, Kind=Pod", "apps/v1, Kind=ReplicaSet"][..]),
            ("apps", "StatefulSet", &["v1, Kind=Pod"]),
            ("apps", "DaemonSet", &["v1, Kind=Pod"]),
            ("apps", "ReplicaSet", &["v1, Kind=Pod"]),
            ("batch", "Job", &["v1, Kind=Pod"]),
            ("batch", "CronJob", &[]),
            ("example.com", "Deployment", &[]),
            ("", "ConfigMap", &[]),
        ] {
            let gvk = Gvk::new(group, "v1", kind);
            let below: Vec<String> = below(&gvk).map(|kind| kind.to_string()).collect();
            assert_eq!(below, expected, "{kind}");
            assert_eq!(is_workload(&gvk), !expected.is_empty(), "{kind}");
        }
    }
}
