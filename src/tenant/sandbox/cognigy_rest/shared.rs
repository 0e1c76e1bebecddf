//! What all requests of a running stand-in share.

use super::super::log::RequestLog;
use super::super::stand::{self, Inside};
use super::access::Access;
use super::clock::PlatformClock;
use super::fault::{FaultPlan, Faults};
use super::limiter::Limiter;
use super::model::platform::Platform;
use super::rules::Behaviour;
use super::state;

/// What all requests share.
pub(super) type Shared = stand::Shared<Inner>;

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

impl Inner {
    pub(super) fn new(
        platform: Platform,
        access: Access,
        behaviour: Behaviour,
        faults: FaultPlan,
        clock: PlatformClock,
    ) -> Self {
        Self {
            platform,
            access,
            behaviour,
            limiter: Limiter::default(),
            clock,
            faults: Faults::new(faults),
            log: RequestLog::default(),
        }
    }
}

impl Inside for Inner {
    fn log(&mut self) -> &mut RequestLog {
        &mut self.log
    }

    fn unsaved(&self, saved: Option<u64>) -> Option<(u64, Result<Vec<u8>, serde_json::Error>)> {
        let revision = self.platform.revision;
        (saved != Some(revision)).then(|| (revision, state::to_text(&self.platform)))
    }
}
