//! How fast requests may start: the tenant's rate, learned from what it refuses.
//!
//! A tenant's limit is seen as a bucket of `burst` requests that fills at `rate`. Until the first
//! 429 nothing is paced. After it, a search: from what was let through so far, twice as fast every 0.4
//! seconds. The second 429 gives two equations for the two unknowns ([`Emptied::rate`]), and requests are
//! paced a little below the answer. From then on the pace is held, and now and then tried upwards by one
//! percent a second, so that a limit that was raised is noticed.
//!
//! Pure: time is handed in.

use std::time::Duration;

use tokio::time::Instant;

use super::super::dialect::Rate;
use super::stretch::{Emptied, Stretch};

/// What is used of a rate learned, by how long the measurement took.
const SHARE_USED_SHORT: f64 = 0.985;
const SHARE_USED_LONG: f64 = 0.99;
/// How much slower than before any refusal makes it.
const SLOWER: f64 = 0.95;
/// Time in which the search doubles.
const SEARCH_DOUBLING_SECONDS: f64 = 0.4;
/// Growth a second of the careful probe.
const PROBE_GROWTH: f64 = 0.01;
/// How far above the learned rate a probe stays careful.
const PROBE_CAREFUL: f64 = 1.1;
/// Time in which a probe doubles that has left the learned rate behind.
const PROBE_DOUBLING_SECONDS: f64 = 2.0;
/// Growth counts no more time than this between two requests: a pause proves nothing.
const GROWTH_STEP_SECONDS: f64 = 0.25;
/// How long a learned rate is held: where it rests on a short measurement, at first, and at most.
const HOLD_SHORT: Duration = Duration::from_secs(12);
const HOLD: Duration = Duration::from_secs(30);
const HOLD_MAX: Duration = Duration::from_secs(300);
/// Above this there is nothing to pace.
const RATE_OPEN: f64 = 5_000.0;
/// A measurement over less than the first proves nothing, over less than the second it is a short one.
const MEASURE_MIN_SECONDS: f64 = 0.3;
const MEASURE_LONG_SECONDS: f64 = 4.0;
/// The pace of one environment.
#[derive(Debug)]
pub(super) struct Pace {
    assumed: Rate,
    rate: Option<f64>,
    learned: Option<Learned>,
    tokens: f64,
    filled: Instant,
    stretch: Stretch,
    first: Option<Emptied>,
}

#[derive(Debug, Clone, Copy)]
struct Learned {
    rate: f64,
    hold: Duration,
    held_until: Instant,
}

impl Pace {
    /// `assumed` is what is taken for granted of the tenant's rate.
    pub(super) fn new(assumed: Rate, now: Instant) -> Self {
        let stretch = Stretch::new(assumed.window);
        Self { assumed, rate: None, learned: None, tokens: 1.0, filled: now, stretch, first: None }
    }

    /// The earliest time for the next request.
    pub(super) fn ready_at(&mut self, now: Instant) -> Instant {
        self.refill(now);
        match self.rate {
            Some(rate) if self.tokens < 1.0 => now + Duration::from_secs_f64((1.0 - self.tokens) / rate + 1e-6),
            _ => now,
        }
    }

    /// A request starts.
    pub(super) fn take(&mut self, now: Instant) {
        self.refill(now);
        self.tokens -= 1.0;
        self.stretch.starts(now, self.rate);
    }

    /// A request that started at `started` went well.
    pub(super) fn went_well(&mut self, started: Instant, now: Instant) {
        self.stretch.served(started, now);
    }

    /// The tenant refused the request that started at `started`. What that means is judged when the next
    /// request asks: until then answers of others tell more.
    pub(super) fn refused(&mut self, started: Instant, now: Instant) {
        self.stretch.refused(started, now);
    }

    fn judge(&mut self, emptied: Emptied, now: Instant) {
        match (&self.first, self.rate, self.learned) {
            (Some(first), Some(rate), _) if emptied.seconds >= MEASURE_MIN_SECONDS => {
                let measured = emptied.rate(first, rate);
                self.learn(measured, emptied.seconds, rate, now);
            }
            (Some(_), Some(rate), Some(learned)) => self.learn(learned.rate * SLOWER, 0.0, rate, now),
            (Some(_), Some(rate), None) => self.rate = Some((rate / 4.0).max(self.assumed.floor)),
            _ => {
                let pause = now.saturating_duration_since(emptied.until).max(self.assumed.window);
                self.rate = Some(emptied.rate_over(pause).max(self.assumed.floor));
                self.first = Some(emptied);
            }
        }
        // After the pause one request is welcome.
        self.tokens = 1.0;
    }

    fn learn(&mut self, measured: f64, seconds: f64, rate: f64, now: Instant) {
        let is_short = seconds < MEASURE_LONG_SECONDS;
        let hold = match self.learned {
            _ if is_short => HOLD_SHORT,
            Some(before) if (measured / before.rate - 1.0).abs() < 0.15 => (before.hold * 2).min(HOLD_MAX),
            _ => HOLD,
        };
        let measured = measured.max(self.assumed.floor);
        let share = if is_short { SHARE_USED_SHORT } else { SHARE_USED_LONG };
        self.rate = Some((measured * share).min(rate * SLOWER).max(self.assumed.floor));
        self.learned = Some(Learned { rate: measured, hold, held_until: now + hold });
        tracing::info!(measured, used = self.rate, "learned how many requests a second the tenant allows");
    }

    fn refill(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = now;
        if let Some(emptied) = self.stretch.take_emptied() {
            self.judge(emptied, now);
            return;
        }
        let Some(rate) = self.rate else {
            self.tokens = 1.0;
            return;
        };
        self.tokens = (self.tokens + rate * seconds).min(self.tokens_most(rate));
        let grown = rate * self.growth(rate, now, seconds.min(GROWTH_STEP_SECONDS));
        self.rate = (grown < RATE_OPEN).then_some(grown);
        if self.rate.is_none() {
            (self.learned, self.first) = (None, None);
        }
    }

    /// What may be saved up: enough to make good a timer that fires late, and less than the tenant's burst.
    fn tokens_most(&self, rate: f64) -> f64 {
        let burst = self.first.as_ref().map_or(1.0, |first| first.held(rate) / 2.0).max(1.0);
        if self.learned.is_some() { burst } else { (rate * 0.05).clamp(1.2_f64.min(burst), burst) }
    }

    fn growth(&self, rate: f64, now: Instant, seconds: f64) -> f64 {
        match self.learned {
            None => (seconds / SEARCH_DOUBLING_SECONDS).exp2(),
            Some(learned) if now < learned.held_until => 1.0,
            Some(learned) if rate < learned.rate * PROBE_CAREFUL => (seconds * PROBE_GROWTH).exp(),
            Some(_) => (seconds / PROBE_DOUBLING_SECONDS).exp2(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { floor: 5.0, window: Duration::from_secs(1) };

    #[test]
    fn nothing_is_paced_before_the_first_refusal_and_after_it_everything_is() {
        let start = Instant::now();
        let mut pace = Pace::new(RATE, start);
        for _ in 0..1000 {
            assert_eq!(pace.ready_at(start), start);
            pace.take(start);
        }
        pace.refused(start, start);
        pace.take(start);
        assert!(pace.ready_at(start) > start);
    }

    #[test]
    fn a_pace_that_nothing_refuses_is_forgotten() {
        let mut now = Instant::now();
        let mut pace = Pace::new(RATE, now);
        pace.take(now);
        pace.refused(now, now);
        for _ in 0..10_000 {
            now = pace.ready_at(now);
            pace.take(now);
            pace.went_well(now, now);
        }
        assert_eq!(pace.rate, None);
    }
}
