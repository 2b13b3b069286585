//! One step against the API server.

use std::sync::Arc;

use bytes::Bytes;
use cluster::{ApiError, ApplyOptions, DeleteOptions, DryRun, FieldOwner, FieldValidation, Force, Patch};
use cluster::{Priority, RawObject, Resource, Writer, Written};
use lockstep_core::{Gvk, LiveObject, Map, ObjectKey, Value, to_json};
use plan::{Apply, Handover, Ownership, Prune, Recreate, Refusal, Rewrite};

use crate::execute::Executor;
use crate::outcome::{Done, Failed};
use crate::refusal::failed;

/// An answer 429 says nothing about the object: the step itself waits its turn again, so many times.
const PATIENCE: u32 = 5;

pub(crate) async fn apply(
    executor: &Executor,
    priority: Priority,
    key: &ObjectKey,
    apply: &Apply,
) -> Result<Done, Failed> {
    let target = Target::new(executor, priority, key, &apply.desired.gvk)?;
    if let Some((rewrite, seen)) = apply.rewrite.as_ref().zip(apply.seen.as_ref()) {
        target.rewrite(rewrite, &seen.resource_version).await.map_err(|error| failed(&error))?;
    }
    if let Some(handover) = &apply.handover {
        target.hand_over(handover).await.map_err(|error| failed(&error))?;
    }
    let body = Bytes::from(to_json(&apply.desired.value));
    let (written, owners) = match target.write(apply.ownership, body).await {
        Ok(written) => written,
        Err(error) => return Err(target.refused(apply, &error).await),
    };
    let live = target.observe(&written)?;
    let changed = apply.seen.as_ref().is_none_or(|seen| seen.resource_version != live.resource_version);
    let desired = &apply.desired;
    let record = diff::record(desired, &live, &executor.manager, &executor.key, &desired.commit);
    let record = record.map_err(|error| Failed { refusal: Refusal::Internal, message: error.to_string() })?;
    Ok(Done::Applied { live: Box::new(live), record: Box::new(record), owners, changed })
}

/// Deletes, and creates at once where the object is gone at once. Otherwise its last watch event leads to the create.
pub(crate) async fn recreate(
    executor: &Executor,
    key: &ObjectKey,
    recreate: &Recreate,
) -> Result<Done, Failed> {
    match remove(executor, key, &recreate.delete).await? {
        // Another object stands in its place already, and nothing was decided about that one.
        Err(ApiError::Gone) => Err(failed(&ApiError::Gone)),
        answer => match removed(answer)? {
            Done::Deleted => apply(executor, Priority::Sync, key, &recreate.apply).await,
            other => Ok(other),
        },
    }
}

pub(crate) async fn delete(executor: &Executor, key: &ObjectKey, prune: &Prune) -> Result<Done, Failed> {
    removed(remove(executor, key, prune).await?)
}

/// Asks for a deletion. The outer error: it could not even be asked.
async fn remove(
    executor: &Executor,
    key: &ObjectKey,
    prune: &Prune,
) -> Result<Result<Option<RawObject>, ApiError>, Failed> {
    let target = Target::new(executor, Priority::Sync, key, &prune.gvk)?;
    let options = DeleteOptions {
        uid: Some(prune.uid.clone()),
        resource_version: None,
        propagation: prune.propagation,
        dry_run: DryRun::No,
    };
    let answer = patient(|| target.writer.delete(&target.resource, key, &options)).await;
    if let Ok(Some(object)) = &answer {
        executor.index.observe_write(&target.resource.gvk, object);
    }
    Ok(answer)
}

fn removed(answer: Result<Option<RawObject>, ApiError>) -> Result<Done, Failed> {
    match answer {
        Ok(None) | Err(ApiError::NotFound | ApiError::Gone | ApiError::NamespaceMissing) => Ok(Done::Deleted),
        Ok(Some(_)) => Ok(Done::Deleting),
        Err(error) => Err(failed(&error)),
    }
}

/// One object and how to write it.
pub(crate) struct Target<'a> {
    executor: &'a Executor,
    writer: Writer,
    resource: Arc<Resource>,
    key: &'a ObjectKey,
}

impl<'a> Target<'a> {
    pub(crate) fn new(
        executor: &'a Executor,
        priority: Priority,
        key: &'a ObjectKey,
        gvk: &Gvk,
    ) -> Result<Self, Failed> {
        let resource = executor.catalog.resource(gvk).served().ok_or_else(|| failed(&ApiError::NotServed))?;
        Ok(Self { executor, writer: executor.writer.with(priority), resource, key })
    }

    /// An apply, as its dry run or for good.
    pub(crate) async fn send(&self, body: Bytes, options: &ApplyOptions) -> Result<Written, ApiError> {
        patient(|| self.writer.apply(&self.resource, self.key, body.clone(), options)).await
    }

    pub(crate) fn options(&self, force: Force) -> ApplyOptions {
        ApplyOptions {
            manager: self.executor.manager.clone(),
            force,
            dry_run: DryRun::No,
            // An apply refuses undeclared fields by itself, and repeated keys are found where the file is read: the server
            // need not decode the body a second time to warn of them.
            validation: FieldValidation::Ignore,
        }
    }

    async fn write(&self, ownership: Ownership, body: Bytes) -> Result<(Written, Vec<FieldOwner>), ApiError> {
        let mut owners = Vec::new();
        if ownership == Ownership::AskFirst {
            match self.send(body.clone(), &self.options(Force::No)).await {
                Err(ApiError::Conflict { owners: found, .. }) => owners = found,
                other => return other.map(|written| (written, owners)),
            }
        }
        let written = self.send(body, &self.options(Force::Yes)).await?;
        Ok((written, owners))
    }

    /// With the resourceVersion as precondition: another writer's fields must not be given away unseen.
    async fn rewrite(&self, rewrite: &Rewrite, resource_version: &str) -> Result<(), ApiError> {
        let mut patch = Value::map(Map::new());
        patch.set(&["metadata", "resourceVersion"], resource_version.into());
        patch.set(&["metadata", "managedFields"], rewrite.managed_fields.clone());
        let body = Bytes::from(to_json(&patch));
        let options = self.options(Force::No);
        let send = || self.writer.patch(&self.resource, self.key, "", Patch::Merge(body.clone()), &options);
        let written = patient(send).await?;
        self.executor.index.observe_write(&self.resource.gvk, &written.object);
        Ok(())
    }

    async fn hand_over(&self, handover: &Handover) -> Result<(), ApiError> {
        let options = ApplyOptions { manager: handover.manager.into(), ..self.options(Force::Yes) };
        self.send(Bytes::from(to_json(&handover.body)), &options).await.map(drop)
    }

    fn observe(&self, written: &Written) -> Result<LiveObject, Failed> {
        self.executor.index.observe_write(&self.resource.gvk, &written.object);
        for warning in &written.warnings {
            tracing::warn!(object = %self.key, %warning, "The API server warns");
        }
        let unreadable =
            || Failed { refusal: Refusal::Internal, message: "the answer is not an object".to_owned() };
        written.object.live(&self.resource.gvk).ok_or_else(unreadable)
    }

    /// There is no reason code for immutability. If the same object could be created under another name, then what is
    /// forbidden is the transition.
    async fn refused(&self, apply: &Apply, error: &ApiError) -> Failed {
        let refused = failed(error);
        if !matches!(error, ApiError::Invalid { .. }) || apply.seen.is_none() {
            return refused;
        }
        match self.probe(apply).await {
            Ok(_) => Failed { refusal: Refusal::Immutable, ..refused },
            Err(_) => refused,
        }
    }

    async fn probe(&self, apply: &Apply) -> Result<Written, ApiError> {
        let name = format!("lockstep-probe-{}", apply.desired.digest.short());
        let mut body = apply.desired.value.clone();
        body.set(&["metadata", "name"], name.as_str().into());
        let key = ObjectKey { name: name.into(), ..self.key.clone() };
        let options = ApplyOptions { dry_run: DryRun::Yes, ..self.options(Force::No) };
        let body = Bytes::from(to_json(&body));
        patient(|| self.writer.create(&self.resource, &key, body.clone(), &options)).await
    }
}

/// Sends a request again while the server only asks to slow down; the limiter makes each attempt wait its turn.
async fn patient<T, F: Future<Output = Result<T, ApiError>>>(send: impl Fn() -> F) -> Result<T, ApiError> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match send().await {
            Err(ApiError::TooManyRequests { .. }) if attempts < PATIENCE => {}
            answer => return answer,
        }
    }
}
