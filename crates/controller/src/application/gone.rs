//! An Application that is not there any more. Usually nothing of it is left; where its finalizer was taken off by hand, its
//! record is.

use ::cluster::ApiError;
use lockstep_core::{AppKey, ObjectKey};

use super::state::AppState;
use crate::context::{Context, applications};
use crate::records::Recorded;

/// Why a record stays.
#[derive(Debug, thiserror::Error)]
enum Kept {
    /// The watch lags, or what is there cannot be read.
    #[error("the API server still has the Application")]
    Exists,
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// Forgets an Application that is gone, and removes what was recorded of it: nobody would ever look at it again. Its objects stay,
/// with their owner annotation, for a later Application of the same name.
pub(super) async fn clear(context: &Context, app: &AppKey) {
    let state = context.state(app);
    let mut state = state.lock().await;
    state.following.release(&context.cluster.index);
    context.leave(app);
    match remove(context, app, &mut state.recorded).await {
        Ok(()) => context.forget(app),
        Err(error) => {
            tracing::warn!(%app, %error, "The record of an Application that is gone stays for now");
            // Only the record is worth anything to an Application of this name that comes meanwhile.
            let recorded = std::mem::replace(&mut state.recorded, context.unrecorded(app));
            context.claims.set_recorded(app, recorded.record().objects.keys().cloned().collect());
            *state = AppState::new(recorded);
            context.retry(app);
        }
    }
}

/// Removes a record if the API server itself says that its Application is gone; that the watches do not show it is not enough.
async fn remove(context: &Context, app: &AppKey, recorded: &mut Recorded) -> Result<(), Kept> {
    if !recorded.is_stored() {
        return Ok(());
    }
    let key = ObjectKey::new(api::GROUP, "Application", &app.namespace, &app.name);
    match context.cluster.writer.connection().get(&applications(), &key).await {
        Err(ApiError::NotFound) => {}
        Err(error) => return Err(error.into()),
        Ok(_) => return Err(Kept::Exists),
    }
    recorded.remove(&context.cluster.writer).await?;
    tracing::info!(%app, "The record of an Application that is gone was removed");
    Ok(())
}
