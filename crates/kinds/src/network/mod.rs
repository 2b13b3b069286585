//! The kinds of the network, Services apart.

mod endpoint_slice;
mod endpoints;
mod ingress;
mod ingress_class;
mod ip_address;
mod network_policy;
mod service_cidr;

pub(crate) use endpoint_slice::ENDPOINT_SLICE;
pub(crate) use endpoints::ENDPOINTS;
pub(crate) use ingress::INGRESS;
pub(crate) use ingress_class::INGRESS_CLASS;
pub(crate) use ip_address::IP_ADDRESS;
pub(crate) use network_policy::NETWORK_POLICY;
pub(crate) use service_cidr::SERVICE_CIDR;

const PROTOCOLS: &[&str] = &["SCTP", "TCP", "UDP"];
