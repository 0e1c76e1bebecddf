//! How many requests may begin within a time, as a dialect's own rules say: no pacing below that.
//!
//! What writes goes before what only reads: a share of the number is kept for it.
//!
//! Pure: time is handed in.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::super::dialect::{Effect, Quota};

/// One of so many is kept for writes.
const KEPT_FOR_WRITES: usize = 10;

/// Requests of the last while.
#[derive(Debug)]
pub(super) struct Counted {
    quota: Quota,
    began: VecDeque<Instant>,
    /// After a 429, the moment until which half is taken for granted.
    halved_until: Option<Instant>,
}

impl Counted {
    pub(super) fn new(quota: Quota) -> Self {
        Self { quota, began: VecDeque::new(), halved_until: None }
    }

    /// Takes the smaller of two numbers, where two environments share a tenant and say different ones.
    pub(super) fn lower(&mut self, quota: Quota) {
        self.quota.requests_max = self.quota.requests_max.min(quota.requests_max);
    }

    /// The earliest time for the next request.
    pub(super) fn ready_at(&mut self, now: Instant, effect: Effect) -> Instant {
        while self.began.front().is_some_and(|began| now >= *began + self.quota.within) {
            self.began.pop_front();
        }
        let allowed = self.allowed(now, effect);
        let over = self.began.len().checked_sub(allowed);
        over.and_then(|over| self.began.get(over)).map_or(now, |began| *began + self.quota.within)
    }

    /// A request begins.
    pub(super) fn take(&mut self, now: Instant) {
        self.began.push_back(now);
    }

    /// The tenant said 429: somebody else uses the number, too.
    pub(super) fn refused(&mut self, now: Instant) {
        self.halved_until = Some(now + self.quota.within);
    }

    fn allowed(&self, now: Instant, effect: Effect) -> usize {
        let whole = usize::try_from(self.quota.requests_max).unwrap_or(usize::MAX);
        let whole = if self.halved_until.is_some_and(|until| until > now) { whole / 2 } else { whole };
        let kept = if effect == Effect::Reads { whole / KEPT_FOR_WRITES } else { 0 };
        (whole - kept).max(1)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const WITHIN: Duration = Duration::from_secs(300);

    fn counted(requests_max: u32) -> Counted {
        Counted::new(Quota { requests_max, within: WITHIN })
    }

    /// How many begin at once.
    fn burst(counted: &mut Counted, now: Instant, effect: Effect) -> usize {
        (0..1_000)
            .take_while(|_| {
                counted.ready_at(now, effect) == now && {
                    counted.take(now);
                    true
                }
            })
            .count()
    }

    #[test]
    fn they_begin_at_once_until_the_number_is_reached_and_again_when_the_first_is_old() {
        let (mut counted, start) = (counted(100), Instant::now());
        assert_eq!(burst(&mut counted, start, Effect::Reads), 90, "the rest is kept for writes");
        assert_eq!(burst(&mut counted, start + WITHIN / 2, Effect::WritesOnce), 10);
        let ready = counted.ready_at(start + WITHIN / 2, Effect::Writes);
        assert_eq!(ready, start + WITHIN);
        assert_eq!(burst(&mut counted, ready, Effect::Reads), 80);
    }

    #[test]
    fn whatever_begins_no_window_holds_more_than_the_number() {
        let (mut counted, mut now) = (counted(50), Instant::now());
        let mut began = Vec::new();
        for turn in 0..400_u64 {
            now = counted.ready_at(now, if turn.is_multiple_of(3) { Effect::Writes } else { Effect::Reads });
            counted.take(now);
            began.push(now);
            now += Duration::from_millis(turn * 37 % 5_000);
        }
        for (index, at) in began.iter().enumerate() {
            let within = began[index..].iter().take_while(|later| **later < *at + WITHIN).count();
            assert!(within <= 50, "{within}");
        }
    }

    #[test]
    fn after_a_refusal_half_is_left_for_one_window_and_the_smaller_number_counts() {
        let (mut counted, start) = (counted(100), Instant::now());
        counted.refused(start);
        assert_eq!(burst(&mut counted, start, Effect::Writes), 50);
        assert_eq!(burst(&mut counted, start + WITHIN, Effect::Writes), 100);
        counted.lower(Quota { requests_max: 60, within: WITHIN });
        assert_eq!(burst(&mut counted, start + WITHIN * 2, Effect::Writes), 60);
    }
}
