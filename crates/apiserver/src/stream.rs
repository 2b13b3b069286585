//! Watches as they are sent, one line of JSON an event, and logs that are followed.

use std::sync::Arc;
use std::time::Duration;

use apistore::{EventType, FollowedLog, Watch, WatchEvent};
use bytes::{BufMut, Bytes, BytesMut};
use futures::Stream;
use lockstep_core::{Value, to_json};
use tokio::sync::watch;

use crate::accept::Form;
use crate::api::Api;
use crate::encode::{Shape, metadata, read};
use crate::table::{First, Tables};

/// Past the time that something is due, by the least that timers know.
const BREATH: Duration = Duration::from_millis(1);

/// How often a log is looked at for new lines.
const LOG_PAUSE: Duration = Duration::from_millis(100);

/// A watch that is being sent.
struct Sending {
    api: Arc<Api>,
    watch: Watch,
    changes: watch::Receiver<u64>,
    shape: Shape,
    tables: Tables,
    first: First,
    ended: bool,
}

/// The lines of a watch, until it ends or the client goes.
pub(crate) fn events(
    api: Arc<Api>,
    watch: Watch,
    shape: Shape,
    tables: Tables,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let changes = api.changes();
    let sending = Sending { api, watch, changes, shape, tables, first: First::Yes, ended: false };
    futures::stream::unfold(sending, |mut sending| async move { Some((sending.next().await?, sending)) })
}

/// The text of a log as it grows, until its container stops or the client goes.
pub(crate) fn log(api: Arc<Api>, log: FollowedLog) -> impl Stream<Item = Bytes> + Send + 'static {
    futures::stream::unfold((api, log), |(api, mut log)| async move {
        loop {
            let text = api.poll_log(&mut log)?;
            if !text.is_empty() {
                return Some((Bytes::from(text), (api, log)));
            }
            // Lines are no changes of the state, so that nobody is told of them.
            tokio::time::sleep(LOG_PAUSE).await;
        }
    })
}

impl Sending {
    /// The next lines; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        while !self.ended {
            // Marked before the poll, so that a change during it is not slept over.
            self.changes.borrow_and_update();
            let Some(events) = self.api.poll(&mut self.watch) else { break };
            if !events.is_empty() {
                self.ended = events.iter().any(|event| event.kind == EventType::Error);
                return Some(self.lines(&events));
            }
            let due = self.api.wakes_at(&self.watch).saturating_sub(self.api.now());
            let changed = tokio::time::timeout(due + BREATH, self.changes.changed()).await;
            self.ended = matches!(changed, Ok(Err(_)));
        }
        None
    }

    fn lines(&mut self, events: &[WatchEvent]) -> Bytes {
        let size = events.iter().map(|event| event.object.len() + 48).sum();
        let mut lines = BytesMut::with_capacity(size);
        for event in events {
            lines.put_slice(b"{\"type\":\"");
            lines.put_slice(event.kind.as_str().as_bytes());
            lines.put_slice(b"\",\"object\":");
            match self.shaped(event) {
                None => lines.put_slice(&event.object),
                Some(value) => lines.put_slice(&to_json(&value)),
            }
            lines.put_slice(b"}\n");
        }
        lines.freeze()
    }

    /// The object in another form than it is stored in; `None` for as it is.
    fn shaped(&mut self, event: &WatchEvent) -> Option<Value> {
        if event.kind == EventType::Error {
            return None;
        }
        match self.shape.accepted.form {
            Form::Whole => None,
            Form::Metadata | Form::MetadataList => {
                Some(metadata(read(&event.object), self.shape.accepted.version))
            }
            Form::Table => {
                let first = std::mem::replace(&mut self.first, First::No);
                Some(self.tables.of_event(read(&event.object), first, self.shape.rows(), self.api.now()))
            }
        }
    }
}
