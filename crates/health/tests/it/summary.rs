//! Many objects as one.

use lockstep_core::{Health, HealthState, ObjectKey};
use lockstep_health::summary;

fn of(objects: &[(&str, HealthState, &str)]) -> (HealthState, String) {
    let named: Vec<(ObjectKey, Health)> = objects
        .iter()
        .map(|(name, state, reason)| {
            (ObjectKey::new("apps", "Deployment", "shop", name), Health::new(*state, *reason))
        })
        .collect();
    let Health { state, reason } = summary(named.iter().map(|(key, health)| (key, health)));
    (state, reason)
}

#[test]
fn the_worst_object_is_named() {
    use HealthState::{Degraded, Healthy, Progressing, Suspended};
    for (objects, state, reason) in [
        (&[][..], Healthy, ""),
        (&[("a", Healthy, ""), ("b", Healthy, "fine")], Healthy, ""),
        (&[("a", Healthy, ""), ("b", Suspended, "")], Suspended, "Deployment/b"),
        (
            &[("a", Progressing, "x"), ("b", Degraded, "late"), ("c", Progressing, "y")],
            Degraded,
            "Deployment/b: late",
        ),
        (
            &[("a", Progressing, "x"), ("b", Progressing, "y"), ("c", Healthy, "")],
            Progressing,
            "Deployment/a: x (and 1 more)",
        ),
    ] {
        assert_eq!(of(objects), (state, reason.to_owned()));
    }
}
