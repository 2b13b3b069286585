//! ServiceCIDRs.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use crate::address::{Network, canonical_cidr, texts};
use crate::meta::{Edit, View, invalid_each};
use crate::naming::subdomain;
use crate::reset::V1_STATUS_ONLY;
use crate::strategy::{Status, Strategy};

const IMMUTABLE: &str = "field is immutable";

pub(crate) const SERVICE_CIDR: Strategy = Strategy {
    prepare_create: |cidr| cidr.set(&["status"], Value::map(Map::new())),
    prepare_update: |cidr, old| cidr.take_from(old, &["status"]),
    validate,
    validate_update: validate_change,
    status: Some(Status { prepare_update: crate::reset::keep_all_but_status, ..Status::PLAIN }),
    name: subdomain,
    reset: V1_STATUS_ONLY,
    ..Strategy::plain("networking.k8s.io", "ServiceCIDR", &["v1"])
};

fn validate(cidr: &Value) -> Vec<FieldError> {
    let (mut errors, spec) = (Vec::new(), cidr.child("spec"));
    let at = At::ROOT.field("spec");
    let at = at.field("cidrs");
    let networks = texts(spec.items("cidrs"));
    if networks.is_empty() {
        return vec![FieldError::required(&at, "at least one CIDR required")];
    }
    let shown = spec.child("cidrs").clone();
    if networks.len() > 2 {
        let list = String::from_utf8_lossy(&lockstep_core::to_json(&shown)).into_owned();
        let text = format!("{{\"CIDRs\":{list}}}: may only hold up to 2 values");
        return vec![FieldError::new(schema::Mistake::Invalid, &at, None, text)];
    }
    for (index, network) in networks.iter().enumerate() {
        invalid_each(&mut errors, &at.index(index), &(*network).into(), canonical_cidr(network));
    }
    let families: Vec<_> =
        networks.iter().filter_map(|network| Network::parse(network)).map(Network::is_ipv6).collect();
    if let [first, second] = *families
        && first == second
    {
        let text = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
        errors.push(FieldError::invalid(&at, shown, text));
    }
    errors
}

/// A second network may come to the first; nothing else may change.
fn validate_change(cidr: &Value, old: &Value) -> Vec<FieldError> {
    let at = At::ROOT.field("spec");
    let at = at.field("cidrs");
    let (has, had) = (cidr.child("spec").items("cidrs"), old.child("spec").items("cidrs"));
    let changed = had.iter().zip(has).enumerate().filter(|(_, (had, has))| had != has);
    let mut errors: Vec<_> = changed
        .map(|(index, (_, has))| FieldError::invalid(&at.index(index), has.clone(), IMMUTABLE))
        .collect();
    match (had.len(), has.len()) {
        (had, has) if had == has => errors,
        (1, 2) => {
            errors.extend(validate(cidr));
            errors
        }
        _ => {
            let value = cidr.child("spec").get("cidrs").cloned().unwrap_or_else(|| Vec::new().into());
            vec![FieldError::invalid(&at, value, IMMUTABLE)]
        }
    }
}
