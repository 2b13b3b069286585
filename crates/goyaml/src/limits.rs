//! What a document may cost.

/// Limits of reading. Past them the document is refused with [`ErrorKind::Limit`](crate::ErrorKind::Limit), never cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The size of a file, in bytes.
    pub file_bytes: usize,
    /// How deep collections nest, also through aliases.
    pub depth: u32,
    /// The nodes of one document, with every alias counted as what it stands for.
    pub nodes: usize,
}

impl Default for Limits {
    /// 64 MiB, 500 levels, 4 million nodes: an order of magnitude more than the largest manifests known, and small enough
    /// for the stack of a worker thread.
    fn default() -> Self {
        Self { file_bytes: 64 << 20, depth: 500, nodes: 4_000_000 }
    }
}
