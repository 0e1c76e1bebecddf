//! Every number of the client in one place.

use std::time::Duration;

/// The numbers a client of any dialect works with. The default is the specification of `flows-v2`; only tests
/// hand in others, so that nothing in them takes a second.
#[doc(hidden)]
#[derive(Debug, Clone)]
pub struct Tuning {
    /// Most time for a connection to stand.
    pub connect_timeout: Duration,
    /// Most time for one page of a list.
    pub page_timeout: Duration,
    /// Most time for one import.
    pub import_timeout: Duration,
    /// Most time for one status request.
    pub status_timeout: Duration,
    /// Most time for one rollback, delete or token request.
    pub other_timeout: Duration,
    /// Ceiling of the first wait; it doubles with each further one.
    pub backoff_base: Duration,
    /// Ceiling of any wait that the tenant did not ask for.
    pub backoff_cap: Duration,
    /// After a 429 that names no pause: the first wait, which doubles with each further one, and the longest; where
    /// there is none, waits are drawn like any other.
    pub throttled: Option<(Duration, Duration)>,
    /// Tries of one request that meets 5xx, lost connections or time-outs.
    pub unavailable_tries: u32,
    /// Time such tries and the waits between them may take in all.
    pub unavailable_total: Duration,
    /// How long a second of the tenant's `Retry-After`, `RateLimit-Reset` and `expires_in` takes.
    pub second: Duration,
    /// Longest wait that a tenant may ask for, in its seconds.
    pub retry_after_seconds_max: u32,
    /// Largest body accepted.
    pub body_bytes_max: u64,
    /// Items asked for in one page.
    pub page_items: u64,
    /// Times a list that changes underneath is read before it is an error.
    pub list_reads: u32,
    /// Pause before it is read again; it doubles with each further one.
    pub list_pause: Duration,
    /// Most time for all of that.
    pub list_total: Duration,
    /// Most items of a list, of whatever environments.
    pub list_items_max: u64,
    /// Most items of one environment.
    pub own_items_max: u64,
    /// Pause before a task is first asked for; it doubles with each further one, up to the next.
    pub task_pause: Duration,
    /// Longest pause between two looks at a task.
    pub task_pause_max: Duration,
    /// Most time for one task.
    pub task_total: Duration,
    /// Seed of the jitter; drawn where it is `None`.
    pub seed: Option<u64>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            page_timeout: Duration::from_secs(30),
            import_timeout: Duration::from_secs(60),
            status_timeout: Duration::from_secs(15),
            other_timeout: Duration::from_secs(30),
            backoff_base: Duration::from_millis(500),
            backoff_cap: Duration::from_secs(60),
            throttled: None,
            unavailable_tries: 6,
            unavailable_total: Duration::from_secs(120),
            second: Duration::from_secs(1),
            retry_after_seconds_max: 300,
            body_bytes_max: 64 * 1024 * 1024,
            page_items: 100,
            list_reads: 5,
            list_pause: Duration::from_millis(200),
            list_total: Duration::from_secs(600),
            list_items_max: 1_000_000,
            own_items_max: 100_000,
            task_pause: Duration::from_secs(1),
            task_pause_max: Duration::from_secs(10),
            task_total: Duration::from_secs(15 * 60),
            seed: None,
        }
    }
}

impl Tuning {
    /// `seconds` of the tenant's, as waited here; what is no number is no time.
    pub(super) fn tenant_seconds(&self, seconds: f64) -> Duration {
        let seconds = if seconds.is_nan() { 0.0 } else { seconds.clamp(0.0, 1e9) };
        self.second.mul_f64(seconds)
    }
}
