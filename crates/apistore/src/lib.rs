//! The embedded Kubernetes API as a state machine: (state, request, now) to (state, response, events).
//!
//! A [`Store`] is one API. [`Store::handle`] answers one [`Request`], written almost as HTTP has it, with a [`Response`]; what it
//! cannot know (the answer of a webhook, a signature) it [asks for](Step::Need) and is called again with the [`Answers`]. A
//! watch is a value that is [polled](Store::poll). Time and chance are parameters: the same requests give the same bytes.
//! No HTTP, no clock, no disk in here; [`Store::take_changes`] tells what to keep, [`Store::restore`] takes it back.

mod demand;
mod request;
mod response;
mod store;
mod user;

pub use demand::{Answer, Answers, Demand, Step, WebhookCall};
pub use request::{Method, Request};
pub use response::{Body, EventType, List, Response, WatchEvent};
pub use store::{Change, Settings, Store, Watch};
pub use user::User;
