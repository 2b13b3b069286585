//! Reading the bytes of objects that became interesting after they were listed.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _, Shared};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use lockstep_core::{Gvk, ObjectKey};
use parking_lot::Mutex;

use super::Inner;
use crate::catalog::Lookup;
use crate::error::ApiError;
use crate::raw::Head;

/// Reads in flight.
const WIDTH: usize = 16;

type Fetch = Shared<BoxFuture<'static, Result<(), ApiError>>>;

/// Reads that are under way, so that a second one of the same object joins in.
#[derive(Default)]
pub(super) struct Fetching(Mutex<HashMap<(Gvk, ObjectKey), Fetch>>);

impl Inner {
    pub(super) async fn ensure(&self, objects: &[(Gvk, ObjectKey)]) -> Result<(), ApiError> {
        let missing: Vec<_> = {
            let state = self.state.lock();
            let slim = |(gvk, key): &&(Gvk, ObjectKey)| {
                let entry = state.store.entry(gvk, &key.namespace, &key.name);
                entry.is_some_and(|entry| entry.body.is_none())
            };
            objects.iter().filter(slim).cloned().collect()
        };
        stream::iter(missing)
            .map(|object| Ok(self.fetch(object)))
            .try_buffer_unordered(WIDTH)
            .try_collect()
            .await
    }

    fn fetch(&self, object: (Gvk, ObjectKey)) -> Fetch {
        let mut fetching = self.fetching.0.lock();
        if let Some(under_way) = fetching.get(&object) {
            return under_way.clone();
        }
        let (index, id) = (self.me.clone(), object.clone());
        let read = async move {
            // Whoever waits for this holds the index.
            let Some(index) = index.upgrade() else { return Ok(()) };
            let result = index.read(&id).await;
            index.fetching.0.lock().remove(&id);
            result
        };
        let shared = read.boxed().shared();
        fetching.insert(object, shared.clone());
        shared
    }

    async fn read(self: &Arc<Self>, (gvk, key): &(Gvk, ObjectKey)) -> Result<(), ApiError> {
        let resource = match self.discovery.resource(gvk) {
            Lookup::Served(resource) => resource,
            Lookup::NotServed => return Err(ApiError::NotServed),
            Lookup::GroupFailing(message) => return Err(ApiError::Unavailable { message }),
        };
        match self.connection.get(&resource, key).await {
            Ok(object) => {
                if let Some(head) = Head::parse(object.bytes()) {
                    self.answered(gvk, &head, object.bytes());
                }
                Ok(())
            }
            // The watch will say so.
            Err(ApiError::NotFound | ApiError::NamespaceMissing) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
