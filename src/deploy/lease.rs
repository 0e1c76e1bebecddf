//! The lease: until when this process may write to the tenant.
//!
//! Its end stands in the pushed manifest. Margins cover clocks that differ: the holder starts no
//! request in the last [`MARGIN`], others wait [`HANDOVER`] longer. The holder judges by all its clocks
//! ([`StartLimit`]), others by their wall clock, and not for ever: see [`believed_until`].

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::clock::{Clock, ClockReading, later};
use crate::record::Holder;
use crate::tenant::StartLimit;

/// A lease lasts this long from the moment its manifest is made.
pub const LEASE: Duration = Duration::from_secs(5 * 60);

/// No request starts in this last part of it.
pub const MARGIN: Duration = Duration::from_secs(60);

/// Others wait this long after its end.
pub const HANDOVER: Duration = Duration::from_secs(2 * 60);

/// A lease is renewed when this much of it has passed.
const RENEW_AFTER: Duration = Duration::from_secs(150);

/// In each term requests may start for so long.
const START: Duration = LEASE.saturating_sub(MARGIN);

/// A lease this process holds or is about to push.
#[derive(Clone)]
pub struct Lease {
    holder: String,
    clock: Arc<dyn Clock>,
    made: ClockReading,
    limit: StartLimit,
}

/// The next term of a lease: counted from before its push, so that the holder is never the last to stop.
#[derive(Debug, Clone)]
pub struct Term {
    holder: Holder,
    from: ClockReading,
}

impl Lease {
    /// A lease that allows nothing until its first term begins.
    #[must_use]
    pub fn new(holder: &str, clock: Arc<dyn Clock>) -> Self {
        let (made, limit) = (clock.reading(), StartLimit::by(clock.clone()));
        Self { holder: holder.to_owned(), clock, made, limit }
    }

    /// A term that starts now. It counts once [`Lease::begin`] is told that its manifest won the push.
    ///
    /// A wall clock that was set back does not bring the deadline nearer: others may know better.
    #[must_use]
    pub fn next_term(&self) -> Term {
        let from = self.clock.reading();
        let at_least = later(self.made.wall, from.since(&self.made).longest);
        let deadline = later(from.wall.max(at_least), LEASE);
        Term { holder: Holder { id: self.holder.clone(), deadline }, from }
    }

    /// The manifest with this term was pushed.
    pub fn begin(&self, term: &Term) {
        self.limit.begin(term.from, START);
    }

    /// The limit calls obey.
    #[must_use]
    pub fn limit(&self) -> StartLimit {
        self.limit.clone()
    }

    /// This process's holder id.
    #[must_use]
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// When to renew: half-way through the term.
    #[must_use]
    pub fn renew_at(&self) -> Instant {
        let before = START.saturating_sub(RENEW_AFTER);
        self.limit.get().and_then(|last_start| last_start.checked_sub(before)).unwrap_or_else(Instant::now)
    }
}

impl Term {
    /// Holder and deadline for the manifest.
    #[must_use]
    pub fn holder(&self) -> Holder {
        self.holder.clone()
    }
}

/// When somebody else may take a deployment over that was first seen, as it stands now, at `first_seen`. A
/// deadline further ahead than a lease can be is no promise: its holder renews it long before, or is gone.
#[must_use]
pub fn believed_until(holder: &Holder, first_seen: Timestamp) -> Timestamp {
    later(holder.deadline.min(later(first_seen, LEASE)), HANDOVER)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;
    use tokio::time::sleep;

    use super::*;
    use crate::clock::SimulatedClock;

    fn seconds(time: Timestamp) -> i64 {
        time.as_second()
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_never_comes_nearer_than_time_has_passed() {
        let clock = Arc::new(SimulatedClock::starting_at(Timestamp::UNIX_EPOCH, 1));
        let lease = Lease::new("h", clock.clone());
        assert_eq!(seconds(lease.next_term().holder().deadline), 300);
        sleep(Duration::from_secs(60)).await;
        clock.step(SignedDuration::from_hours(-1));
        assert_eq!(seconds(lease.next_term().holder().deadline), 360, "set back");
        clock.step(SignedDuration::from_hours(2));
        assert_eq!(seconds(lease.next_term().holder().deadline), 3_960, "set forward");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_renewed_half_way_and_ends_before_its_deadline() {
        let clock = Arc::new(SimulatedClock::starting_at(Timestamp::UNIX_EPOCH, 1));
        let lease = Lease::new("h", clock);
        assert!(!lease.limit().allows_now());
        let (start, term) = (Instant::now(), lease.next_term());
        sleep(Duration::from_secs(10)).await;
        lease.begin(&term);
        assert_eq!(lease.renew_at() - start, RENEW_AFTER);
        assert_eq!(lease.limit().get(), Some(start + LEASE - MARGIN));
    }

    #[test]
    fn a_deadline_is_believed_as_far_as_a_lease_can_reach() {
        let holder = |deadline| Holder { id: "h".into(), deadline: Timestamp::from_second(deadline).unwrap() };
        let until = |deadline, seen| seconds(believed_until(&holder(deadline), Timestamp::from_second(seen).unwrap()));
        assert_eq!(until(300, 0), 420, "a lease just taken");
        assert_eq!(until(300, 200), 420, "seen late");
        assert_eq!(until(86_400, 1_000), 1_420, "seven minutes, not a day");
        assert_eq!(until(-86_400, 1_000), -86_280, "ended long ago");
    }

    proptest! {
        #[test]
        fn no_deadline_is_too_far(deadline in any::<i64>(), seen in any::<i64>()) {
            let time = |seconds| Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
            let holder = Holder { id: "h".into(), deadline: time(deadline) };
            let until = believed_until(&holder, time(seen));
            prop_assert!(until <= later(time(seen), LEASE + HANDOVER) && until >= holder.deadline.min(time(seen)));
        }
    }
}
