//! The watches of what concerns the controller itself, and of live objects, turned into marks.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::TYPE_LABEL;
use cluster::{
    Change, Connection, Live, LiveEvent, RawObject, Resource, ResourceScope, ScopeState, Selector,
    Subscriber, Unread, Watch, WatchEvent,
};
use lockstep_core::{AppKey, Gvk, ObjectKey, Value, from_json};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::cluster_view::namespaces;
use crate::context::{Context, applications, projects};
use crate::dependencies;
use crate::queue::Cause;
use crate::records::secrets;

/// A kind that the controller follows for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Own {
    Applications,
    Projects,
    Credentials,
    Autoscalers,
}

impl Own {
    /// All of them. What an Application needs comes before the Applications.
    pub(crate) const ALL: [Self; 4] =
        [Self::Projects, Self::Credentials, Self::Autoscalers, Self::Applications];

    fn resource(self) -> Resource {
        match self {
            Self::Applications => applications(),
            Self::Projects => projects(),
            Self::Credentials => secrets(),
            Self::Autoscalers => Resource::new(
                Gvk::new("autoscaling", "v2", "HorizontalPodAutoscaler"),
                "horizontalpodautoscalers",
                ResourceScope::Namespaced,
            ),
        }
    }

    /// Where this is followed: everywhere, or in some namespaces one by one, for which no more rights are needed.
    pub(crate) fn places(
        self,
        namespaces: &BTreeSet<Arc<str>>,
        controller: &Arc<str>,
    ) -> Vec<Option<Arc<str>>> {
        if namespaces.is_empty() {
            return vec![None];
        }
        let mut places = namespaces.clone();
        match self {
            Self::Projects | Self::Autoscalers => return vec![None],
            Self::Applications => {}
            Self::Credentials => {
                places.insert(controller.clone());
            }
        }
        places.into_iter().map(Some).collect()
    }

    fn watch(self, connection: &Connection, namespace: Option<&str>) -> Watch {
        let labels = match self {
            Self::Credentials => format!("{TYPE_LABEL}=repository"),
            Self::Applications | Self::Projects | Self::Autoscalers => String::new(),
        };
        Watch::start(connection, &self.resource(), namespace, Selector { labels, fields: String::new() })
    }

    /// Whether the controller can go on although this cannot be read.
    fn is_dispensable(self) -> bool {
        self == Self::Autoscalers || self == Self::Credentials
    }
}

/// Follows one kind for ever. `synced` turns true once everything that exists has been taken in.
pub(crate) async fn own(
    context: Arc<Context>,
    followed: (Own, Option<Arc<str>>),
    synced: watch::Sender<bool>,
) {
    let (kind, place) = &followed;
    let kind = *kind;
    let watch = kind.watch(context.cluster.writer.connection(), place.as_deref());
    loop {
        match watch.next().await {
            WatchEvent::Applied(object) => match from_json(object.bytes()) {
                Ok(value) => take(&context, kind, &object, Some(value)),
                Err(error) => tracing::error!(?kind, %error, "An object cannot be read"),
            },
            WatchEvent::Deleted(object) => take(&context, kind, &object, None),
            WatchEvent::Synced => {
                synced.send_replace(true);
                if context.reach.found(&followed) {
                    tracing::info!(?kind, "A watch stands again");
                    context.retry_now();
                }
            }
            WatchEvent::Failing(failure) => {
                tracing::warn!(?kind, error = %failure, "A watch fails");
                if kind.is_dispensable() {
                    synced.send_replace(true);
                } else {
                    context.reach.lost(&followed, crate::chain(&failure), Instant::now());
                }
            }
        }
    }
}

fn take(context: &Context, kind: Own, object: &RawObject, value: Option<Value>) {
    let (namespace, name) = (&object.meta.namespace, &object.meta.name);
    match kind {
        Own::Applications => take_application(context, &AppKey::new(namespace, name), value),
        Own::Projects => {
            for app in context.store.set_project(name, value) {
                context.mark(&app, Cause::Spec);
            }
        }
        Own::Credentials => {
            let credential = value.and_then(|value| {
                let (credential, findings) = api::credential(&value);
                for finding in findings {
                    let object = format!("Secret/{name}");
                    tracing::warn!(object, namespace = &**namespace, %finding, "A credential is odd");
                }
                credential
            });
            for app in context.store.set_credential((namespace.clone(), name.clone()), credential) {
                context.mark(&app, Cause::Spec);
            }
        }
        Own::Autoscalers => {
            let key = object.key(&Own::Autoscalers.resource().gvk);
            for target in context.cluster.autoscalers.set(&key, value.as_ref()) {
                for app in context.claims.concerned(&target) {
                    context.mark(&app, Cause::Resume);
                }
            }
        }
    }
}

fn take_application(context: &Context, app: &AppKey, value: Option<Value>) {
    let concerned = match &value {
        Some(value) => context.dependencies.set(app, dependencies::named(app, value)),
        None => context.dependencies.remove(app),
    };
    let cause = match value {
        Some(value) => context.store.set_application(app, value),
        None => {
            context.store.remove_application(app);
            Some(Cause::Spec)
        }
    };
    if let Some(cause) = cause {
        context.mark(app, cause);
    }
    concerned.iter().for_each(|other| context.mark(other, Cause::Resume));
    context.progressed(app);
}

/// Turns changes of live objects into marks, for ever.
pub(crate) async fn live(context: Arc<Context>, events: Subscriber) {
    loop {
        match events.next().await {
            LiveEvent::Object { gvk, key, change, received_at } => {
                if gvk == namespaces() {
                    context.namespace_changed(&key.name);
                }
                changed(&context, &gvk, &key, change, received_at);
            }
            LiveEvent::Scope { gvk, state, .. } => {
                if !matches!(state, ScopeState::Unknown(Unread::Syncing)) {
                    for app in context.waiting.scopes.arrived(&gvk) {
                        context.mark(&app, Cause::Resume);
                    }
                }
            }
        }
    }
}

fn changed(context: &Context, gvk: &Gvk, key: &ObjectKey, change: Change, at: Instant) {
    let mut apps: BTreeSet<AppKey> = context.claims.concerned(key).into_iter().collect();
    if change == Change::Deleted {
        apps.extend(context.owned.remove(key));
    } else if apps.is_empty() {
        apps.extend(leftover(context, gvk, key));
    }
    apps.extend(context.dependencies.watchers(key));
    // First lists bring everything that exists: those who have not looked yet will find it.
    for app in apps.iter().filter(|app| context.is_observing(app)) {
        context.queue.mark(app, Cause::Live, at);
    }
}

/// An object that nobody wants or has recorded may carry the name of an Application all the same. Returns whose, or whose it was;
/// as long as it cannot be looked at, what was known of it stands.
pub(crate) fn leftover(context: &Context, gvk: &Gvk, key: &ObjectKey) -> Option<AppKey> {
    let owner = match context.cluster.index.get(gvk, key) {
        Live::Present(live) => diff::owner_of(&live),
        // Of what carries our name more than the metadata is kept.
        Live::Absent | Live::Unknown(Unread::NoBody) => None,
        Live::Unknown(_) => return None,
    };
    match owner.filter(|owner| owner.instance == context.settings.instance) {
        Some(owner) => {
            context.owned.set(&owner.app, key, gvk);
            Some(owner.app)
        }
        None => context.owned.remove(key),
    }
}

/// Wakes those that wait for a kind whenever what is served changes, for ever.
pub(crate) async fn kinds(context: Arc<Context>) {
    let mut changes = context.cluster.discovery.changes();
    while changes.changed().await.is_ok() {
        for app in context.waiting.kinds.arrived(&()) {
            context.mark(&app, Cause::Resume);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applications_of_some_namespaces_need_no_right_to_the_others() {
        let (some, controller) = (BTreeSet::from(["b".into(), "d".into()]), Arc::from("c"));
        let places = |kind: Own, namespaces: &BTreeSet<Arc<str>>| -> Vec<String> {
            let places = kind.places(namespaces, &controller);
            places.iter().map(|place| place.as_deref().unwrap_or("*").to_owned()).collect()
        };
        assert_eq!(places(Own::Applications, &some), ["b", "d"]);
        assert_eq!(places(Own::Credentials, &some), ["b", "c", "d"]);
        assert_eq!(places(Own::Projects, &some), ["*"]);
        assert_eq!(places(Own::Applications, &BTreeSet::new()), ["*"]);
    }
}
