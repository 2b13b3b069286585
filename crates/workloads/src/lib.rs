//! What happens in the embedded cluster by itself: controllers, nodes and kubelets, as reducers over time.
//!
//! [`Workloads::tick`] brings the state of an [`apistore::Store`] to where a real cluster's controllers would have it at this time, and
//! tells when it wants to be called again. It reads by watches and writes by requests, as any client does. A cluster in which
//! nothing happens is not written to.

mod autoscalers;
mod budgets;
mod claim;
mod claims;
mod client;
mod cluster_roles;
mod condition;
mod controller;
mod controllers;
mod cron_job;
mod daemon_set;
mod deployment;
mod endpoints;
mod event;
mod garbage;
mod job;
mod kind;
mod kubelet;
mod namespaces;
mod nodes;
mod object;
mod pod;
mod queue;
mod quotas;
mod replica_set;
mod revision;

mod scheduler;
mod selector;
mod stateful_set;
mod token_secrets;
mod view;
mod workloads;

pub use workloads::Workloads;
