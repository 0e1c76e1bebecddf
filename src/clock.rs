//! The edge to time and chance: everything else is handed a [`Clock`].

use jiff::Timestamp;
use tokio::time::Instant;

/// Wall time and randomness. Two implementations: the machine's, and a simulation's.
pub trait Clock: Send + Sync + 'static {
    /// Wall time now.
    fn now(&self) -> Timestamp;
    /// Random bits, for ids and jitter.
    fn random(&self) -> u64;
}

/// The machine's clock and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the edge")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn random(&self) -> u64 {
        fastrand::u64(..)
    }
}

/// A clock for tests and simulations: wall time follows tokio's (pausable) time from a fixed start,
/// shifted by a skew; chance comes from a seed.
#[derive(Debug)]
pub struct SimulatedClock {
    origin: Timestamp,
    start: Instant,
    random: std::sync::Mutex<fastrand::Rng>,
}

impl SimulatedClock {
    /// A clock that shows `origin` now.
    #[must_use]
    pub fn starting_at(origin: Timestamp, seed: u64) -> Self {
        Self { origin, start: Instant::now(), random: std::sync::Mutex::new(fastrand::Rng::with_seed(seed)) }
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        self.origin + self.start.elapsed()
    }

    fn random(&self) -> u64 {
        self.random.lock().unwrap_or_else(std::sync::PoisonError::into_inner).u64(..)
    }
}
