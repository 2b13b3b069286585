//! Kinds that cannot be watched: read again and again.

use std::time::Duration;

use tokio::time::Instant;

use super::{End, Stream};
use crate::connection::malformed;
use crate::error::ApiError;
use crate::raw::Head;

/// Between two reads, a quarter more or less.
const POLL: Duration = Duration::from_secs(30);

impl Stream {
    pub(super) async fn poll_lists(&mut self) {
        loop {
            match self.list_pages().await {
                End::Failed(error) => self.failed(error).await,
                _ => self.rest().await,
            }
        }
    }

    async fn rest(&mut self) {
        tokio::time::sleep(POLL.mul_f64(0.75 + self.rng.f64() / 2.0)).await;
    }

    pub(super) async fn poll_objects(&mut self) {
        loop {
            self.sink.begin();
            let outcome = self.read_each().await;
            match outcome.map(|()| self.complete("")) {
                Err(error) => self.failed(error).await,
                Ok(_) => self.rest().await,
            }
        }
    }

    async fn read_each(&self) -> Result<(), ApiError> {
        for key in self.sink.names() {
            match self.source.connection.get(&self.source.resource, &key).await {
                Ok(object) => {
                    let head = Head::parse(object.bytes()).ok_or_else(malformed)?;
                    self.sink.applied(&head, object.bytes(), Instant::now());
                }
                Err(ApiError::NotFound | ApiError::NamespaceMissing) => (),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
