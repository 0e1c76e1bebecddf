//! What all requests of a running stand-in share, behind one lock, and its state file.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::super::file::{StateFile, StateFileError};
use super::super::log::RequestLog;
use super::super::wire::Reach;
use super::access::Access;
use super::clock::PlatformClock;
use super::fault::{FaultPlan, Faults};
use super::limiter::Limiter;
use super::model::platform::Platform;
use super::rules::Behaviour;
use super::state;

/// What all requests share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) started: Instant,
    pub(super) reach: Reach,
    inner: Mutex<Inner>,
    in_flight: AtomicU64,
    state_file: StateFile,
}

/// Everything that changes.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) platform: Platform,
    pub(super) access: Access,
    pub(super) behaviour: Behaviour,
    pub(super) limiter: Limiter,
    pub(super) clock: PlatformClock,
    pub(super) faults: Faults,
    pub(super) log: RequestLog,
}

/// Counts a request as under way until dropped.
pub(super) struct InFlight<'a>(&'a AtomicU64);

impl Shared {
    /// A stand-in that no request has come to yet.
    pub(super) fn new(
        reach: Reach,
        platform: Platform,
        access: Access,
        behaviour: Behaviour,
        faults: FaultPlan,
        state_file: Option<PathBuf>,
    ) -> Self {
        let inner = Inner {
            platform,
            access,
            behaviour,
            limiter: Limiter::default(),
            clock: PlatformClock::default(),
            faults: Faults::new(faults),
            log: RequestLog::default(),
        };
        Self {
            started: Instant::now(),
            reach,
            inner: Mutex::new(inner),
            in_flight: AtomicU64::new(0),
            state_file: StateFile::at(state_file),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the state file up to date.
    pub(super) async fn save(&self) -> Result<(), StateFileError> {
        let now = |saved: Option<u64>| {
            let inner = self.lock();
            let revision = inner.platform.revision;
            (saved != Some(revision)).then(|| (revision, state::to_text(&inner.platform)))
        };
        self.state_file.save(now).await
    }

    pub(super) fn enter(&self) -> InFlight<'_> {
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        let mut inner = self.lock();
        inner.log.most_in_flight = inner.log.most_in_flight.max(now);
        InFlight(&self.in_flight)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
