//! The embedded cluster: apistore, workloads and apiserver put together, with their state in memory or in one folder.
//!
//! [`DevCluster::start`] needs nothing of the machine but a port on loopback. With a folder, every write is on disk before it is
//! answered, and the next start goes on where the last one ended, whether it was stopped or killed.

mod announce;
mod cluster;
mod dir;
mod disk;

pub use apiserver::{Access, AuditLog, Authentication};
pub use cluster::{DevCluster, DevClusterError, Options};
pub use dir::{Claim, DirError, StateDir};
pub use disk::DiskError;
