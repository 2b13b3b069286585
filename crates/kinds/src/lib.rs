//! What the API server does with objects of its built-in kinds beyond what their schema says: how they are defaulted, reset,
//! validated, listed and served. One file a kind; [`strategy`] finds it.

mod access;
mod address;
mod admission;
mod api_service;
mod autoscaling;
mod base64;
mod basic;
mod condition;
mod controller_revision;
mod crd;
mod cron_job;
mod daemon_set;
mod deployment;
mod devices;
mod flow;
mod job;
mod meta;
mod naming;
mod network;
mod pod;
mod pod_template;
mod pod_template_kind;
mod policy;
mod replica_set;
mod replication_controller;
mod reset;
mod resource;
mod service;
mod stateful_set;
mod storage;
mod storage_migration;
mod strategy;
mod table;

pub use access::{prepare_approval, validate_approval};
pub use basic::{convert_event, finalize_namespace};
pub use crd::{accept_names, schemas};
pub use cron_job::Schedule;
pub use meta::{Scope, invalid_embedded, invalid_on_create, invalid_on_status_update, invalid_on_update};
pub use pod::{
    mount_token, prepare_ephemeral_update, prepare_resize, token_volume, tolerate_lost_nodes,
    validate_ephemeral_update, validate_resize,
};
pub use resource::{Resource, Subresource, resources};
pub use service::{Family, Given, Wanted, WantedAddress, WantedPorts, as_read, release_all, wanted};
pub use strategy::{ResetField, Status, Strategy, strategy};
pub use table::{Column, Table, age, row_conditions, table};
