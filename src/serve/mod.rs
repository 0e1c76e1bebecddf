//! What the controller shows of itself over HTTP: reads the last reports, changes nothing.

mod connections;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::controller::{EnvironmentReport, SyncResult};

/// The last result of each environment.
#[derive(Debug, Clone)]
pub struct Health(Arc<Mutex<BTreeMap<String, Option<SyncResult>>>>);

impl Health {
    /// Environments whose first pass is still to come.
    #[must_use]
    pub fn new(environments: impl Iterator<Item = String>) -> Self {
        Self(Arc::new(Mutex::new(environments.map(|name| (name, None)).collect())))
    }

    /// A pass has ended.
    pub fn record(&self, report: &EnvironmentReport) {
        let mut results = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        results.insert(report.environment.clone(), Some(report.result));
    }

    /// An environment is looked after no more.
    pub fn forget(&self, environment: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(environment);
    }

    fn results(&self) -> BTreeMap<String, Option<SyncResult>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The server cannot listen there.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct ListenError {
    address: SocketAddr,
    source: std::io::Error,
}

/// A running server; ends with its value.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves `/healthz` (the process is alive) and `/readyz` (every environment has had a pass).
pub async fn start(address: SocketAddr, health: Health) -> Result<Server, ListenError> {
    let failed = |source| ListenError { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let router =
        Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(ready)).with_state(health);
    let task = tokio::spawn(connections::serve(listener, router, connections::Bounds::default()));
    Ok(Server { address, task })
}

async fn ready(State(health): State<Health>) -> (StatusCode, String) {
    let results = health.results();
    let all = results.values().all(Option::is_some);
    let lines =
        results.iter().map(|(name, result)| format!("{name}: {}\n", result.map_or("waiting", SyncResult::as_str)));
    (if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, lines.collect())
}
