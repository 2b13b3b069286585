//! One connection, whose bytes move only while somebody waits for them.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;

use crate::connect::Io;
use crate::{Error, Result};

type Driver = http1::Connection<Io, Full<Bytes>>;

/// A connection to a server.
///
/// It has no task of its own. A request that is handed to a task which is ending just then may be neither sent nor
/// refused, and whoever waits for its answer waits in vain. So the one who waits moves the bytes, and sees the end.
pub(crate) struct Line {
    sender: http1::SendRequest<Full<Bytes>>,
    /// None once the connection has ended.
    driver: Option<Driver>,
}

impl Line {
    pub(crate) async fn new(io: Io) -> Result<Self> {
        let (sender, driver) = http1::handshake(io).await.map_err(Error::unavailable)?;
        Ok(Self { sender, driver: Some(driver) })
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>> {
        drive(&mut self.driver, self.sender.ready()).await.ok_or_else(ended)?.map_err(Error::unavailable)?;
        let answer = self.sender.send_request(request);
        drive(&mut self.driver, answer).await.ok_or_else(ended)?.map_err(Error::unavailable)
    }

    /// Waits for the next piece of an answer's body; `None` is its end.
    pub(crate) async fn next(&mut self, incoming: &mut Incoming) -> Result<Option<Bytes>> {
        loop {
            let frame = drive(&mut self.driver, incoming.frame()).await.ok_or_else(ended)?;
            match frame.transpose().map_err(Error::unavailable)?.map(hyper::body::Frame::into_data) {
                None => return Ok(None),
                Some(Ok(data)) if !data.is_empty() => return Ok(Some(data)),
                Some(Ok(_) | Err(_)) => {}
            }
        }
    }

    /// Whether it can take a request, as far as one can tell without waiting.
    pub(crate) async fn is_free(&mut self) -> bool {
        poll_fn(|context| {
            if self.driver.as_mut().is_some_and(|driver| Pin::new(driver).poll(context).is_ready()) {
                self.driver = None;
            }
            Poll::Ready(self.driver.is_some() && self.sender.is_ready())
        })
        .await
    }
}

/// Waits for a future while moving bytes; `None` if the connection ended and the future will never be ready.
async fn drive<T>(driver: &mut Option<Driver>, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        if driver.as_mut().is_some_and(|driver| Pin::new(driver).poll(context).is_pending()) {
            return Poll::Pending;
        }
        // What the connection had to say, it says while it goes.
        *driver = None;
        match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => Poll::Ready(None),
        }
    })
    .await
}

fn ended() -> Error {
    Error::unavailable("the connection ended")
}
