//! The controller: keeps the cluster equal to Git.
//!
//! [`Controller::start`] makes ready what a controller needs and [`Controller::run`] works until it is told to stop.
//! `application` is the reconcile of an Application, one file a step. Around it: who is due (`queue`, and after failures
//! `retries`), whether the API server can be reached (`reach`), which repositories
//! are fetched when (`repositories`, `schedule`), who wants which object (`claims`), what the watches show (`store`,
//! `follow`), what was applied (`records`). `inspect` looks at an Application from outside, with the same steps and no writes.

mod application;
mod autoscalers;
mod claims;
mod clock;
mod cluster_view;
mod context;
mod controller;
mod dependencies;
mod events;
mod field_sets;
mod follow;
mod inspect;
mod owned;
mod queue;
mod reach;
mod records;
mod renderers;
mod repositories;
mod retries;
mod schedule;
mod setup;
mod store;
mod surroundings;
mod telemetry;
mod waiters;

pub use application::CatalogScopes;
pub use controller::Controller;
pub use inspect::{
    InspectError, InspectSettings, Inspection, Inspector, Rehearsal, Rehearsed, read_application,
};
pub use setup::{Settings, SetupError};
pub use store::Proxy;
pub use surroundings::{Surroundings, Work};

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
