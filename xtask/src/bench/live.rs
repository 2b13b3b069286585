//! A watch that outlives its connections and says when it saw what.
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::rest::{Rest, WatchEvent, text};

/// One change of an object.
pub(super) struct Seen {
    pub(super) at: Instant,
    pub(super) object: Value,
}

/// The changes of a collection from the moment of [`Live::open`] on, in order. Deletions are left out.
pub(super) struct Live {
    seen: mpsc::UnboundedReceiver<Seen>,
    task: tokio::task::JoinHandle<()>,
}

impl Live {
    /// Starts to watch.
    pub(super) async fn open(rest: &Rest, collection: &str) -> Result<Self> {
        let version = rest.get(&format!("{collection}?limit=1")).await?;
        let version = text(&version, "/metadata/resourceVersion").to_owned();
        let (send, seen) = mpsc::unbounded_channel();
        let (rest, collection) = (rest.clone(), collection.to_owned());
        let task = tokio::spawn(async move {
            let mut version = version;
            // Ends with the receiver, or with an error, which the receiver then sees as the end.
            while let Ok(true) = pass_on(&rest, &collection, &mut version, &send).await {}
        });
        Ok(Self { seen, task })
    }

    /// The next change.
    pub(super) async fn next(&mut self, within: Duration) -> Result<Seen> {
        let next = tokio::time::timeout(within, self.seen.recv()).await;
        next.with_context(|| format!("nothing changed for {within:?}"))?.context("the watch broke")
    }

    /// Waits for a change that fits, and passes over all before it.
    pub(super) async fn wait(&mut self, within: Duration, fits: impl Fn(&Value) -> bool) -> Result<Seen> {
        let deadline = Instant::now() + within;
        loop {
            let seen = self.next(deadline.saturating_duration_since(Instant::now())).await?;
            if fits(&seen.object) {
                return Ok(seen);
            }
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// `false`: nobody listens any more.
async fn pass_on(
    rest: &Rest,
    collection: &str,
    version: &mut String,
    send: &mpsc::UnboundedSender<Seen>,
) -> Result<bool> {
    let mut events = rest.watch(collection, version).await?;
    while let Some(event) = events.next().await {
        let at = Instant::now();
        match event? {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                text(&object, "/metadata/resourceVersion").clone_into(version);
                if send.send(Seen { at, object }).is_err() {
                    return Ok(false);
                }
            }
            WatchEvent::Deleted(object) => text(&object, "/metadata/resourceVersion").clone_into(version),
            WatchEvent::Bookmark(_) => {}
            WatchEvent::Error(status) => bail!("watch of {collection}: {}", status.message),
        }
    }
    Ok(true)
}
