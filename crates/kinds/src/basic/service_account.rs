//! ServiceAccounts.

use lockstep_core::{Map, Value};

use crate::meta::{Edit, View};
use crate::naming::subdomain;
use crate::strategy::Strategy;

pub(crate) const SERVICE_ACCOUNT: Strategy = Strategy {
    prepare_create: names_only,
    prepare_update: |account, _| names_only(account),
    warnings,
    name: subdomain,
    ..Strategy::plain("", "ServiceAccount", &["v1"])
};

/// Of a reference to a Secret only the name counts.
fn names_only(account: &mut Value) {
    for secret in account.items_mut("secrets") {
        let name = secret.get("name").cloned();
        *secret = Value::map(name.map(|name| ("name".into(), name)).into_iter().collect::<Map>());
    }
}

fn warnings(account: &Value, old: Option<&Value>) -> Vec<String> {
    const ENFORCE: &str = "kubernetes.io/enforce-mountable-secrets";
    let has = |account: &Value| account.child("metadata").child("annotations").has(ENFORCE);
    match has(account) && !old.is_some_and(has) {
        true => vec![format!(
            "metadata.annotations[{ENFORCE}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
        )],
        false => Vec::new(),
    }
}
