//! What all requests of a running sandbox share: the world and how it behaves.

use std::time::Duration;

use tokio::time::Instant;

use super::super::log::RequestLog;
use super::super::stand::{self, Inside};
use super::access::Access;
use super::fault::{FaultPlan, Faults};
use super::limiter::Bucket;
use super::settings::Behaviour;
use super::state;
use super::world::World;

/// What all requests share.
pub(super) type Shared = stand::Shared<Inner>;

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

impl Inner {
    pub(super) fn new(world: World, access: Access, behaviour: Behaviour, faults: FaultPlan) -> Self {
        let (faults, log) = (Faults::new(faults), RequestLog::default());
        Self { world, access, behaviour, faults, log, bucket: None }
    }

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

impl Inside for Inner {
    fn log(&mut self) -> &mut RequestLog {
        &mut self.log
    }

    fn unsaved(&self, saved: Option<u64>) -> Option<(u64, Result<Vec<u8>, serde_json::Error>)> {
        let revision = self.world.revision;
        (saved.unwrap_or(0) != revision).then(|| (revision, state::to_text(&self.world)))
    }
}
