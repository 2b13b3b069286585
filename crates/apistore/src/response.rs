//! What is answered.

use std::fmt;
use std::sync::Arc;

use lockstep_core::{Gvk, Map, Value, to_json};

use crate::subresource::FollowedLog;
use crate::watch::Watch;

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
#[derive(Clone)]
pub enum Body {
    /// One object, a `Status` too, as JSON.
    Object(Arc<[u8]>),
    /// A list of objects.
    List(List),
    /// A stream of changes: to be polled.
    Watch(Watch),
    /// The log of a container.
    Text(Arc<[u8]>),
    /// The log of a container as it grows: to be polled.
    Log(FollowedLog),
}

/// A list, whose items are not written together before they are sent.
#[derive(Clone)]
pub struct List {
    /// The kind of the list itself: `PodList`.
    pub kind: Gvk,
    /// The version of the state that it shows.
    pub resource_version: String,
    /// Where to go on; empty at the end.
    pub continue_token: String,
    /// How many are left after it, where that is known.
    pub remaining: Option<u64>,
    /// How many bytes at the beginning of each item a list does not show: it stands for `{`. Items of built-in kinds come
    /// without `kind` and `apiVersion`.
    pub skip: usize,
    /// The objects as JSON, in the order of namespace and name.
    pub items: Vec<Arc<[u8]>>,
}

impl List {
    /// The list as JSON.
    pub fn json(&self) -> Vec<u8> {
        let size = self.items.iter().map(|item| item.len() + 1).sum::<usize>();
        let mut out = Vec::with_capacity(size + 512);
        out.extend(self.head());
        for (index, item) in self.items.iter().enumerate() {
            out.extend_from_slice(if index > 0 { b",{" } else { b"{" });
            out.extend_from_slice(item.get(self.skip..).unwrap_or(b"}"));
        }
        out.extend(self.tail());
        out
    }

    /// What comes before the items, which are separated by commas.
    pub fn head(&self) -> Vec<u8> {
        let (kind, version, meta) = self.parts();
        match self.is_custom() {
            true => format!(r#"{{"apiVersion":{version},"items":["#),
            false => format!(r#"{{"kind":{kind},"apiVersion":{version},"metadata":{meta},"items":["#),
        }
        .into_bytes()
    }

    /// What comes after the items. Custom resources have no types of Go's, by whose fields others are ordered.
    pub fn tail(&self) -> Vec<u8> {
        let (kind, _, meta) = self.parts();
        match self.is_custom() {
            true => format!(r#"],"kind":{kind},"metadata":{meta}}}"#).into_bytes(),
            false => b"]}".to_vec(),
        }
    }

    fn is_custom(&self) -> bool {
        self.skip <= 1
    }

    /// The kind, the version and the metadata as JSON.
    fn parts(&self) -> (String, String, String) {
        let mut meta = Value::map(Map::new());
        meta.set(&["resourceVersion"], self.resource_version.clone().into());
        // Lists of custom resources always say where to go on.
        if !self.continue_token.is_empty() || self.is_custom() {
            meta.set(&["continue"], self.continue_token.clone().into());
        }
        if let Some(remaining) = self.remaining {
            meta.set(&["remainingItemCount"], remaining.into());
        }
        let text = |value: &Value| String::from_utf8(to_json(value)).unwrap_or_default();
        let (kind, version) = (Value::from(&*self.kind.kind), Value::from(self.kind.api.to_string()));
        (text(&kind), text(&version), text(&meta))
    }
}

/// Objects may be Secrets: only how long they are is shown.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(json) => write!(f, "Object({} bytes)", json.len()),
            Self::List(list) => list.fmt(f),
            Self::Watch(_) => f.write_str("Watch"),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Log(_) => f.write_str("Log"),
        }
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "List({}, {} items)", self.kind.kind, self.items.len())
    }
}

impl fmt::Debug for WatchEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({} bytes)", self.kind.as_str(), self.object.len())
    }
}

impl Body {
    /// What can be written at once as JSON: no stream, nor a text.
    pub fn json(&self) -> Option<Arc<[u8]>> {
        match self {
            Self::Object(json) => Some(json.clone()),
            Self::List(list) => Some(list.json().into()),
            Self::Watch(_) | Self::Text(_) | Self::Log(_) => None,
        }
    }
}

/// One line of a watch.
#[derive(Clone)]
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
