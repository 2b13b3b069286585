//! Services.

use lockstep_core::{Health, Value};

use crate::condition::progressing;

/// Both sources' rule: a load balancer has to have an address.
pub(crate) fn health(object: &Value) -> Health {
    let balanced = object.str_at(&["spec", "type"]) == Some("LoadBalancer");
    let addresses =
        object.at(&["status", "loadBalancer", "ingress"]).and_then(Value::as_list).unwrap_or_default();
    match balanced && addresses.is_empty() {
        true => progressing("waits for a load balancer address"),
        false => Health::healthy(),
    }
}
