//! What every stand-in is, whatever API it speaks: something behind one lock that is served, counted and kept in a file.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::Router;
use tokio::time::Instant;

use super::file::{StateFile, StateFileError};
use super::log::RequestLog;
use super::wire::{Reach, Serving};

/// A stand-in could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is reachable from other machines, and nobody allowed that.
    #[error("`{address}` is reachable from other machines; only loopback addresses are, unless that is allowed")]
    Remote {
        /// The address.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The seed cannot be used.
    #[error("cannot plant the seed")]
    Seed(#[source] Box<dyn Error + Send + Sync>),
    /// The state file cannot be used.
    #[error("cannot take up the earlier state")]
    StateFile(#[from] StateFileError),
}

/// Everything that changes while a stand-in runs.
pub(super) trait Inside: Send + 'static {
    /// What was asked so far.
    fn log(&mut self) -> &mut RequestLog;

    /// The revision of what is kept and the text for its file, where the file holds another one.
    fn unsaved(&self, saved: Option<u64>) -> Option<(u64, Result<Vec<u8>, serde_json::Error>)>;
}

/// What all requests of a running stand-in share.
#[derive(Debug)]
pub(super) struct Shared<I> {
    pub(super) started: Instant,
    pub(super) reach: Reach,
    inner: Mutex<I>,
    in_flight: AtomicU64,
    state_file: StateFile,
}

/// Counts a request as under way until dropped.
pub(super) struct InFlight<'a>(&'a AtomicU64);

impl<I: Inside> Shared<I> {
    /// A stand-in to which no request has come yet.
    pub(super) fn new(reach: Reach, inner: I, state_file: Option<PathBuf>) -> Self {
        Self {
            started: Instant::now(),
            reach,
            inner: Mutex::new(inner),
            in_flight: AtomicU64::new(0),
            state_file: StateFile::at(state_file),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, I> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(&self) -> InFlight<'_> {
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        let mut inner = self.lock();
        let log = inner.log();
        log.most_in_flight = log.most_in_flight.max(now);
        InFlight(&self.in_flight)
    }

    /// Brings the state file up to date. Changes that come together share one write.
    pub(super) async fn save(&self) -> Result<(), StateFileError> {
        self.state_file.save(|saved| self.lock().unsaved(saved)).await
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What may reach a stand-in at `address`.
pub(super) fn reach_at(address: SocketAddr, allow_remote: bool) -> Result<Reach, StartError> {
    match allow_remote {
        true => Ok(Reach::Anywhere),
        false if address.ip().is_loopback() => Ok(Reach::Loopback),
        false => Err(StartError::Remote { address }),
    }
}

/// Serves on `address`; port 0 takes any free one.
pub(super) async fn serve(address: SocketAddr, router: Router) -> Result<Serving, StartError> {
    let serving = Serving::start(address, router).await;
    serving.map_err(|source| StartError::Listen { address, source })
}
