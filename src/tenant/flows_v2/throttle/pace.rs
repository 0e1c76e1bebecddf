//! How fast requests may start: the tenant's rate, learned from what it refuses.
//!
//! A tenant's limit is seen as a bucket of `burst` requests that fills at `rate`. Until the first
//! 429 nothing is paced. After it, a search: start at what got through over the time it took, and
//! double every 0.4 seconds. The second 429 gives two equations for the two unknowns, and
//! requests are paced a little below the answer. From then on the pace is held, and now and then
//! tried upwards by one percent a second, so that a limit that was raised is noticed.
//!
//! Pure: time is handed in.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// What is used of the rate learned.
const SHARE_USED: f64 = 0.98;
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
/// Requests a second, at least. A slower tenant is met by its `Retry-After`; a tenant that says 429 now
/// and then for reasons of its own must not bring everything to a halt.
const RATE_MIN: f64 = 5.0;
/// Above this there is nothing to pace.
const RATE_OPEN: f64 = 5_000.0;
/// Measuring looks back this far.
const LOOK_BACK: Duration = Duration::from_secs(10);
/// A measurement over less than the first proves nothing, over less than the second it is a short one.
const MEASURE_MIN_SECONDS: f64 = 0.3;
const MEASURE_LONG_SECONDS: f64 = 4.0;
/// A tenant that names no pause is taken to count by the second.
const PAUSE_ASSUMED: Duration = Duration::from_secs(1);
/// Without a request for this long the tenant's bucket has filled again.
const IDLE: Duration = Duration::from_secs(2);

/// The pace of one environment.
#[derive(Debug)]
pub(super) struct Pace {
    rate: Option<f64>,
    learned: Option<Learned>,
    tokens: f64,
    filled: Instant,
    stretch: Stretch,
    burst: Option<Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Learned {
    rate: f64,
    hold: Duration,
    held_until: Instant,
}

/// How much went through in how long.
#[derive(Debug, Clone, Copy)]
struct Seen {
    n: f64,
    seconds: f64,
}

/// The requests since the last refusal or idle time.
#[derive(Debug)]
struct Stretch {
    began: Option<Instant>,
    rested: f64,
    last: Instant,
    /// When requests started, and when those did that went well.
    started: VecDeque<Instant>,
    well: VecDeque<Instant>,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        let (started, well) = (VecDeque::new(), VecDeque::new());
        let stretch = Stretch { began: None, rested: f64::MAX, last: now, started, well };
        Self { rate: None, learned: None, tokens: 1.0, filled: now, stretch, burst: None }
    }

    /// Requests a second, where there is a limit.
    pub(super) fn rate(&self) -> Option<f64> {
        self.rate
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
        let idle = self.rate.map_or(IDLE, |rate| IDLE.max(Duration::from_secs_f64(3.0 / rate)));
        let rested = now.saturating_duration_since(self.stretch.last);
        if rested > idle {
            self.stretch.began = None;
        }
        if self.stretch.began.is_none() {
            self.stretch.began = Some(now);
            self.stretch.rested = rested.as_secs_f64();
            self.stretch.started.clear();
            self.stretch.well.clear();
        }
        self.stretch.last = now;
        remember(&mut self.stretch.started, now);
    }

    /// A request of this stretch that started at `started` went well.
    pub(super) fn went_well(&mut self, started: Instant) {
        remember(&mut self.stretch.well, started);
    }

    /// Nothing starts for a while: what is measured starts again after it.
    pub(super) fn rests(&mut self) {
        self.stretch.began = None;
    }

    /// The tenant refused the request that started at `started`, and wants a rest of `pause`.
    pub(super) fn refused(&mut self, started: Instant, pause: Duration, now: Instant) {
        self.refill(now);
        let seen = self.stretch.seen(self.stretch.began.unwrap_or(started), started);
        match (self.burst, self.rate, self.learned) {
            (Some(burst), Some(rate), _) if seen.seconds >= MEASURE_MIN_SECONDS => {
                let measured = self.stretch.measure(burst, started);
                self.learn(measured, seen.seconds, rate, now + pause);
            }
            (Some(_), Some(rate), Some(learned)) => self.learn(learned.rate * SLOWER, 0.0, rate, now + pause),
            (Some(_), Some(rate), None) => self.rate = Some((rate / 4.0).max(RATE_MIN)),
            _ => {
                self.burst = Some(seen);
                let seconds = seen.seconds + pause.max(PAUSE_ASSUMED).as_secs_f64();
                self.rate = Some(((seen.n + 1.0) / seconds).max(RATE_MIN));
            }
        }
        // After the pause one request is welcome.
        self.tokens = 1.0;
        self.stretch.began = None;
        self.stretch.last = started;
    }

    fn learn(&mut self, measured: f64, seconds: f64, rate: f64, from: Instant) {
        let hold = match self.learned {
            _ if seconds < MEASURE_LONG_SECONDS => HOLD_SHORT,
            Some(before) if (measured / before.rate - 1.0).abs() < 0.15 => (before.hold * 2).min(HOLD_MAX),
            _ => HOLD,
        };
        let measured = measured.max(RATE_MIN);
        self.rate = Some((measured * SHARE_USED).min(rate * SLOWER).max(RATE_MIN));
        self.learned = Some(Learned { rate: measured, hold, held_until: from + hold });
    }

    fn refill(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = now;
        let Some(rate) = self.rate else {
            self.tokens = 1.0;
            return;
        };
        self.tokens = (self.tokens + rate * seconds).min(self.tokens_most(rate));
        let grown = rate * self.growth(rate, now, seconds.min(GROWTH_STEP_SECONDS));
        self.rate = (grown < RATE_OPEN).then_some(grown);
        if self.rate.is_none() {
            (self.learned, self.burst) = (None, None);
        }
    }

    /// What may be saved up: enough to make good a timer that fires late, and less than the tenant's burst.
    fn tokens_most(&self, rate: f64) -> f64 {
        let burst = self.burst.map_or(1.0, |burst| burst.n / 2.0).max(1.0);
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

impl Stretch {
    /// What went through from `from` to the request of `until`, that one left out.
    fn seen(&self, from: Instant, until: Instant) -> Seen {
        let n_well = self.well.iter().filter(|at| **at >= from && **at <= until).count();
        let n_started = self.started.iter().filter(|at| **at >= from && **at < until).count();
        // Of those still on their way some will be served: half is the best guess.
        #[expect(clippy::cast_precision_loss, reason = "a count of requests in ten seconds")]
        let n = (n_well as f64).max((n_started + n_well) as f64 / 2.0);
        Seen { n, seconds: until.saturating_duration_since(from).as_secs_f64() }
    }

    /// The tenant's rate, now that its bucket has just been found empty.
    ///
    /// Whenever one looks back to, the bucket held no more than its burst then: each such moment
    /// gives a rate that the tenant's cannot be below, and the moment when it was last full gives it.
    fn measure(&self, burst: Seen, until: Instant) -> f64 {
        let mut best = match self.began {
            Some(began) if until.saturating_duration_since(began) <= LOOK_BACK => {
                solve(burst, self.seen(began, until), self.rested)
            }
            _ => 0.0,
        };
        let step = self.started.len() / 64 + 1;
        for from in self.started.iter().step_by(step) {
            let seen = self.seen(*from, until);
            let seconds = seen.seconds - burst.seconds;
            if seconds >= MEASURE_MIN_SECONDS {
                best = best.max((seen.n - burst.n) / seconds);
            }
        }
        best
    }
}

/// Keeps the times of the last [`LOOK_BACK`].
fn remember(times: &mut VecDeque<Instant>, now: Instant) {
    times.push_back(now);
    while times.front().is_some_and(|first| now.saturating_duration_since(*first) > LOOK_BACK) {
        times.pop_front();
    }
}

/// The rate of a bucket that let `burst` through when it was full and `seen` after it had `rested`
/// for so many seconds: the root of an increasing function, by bisection.
fn solve(burst: Seen, seen: Seen, rested: f64) -> f64 {
    let surplus = |rate: f64| {
        let credit = (burst.n - rate * burst.seconds).max(0.0).min(rate * rested);
        rate * seen.seconds + credit - seen.n
    };
    let (mut low, mut high) = (0.0, seen.n / seen.seconds);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if surplus(middle) < 0.0 { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_measurements_give_the_rate_of_a_bucket() {
        let burst = Seen { n: 11.0, seconds: 0.02 };
        assert!((solve(burst, Seen { n: 60.0, seconds: 1.0 }, 1.0) - 50.0).abs() < 1.0, "full again");
        assert!((solve(burst, Seen { n: 55.0, seconds: 1.0 }, 0.1) - 50.0).abs() < 1.0, "half full");
        assert!((solve(burst, Seen { n: 50.0, seconds: 1.0 }, 0.0) - 50.0).abs() < 1.0, "empty");
    }

    #[test]
    fn nothing_is_paced_before_the_first_refusal_and_after_it_everything_is() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for _ in 0..1000 {
            assert_eq!(pace.ready_at(start), start);
            pace.take(start);
        }
        pace.refused(start, Duration::from_secs(1), start);
        pace.take(start);
        assert!(pace.ready_at(start) > start);
    }

    #[test]
    fn a_pace_that_nothing_refuses_is_forgotten() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        pace.take(now);
        pace.refused(now, Duration::from_secs(1), now);
        for _ in 0..10_000 {
            now = pace.ready_at(now);
            pace.take(now);
            pace.went_well(now);
        }
        assert_eq!(pace.rate(), None);
    }
}
