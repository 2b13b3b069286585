//! The one entry for people and CI (`cargo xtask`), and what the end-to-end tests share with it: a real
//! control plane ([`Kubeone`]), a fake kubelet, a Git repository served over HTTP, a plain JSON client.
//!
//! Nothing here ships. It may read the environment, run programs and print, which the product may not.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a development tool runs programs, reads the environment and talks to its terminal"
)]

mod bench;
mod cli;
mod cluster;
mod codegen;
mod controller;
mod differential;
mod embedded;
mod git;
mod helm;
mod kubelet;
mod kubeone;
mod metrics;
mod openapi;
mod oracle;
mod process;
mod rest;
mod scenario;
mod scenarios;
mod suite;
mod tidy;
mod workspace;

pub use cli::{Cli, run};
pub use cluster::{Cluster, eventually};
pub use controller::{Controller, ControllerOptions};
pub use embedded::Embedded;
pub use git::{Availability, Credentials, GitRepo, GitServer};
pub use kubelet::{register_nodes, run_kubelet};
pub use kubeone::{Audit, Kubeone, KubeoneError, Lifetime, Options as KubeoneOptions, Write};
pub use metrics::Metrics;
pub use process::{cpu_time, peak_memory};
pub use rest::{Resource, Rest, WatchEvent, is_not_found, text};
pub use scenario::{SOON, Scenario, ScenarioOptions, condition};
pub use workspace::{Profile, Workspace};
