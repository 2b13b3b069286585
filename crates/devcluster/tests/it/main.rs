//! The embedded cluster, whole.
