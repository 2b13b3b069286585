//! Namespaces: what every one of them holds, and how one goes away.

use apistore::{Method, Request};
use lockstep_core::{Value, to_json};

use crate::client::{Actor, Context, Refused};
use crate::condition;
use crate::controller::{Controller, Due};
use crate::kind::Kind;
use crate::object::{is_deleting, items, name, object};
use crate::view::{Change, Id, View};

/// Puts the certificate authority and the account `default` into every namespace.
#[derive(Clone, Debug)]
pub(crate) struct NamespaceContents {
    pub(crate) authority: String,
    pub(crate) part: Part,
}

/// Which of the two: a real cluster has a controller for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Authority,
    Account,
}

const AUTHORITY: &str = "kube-root-ca.crt";
const ACCOUNT: &str = "default";
const DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

impl NamespaceContents {
    fn kind(&self) -> (Kind, &'static str) {
        match self.part {
            Part::Authority => (Kind::CONFIG_MAPS, AUTHORITY),
            Part::Account => (Kind::ACCOUNTS, ACCOUNT),
        }
    }
}

impl Controller for NamespaceContents {
    fn actor(&self) -> Actor<'static> {
        Actor::Controller(match self.part {
            Part::Authority => "root-ca-cert-publisher",
            Part::Account => "service-account-controller",
        })
    }

    fn touched(&mut self, change: &Change, _view: &View) -> Vec<Id> {
        let (kind, wanted) = self.kind();
        match change.id.kind {
            Kind::NAMESPACES => vec![change.id.clone()],
            found if found == kind && &*change.id.key.name == wanted => {
                vec![Id::new(Kind::NAMESPACES, "", &change.id.key.namespace)]
            }
            _ => Vec::new(),
        }
    }

    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let Some(namespace) = cx.view.get(Kind::NAMESPACES, &id.key) else { return Ok(None) };
        if is_deleting(namespace) {
            return Ok(None);
        }
        let (kind, wanted) = self.kind();
        let mut object = object! {"metadata": object! {"name": wanted, "namespace": name(namespace)}};
        let known = cx.store.object(
            "",
            if kind == Kind::ACCOUNTS { "serviceaccounts" } else { "configmaps" },
            name(namespace),
            wanted,
        );
        if self.part == Part::Authority {
            let data = object! {"ca.crt": &*self.authority};
            if let Some(mut known) = known {
                if known.get("data") != Some(&data) {
                    known.set(&["data"], data);
                    cx.update(kind, &known)?;
                }
                return Ok(None);
            }
            object.set(&["data"], data);
            object.set(&["metadata", "annotations", "kubernetes.io/description"], DESCRIPTION.into());
        } else if known.is_some() {
            return Ok(None);
        }
        cx.create(kind, &object).map(|_| None)
    }
}

/// Empties namespaces that are to go.
#[derive(Clone, Debug)]
pub(crate) struct NamespaceDeletion;

impl Controller for NamespaceDeletion {
    fn actor(&self) -> Actor<'static> {
        Actor::Controller("namespace-controller")
    }

    fn touched(&mut self, change: &Change, view: &View) -> Vec<Id> {
        if change.id.kind == Kind::NAMESPACES {
            return vec![change.id.clone()];
        }
        let namespace = view.find(Kind::NAMESPACES, "", &change.id.key.namespace);
        // Whatever happens in one that is to go may have been the last of it.
        let going = namespace.is_some_and(is_deleting);
        going.then(|| Id::new(Kind::NAMESPACES, "", &change.id.key.namespace)).into_iter().collect()
    }

    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let Some(namespace) = cx.view.get(Kind::NAMESPACES, &id.key) else { return Ok(None) };
        let held = items(namespace, &["spec", "finalizers"]);
        if !is_deleting(namespace) || !held.iter().any(|item| item.as_str() == Some("kubernetes")) {
            return Ok(None);
        }
        let contents = cx.view.contents(name(namespace));
        for (kind, _) in &contents {
            self.empty(*kind, name(namespace), cx)?;
        }
        if !contents.is_empty() {
            // What went at once is seen in the next round.
            return self.tell(namespace, cx).map(|()| None);
        }
        if let Some(why) = unread(cx.view) {
            // There may be more in it than is seen: it must not go before that.
            self.tell(namespace, cx)?;
            return Err(Refused::Other(why));
        }
        let events = format!("/api/v1/namespaces/{}/events", name(namespace));
        cx.send(Request::system(Method::Delete, events))?;
        self.finalize(namespace, cx).map(|()| None)
    }
}

impl NamespaceDeletion {
    /// Deletes what is not being deleted yet.
    fn empty(&self, kind: Kind, namespace: &str, cx: &mut Context<'_>) -> Result<(), Refused> {
        let resource = cx.view.kinds.get(kind);
        let left = cx.view.within(kind, namespace).any(|(_, object)| !is_deleting(object));
        if resource.served && left {
            let path = resource.path(namespace, "");
            let body =
                object! {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"};
            cx.send(Request::system(Method::Delete, path).body("application/json", to_json(&body)))?;
        }
        Ok(())
    }

    /// Says what is left.
    fn tell(&self, namespace: &Value, cx: &mut Context<'_>) -> Result<(), Refused> {
        let mut after = namespace.clone();
        let now = cx.stamp();
        for condition in conditions(namespace, cx) {
            condition::set(&mut after, condition, &now);
        }
        if after != *namespace {
            cx.update_status(Kind::NAMESPACES, &after)?;
        }
        Ok(())
    }

    fn finalize(&self, namespace: &Value, cx: &mut Context<'_>) -> Result<(), Refused> {
        let mut after = namespace.clone();
        let held = items(namespace, &["spec", "finalizers"]).iter();
        let kept = held.filter(|item| item.as_str() != Some("kubernetes")).cloned().collect();
        after.set(&["spec", "finalizers"], Value::list(kept));
        let path = format!("/api/v1/namespaces/{}/finalize", name(namespace));
        cx.send(Request::system(Method::Put, path).body("application/json", to_json(&after)))?;
        Ok(())
    }
}

/// Why it cannot be said what a namespace still holds.
fn unread(view: &View) -> Option<String> {
    let kinds = view.unread().map(|kind| view.kinds.get(kind)).filter(|kind| kind.namespaced);
    let names: Vec<String> = kinds
        .map(|kind| {
            format!("{}.{} cannot be read: its conversion webhook does not answer", kind.plural, kind.group)
        })
        .collect();
    let all = names.join(", ");
    (!names.is_empty())
        .then(|| format!("Failed to delete all resource types, {} remaining: {all}", names.len()))
}

fn conditions(namespace: &Value, cx: &Context<'_>) -> Vec<Value> {
    let (mut left, mut held) = (Vec::new(), std::collections::BTreeMap::<String, usize>::new());
    for (kind, count) in cx.view.contents(name(namespace)) {
        let resource = cx.view.kinds.get(kind);
        left.push(format!("{}.{} has {count} resource instances", resource.plural, resource.group));
        for (_, object) in cx.view.within(kind, name(namespace)) {
            for finalizer in items(object, &["metadata", "finalizers"]).iter().filter_map(Value::as_str) {
                *held.entry(finalizer.to_owned()).or_default() += 1;
            }
        }
    }
    left.sort();
    let held: Vec<String> =
        held.into_iter().map(|(name, count)| format!("{name} in {count} resource instances")).collect();
    let remaining = format!("Some resources are remaining: {}", left.join(", "));
    let holding = format!("Some content in the namespace has finalizers remaining: {}", held.join(", "));
    let condition = condition::condition;
    vec![
        condition(
            "NamespaceDeletionDiscoveryFailure",
            "False",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        condition(
            "NamespaceDeletionGroupVersionParsingFailure",
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        match unread(cx.view) {
            Some(why) => condition("NamespaceDeletionContentFailure", "True", "ContentDeletionFailed", &why),
            None => condition(
                "NamespaceDeletionContentFailure",
                "False",
                "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization",
            ),
        },
        match left.is_empty() {
            true => condition(
                "NamespaceContentRemaining",
                "False",
                "ContentRemoved",
                "All content successfully removed",
            ),
            false => condition("NamespaceContentRemaining", "True", "SomeResourcesRemain", &remaining),
        },
        match held.is_empty() {
            true => condition(
                "NamespaceFinalizersRemaining",
                "False",
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished",
            ),
            false => condition("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", &holding),
        },
    ]
}
