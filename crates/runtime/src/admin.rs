//! The admin endpoint: metrics, health, readiness, and the word that a repository has changed.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use lockstep_core::{RepoUrl, from_json};
use tokio::net::TcpListener;

use crate::metrics::Metrics;
use crate::shutdown::Shutdown;

/// Bytes of a request's body.
const LARGEST_BODY: usize = 64 * 1024;

/// Hears that a repository has changed. It returns at once; fetching happens elsewhere.
pub trait RefreshHandler: Send + Sync + 'static {
    /// The repository at this address has changed, if it is one of ours.
    fn refresh(&self, url: &RepoUrl);
}

impl<F: Fn(&RepoUrl) + Send + Sync + 'static> RefreshHandler for F {
    fn refresh(&self, url: &RepoUrl) {
        self(url);
    }
}

/// Whether the process is ready, and what it waits for. Clones are the same.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<Mutex<Option<String>>>);

impl Readiness {
    /// Not ready; waiting for this.
    pub fn waiting_for(what: impl Into<String>) -> Self {
        Self(Arc::new(Mutex::new(Some(what.into()))))
    }

    /// Still not ready; waiting for this now.
    pub fn wait_for(&self, what: impl Into<String>) {
        *self.lock() = Some(what.into());
    }

    /// Ready.
    pub fn set_ready(&self) {
        *self.lock() = None;
    }

    /// Whether it is.
    pub fn is_ready(&self) -> bool {
        self.lock().is_none()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the endpoint serves.
#[derive(Clone)]
pub struct Admin {
    /// For `/metrics`.
    pub metrics: Metrics,
    /// For `/readyz`.
    pub readiness: Readiness,
    /// For `POST /v1/refresh`.
    pub refresh: Arc<dyn RefreshHandler>,
}

/// Why the endpoint does not serve.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The address cannot be had.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It stopped serving.
    #[error("the admin endpoint stopped")]
    Serve(#[source] std::io::Error),
}

/// An address that is ours before anything else starts, so that a taken one ends the process early.
#[derive(Debug)]
pub struct AdminListener {
    listener: TcpListener,
    address: SocketAddr,
}

impl AdminListener {
    /// Takes an address; port 0 is any free one.
    pub async fn bind(address: SocketAddr) -> Result<Self, AdminError> {
        let listen = |source| AdminError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self { listener, address })
    }

    /// The address with its real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the wish to end, and then until the last answer is sent.
    pub async fn serve(self, admin: Admin, shutdown: Shutdown) -> Result<(), AdminError> {
        axum::serve(self.listener, router(admin))
            .with_graceful_shutdown(async move { shutdown.requested().await })
            .await
            .map_err(AdminError::Serve)
    }
}

fn router(admin: Admin) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/v1/refresh", post(refresh))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(admin)
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], admin.metrics.encode()).into_response()
}

async fn readyz(State(admin): State<Admin>) -> Response {
    let waits = admin.readiness.lock().clone();
    match waits {
        None => "ok\n".into_response(),
        Some(what) => (StatusCode::SERVICE_UNAVAILABLE, format!("waiting for {what}\n")).into_response(),
    }
}

/// Answers 202 whether the repository is ours or not: callers are not told what is deployed here.
async fn refresh(State(admin): State<Admin>, body: Bytes) -> Response {
    let refuse = |message: String| (StatusCode::BAD_REQUEST, format!("{message}\n")).into_response();
    let value = match from_json(&body) {
        Ok(value) => value,
        Err(error) => return refuse(format!("{error}; send {{\"url\": \"https://…\"}}")),
    };
    match value.str_at(&["url"]).map(str::trim).filter(|url| !url.is_empty()) {
        Some(url) => {
            admin.refresh.refresh(&RepoUrl::new(url));
            StatusCode::ACCEPTED.into_response()
        }
        None => refuse("the field url is missing; send {\"url\": \"https://…\"}".to_owned()),
    }
}
