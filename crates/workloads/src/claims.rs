//! Volumes: claims are met at once, by the default class that a cluster here has.

use apistore::{Answers, Method, Request, Store, User};
use lockstep_core::{Value, to_json};
use std::time::Duration;

use crate::client::{Actor, Context, Refused};
use crate::controller::{Controller, Due};
use crate::kind::Kind;
use crate::object::{
    annotation, finalizers, is_deleting, items, name, namespace, object, remove_finalizer, text, uid,
};
use crate::pod::is_finished;
use crate::view::{Change, Id, Key, View};

const PROVISIONER: &str = "lockstep.dev/simulated";
const STANDARD: &str = "standard";
const IS_DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
const PROTECTION: &str = "kubernetes.io/pvc-protection";

/// Makes the default class that a cluster has at its first start.
pub(crate) fn begin(store: &mut Store, now: Duration) {
    let class = object! {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": object! {
            "name": STANDARD,
            "annotations": object! {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
    };
    let request = Request::system(Method::Post, "/apis/storage.k8s.io/v1/storageclasses");
    let request =
        request.body("application/json", to_json(&class)).by(User::system()).agent("kube-addon-manager");
    let _made = store.handle(&request, &Answers::new(), now);
}

/// The names of the claims that a pod mounts.
fn claims_of(pod: &Value) -> impl Iterator<Item = String> {
    let pod_name = name(pod).to_owned();
    let volumes = items(pod, &["spec", "volumes"]).iter();
    volumes.filter_map(move |volume| match volume.str_at(&["persistentVolumeClaim", "claimName"]) {
        Some(claim) => Some(claim.to_owned()),
        None => volume.get("ephemeral").map(|_| format!("{pod_name}-{}", text(volume, &["name"]))),
    })
}

fn is_bound(claim: &Value) -> bool {
    text(claim, &["status", "phase"]) == "Bound"
}

fn class<'v>(view: &'v View, claim: &Value) -> Option<&'v Value> {
    view.find(Kind::CLASSES, "", text(claim, &["spec", "storageClassName"]))
}

fn waits_for_pod(view: &View, claim: &Value) -> bool {
    class(view, claim).is_some_and(|class| text(class, &["volumeBindingMode"]) == "WaitForFirstConsumer")
}

/// What a pod still lacks before it can go to a node.
pub(crate) fn missing(view: &View, pod: &Value) -> Option<String> {
    claims_of(pod).find_map(|wanted| match view.find(Kind::CLAIMS, namespace(pod), &wanted) {
        None => Some(format!("persistentvolumeclaim \"{wanted}\" not found")),
        Some(claim) if !is_bound(claim) && !waits_for_pod(view, claim) => {
            Some("pod has unbound immediate PersistentVolumeClaims".to_owned())
        }
        Some(_) => None,
    })
}

/// Says for which node the claims of a pod are to be met; whether there are any that wait for that.
pub(crate) fn select_node(cx: &mut Context<'_>, pod: &Value, node: &str) -> Result<bool, Refused> {
    let view = cx.view;
    let mut waits = false;
    for wanted in claims_of(pod) {
        let Some(claim) = view.find(Kind::CLAIMS, namespace(pod), &wanted).filter(|claim| !is_bound(claim))
        else {
            continue;
        };
        waits = true;
        if annotation(claim, SELECTED_NODE).is_none() {
            let patch = object! {"metadata": object! {"annotations": object! {"volume.kubernetes.io/selected-node": node}}};
            cx.merge(Kind::CLAIMS, claim, &patch)?;
        }
    }
    Ok(waits)
}

/// Makes volumes for claims, binds them, and lets claims go that no pod mounts.
#[derive(Clone, Debug)]
pub(crate) struct Claims;

impl Controller for Claims {
    fn actor(&self) -> Actor<'static> {
        Actor::Controller("persistent-volume-binder")
    }

    fn touched(&mut self, change: &Change, view: &View) -> Vec<Id> {
        let claim = |namespace: &str, name: &str| Id::new(Kind::CLAIMS, namespace, name);
        match change.id.kind {
            Kind::CLAIMS if change.new.is_some() => vec![change.id.clone()],
            // Its volume is to go.
            Kind::CLAIMS => {
                let volume = text(change.object(), &["spec", "volumeName"]);
                vec![Id::new(Kind::VOLUMES, "", volume)]
            }
            Kind::VOLUMES => {
                let field = |key| text(change.object(), &["spec", "claimRef", key]);
                let mut ids = vec![change.id.clone()];
                match field("name") {
                    "" => ids.extend(
                        view.all(Kind::CLAIMS)
                            .filter(|(_, claim)| !is_bound(claim))
                            .map(|(key, _)| Id { kind: Kind::CLAIMS, key: key.clone() }),
                    ),
                    name => ids.push(claim(field("namespace"), name)),
                }
                ids
            }
            Kind::PODS if change.new.as_ref().is_none_or(is_finished) => {
                claims_of(change.object()).map(|name| claim(&change.id.key.namespace, &name)).collect()
            }
            Kind::CLASSES => view
                .all(Kind::CLAIMS)
                .filter(|(_, claim)| !is_bound(claim))
                .map(|(key, _)| Id { kind: Kind::CLAIMS, key: key.clone() })
                .collect(),
            _ => Vec::new(),
        }
    }

    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused> {
        if id.kind == Kind::VOLUMES {
            return release(&id.key, cx).map(|()| None);
        }
        let Some(claim) = cx.view.get(Kind::CLAIMS, &id.key) else { return Ok(None) };
        if is_deleting(claim) {
            let mounted = cx
                .view
                .within(Kind::PODS, &id.key.namespace)
                .any(|(_, pod)| !is_finished(pod) && claims_of(pod).any(|name| *name == *id.key.name));
            let mut after = claim.clone();
            if finalizers(claim).contains(&PROTECTION) && !mounted && remove_finalizer(&mut after, PROTECTION)
            {
                cx.acting_as(Actor::Controller("pvc-protection-controller")).update(Kind::CLAIMS, &after)?;
            }
            return Ok(None);
        }
        if is_bound(claim) {
            return Ok(None);
        }
        self.meet(claim, cx).map(|()| None)
    }
}

impl Claims {
    fn meet(&self, claim: &Value, cx: &mut Context<'_>) -> Result<(), Refused> {
        let view = cx.view;
        if let Some(default) =
            default_class(view).filter(|_| claim.at(&["spec", "storageClassName"]).is_none())
        {
            let patch = object! {"spec": object! {"storageClassName": name(default)}};
            cx.merge(Kind::CLAIMS, claim, &patch)?;
            return Ok(());
        }
        if let Some(volume) = fitting(view, claim) {
            return bind(claim, volume, cx);
        }
        let Some(class) = class(view, claim) else {
            cx.normal(
                claim,
                "FailedBinding",
                "no persistent volumes available for this claim and no storage class is set",
            );
            return Ok(());
        };
        if text(class, &["provisioner"]) != PROVISIONER {
            let message = format!(
                "Waiting for a volume to be created either by the external provisioner '{}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.",
                text(class, &["provisioner"])
            );
            cx.normal(claim, "ExternalProvisioning", &message);
            return Ok(());
        }
        if waits_for_pod(view, claim) && annotation(claim, SELECTED_NODE).is_none() {
            cx.normal(
                claim,
                "WaitForFirstConsumer",
                "waiting for first consumer to be created before binding",
            );
            return Ok(());
        }
        let volume = cx.create(Kind::VOLUMES, &provisioned(claim, class))?;
        let message = format!("Successfully provisioned volume {}", name(&volume));
        cx.normal(claim, "ProvisioningSucceeded", &message);
        bind(claim, &volume, cx)
    }
}

fn default_class(view: &View) -> Option<&Value> {
    let mut classes = view.all(Kind::CLASSES).map(|(_, class)| class);
    classes.find(|class| annotation(class, IS_DEFAULT) == Some("true"))
}

/// A volume that is there already for a claim: one that names it, or one that is free and fits.
fn fitting<'v>(view: &'v View, claim: &Value) -> Option<&'v Value> {
    let wanted = text(claim, &["spec", "volumeName"]);
    if !wanted.is_empty() {
        return view.find(Kind::VOLUMES, "", wanted);
    }
    let size = |value: &Value, path: &[&str]| {
        value
            .str_at(path)
            .and_then(|text| text.parse::<schema::Quantity>().ok())
            .map_or(0, |amount| amount.value())
    };
    let needs = size(claim, &["spec", "resources", "requests", "storage"]);
    let volumes = view.all(Kind::VOLUMES).map(|(_, volume)| volume);
    let fits = |volume: &&Value| {
        let field = |key| text(volume, &["spec", "claimRef", key]);
        let for_it = field("name") == name(claim)
            && field("namespace") == namespace(claim)
            && (field("uid").is_empty() || field("uid") == uid(claim));
        let free = volume.at(&["spec", "claimRef"]).is_none()
            && text(volume, &["spec", "storageClassName"]) == text(claim, &["spec", "storageClassName"])
            && size(volume, &["spec", "capacity", "storage"]) >= needs
            && items(claim, &["spec", "accessModes"])
                .iter()
                .all(|mode| items(volume, &["spec", "accessModes"]).contains(mode));
        for_it || free
    };
    volumes.filter(fits).min_by_key(|volume| size(volume, &["spec", "capacity", "storage"]))
}

fn reference(claim: &Value) -> Value {
    object! {
        "kind": "PersistentVolumeClaim", "apiVersion": "v1", "name": name(claim), "namespace": namespace(claim),
        "uid": uid(claim), "resourceVersion": text(claim, &["metadata", "resourceVersion"]),
    }
}

fn provisioned(claim: &Value, class: &Value) -> Value {
    let modes = claim.at(&["spec", "accessModes"]).cloned().unwrap_or_default();
    let volume_name = format!("pvc-{}", uid(claim));
    object! {
        "metadata": object! {
            "name": &*volume_name,
            "annotations": object! {"pv.kubernetes.io/provisioned-by": PROVISIONER},
        },
        "spec": object! {
            "capacity": object! {"storage": text(claim, &["spec", "resources", "requests", "storage"])},
            "accessModes": modes,
            "persistentVolumeReclaimPolicy": text(class, &["reclaimPolicy"]),
            "storageClassName": name(class),
            "volumeMode": claim.str_at(&["spec", "volumeMode"]).unwrap_or("Filesystem"),
            "claimRef": reference(claim),
            "hostPath": object! {"path": format!("/var/lib/lockstep/{volume_name}"), "type": "DirectoryOrCreate"},
        },
    }
}

fn bind(claim: &Value, volume: &Value, cx: &mut Context<'_>) -> Result<(), Refused> {
    let mut volume = volume.clone();
    if text(&volume, &["spec", "claimRef", "uid"]) != uid(claim) {
        volume.set(&["spec", "claimRef"], reference(claim));
        volume.set(&["metadata", "annotations", "pv.kubernetes.io/bound-by-controller"], "yes".into());
        volume = cx.update(Kind::VOLUMES, &volume)?;
    }
    if text(&volume, &["status", "phase"]) != "Bound" {
        volume.set(&["status", "phase"], "Bound".into());
        volume = cx.update_status(Kind::VOLUMES, &volume)?;
    }
    let mut after = claim.clone();
    after.set(&["spec", "volumeName"], name(&volume).into());
    after.set(&["metadata", "annotations", "pv.kubernetes.io/bind-completed"], "yes".into());
    if text(claim, &["spec", "volumeName"]).is_empty() {
        after.set(&["metadata", "annotations", "pv.kubernetes.io/bound-by-controller"], "yes".into());
    }
    let mut after = cx.update(Kind::CLAIMS, &after)?;
    after.set(&["status", "phase"], "Bound".into());
    for key in ["accessModes", "capacity"] {
        if let Some(value) = volume.at(&["spec", key]) {
            after.set(&["status", key], value.clone());
        }
    }
    cx.update_status(Kind::CLAIMS, &after).map(drop)
}

/// A volume whose claim is gone goes too, or says that it is released.
fn release(key: &Key, cx: &mut Context<'_>) -> Result<(), Refused> {
    let Some(volume) = cx.view.get(Kind::VOLUMES, key) else { return Ok(()) };
    if is_deleting(volume) {
        let mut after = volume.clone();
        if remove_finalizer(&mut after, "kubernetes.io/pv-protection") {
            cx.acting_as(Actor::Controller("pv-protection-controller")).update(Kind::VOLUMES, &after)?;
        }
        return Ok(());
    }
    let field = |key| text(volume, &["spec", "claimRef", key]);
    let mut after = volume.clone();
    if field("uid").is_empty() {
        if text(volume, &["status", "phase"]) != "Available" {
            after.set(&["status", "phase"], "Available".into());
            cx.update_status(Kind::VOLUMES, &after)?;
        }
        return Ok(());
    }
    let claim = cx.view.find(Kind::CLAIMS, field("namespace"), field("name"));
    if claim.is_some_and(|claim| uid(claim) == field("uid")) {
        return Ok(());
    }
    if text(volume, &["spec", "persistentVolumeReclaimPolicy"]) == "Delete" {
        return cx.delete(Kind::VOLUMES, volume, &[]);
    }
    if text(volume, &["status", "phase"]) != "Released" {
        after.set(&["status", "phase"], "Released".into());
        cx.update_status(Kind::VOLUMES, &after)?;
    }
    Ok(())
}
