//! Waiting, within what a call is allowed: its lease and the moment its caller loses patience.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::super::{CallLimits, Failure};
use super::retry::Tries;
use super::waits::{RATE_LIMITED, Waits};

/// What one call has been through so far.
#[derive(Debug)]
pub(super) struct Patience<'a> {
    pub(super) limits: &'a CallLimits,
    pub(super) tries: Tries<'a>,
    /// HTTP requests made.
    pub(super) attempts: u32,
    /// Whether one of them may have taken effect unseen.
    pub(super) after_unknown: bool,
    throttled_since: Option<Instant>,
    waits: &'a Waits,
}

/// Why a wait ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Lease,
    Patience,
}

impl<'a> Patience<'a> {
    pub(super) fn new(limits: &'a CallLimits, tries: Tries<'a>, waits: &'a Waits) -> Self {
        Self { limits, tries, attempts: 0, after_unknown: false, throttled_since: None, waits }
    }

    /// Rests after a 429.
    pub(super) async fn throttled(&mut self, wait: Duration) -> Result<(), Failure> {
        self.throttled_since.get_or_insert_with(Instant::now);
        self.rest(wait, RATE_LIMITED).await.map_err(|ended| match ended {
            Ended::Lease => Failure::LeaseEnded,
            Ended::Patience => self.still_throttled(),
        })
    }

    /// Rests after a 5xx, a lost connection or a time-out that took `spent`; `detail` says which.
    pub(super) async fn unavailable(
        &mut self,
        detail: String,
        spent: Duration,
        asked: Option<Duration>,
    ) -> Result<(), Failure> {
        let Some(wait) = self.tries.after_unavailable(spent, asked) else {
            return Err(self.given_up(detail));
        };
        self.rest(wait, &detail).await.map_err(|ended| match ended {
            Ended::Lease => Failure::LeaseEnded,
            Ended::Patience => self.given_up(detail),
        })
    }

    /// What it means that there is no other try.
    pub(super) fn given_up(&self, detail: String) -> Failure {
        Failure::Unavailable { detail, maybe_took_effect: self.after_unknown }
    }

    /// What it means that a wait for the throttle ended early.
    pub(super) fn turn_ended(&self, ended: Ended, closed: bool) -> Failure {
        match ended {
            Ended::Lease => Failure::LeaseEnded,
            Ended::Patience if closed || self.throttled_since.is_some() => self.still_throttled(),
            Ended::Patience => Failure::Unavailable {
                detail: "gave up waiting for other requests to this tenant".to_owned(),
                maybe_took_effect: self.after_unknown,
            },
        }
    }

    fn still_throttled(&self) -> Failure {
        Failure::Throttled { waited: self.throttled_since.map_or(Duration::ZERO, |since| since.elapsed()) }
    }

    /// Sleeps, unless that is known to be in vain.
    async fn rest(&self, wait: Duration, reason: &str) -> Result<(), Ended> {
        if Instant::now() + wait > self.limits.give_up_at {
            return Err(Ended::Patience);
        }
        self.waits.tell(wait, reason);
        within(self.limits, sleep(wait)).await
    }
}

/// Waits for `ready` as long as a request could still start after it. A lease that is renewed
/// meanwhile counts.
pub(crate) async fn within<T>(limits: &CallLimits, ready: impl Future<Output = T>) -> Result<T, Ended> {
    let mut ready = pin!(ready);
    loop {
        let lease_over = limits.lease.get().map(|limit| limit + Duration::from_millis(1));
        let until = lease_over.map_or(limits.give_up_at, |over| over.min(limits.give_up_at));
        tokio::select! {
            biased;
            value = &mut ready => return Ok(value),
            () = sleep_until(until) => {}
        }
        if !limits.lease.holds().await {
            return Err(Ended::Lease);
        }
        if Instant::now() >= limits.give_up_at {
            return Err(Ended::Patience);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::StartLimit;
    use super::super::jitter::Jitter;
    use super::super::tuning::Tuning;
    use super::*;

    fn limits(lease_seconds: u64, patience_seconds: u64) -> CallLimits {
        let now = Instant::now();
        CallLimits {
            lease: StartLimit::at(now + Duration::from_secs(lease_seconds)),
            give_up_at: now + Duration::from_secs(patience_seconds),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_with_the_lease_or_the_patience_whichever_is_first() {
        let (start, forever) = (Instant::now(), Duration::from_secs(1_000));
        assert_eq!(within(&limits(10, 20), sleep(forever)).await, Err(Ended::Lease));
        assert_eq!(start.elapsed().as_secs(), 10);
        assert_eq!(within(&limits(30, 20), sleep(forever)).await, Err(Ended::Patience));
        assert_eq!(start.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_renewed_during_the_wait_counts() {
        let limits = limits(10, 1_000);
        let renewed = limits.lease.clone();
        let renew = async move {
            sleep(Duration::from_secs(5)).await;
            renewed.move_to(Instant::now() + Duration::from_secs(60));
        };
        let (waited, ()) = tokio::join!(within(&limits, sleep(Duration::from_secs(30))), renew);
        assert_eq!(waited, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_that_would_outlast_the_patience_is_not_begun() {
        let (tuning, jitter, limits) = (Tuning::default(), Jitter::new(Some(1)), limits(1_000, 60));
        let start = Instant::now();
        let waits = Waits::new("t.example");
        let mut patience = Patience::new(&limits, Tries::new(&tuning, &jitter), &waits);
        assert_eq!(patience.throttled(Duration::from_secs(50)).await, Ok(()));
        let waited = Duration::from_secs(50);
        assert_eq!(patience.throttled(Duration::from_secs(11)).await, Err(Failure::Throttled { waited }));
        assert_eq!(start.elapsed(), waited);
    }
}
