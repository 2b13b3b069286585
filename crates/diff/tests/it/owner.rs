//! drift.md, "Ownership".

use lockstep_core::{AppKey, ObjectKey, Value};
use lockstep_diff::{OWNER_ANNOTATION, Owner, owner_annotation, owner_of};

use crate::scenario::{Scenario, live};

fn owner(key: &ObjectKey, annotation: &str) -> Option<Owner> {
    let mut object = live(Scenario::load("configmap").applied.value);
    object.key = key.clone();
    object.value.set(&["metadata", "annotations", OWNER_ANNOTATION], annotation.into());
    owner_of(&object)
}

#[test]
fn what_is_written_is_what_is_read() {
    let app = AppKey::new("team", "shop");
    for key in [
        ObjectKey::new("apps", "Deployment", "default", "web"),
        ObjectKey::new("", "Namespace", "", "shop"),
        ObjectKey::new("rbac.authorization.k8s.io", "ClusterRole", "", "system:node:x"),
    ] {
        let annotation = owner_annotation("lockstep", &app, &key);
        assert_eq!(owner(&key, &annotation), Some(Owner::new("lockstep", &app, &key)));
    }
    let key = ObjectKey::new("apps", "Deployment", "default", "web");
    assert_eq!(owner_annotation("lockstep", &app, &key), "lockstep:team/shop:apps/Deployment:default/web");
}

#[test]
fn an_annotation_that_names_another_object_was_copied() {
    let set = ObjectKey::new("apps", "ReplicaSet", "default", "web-1");
    let web = ObjectKey::new("apps", "Deployment", "default", "web");
    let copied = owner_annotation("lockstep", &AppKey::new("team", "shop"), &web);
    assert!(owner(&web, &copied).is_some());
    assert_eq!(owner(&set, &copied), None);
    for key in [
        ObjectKey::new("apps", "Deployment", "other", "web"),
        ObjectKey::new("apps", "Deployment", "default", "web2"),
        ObjectKey::new("extensions", "Deployment", "default", "web"),
    ] {
        assert_eq!(owner(&key, &copied), None, "{key:?}");
    }
}

#[test]
fn other_texts_name_no_owner() {
    let web = ObjectKey::new("apps", "Deployment", "default", "web");
    for text in [
        "",
        "x",
        "lockstep:shop:apps/Deployment:default/web",
        ":team/shop:apps/Deployment:default/web",
        "lockstep:/shop:apps/Deployment:default/web",
        "lockstep:team/:apps/Deployment:default/web",
        "lockstep:team/shop:apps/Deployment",
        "lockstep:team/shop",
    ] {
        assert_eq!(owner(&web, text), None, "{text}");
    }
    let mut plain = Scenario::load("configmap").applied;
    assert!(owner_of(&plain).is_some());
    plain.value.set(&["metadata", "annotations"], Value::Null);
    assert_eq!(owner_of(&plain), None);
}
