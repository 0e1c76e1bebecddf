//! Every number of the delivery in one place.

use std::time::Duration;

/// How long a target is waited for, and how much waits for it. Only tests hand in another, so that nothing in them takes
/// a second.
#[doc(hidden)]
#[derive(Debug, Clone)]
pub struct Patience {
    /// Most time for one request.
    pub request: Duration,
    /// Most time for a connection to stand.
    pub connect: Duration,
    /// The wait after the first try; it doubles with each further one.
    pub first_wait: Duration,
    /// The longest of these waits.
    pub longest_wait: Duration,
    /// The longest wait that a target may ask for.
    pub asked_wait_max: Duration,
    /// How long a message is good for: what is older is not delivered any more.
    pub good_for: Duration,
    /// Messages that wait for one target; where there are more, the oldest goes.
    pub items_max: usize,
    /// How long the end of the process is held up for what is still to be delivered.
    pub at_the_end: Duration,
    /// The longest wait for another try then.
    pub wait_at_the_end: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(10),
            connect: Duration::from_secs(5),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(60),
            asked_wait_max: Duration::from_secs(10 * 60),
            good_for: Duration::from_secs(15 * 60),
            items_max: 100,
            at_the_end: Duration::from_secs(5),
            wait_at_the_end: Duration::from_secs(1),
        }
    }
}
