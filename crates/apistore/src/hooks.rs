//! What the server does with single kinds around their storage: it allocates addresses and ports, and fills in who asks and when.

use lockstep_core::{Map, Value};

use crate::addresses::{FAMILIES, Giving};
use crate::call::Call;
use crate::failure::{Failure, GroupResource};
use crate::state::State;

/// Before anything else is done with a new object.
pub(crate) fn before_create(state: &State, call: &mut Call<'_>, object: &mut Value) -> Result<(), Failure> {
    allocate(state, call, object, None)
}

/// Before anything else is done with a changed object.
pub(crate) fn before_update(
    state: &State,
    call: &mut Call<'_>,
    object: &mut Value,
    old: &Value,
) -> Result<(), Failure> {
    allocate(state, call, object, Some(old))
}

/// After what a creator may not set was reset.
pub(crate) fn after_create(call: &Call<'_>, object: &mut Value) {
    let (resource, now) = (&call.served.resource, call.time().to_string());
    match (&*resource.group, &*resource.plural) {
        ("", "persistentvolumes") => object.set(&["status", "lastPhaseTransitionTime"], now.into()),
        ("", "pods") | ("apiregistration.k8s.io", "apiservices") => {
            date_conditions(object, &Value::Null, (&["lastTransitionTime"], &now));
        }
        ("certificates.k8s.io", "certificatesigningrequests") => name_requester(call, object),
        _ => {}
    }
}

/// After what a writer of an endpoint may not set was taken from the old object.
pub(crate) fn after_update(call: &Call<'_>, object: &mut Value, old: &Value) {
    let (resource, now) = (&call.served.resource, call.time().to_string());
    match (&*resource.plural, &*call.info.subresource) {
        ("persistentvolumes", "status") => {
            const CHANGED: &[&str] = &["status", "lastPhaseTransitionTime"];
            let same = |path: &[&str]| object.at(path) == old.at(path);
            // Who changes the time with the phase knows better.
            if !same(&["status", "phase"]) && (same(CHANGED) || object.at(CHANGED).is_none()) {
                object.set(CHANGED, now.into());
            }
        }
        ("certificatesigningrequests", "status" | "approval") => {
            date_conditions(object, old, (&["lastUpdateTime", "lastTransitionTime"], &now));
        }
        _ => {}
    }
}

/// Gives conditions the times that they lack: a state that was there already keeps that of its beginning.
fn date_conditions(object: &mut Value, old: &Value, (fields, now): (&[&str], &str)) {
    const CONDITIONS: &[&str] = &["status", "conditions"];
    let list = |object: &Value| object.at(CONDITIONS).and_then(Value::as_list).unwrap_or_default().to_vec();
    let (mut conditions, before) = (list(object), list(old));
    if conditions.is_empty() {
        return;
    }
    for condition in &mut conditions {
        let same = |old: &&Value| ["type", "status"].iter().all(|key| old.get(key) == condition.get(key));
        let began = before.iter().find(same).and_then(|old| old.str_at(&["lastTransitionTime"]));
        for field in fields.iter().copied() {
            if condition.str_at(&[field]).is_none() {
                let kept = began.filter(|_| field == "lastTransitionTime");
                condition.set(&[field], kept.unwrap_or(now).into());
            }
        }
    }
    object.set(CONDITIONS, Value::list(conditions));
}

/// A request for a certificate says who has made it.
fn name_requester(call: &Call<'_>, request: &mut Value) {
    let texts = |list: &[String]| Value::list(list.iter().map(|text| Value::from(&**text)).collect());
    let user = &call.user;
    request.set(&["spec", "username"], user.name.clone().into());
    if !user.uid.is_empty() {
        request.set(&["spec", "uid"], user.uid.clone().into());
    }
    request.set(&["spec", "groups"], texts(&user.groups));
    if !user.extra.is_empty() {
        let extra: Map = user.extra.iter().map(|(key, list)| (key.as_str().into(), texts(list))).collect();
        request.set(&["spec", "extra"], Value::map(extra));
    }
}

/// Gives a Service its addresses and ports.
fn allocate(
    state: &State,
    call: &mut Call<'_>,
    object: &mut Value,
    old: Option<&Value>,
) -> Result<(), Failure> {
    if !call.served.is("", "services") {
        return Ok(());
    }
    let wanted = kinds::wanted(object, old, &FAMILIES).map_err(|errors| {
        let name = object.str_at(&["metadata", "name"]).unwrap_or_default();
        Failure::invalid(&GroupResource::new("", "Service"), name, &errors)
    })?;
    let giving = if call.request.parameter("dryRun").is_some() { Giving::Tried } else { Giving::Taken };
    let given = state.addresses.give(&wanted, object, (&mut call.chance, giving))?;
    wanted.put(object, &given);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::from_json;

    #[test]
    fn a_state_that_lasts_keeps_the_time_of_its_beginning() {
        let read = |conditions: &str| {
            from_json(format!(r#"{{"status":{{"conditions":{conditions}}}}}"#).as_bytes()).unwrap()
        };
        let old = read(r#"[{"type":"Approved","status":"True","lastTransitionTime":"before"}]"#);
        let mut new = read(
            r#"[{"type":"Approved","status":"True"},{"type":"Failed","status":"True","lastUpdateTime":"said"}]"#,
        );
        date_conditions(&mut new, &old, (&["lastUpdateTime", "lastTransitionTime"], "now"));
        let want = read(
            r#"[{"type":"Approved","status":"True","lastUpdateTime":"now","lastTransitionTime":"before"},
                {"type":"Failed","status":"True","lastUpdateTime":"said","lastTransitionTime":"now"}]"#,
        );
        assert_eq!(new, want);
    }
}
