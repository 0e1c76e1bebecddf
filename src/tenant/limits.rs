//! How long a call may go on: the lease it runs under, and the moment its caller loses patience.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The latest instant at which a request may start. Clones share it, so that renewing a lease moves
/// the limit of calls already under way.
#[derive(Debug, Clone, Default)]
pub struct StartLimit(Arc<Mutex<Option<Instant>>>);

impl StartLimit {
    /// No limit: for calls that only read, outside a deployment.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// No request starts after `instant`.
    #[must_use]
    pub fn at(instant: Instant) -> Self {
        Self(Arc::new(Mutex::new(Some(instant))))
    }

    /// Moves the limit, for every clone.
    pub fn move_to(&self, instant: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(instant);
    }

    /// The limit, if there is one.
    #[must_use]
    pub fn get(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a request may start now.
    #[must_use]
    pub fn allows_now(&self) -> bool {
        self.get().is_none_or(|limit| Instant::now() <= limit)
    }
}

/// What bounds one call.
#[derive(Debug, Clone)]
pub struct CallLimits {
    /// No request starts after this.
    pub lease: StartLimit,
    /// Waiting out a 429 ends here with a failure; so do retries.
    pub give_up_at: Instant,
}

impl CallLimits {
    /// How long a call outside a deployment waits for a throttled tenant.
    pub const PATIENCE_BEFORE_DEPLOYMENT: Duration = Duration::from_secs(5 * 60);

    /// Limits for calls that only read, before there is a deployment.
    #[must_use]
    pub fn before_deployment() -> Self {
        Self { lease: StartLimit::none(), give_up_at: Instant::now() + Self::PATIENCE_BEFORE_DEPLOYMENT }
    }
}
