//! Many objects' health as one.

use lockstep_core::{Health, ObjectKey};

/// The worst of several, with the reason of the first object that is as bad, and how many more there are. Healthy where there are none.
pub fn summary<'a>(objects: impl IntoIterator<Item = (&'a ObjectKey, &'a Health)>) -> Health {
    let mut worst: Option<(&ObjectKey, &Health)> = None;
    let mut more = 0usize;
    for (key, health) in objects {
        match worst {
            Some((_, bad)) if health.state == bad.state => more += 1,
            Some((_, bad)) if health.state < bad.state => {}
            _ => (worst, more) = (Some((key, health)), 0),
        }
    }
    let Some((key, health)) = worst else { return Health::healthy() };
    if health.state == Health::healthy().state {
        return Health::healthy();
    }
    let mut reason = match &*health.reason {
        "" => key.to_string(),
        reason => format!("{key}: {reason}"),
    };
    if more > 0 {
        reason.push_str(&format!(" (and {more} more)"));
    }
    Health::new(health.state, reason)
}
