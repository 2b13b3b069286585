//! How much is too much.

use std::time::Duration;

/// Bounds on time and space. The defaults suit a controller.
#[derive(Clone, Debug)]
pub struct Limits {
    /// For a connection to be made.
    pub connect: Duration,
    /// For a server that says nothing: before its answer and between two pieces of it.
    pub stall: Duration,
    /// For one fetch as a whole, however lively the server is.
    pub total: Duration,
    /// Bytes of one answer.
    pub response: u64,
    /// Bytes of one decoded object.
    pub object: usize,
    /// Packs of one mirror. With more, the next change is fetched as a fresh, shallow copy that replaces it.
    pub packs: usize,
    /// Bytes that a mirror may grow by beyond twice its first fetch, before it is replaced likewise.
    pub growth: u64,
    /// Bytes of files that are copied at a time from a repository on this machine, for when it is away; with 0 nothing is.
    pub spare: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            stall: Duration::from_secs(60),
            total: Duration::from_secs(30 * 60),
            response: 4 << 30,
            object: 256 << 20,
            packs: 100,
            growth: 256 << 20,
            spare: 1 << 30,
        }
    }
}
