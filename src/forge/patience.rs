//! Every number of the client in one place.

use std::time::Duration;

/// How long a forge is waited for. Only tests hand in another, so that nothing in them takes a second.
#[doc(hidden)]
#[derive(Debug, Clone)]
pub struct Patience {
    /// Most time for all that one pull request takes.
    pub whole: Duration,
    /// Most time for one request: less than a half, so that after one that hangs there is time to look again.
    pub request: Duration,
    /// Most time for a connection to stand.
    pub connect: Duration,
    /// How long a second of the forge's `Retry-After` takes.
    pub second: Duration,
    /// Longest wait that a forge may ask for, in its seconds.
    pub retry_after_seconds_max: f64,
    /// The wait before another try where the forge asks for none.
    pub pause: Duration,
    /// Tries of a request that did nothing.
    pub tries: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            whole: Duration::from_secs(30),
            request: Duration::from_secs(12),
            connect: Duration::from_secs(5),
            second: Duration::from_secs(1),
            retry_after_seconds_max: 5.0,
            pause: Duration::from_millis(500),
            tries: 3,
        }
    }
}
