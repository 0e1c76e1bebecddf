//! Chance, in how long is waited.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The source of chance, handed in so that tests can repeat it.
#[derive(Debug)]
pub(super) struct Jitter(Mutex<fastrand::Rng>);

impl Jitter {
    pub(super) fn new(seed: Option<u64>) -> Self {
        Self(Mutex::new(seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed)))
    }

    /// A number that nobody else draws, as far as chance goes.
    pub(super) fn number(&self) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).u32(..)
    }

    /// Anything from nothing to `ceiling`.
    pub(super) fn full(&self, ceiling: Duration) -> Duration {
        ceiling.mul_f64(self.0.lock().unwrap_or_else(PoisonError::into_inner).f64())
    }
}
