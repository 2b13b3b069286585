//! What the store cannot know by itself.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::chance::Chance;

/// What an answer still needs.
#[derive(Clone, Debug)]
pub enum Handled<T> {
    /// Nothing: here it is.
    Done(T),
    /// This; the request has changed nothing and is to be put again, with the answers.
    Need(Pending),
}

/// A request that waits for answers.
#[derive(Clone, Debug)]
pub struct Pending {
    /// What it needs.
    pub demands: Vec<Demand>,
    /// Goes with the answers.
    pub begun: Begun,
}

/// The time and the chance with which a request began: it goes on with them, so that it demands the same again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    pub(crate) now: Duration,
    pub(crate) chance: Chance,
}

/// One thing that only the outside can tell. Equal demands have equal answers within one request.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demand {
    /// The answer of a webhook: admission or conversion.
    Webhook(WebhookCall),
    /// A JSON Web Token with these claims, signed by the cluster's key.
    Sign(Arc<[u8]>),
    /// The claims of this token, if the cluster's key has signed it (its time is the store's to check).
    Verify(Arc<[u8]>),
}

/// One call of a webhook.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WebhookCall {
    /// Where: an URL; for a Service, `https://name.namespace.svc:port/path`.
    pub url: String,
    /// By which authorities its certificate must be signed, as PEM; empty for the system's.
    pub ca_bundle: Arc<[u8]>,
    /// What is sent, as JSON.
    pub body: Arc<[u8]>,
    /// How long to wait, in seconds.
    pub timeout: u32,
}

/// What is sent and signed may be secret: only how long it is is shown.
impl fmt::Debug for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Webhook(call) => call.fmt(f),
            Self::Sign(claims) => write!(f, "Sign({} bytes)", claims.len()),
            Self::Verify(token) => write!(f, "Verify({} bytes)", token.len()),
        }
    }
}

impl fmt::Debug for WebhookCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookCall({}, {} bytes)", self.url, self.body.len())
    }
}

/// What became of a demand: the bytes that came back, or why none did, in words that may be shown.
pub type Answer = Result<Arc<[u8]>, String>;

/// The answers that a request has so far.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    begun: Option<Begun>,
    given: BTreeMap<Demand, Answer>,
}

impl Answers {
    /// Those of a request that has not been put yet.
    pub const fn new() -> Self {
        Self { begun: None, given: BTreeMap::new() }
    }

    /// Adds what has become of the demands of a request that [began](Pending::begun) so.
    pub fn add(&mut self, begun: Begun, answered: impl IntoIterator<Item = (Demand, Answer)>) {
        self.begun = Some(begun);
        self.given.extend(answered);
    }

    pub(crate) fn begun(&self) -> Option<Begun> {
        self.begun
    }

    pub(crate) fn get(&self, demand: &Demand) -> Option<&Answer> {
        self.given.get(demand)
    }
}
