//! What happens in the embedded cluster by itself: controllers, nodes and kubelets, as reducers over time.
//!
//! [`Workloads::tick`] brings the state of an [`apistore::Store`] to where a real cluster's controllers would have it at this time, and
//! tells when it wants to be called again. It reads by watches and writes by requests, as any client does.

mod workloads;

pub use workloads::Workloads;
