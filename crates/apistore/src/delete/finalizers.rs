//! The finalizers by which the garbage collector is told what to do with dependents.

use lockstep_core::Value;

use crate::call::Call;
use crate::options::{DeleteOptions, Propagation};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// The finalizers that an object has once its deletion was asked for.
pub(super) fn finalizers(call: &Call<'_>, object: &Value, options: &DeleteOptions) -> Vec<String> {
    let list = object.at(&["metadata", "finalizers"]).and_then(Value::as_list).unwrap_or_default();
    let before: Vec<String> = list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    // Events and namespaces' contents are not for the garbage collector.
    if !collects(call) {
        return before;
    }
    let own = [ORPHAN, FOREGROUND];
    let said = before.iter().find(|name| own.contains(&&***name)).map(String::as_str);
    let wanted = match (options.orphan_dependents, options.propagation) {
        (Some(true), _) | (_, Some(Propagation::Orphan)) => Some(ORPHAN),
        (Some(false), _) | (_, Some(Propagation::Background)) => None,
        (_, Some(Propagation::Foreground)) => Some(FOREGROUND),
        (None, None) => said.or_else(|| orphans(call).then_some(ORPHAN)),
    };
    let mut after: Vec<String> = before.iter().filter(|name| !own.contains(&&***name)).cloned().collect();
    after.extend(wanted.map(str::to_owned));
    let same = after.len() == before.len() && after.iter().all(|name| before.contains(name));
    if same { before } else { after }
}

/// The kinds whose dependents stay where nobody says what is to become of them, for old clients' sake.
fn orphans(call: &Call<'_>) -> bool {
    call.served.is("batch", "jobs") || call.served.is("", "replicationcontrollers")
}

/// Whether the garbage collector looks after a kind's dependents.
fn collects(call: &Call<'_>) -> bool {
    !matches!((&*call.served.resource.group, &*call.served.resource.plural), ("" | "events.k8s.io", "events"))
}

/// Gives an object these and no others.
pub(super) fn set_finalizers(object: &mut Value, finalizers: &[String]) {
    match finalizers.is_empty() {
        true => _ = object.remove(&["metadata", "finalizers"]),
        false => {
            let list = finalizers.iter().map(|name| Value::from(&**name)).collect();
            object.set(&["metadata", "finalizers"], Value::list(list));
        }
    }
}
