//! How long a call may go on: the lease it runs under, and the moment its caller loses patience.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::clock::{Clock, ClockReading, in_future};

/// Clocks of one machine that disagree by more than this since a term began were set, or the machine slept.
const GAP_MAX: Duration = Duration::from_secs(2);

/// Until when requests may start. Clones share it, so that renewing a lease moves the limit of calls
/// already under way.
///
/// A term is judged by every clock of the machine, and whichever says "later" counts. Where they disagree
/// nobody knows what happened meanwhile: nothing starts until the lease is renewed, which is a look at git.
#[derive(Clone, Default)]
pub struct StartLimit(Option<Arc<Limit>>);

struct Limit {
    clock: Option<Arc<dyn Clock>>,
    state: Mutex<LimitState>,
    /// Whoever waits for a renewal goes on in the order of having come: chance has no part in it.
    changed: Notify,
    wanted: Notify,
}

#[derive(Debug, Clone, Copy)]
struct LimitState {
    /// By tokio's clock alone: for waits, and where there is no other.
    last_start: Option<Instant>,
    /// When the term began and how long requests may start in it.
    term: Option<(ClockReading, Duration)>,
    renewed_by: Renewal,
    /// Renewals that failed.
    n_failed: u64,
}

/// Whether somebody renews the lease when asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Renewal {
    Nobody,
    Somebody,
}

impl std::fmt::Debug for StartLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("StartLimit").field(&self.0.as_ref().map(|limit| limit.state())).finish()
    }
}

impl StartLimit {
    /// No limit: for calls that only read, outside a deployment.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// No request starts after `instant`, by tokio's clock.
    #[must_use]
    pub fn at(instant: Instant) -> Self {
        Self::with(None, Some(instant))
    }

    /// No request starts before a first term begins; terms are judged by `clock`.
    #[must_use]
    pub fn by(clock: Arc<dyn Clock>) -> Self {
        Self::with(Some(clock), None)
    }

    fn with(clock: Option<Arc<dyn Clock>>, last_start: Option<Instant>) -> Self {
        let state = LimitState { last_start, term: None, renewed_by: Renewal::Nobody, n_failed: 0 };
        let (state, changed, wanted) = (Mutex::new(state), Notify::new(), Notify::new());
        Self(Some(Arc::new(Limit { clock, state, changed, wanted })))
    }

    /// Requests may start for `allowance` from the moment of a reading, which lies in the past.
    pub fn begin(&self, from: ClockReading, allowance: Duration) {
        let Some(limit) = &self.0 else { return };
        let spent = limit.clock.as_ref().map_or(Duration::ZERO, |clock| clock.reading().since(&from).longest);
        limit.change(|state| {
            state.last_start = Some(in_future(allowance.saturating_sub(spent)));
            state.term = Some((from, allowance));
        });
    }

    /// Moves a limit without a clock, for every clone.
    pub fn move_to(&self, instant: Instant) {
        if let Some(limit) = &self.0 {
            limit.change(|state| state.last_start = Some(instant));
        }
    }

    /// Nothing starts any more: somebody else holds the lease.
    pub fn end(&self) {
        if let Some(limit) = &self.0 {
            limit.change(|state| {
                (state.last_start, state.term, state.renewed_by) = (None, None, Renewal::Nobody);
            });
        }
    }

    /// The last instant by tokio's clock, if there is a limit.
    #[must_use]
    pub fn get(&self) -> Option<Instant> {
        self.0.as_ref().map(|limit| limit.state().last_start.unwrap_or_else(Instant::now))
    }

    /// Whether a request may start now.
    #[must_use]
    pub fn allows_now(&self) -> bool {
        self.0.as_ref().is_none_or(|limit| limit.allows_now())
    }

    /// Whether a request may start now or, where the lease is over or in doubt and somebody renews it, once
    /// that is done.
    pub async fn holds(&self) -> bool {
        let Some(limit) = &self.0 else { return true };
        loop {
            // Hears of every change from now on, awaited or not.
            let changed = limit.changed.notified();
            let LimitState { renewed_by, n_failed, .. } = limit.state();
            if limit.allows_now() {
                return true;
            }
            if renewed_by == Renewal::Nobody {
                return false;
            }
            limit.wanted.notify_one();
            changed.await;
            if limit.state().n_failed > n_failed {
                return limit.allows_now();
            }
        }
    }

    /// Says that somebody renews the lease from now on, and waits for [`StartLimit::renewal_wanted`].
    pub fn is_renewed(&self) {
        self.renewed(|state| state.renewed_by = Renewal::Somebody);
    }

    /// Says that nobody renews it any more.
    pub fn is_renewed_no_more(&self) {
        self.renewed(|state| state.renewed_by = Renewal::Nobody);
    }

    /// Says that a renewal failed: whoever waits for it decides anew.
    pub fn renewal_failed(&self) {
        self.renewed(|state| state.n_failed = state.n_failed.saturating_add(1));
    }

    fn renewed(&self, change: impl FnOnce(&mut LimitState)) {
        if let Some(limit) = &self.0 {
            limit.change(change);
        }
    }

    /// Comes back when a request waits for a renewal.
    pub async fn renewal_wanted(&self) {
        match &self.0 {
            Some(limit) => limit.wanted.notified().await,
            None => std::future::pending().await,
        }
    }
}

impl Limit {
    fn state(&self) -> LimitState {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut LimitState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_waiters();
    }

    fn allows_now(&self) -> bool {
        let LimitState { last_start, term, .. } = self.state();
        if last_start.is_none_or(|last| Instant::now() > last) {
            return false;
        }
        match (&self.clock, term) {
            (Some(clock), Some((from, allowance))) => {
                let elapsed = clock.reading().since(&from);
                elapsed.longest <= allowance && elapsed.gap <= GAP_MAX
            }
            _ => true,
        }
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
    const PATIENCE_BEFORE_DEPLOYMENT: Duration = Duration::from_secs(5 * 60);

    /// Limits for calls that only read, before there is a deployment.
    #[must_use]
    pub fn before_deployment() -> Self {
        Self { lease: StartLimit::none(), give_up_at: in_future(Self::PATIENCE_BEFORE_DEPLOYMENT) }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use tokio::time::sleep;

    use super::*;
    use crate::clock::SimulatedClock;

    const TERM: Duration = Duration::from_secs(240);

    fn lease() -> (Arc<SimulatedClock>, StartLimit) {
        let clock = Arc::new(SimulatedClock::starting_at(Timestamp::UNIX_EPOCH, 1));
        let limit = StartLimit::by(clock.clone());
        limit.begin(clock.reading(), TERM);
        (clock, limit)
    }

    #[tokio::test(start_paused = true)]
    async fn a_term_lasts_its_time_and_not_longer() {
        let (_, limit) = lease();
        sleep(TERM).await;
        assert!(limit.allows_now());
        sleep(Duration::from_millis(1)).await;
        assert!(!limit.allows_now() && !limit.holds().await);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_starts_after_a_sleep_or_a_step_in_either_direction() {
        let (minute, nothing) = (Duration::from_secs(60), StartLimit::none());
        assert!(nothing.allows_now() && nothing.holds().await);
        for by in [3, -3, 3_600, -3_600] {
            let (clock, limit) = lease();
            clock.step(SignedDuration::from_secs(by));
            assert!(!limit.allows_now(), "a step by {by} s");
        }
        for has_boot_clock in [true, false] {
            let (clock, limit) = lease();
            if !has_boot_clock {
                clock.lose_boot_clock();
            }
            sleep(minute).await;
            clock.slept(minute);
            assert!(!limit.allows_now(), "a sleep of a minute");
        }
        let (clock, limit) = lease();
        clock.step(SignedDuration::from_secs(2));
        assert!(limit.allows_now(), "clocks are never quite equal");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_wants_to_start_waits_for_the_renewal() {
        let (clock, limit) = lease();
        limit.is_renewed();
        clock.step(SignedDuration::from_hours(1));
        let renew = async {
            limit.renewal_wanted().await;
            sleep(Duration::from_secs(1)).await;
            limit.begin(clock.reading(), TERM);
        };
        assert!(futures_util::future::join(limit.holds(), renew).await.0);
        clock.step(SignedDuration::from_hours(1));
        let fail = async {
            limit.renewal_wanted().await;
            limit.renewal_failed();
        };
        assert!(!futures_util::future::join(limit.holds(), fail).await.0);
        let lose = async {
            limit.renewal_wanted().await;
            limit.end();
        };
        assert!(!futures_util::future::join(limit.holds(), lose).await.0);
        assert!(!limit.holds().await, "it is somebody else's for good");
    }
}
