//! How often one call is tried, and how long it waits in between.

use std::time::Duration;

use super::jitter::Jitter;
use super::tuning::Tuning;

/// The tries of one call.
#[derive(Debug)]
pub(super) struct Tries<'a> {
    tuning: &'a Tuning,
    jitter: &'a Jitter,
    n_throttled: u32,
    n_unavailable: u32,
    unavailable_spent: Duration,
}

impl<'a> Tries<'a> {
    pub(super) fn new(tuning: &'a Tuning, jitter: &'a Jitter) -> Self {
        Self { tuning, jitter, n_throttled: 0, n_unavailable: 0, unavailable_spent: Duration::ZERO }
    }

    /// The wait after a 429. There is always another try; the call's own limits end it.
    pub(super) fn after_throttled(&mut self, asked: Option<Duration>) -> Duration {
        self.n_throttled += 1;
        asked.unwrap_or_else(|| match self.tuning.throttled {
            Some((first, longest)) => doubled(first, self.n_throttled).min(longest),
            None => self.backoff(self.n_throttled),
        })
    }

    /// The wait after a 5xx, a lost connection or a time-out that took `spent`; none when that was
    /// the last try.
    pub(super) fn after_unavailable(&mut self, spent: Duration, asked: Option<Duration>) -> Option<Duration> {
        self.n_unavailable += 1;
        let wait = asked.unwrap_or_else(|| self.backoff(self.n_unavailable));
        self.unavailable_spent += spent + wait;
        let may = self.n_unavailable < self.tuning.unavailable_tries
            && self.unavailable_spent <= self.tuning.unavailable_total;
        may.then_some(wait)
    }

    /// Exponential, with full jitter.
    fn backoff(&self, nth: u32) -> Duration {
        self.jitter.full(doubled(self.tuning.backoff_base, nth).min(self.tuning.backoff_cap))
    }
}

fn doubled(first: Duration, nth: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(nth.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_lie_below_a_ceiling_that_doubles_from_500_ms_to_60_s() {
        let (tuning, jitter) = (Tuning::default(), Jitter::new(Some(1)));
        let ceilings = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000];
        let mut sums = [Duration::ZERO; 9];
        for _ in 0..1_000 {
            let mut tries = Tries::new(&tuning, &jitter);
            for (sum, ceiling) in sums.iter_mut().zip(ceilings) {
                let wait = tries.after_throttled(None);
                assert!(wait <= Duration::from_millis(ceiling));
                *sum += wait;
            }
        }
        for (sum, ceiling) in sums.iter().zip(ceilings) {
            let share = sum.as_secs_f64() / Duration::from_millis(ceiling).as_secs_f64() / 1_000.0;
            assert!((0.45..0.55).contains(&share), "full jitter has its mean in the middle: {share}");
        }
    }

    #[test]
    fn a_dialect_may_say_how_long_a_refusal_is_waited_out() {
        let seconds = Duration::from_secs;
        let tuning = Tuning { throttled: Some((seconds(10), seconds(120))), ..Tuning::default() };
        let jitter = Jitter::new(Some(1));
        let mut tries = Tries::new(&tuning, &jitter);
        let waits = [10, 20, 40, 80, 120, 120].map(|wait| (tries.after_throttled(None), seconds(wait)));
        assert!(waits.iter().all(|(wait, expected)| wait == expected), "{waits:?}");
    }

    #[test]
    fn six_tries_or_two_minutes_are_the_end() {
        let (tuning, jitter) = (Tuning::default(), Jitter::new(Some(1)));
        let n_tries = |spent| {
            let mut tries = Tries::new(&tuning, &jitter);
            (1..).take_while(|_| tries.after_unavailable(Duration::from_secs(spent), None).is_some()).count() + 1
        };
        assert_eq!(n_tries(0), 6);
        assert_eq!(n_tries(60), 2);
        let mut tries = Tries::new(&tuning, &jitter);
        assert_eq!(tries.after_unavailable(Duration::ZERO, Some(Duration::from_secs(121))), None);
    }

    #[test]
    fn what_the_tenant_asks_for_is_waited_for() {
        let (tuning, jitter) = (Tuning::default(), Jitter::new(Some(1)));
        let asked = Duration::from_secs(17);
        assert_eq!(Tries::new(&tuning, &jitter).after_throttled(Some(asked)), asked);
        assert_eq!(Tries::new(&tuning, &jitter).after_unavailable(Duration::ZERO, Some(asked)), Some(asked));
    }
}
