//! The body of an answer, read by a thread that may block.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes};
use http_body_util::BodyExt as _;
use tokio::runtime::Handle;

use crate::failure::Failure;
use crate::{Error, Limits, Result};

/// How often a waiting thread looks at its caller's flag.
const CANCEL_CHECK: Duration = Duration::from_millis(50);
/// Bytes after the end of what we read that are worth reading to keep the connection.
const DRAIN: usize = 64 << 10;

/// A body as a reader that never waits longer than the stall limit and never yields more than the size limit.
pub(crate) struct Body<'a> {
    pub(crate) runtime: Handle,
    pub(crate) incoming: hyper::body::Incoming,
    pub(crate) limits: &'a Limits,
    pub(crate) cancel: &'a AtomicBool,
    pub(crate) until: Instant,
    pub(crate) failure: Failure,
    pub(crate) chunk: Bytes,
    pub(crate) total: u64,
}

impl Body<'_> {
    /// Reads what little is left, so that the connection can serve the next request.
    pub(crate) fn finish(mut self) {
        let mut rest = [0; 4096];
        let mut left = DRAIN;
        while left > 0 {
            match self.read(&mut rest) {
                Ok(0) | Err(_) => return,
                Ok(count) => left = left.saturating_sub(count),
            }
        }
    }

    fn next_chunk(&mut self) -> Result<Option<Bytes>> {
        let frames = async {
            loop {
                match self.incoming.frame().await {
                    None => return Ok(None),
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) if data.is_empty() => {}
                        Ok(data) => return Ok(Some(data)),
                        Err(_trailers) => {}
                    },
                    Some(Err(error)) => return Err(Error::unavailable(error)),
                }
            }
        };
        self.runtime.block_on(guarded(frames, self.limits.stall, self.until, self.cancel))
    }
}

impl Read for Body<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() {
            match self.next_chunk() {
                Ok(None) => return Ok(0),
                Ok(Some(chunk)) => self.chunk = chunk,
                Err(error) => return Err(self.failure.note(error)),
            }
            self.total += self.chunk.len() as u64;
            if self.total > self.limits.response {
                return Err(self.failure.note(Error::TooLarge { limit: self.limits.response }));
            }
        }
        let count = out.len().min(self.chunk.len());
        self.chunk.copy_to_slice(&mut out[..count]);
        Ok(count)
    }
}

/// Waits for a future, for a time at most, until some moment at most, and only as long as nobody cancels.
pub(crate) async fn guarded<T, E: From<Error>>(
    future: impl Future<Output = std::result::Result<T, E>>,
    limit: Duration,
    until: Instant,
    cancel: &AtomicBool,
) -> std::result::Result<T, E> {
    let limit = limit.min(until.saturating_duration_since(Instant::now()));
    let cancelled = async {
        while !cancel.load(Ordering::Relaxed) {
            tokio::time::sleep(CANCEL_CHECK).await;
        }
    };
    tokio::select! {
        biased;
        result = future => result,
        () = cancelled => Err(Error::Cancelled.into()),
        () = tokio::time::sleep(limit) => Err(Error::Timeout.into()),
    }
}
