//! What every process needs around its work: the clock, logs, metrics, the admin endpoint, shutdown and timers.
//!
//! It knows nothing of Kubernetes or Git, and decides nothing.

mod admin;
mod clock;
mod logging;
mod metrics;
mod shutdown;
mod timers;

pub use admin::{Admin, AdminError, AdminListener, Readiness, RefreshHandler};
pub use clock::{Clock, ClockHand};
pub use logging::{LogFormat, LoggingError, init_logging};
pub use metrics::{ApiRequest, ApplicationState, Metrics, Outcome};
pub use shutdown::Shutdown;
pub use timers::{TimerQueue, Timers};
