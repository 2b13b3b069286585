//! The body of an answer, read by a thread that may block.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes};
use hyper::body::Incoming;

use crate::failure::Failure;
use crate::http::Call;
use crate::line::Line;
use crate::pool::Route;
use crate::{Error, Result};

/// How often a waiting thread looks at its caller's flag.
const CANCEL_CHECK: Duration = Duration::from_millis(50);
/// Bytes after the end of what we read that are worth reading to keep the connection.
const DRAIN: usize = 64 << 10;

/// A body as a reader that never waits longer than the stall limit and never yields more than the size limit.
pub(crate) struct Body<'a> {
    pub(crate) call: Call<'a>,
    pub(crate) route: Route,
    pub(crate) incoming: Incoming,
    /// Where it comes from, until its end.
    pub(crate) line: Option<Line>,
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
        let Some(mut line) = self.line.take() else { return Ok(None) };
        let chunk = self.call.wait(line.next(&mut self.incoming), self.call.limits.stall)?;
        match &chunk {
            Some(_) => self.line = Some(line),
            None => self.call.keep(self.route.clone(), line),
        }
        Ok(chunk)
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
            if self.total > self.call.limits.response {
                return Err(self.failure.note(Error::TooLarge { limit: self.call.limits.response }));
            }
        }
        let count = out.len().min(self.chunk.len());
        self.chunk.copy_to_slice(&mut out[..count]);
        Ok(count)
    }
}

/// Waits for a future, for a time at most, until some moment at most, and only as long as nobody cancels.
pub(crate) async fn guarded<T>(
    future: impl Future<Output = Result<T>>,
    limit: Duration,
    until: Instant,
    cancel: &AtomicBool,
) -> Result<T> {
    let limit = limit.min(until.saturating_duration_since(Instant::now()));
    let cancelled = async {
        while !cancel.load(Ordering::Relaxed) {
            tokio::time::sleep(CANCEL_CHECK).await;
        }
    };
    tokio::select! {
        biased;
        result = future => result,
        () = cancelled => Err(Error::Cancelled),
        () = tokio::time::sleep(limit) => Err(Error::Timeout),
    }
}
