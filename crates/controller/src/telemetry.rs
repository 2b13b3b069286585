//! What the metrics say of the controller.

use std::collections::HashMap;
use std::time::Duration;

use api::Status;
use cluster::{IndexSize, RequestKey, Requests};
use lockstep_core::AppKey;
use parking_lot::Mutex;
use runtime::{ApiRequest, ApplicationState, Metrics};

/// The metrics and what is needed to keep them true.
pub(crate) struct Telemetry {
    metrics: Metrics,
    states: Mutex<HashMap<AppKey, ApplicationState>>,
    requests: Mutex<HashMap<RequestKey, u64>>,
}

impl Telemetry {
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self { metrics, states: Mutex::default(), requests: Mutex::default() }
    }

    /// A render was made.
    pub(crate) fn count_render(&self, result: &'static str) {
        Metrics::count(&self.metrics.renders, result);
    }

    /// A fetch was made.
    pub(crate) fn count_fetch(&self, result: &'static str) {
        Metrics::count(&self.metrics.fetches, result);
    }

    /// A reconcile ended.
    pub(crate) fn reconciled(&self, result: &'static str, took: Duration) {
        Metrics::count(&self.metrics.reconciles, result);
        Metrics::observe(&self.metrics.reconcile_seconds, took);
    }

    /// Drift was written over, so long after it was seen.
    pub(crate) fn healed(&self, after: Duration) {
        Metrics::count(&self.metrics.heals, "healed");
        Metrics::observe(&self.metrics.heal_seconds, after);
    }

    /// An apply over drift changed nothing: there was none.
    pub(crate) fn healed_nothing(&self) {
        Metrics::count(&self.metrics.heals, "unchanged");
    }

    /// A revision is live, so long after its commit was seen.
    pub(crate) fn went_live(&self, after: Duration) {
        Metrics::observe(&self.metrics.commit_to_live_seconds, after);
    }

    /// An Application stands elsewhere now.
    pub(crate) fn set_standing(&self, app: &AppKey, status: &Status) {
        let health = status.health.as_ref().map_or("Unknown".to_owned(), |health| health.state.to_string());
        let state = ApplicationState { sync: status.sync.state.as_str().to_owned(), health };
        let before = self.states.lock().insert(app.clone(), state.clone());
        self.metrics.move_application(before.as_ref(), Some(&state));
    }

    /// An Application is gone.
    pub(crate) fn forget(&self, app: &AppKey) {
        let before = self.states.lock().remove(app);
        self.metrics.move_application(before.as_ref(), None);
    }

    /// Takes in what is counted elsewhere. Called now and then, and costs nothing where nothing happened.
    pub(crate) fn gather(&self, requests: &Requests, size: IndexSize, queue: usize) {
        let gauge = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.metrics.queue_depth.set(gauge(queue));
        self.metrics.index_objects.set(gauge(size.objects));
        self.metrics.watches.set(gauge(size.streams));
        let mut known = self.requests.lock();
        for (key, stat) in requests.snapshot() {
            let before = known.insert(key.clone(), stat.count).unwrap_or_default();
            let more = stat.count.saturating_sub(before);
            if more > 0 {
                self.metrics.api_requests.get_or_create(&label(&key)).inc_by(more);
            }
        }
    }
}

fn label(key: &RequestKey) -> ApiRequest {
    let rehearsal = if key.dry_run { "dry-run-" } else { "" };
    ApiRequest {
        verb: format!("{rehearsal}{}", key.verb.as_str()),
        group: key.group.to_string(),
        kind: key.kind.to_string(),
        code: key.code,
    }
}
