//! What applying objects would make of them, asked of the API server.

use std::collections::BTreeMap;
use std::sync::Arc;

use apply::Executor;
use bytes::Bytes;
use cluster::{ApplyOptions, Connection, Discovery};
use diff::{ObjectDiff, object_diff};
use futures::StreamExt;
use lockstep_core::{
    DesiredObject, Gvk, Key, LiveObject, OWNER_ANNOTATION, ObjectKey, Value, from_json, to_json,
};
use plan::{DryRun, DryRunOutcome, DryRunResult, Live, LiveSet};

use super::error::InspectError;
use super::executor;
use super::world::{World, look};

/// Dry runs that are asked for at the same time; they cost the API server nearly as much as writes.
const SIDE_BY_SIDE: usize = 16;

/// What would become of an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Rehearsed {
    /// It would be created. `untried` tells why the API server could not be asked yet.
    Create {
        /// From nothing to what is sent.
        diff: ObjectDiff,
        /// Its namespace or its kind has to come first.
        untried: Option<String>,
    },
    /// It would be changed. An empty diff: only in what is no content, such as who manages which field.
    Change(ObjectDiff),
    /// It would be deleted.
    Delete(ObjectDiff),
    /// The API server refuses it.
    Refused(String),
    /// It could not be told.
    Unknown(String),
}

impl Rehearsed {
    /// Whether live would differ from before.
    pub fn differs(&self) -> bool {
        match self {
            Self::Change(diff) => !diff.is_empty(),
            Self::Create { .. } | Self::Delete(_) | Self::Refused(_) | Self::Unknown(_) => true,
        }
    }
}

type Answer = (Rehearsed, Option<DryRunResult>);

/// Objects that are taken over from other tools, with those tools.
#[derive(Default)]
pub(super) struct Adoption(pub(super) BTreeMap<ObjectKey, Vec<Arc<str>>>);

impl Adoption {
    /// The managers whose fields an object's apply takes over.
    fn of(&self, key: &ObjectKey) -> Vec<&str> {
        self.0.get(key).into_iter().flatten().map(|manager| &**manager).collect()
    }
}

/// Asks the API server with dry runs.
pub struct Rehearsal {
    executor: Executor,
    connection: Connection,
}

impl Rehearsal {
    /// Under the installation's name. `key` is that of the objects' digests.
    pub fn new(connection: &Connection, discovery: &Discovery, instance: &Arc<str>, key: Key) -> Self {
        let executor = executor(connection, discovery, instance, key);
        Self { executor, connection: connection.clone() }
    }

    /// What would become of objects that may or may not exist, in their order. Live ones keep the owner that they name, unless
    /// they name one themselves.
    pub async fn apply(
        &self,
        objects: Vec<Arc<DesiredObject>>,
    ) -> Result<Vec<(ObjectKey, Rehearsed)>, InspectError> {
        let keys = objects.iter().map(|object| (object.key.clone(), object.gvk.clone())).collect();
        let catalog = self.executor.catalog.clone();
        let world = World::read(&self.connection, catalog, keys, BTreeMap::new()).await?;
        let order: Vec<ObjectKey> = objects.iter().map(|object| object.key.clone()).collect();
        let bodies = objects.into_iter().map(|object| {
            let live = world.get(&object.key, &object.gvk);
            (object.key.clone(), Some(owned_as_before(object, &live)))
        });
        let mut answers = self.objects(bodies.collect(), &world, &Adoption::default()).await;
        let answers = order.into_iter().filter_map(|key| {
            let (rehearsed, _) = answers.remove(&key)?;
            Some((key, rehearsed))
        });
        Ok(answers.collect())
    }

    /// What deleting an object would take away; `None` where it is not there.
    pub async fn delete(&self, key: &ObjectKey, gvk: &Gvk) -> Option<Rehearsed> {
        match look(&self.connection, &self.executor.catalog, key, gvk).await {
            Live::Absent => None,
            live => Some(gone(key, &live)),
        }
    }

    /// What would become of the objects of a plan; those without a body would go.
    pub(super) async fn objects(
        &self,
        bodies: BTreeMap<ObjectKey, Option<Arc<DesiredObject>>>,
        world: &World,
        adoption: &Adoption,
    ) -> BTreeMap<ObjectKey, Answer> {
        let all: Vec<_> =
            bodies.into_iter().map(|(key, body)| self.object(key, body, world, adoption)).collect();
        futures::stream::iter(all).buffer_unordered(SIDE_BY_SIDE).collect().await
    }

    async fn object(
        &self,
        key: ObjectKey,
        body: Option<Arc<DesiredObject>>,
        world: &World,
        adoption: &Adoption,
    ) -> (ObjectKey, Answer) {
        let Some(desired) = body else {
            let live = world.any(&key);
            return (key.clone(), (gone(&key, &live), None));
        };
        let live = world.get(&key, &desired.gvk);
        if let (Live::Absent, Some(obstacle)) = (&live, world.obstacle(&key, &desired.gvk)) {
            let diff = object_diff(&Value::Null, &desired.value, &key);
            return (key, (Rehearsed::Create { diff, untried: Some(obstacle) }, None));
        }
        let answer = self.try_apply(desired, live, &adoption.of(&key)).await;
        (key, answer)
    }

    async fn try_apply(&self, desired: Arc<DesiredObject>, live: Live, adopted: &[&str]) -> Answer {
        let live = match live {
            Live::Present(live) => Some(live),
            Live::Absent => None,
            Live::Unknown(reason) => return (Rehearsed::Unknown(reason.to_string()), None),
        };
        let resource_version = live.as_ref().map(|live| live.resource_version.clone());
        let asked = DryRun { desired, resource_version: resource_version.unwrap_or_else(|| "".into()) };
        match apply::dry_run(&self.executor, &asked, live.as_deref()).await {
            Ok((result, mut after)) => {
                if let (Some(live), Some(applied)) = (&live, &after)
                    && let Some(left) = diff::without_orphans(live, applied, adopted, &self.executor.manager)
                {
                    after = self.updated(live, left).await.or(after);
                }
                let rehearsed = answered(&asked.desired, live.as_deref(), &result.outcome, after);
                (rehearsed, Some(result))
            }
            Err(failed) => (Rehearsed::Unknown(failed.message), None),
        }
    }
}

impl Rehearsal {
    /// What the API server would make of an object that is put in the place of the live one: the same, with defaults. `None`
    /// where it cannot be asked.
    async fn updated(&self, live: &LiveObject, mut object: Value) -> Option<Value> {
        object.remove(&["metadata", "managedFields"]);
        object.set(&["metadata", "resourceVersion"], (*live.resource_version).into());
        let resource = self.executor.catalog.resource(&live.gvk).served()?;
        let options = ApplyOptions {
            manager: self.executor.manager.clone(),
            dry_run: cluster::DryRun::Yes,
            ..ApplyOptions::default()
        };
        let body = Bytes::from(to_json(&object));
        let written = self.executor.writer.update(&resource, &live.key, body, &options).await.ok()?;
        from_json(written.object.bytes()).ok()
    }
}

fn answered(
    desired: &DesiredObject,
    live: Option<&LiveObject>,
    outcome: &DryRunOutcome,
    after: Option<Value>,
) -> Rehearsed {
    match (outcome, live) {
        (DryRunOutcome::Refused(message), _) => Rehearsed::Refused(message.clone()),
        (_, None) => {
            Rehearsed::Create { diff: object_diff(&Value::Null, &desired.value, &desired.key), untried: None }
        }
        (_, Some(live)) => {
            let after = after.unwrap_or_default();
            Rehearsed::Change(object_diff(&live.value, &after, &desired.key))
        }
    }
}

/// An apply without the owner's annotation would take it away.
fn owned_as_before(mut object: Arc<DesiredObject>, live: &Live) -> Arc<DesiredObject> {
    let path = ["metadata", "annotations", OWNER_ANNOTATION];
    if let Live::Present(live) = live
        && object.value.at(&path).is_none()
        && let Some(owner) = live.annotation(OWNER_ANNOTATION)
    {
        Arc::make_mut(&mut object).value.set(&path, owner.into());
    }
    object
}

fn gone(key: &ObjectKey, live: &Live) -> Rehearsed {
    match live {
        Live::Present(live) => Rehearsed::Delete(object_diff(&live.value, &Value::Null, key)),
        Live::Absent => Rehearsed::Delete(ObjectDiff::default()),
        Live::Unknown(reason) => Rehearsed::Unknown(reason.to_string()),
    }
}
