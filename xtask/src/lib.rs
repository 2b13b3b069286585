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

mod cli;
mod codegen;
mod git;
mod kubelet;
mod kubeone;
mod rest;
mod suite;
mod tidy;
mod workspace;

pub use cli::{Cli, run};
pub use git::{Availability, Credentials, GitRepo, GitServer};
pub use kubelet::{register_nodes, run_kubelet};
pub use kubeone::{Kubeone, KubeoneError, Lifetime};
pub use rest::{Resource, Rest, WatchEvent, is_not_found};
pub use workspace::Workspace;
