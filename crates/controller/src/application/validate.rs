//! From the custom resource to an Application that can be acted on, with our finalizer on it.

use std::sync::Arc;

use api::PRUNE_FINALIZER;
use bytes::Bytes;
use cluster::Patch;
use lockstep_core::{Application, Value, to_json};

use super::depend;
use super::dereference::Found;
use super::halt::{Halt, Why};
use crate::context::Context;

/// An Application that can be acted on.
pub(crate) struct Valid {
    /// The Application as found.
    pub(crate) found: Found,
    /// What its spec says.
    pub(crate) app: Arc<Application>,
}

/// Checks spec and Project, and makes sure that the objects can be pruned when the Application goes.
pub(crate) async fn validate(context: &Context, found: Found) -> Result<Valid, Halt> {
    let (app, findings) = api::application(&found.resource);
    let Some(app) = app else { return Err(Halt::refused(found, Why::Spec(findings))) };
    if let Some(cycle) = depend::cycle(context, &found.key) {
        return Err(Halt::refused(found, Why::Spec(vec![cycle])));
    }
    let news = found.told.observed_generation != found.generation();
    for finding in findings.iter().filter(|_| news) {
        tracing::warn!(app = %found.key, %finding, "The spec is odd");
    }
    let found = check_project(context, &app, found)?;
    if app.suspend {
        return Err(Halt::refused(found, Why::Suspended));
    }
    let found = ensure_finalizer(context, found).await?;
    Ok(Valid { found, app: Arc::new(app) })
}

fn check_project(context: &Context, app: &Application, found: Found) -> Result<Found, Halt> {
    let Some(project) = context.store.project(&app.project) else {
        return Err(Halt::refused(found, Why::NoProject(app.project.clone())));
    };
    match api::project(&project) {
        (Some(_), _) => Ok(found),
        (None, findings) => Err(Halt::refused(found, Why::Project(findings))),
    }
}

/// One write in an Application's life. Its answer is the newest state of the resource.
async fn ensure_finalizer(context: &Context, mut found: Found) -> Result<Found, Halt> {
    if api::has_finalizer(&found.resource, PRUNE_FINALIZER) {
        return Ok(found);
    }
    let existing =
        found.resource.at(&["metadata", "finalizers"]).and_then(Value::as_list).unwrap_or_default();
    let mut finalizers = existing.to_vec();
    finalizers.push(PRUNE_FINALIZER.into());
    let mut patch = Value::default();
    patch.set(&["metadata", "finalizers"], Value::list(finalizers));
    // Not to lose a finalizer that somebody adds at this very moment.
    let version = found.resource.str_at(&["metadata", "resourceVersion"]).unwrap_or_default();
    patch.set(&["metadata", "resourceVersion"], version.into());
    let patch = Patch::Merge(Bytes::from(to_json(&patch)));
    match context.patch_application(&found.key, "", patch).await {
        Ok(resource) => {
            found.resource = resource;
            Ok(found)
        }
        Err(error) => {
            // Stale: the watch brings the newer state and with it another run. Anything else: the retry timer does.
            tracing::warn!(app = %found.key, %error, "The finalizer could not be set");
            context.retry(&found.key);
            Err(Halt::Waiting)
        }
    }
}
