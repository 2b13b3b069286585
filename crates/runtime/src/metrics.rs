//! The metrics of the process.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Labels of a request to the Kubernetes API.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ApiRequest {
    /// `get`, `list`, `watch`, `create`, `apply`, `update`, `patch`, `delete`; with `dry-run-` before it where nothing is written.
    pub verb: String,
    /// The API group, empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The status code of the answer, 0 where none came.
    pub code: u16,
}

/// Labels of something that went well or not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Outcome {
    /// One word.
    pub result: &'static str,
}

/// Labels of an Application's state.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ApplicationState {
    /// `status.sync.state`.
    pub sync: String,
    /// `status.health.state`.
    pub health: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: String,
}

/// Every metric. Clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Requests to the Kubernetes API, among them every write.
    pub api_requests: Family<ApiRequest, Counter>,
    /// Renders: `ok`, `findings` or `error`.
    pub renders: Family<Outcome, Counter>,
    /// Fetches of repositories: `changed`, `unchanged` or `error`.
    pub fetches: Family<Outcome, Counter>,
    /// Reconciliations that ended: `ok` or `error`.
    pub reconciles: Family<Outcome, Counter>,
    /// Writes over drift: `healed`, `unchanged` or `error`.
    pub heals: Family<Outcome, Counter>,
    /// How long one reconciliation took.
    pub reconcile_seconds: Histogram,
    /// From the word that a repository changed to the last write of an Application.
    pub commit_to_live_seconds: Histogram,
    /// From the event of a foreign write to our write over it.
    pub heal_seconds: Histogram,
    /// Applications that wait for a worker.
    pub queue_depth: Gauge,
    /// Applications by state.
    pub applications: Family<ApplicationState, Gauge>,
    /// Objects in the live index.
    pub index_objects: Gauge,
    /// Watches that are open.
    pub watches: Gauge,
    registry: Arc<Mutex<Registry>>,
}

impl Metrics {
    /// All of them at zero.
    pub fn new(version: &str) -> Self {
        let build = Family::<Build, Gauge>::default();
        build.get_or_create(&Build { version: version.to_owned() }).set(1);
        let metrics = Self {
            api_requests: Family::default(),
            renders: Family::default(),
            fetches: Family::default(),
            reconciles: Family::default(),
            heals: Family::default(),
            reconcile_seconds: histogram(),
            commit_to_live_seconds: histogram(),
            heal_seconds: histogram(),
            queue_depth: Gauge::default(),
            applications: Family::default(),
            index_objects: Gauge::default(),
            watches: Gauge::default(),
            registry: Arc::default(),
        };
        let mut registry = Registry::with_prefix("lockstep");
        registry.register("build_info", "The version that runs", build);
        metrics.register_counters(&mut registry);
        metrics.register_states(&mut registry);
        metrics.register_times(&mut registry);
        *metrics.registry.lock().unwrap_or_else(PoisonError::into_inner) = registry;
        metrics
    }

    fn register_counters(&self, registry: &mut Registry) {
        registry.register("api_requests", "Requests to the Kubernetes API", self.api_requests.clone());
        registry.register("renders", "Renders of applications", self.renders.clone());
        registry.register("fetches", "Fetches of repositories", self.fetches.clone());
        registry.register("reconciles", "Reconciliations of applications", self.reconciles.clone());
        registry.register("heals", "Writes over drift", self.heals.clone());
    }

    fn register_states(&self, registry: &mut Registry) {
        registry.register("queue_depth", "Applications that wait for a worker", self.queue_depth.clone());
        registry.register("applications", "Applications by state", self.applications.clone());
        registry.register("index_objects", "Objects in the live index", self.index_objects.clone());
        registry.register("watches", "Watches that are open", self.watches.clone());
    }

    fn register_times(&self, registry: &mut Registry) {
        let mut seconds = |name: &str, help: &str, metric: &Histogram| {
            registry.register_with_unit(name, help, Unit::Seconds, metric.clone());
        };
        seconds("reconcile", "How long one reconciliation took", &self.reconcile_seconds);
        seconds(
            "commit_to_live",
            "From the word that a repository changed to the last write",
            &self.commit_to_live_seconds,
        );
        seconds("heal", "From the event of a foreign write to the write over it", &self.heal_seconds);
    }

    /// Counts one of a family of outcomes.
    pub fn count(family: &Family<Outcome, Counter>, result: &'static str) {
        family.get_or_create(&Outcome { result }).inc();
    }

    /// Adds a time to a histogram.
    pub fn observe(histogram: &Histogram, time: Duration) {
        histogram.observe(time.as_secs_f64());
    }

    /// Moves one Application from a state to another; `None` where it was not, or is no more.
    pub fn move_application(&self, from: Option<&ApplicationState>, to: Option<&ApplicationState>) {
        if from == to {
            return;
        }
        if let Some(from) = from {
            self.applications.get_or_create(from).dec();
        }
        if let Some(to) = to {
            self.applications.get_or_create(to).inc();
        }
    }

    /// All of them in the OpenMetrics text format.
    pub fn encode(&self) -> String {
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        // Writing to a string fails only if a metric's own encoding is broken; what was written up to there still helps.
        let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
        text
    }
}

/// From 2 ms to a minute.
fn histogram() -> Histogram {
    Histogram::new([0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_carry_their_names_and_labels() {
        let metrics = Metrics::new("0.1.0");
        let request =
            ApiRequest { verb: "apply".into(), group: "apps".into(), kind: "Deployment".into(), code: 200 };
        metrics.api_requests.get_or_create(&request).inc();
        Metrics::count(&metrics.fetches, "changed");
        Metrics::observe(&metrics.heal_seconds, Duration::from_millis(20));
        metrics.queue_depth.set(3);
        let text = metrics.encode();
        for line in [
            "lockstep_build_info{version=\"0.1.0\"} 1",
            "lockstep_api_requests_total{verb=\"apply\",group=\"apps\",kind=\"Deployment\",code=\"200\"} 1",
            "lockstep_fetches_total{result=\"changed\"} 1",
            "lockstep_heal_seconds_count 1",
            "lockstep_heal_seconds_bucket{le=\"0.025\"} 1",
            "lockstep_reconcile_seconds_count 0",
            "lockstep_queue_depth 3",
            "lockstep_index_objects 0",
        ] {
            assert!(text.lines().any(|known| known == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn an_application_is_in_one_state_at_a_time() {
        let metrics = Metrics::new("x");
        let state = |sync: &str| ApplicationState { sync: sync.into(), health: "Healthy".into() };
        metrics.move_application(None, Some(&state("Synced")));
        metrics.move_application(Some(&state("Synced")), Some(&state("OutOfSync")));
        metrics.move_application(Some(&state("OutOfSync")), Some(&state("OutOfSync")));
        let text = metrics.encode();
        assert!(text.contains("lockstep_applications{sync=\"Synced\",health=\"Healthy\"} 0"), "{text}");
        assert!(text.contains("lockstep_applications{sync=\"OutOfSync\",health=\"Healthy\"} 1"), "{text}");
    }
}
