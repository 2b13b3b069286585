//! AppArmor profiles of Pods, which once were annotations.

use lockstep_core::{Map, Value};
use schema::At;

use super::annotations::APP_ARMOR;
use super::defaults::CONTAINERS;
use crate::meta::{Edit, View};

/// The field that says what an annotation says.
fn profile(annotation: &str) -> Option<Value> {
    let mut profile = Value::map(Map::new());
    let local = annotation.strip_prefix("localhost/");
    match annotation {
        "unconfined" => profile.set(&["type"], "Unconfined".into()),
        "runtime/default" => profile.set(&["type"], "RuntimeDefault".into()),
        _ => {
            let path = local.filter(|path| !path.is_empty() && path.trim() == *path)?;
            profile.set(&["type"], "Localhost".into());
            profile.set(&["localhostProfile"], path.into());
        }
    }
    Some(profile)
}

fn annotation<'v>(annotations: &'v Value, container: &Value) -> Option<&'v str> {
    annotations.get(&format!("{APP_ARMOR}{}", container.text("name")))?.as_str()
}

/// A Pod that is created gets the fields that its annotations mean.
pub(super) fn take_annotations(pod: &mut Value) {
    let annotations = pod.child("metadata").child("annotations").clone();
    if pod.str_at(&["spec", "os", "name"]) == Some("windows") {
        return;
    }
    let path = ["securityContext", "appArmorProfile"];
    let of_pod = pod.child("spec").at(&path).cloned();
    let Some(spec) = pod.child_mut("spec") else { return };
    for list in CONTAINERS {
        for container in spec.items_mut(list) {
            let meant = annotation(&annotations, container).and_then(profile);
            if container.at(&path).is_none() && meant.is_some() && meant != of_pod {
                container.set(&path, meant.unwrap_or_default());
            }
        }
    }
}

/// An annotation is not what one writes any more. Whether a field was there besides it cannot be told afterwards, so that a Pod
/// that has both is warned of, too.
pub(super) fn app_armor_warnings(pod: &Value) -> Vec<String> {
    let meta = At::ROOT.field("metadata");
    let at = meta.field("annotations");
    let annotations = pod.child("metadata").child("annotations");
    let containers = CONTAINERS.into_iter().flat_map(|list| pod.child("spec").items(list));
    let found = containers.filter_map(|container| {
        let meant = profile(annotation(annotations, container)?);
        let own = container.at(&["securityContext", "appArmorProfile"]);
        let old_way = match own {
            None => meant.is_none(),
            own => own == meant.as_ref(),
        };
        let key = format!("{APP_ARMOR}{}", container.text("name"));
        old_way.then(|| {
            format!("{}: deprecated since v1.30; use the \"appArmorProfile\" field instead", at.key(&key))
        })
    });
    found.collect()
}
