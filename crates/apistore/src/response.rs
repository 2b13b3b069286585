//! What is answered.

use std::sync::Arc;

use lockstep_core::Gvk;

use crate::store::Watch;

/// The answer to one request.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code of HTTP.
    pub code: u16,
    /// What the client is warned of, one `Warning` header each, without its code and agent.
    pub warnings: Vec<String>,
    /// The body.
    pub body: Body,
}

/// What an answer holds.
#[derive(Clone, Debug)]
pub enum Body {
    /// One object, a `Status` too, as JSON.
    Object(Arc<[u8]>),
    /// A list of objects.
    List(List),
    /// A stream of changes: to be polled.
    Watch(Watch),
    /// The log of a container.
    Text(Arc<[u8]>),
}

/// A list, whose items are not written together before they are sent.
#[derive(Clone, Debug)]
pub struct List {
    /// The kind of the list itself: `PodList`.
    pub kind: Gvk,
    /// The version of the state that it shows.
    pub resource_version: String,
    /// Where to go on; empty at the end.
    pub continue_token: String,
    /// How many are left after it, where that is known.
    pub remaining: Option<u64>,
    /// The objects as JSON, in the order of namespace and name.
    pub items: Vec<Arc<[u8]>>,
}

/// One line of a watch.
#[derive(Clone, Debug)]
pub struct WatchEvent {
    /// What happened.
    pub kind: EventType,
    /// To which object: its JSON; a `Status` for [`EventType::Error`].
    pub object: Arc<[u8]>,
}

/// What a watch tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// It is there.
    Added,
    /// It is not as it was.
    Modified,
    /// It is gone.
    Deleted,
    /// Nothing, up to a version.
    Bookmark,
    /// The watch ends.
    Error,
}

impl EventType {
    /// As JSON has it: `ADDED`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
            Self::Bookmark => "BOOKMARK",
            Self::Error => "ERROR",
        }
    }
}
