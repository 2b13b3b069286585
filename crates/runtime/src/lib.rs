//! What every process needs around its work: the clock, logs, metrics, the admin endpoint and shutdown.
//!
//! It knows nothing of Kubernetes or Git, and decides nothing.

mod admin;
mod clock;
mod logging;
mod metrics;
mod shutdown;

pub use admin::{Admin, AdminError, AdminListener, Readiness, RefreshHandler};
pub use clock::Clock;
pub use logging::{LogFormat, LoggingError, init_logging};
pub use metrics::{ApiRequest, ApplicationState, Metrics, Outcome};
pub use shutdown::Shutdown;
