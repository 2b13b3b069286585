//! The embedded Kubernetes API as a state machine: (state, request, now) to (state, response, events).
//!
//! A [`Store`] is one API. [`Store::handle`] answers one [`Request`], written almost as HTTP has it, with a [`Response`]; what it
//! cannot know (the answer of a webhook, a signature) it [asks for](Handled::Need) and is called again with the [`Answers`]. A
//! watch is a value that is [polled](Store::poll). Time and chance are parameters: the same requests give the same bytes.
//! No HTTP, no clock, no disk in here; [`Store::take_changes`] tells what to keep, [`Store::restore`] takes it back.

mod addresses;
mod admission;
mod answers;
mod authorizer;
mod base64;
mod body;
mod bootstrap;
mod call;
mod catalog;
mod chance;
mod convert;
mod custom;
mod delete;
mod demand;
mod entry;
mod failure;
mod fallback;
mod fault;
mod hooks;
mod info;
mod json_text;
mod logs;
mod managed;
mod options;
mod owners;
mod page;
mod read;
mod request;
mod response;
mod review;
mod route;
mod selector;
mod served;
mod shelf;
mod state;
mod store;
mod subresource;
mod token;
mod user;
mod validate;
mod watch;
mod wire;
mod write;

pub use demand::{Answer, Answers, Begun, Demand, Handled, Pending, WebhookCall};
pub use entry::kind_first;
pub use fault::{Effect, Fault};
pub use info::{Info, Verb};
pub use kinds::Resource;
pub use request::{Method, Request};
pub use response::{Body, EventType, List, Response, WatchEvent};
pub use store::{Settings, Store, Stored, Unreadable};
pub use subresource::FollowedLog;
pub use user::User;
pub use watch::Watch;
