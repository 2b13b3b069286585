//! From a name to everything that the run needs to know of the Application itself.

use std::sync::Arc;

use api::{Intents, Requests, Status};
use lockstep_core::{AppKey, Value};
use tokio::sync::OwnedMutexGuard;

use super::gone;
use super::halt::Halt;
use super::state::AppState;
use crate::context::Context;
use crate::queue::Job;

/// An Application that is there.
pub(crate) struct Found {
    /// Its name.
    pub(crate) key: AppKey,
    /// The custom resource as last seen.
    pub(crate) resource: Arc<Value>,
    /// Its status as last told.
    pub(crate) told: Status,
    /// What a user asked for and was not acted on.
    pub(crate) requests: Requests,
    /// What earlier runs left. Held for the whole run: there is never more than one.
    pub(crate) state: OwnedMutexGuard<AppState>,
    /// Why this run was made, and since when that waits.
    pub(crate) job: (crate::queue::Causes, tokio::time::Instant),
}

impl Found {
    /// Whether its deletion was asked for.
    pub(crate) fn is_deleting(&self) -> bool {
        self.resource.at(&["metadata", "deletionTimestamp"]).is_some()
    }

    /// `metadata.generation`.
    pub(crate) fn generation(&self) -> i64 {
        self.resource.int_at(&["metadata", "generation"]).unwrap_or_default()
    }
}

/// Looks an Application up.
pub(crate) async fn dereference(context: &Context, job: &Job) -> Result<Found, Halt> {
    let Some(resource) = context.store.application(&job.app) else {
        gone::clear(context, &job.app).await;
        return Err(Halt::Gone);
    };
    let told = Status::read(&resource);
    let requests = Intents::read(&resource).since(&told.handled);
    let state = context.state(&job.app).lock_owned().await;
    Ok(Found { key: job.app.clone(), resource, told, requests, state, job: (job.causes, job.since) })
}
