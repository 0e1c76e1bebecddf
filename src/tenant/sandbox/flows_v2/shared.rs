//! What all requests of a running sandbox share: the world and how it behaves, behind one lock, and its state file.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::super::file::{StateFile, StateFileError};
use super::super::log::RequestLog;
use super::super::wire::Reach;
use super::access::Access;
use super::fault::{FaultPlan, Faults};
use super::limiter::Bucket;
use super::settings::Behaviour;
use super::state;
use super::world::World;

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
    pub(super) world: World,
    pub(super) access: Access,
    pub(super) behaviour: Behaviour,
    pub(super) faults: Faults,
    pub(super) log: RequestLog,
    bucket: Option<Bucket>,
}

/// Counts a request as under way until dropped.
pub(super) struct InFlight<'a>(&'a AtomicU64);

impl Shared {
    /// A sandbox that holds `world`; no request has come yet.
    pub(super) fn new(
        reach: Reach,
        world: World,
        access: Access,
        behaviour: Behaviour,
        faults: FaultPlan,
        state_file: Option<PathBuf>,
    ) -> Self {
        let (faults, log) = (Faults::new(faults), RequestLog::default());
        let inner = Inner { world, access, behaviour, faults, log, bucket: None };
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

    pub(super) fn enter(&self) -> InFlight<'_> {
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        let mut inner = self.lock();
        inner.log.most_in_flight = inner.log.most_in_flight.max(now);
        InFlight(&self.in_flight)
    }

    /// Brings the state file up to date. Changes that come together share one write.
    pub(super) async fn save(&self) -> Result<(), StateFileError> {
        let now = |saved: Option<u64>| {
            let inner = self.lock();
            let revision = inner.world.revision;
            (saved.unwrap_or(0) != revision).then(|| (revision, state::to_text(&inner.world)))
        };
        self.state_file.save(now).await
    }
}

impl Inner {
    /// Takes one request out of the rate limit; the error is the time to wait.
    pub(super) fn take_from_bucket(&mut self, now: Instant) -> Result<(), Duration> {
        let Some(rate) = self.behaviour.rate else { return Ok(()) };
        self.bucket.get_or_insert_with(|| Bucket::full(rate, now)).take(rate, now)
    }

    /// Changes how the tenant behaves; a new rate starts with a full burst.
    pub(super) fn behave(&mut self, behaviour: Behaviour) {
        if behaviour.rate != self.behaviour.rate {
            self.bucket = None;
        }
        self.behaviour = behaviour;
    }

    /// Takes away every flow, every fault and the log of requests; intents, settings and tokens stay.
    pub(super) fn reset(&mut self) {
        self.world.remove_all_flows();
        self.faults = Faults::default();
        self.log = RequestLog::default();
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
