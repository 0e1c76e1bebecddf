//! The requests from a rest to the refusal that ends it: what they tell of the tenant's limit.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Without a request for this long the tenant's bucket has filled again.
const IDLE: Duration = Duration::from_secs(2);
/// What is remembered of a stretch goes back this far, at least.
const LOOK_BACK: Duration = Duration::from_secs(30);
/// So many windows of a stretch are compared, at most about twice.
const WINDOWS: usize = 128;
/// Halvings of a search for a rate: finer than any measurement.
const HALVINGS: usize = 40;

/// The requests since the last refusal or idle time.
#[derive(Debug)]
pub(super) struct Stretch {
    look_back: Duration,
    began: Option<Instant>,
    /// Seconds without a request before it.
    rested: f64,
    last: Option<Instant>,
    /// When those that were served reached the tenant, as far as one can tell: half-way through.
    served: VecDeque<Instant>,
    /// When the last that was refused did.
    refused: Option<Instant>,
}

/// A stretch at whose end the tenant's bucket was found empty.
#[derive(Debug)]
pub(super) struct Emptied {
    /// Its length, in seconds.
    pub(super) seconds: f64,
    /// When it ended.
    pub(super) until: Instant,
    rested: f64,
    whole: Window,
    windows: Vec<Window>,
}

/// How many requests were served in how many seconds, up to the refusal.
#[derive(Debug, Clone, Copy)]
struct Window {
    n: f64,
    seconds: f64,
}

impl Stretch {
    /// Of a tenant that may count within `window`.
    pub(super) fn new(window: Duration) -> Self {
        let look_back = LOOK_BACK.max(window);
        Self { look_back, began: None, rested: f64::INFINITY, last: None, served: VecDeque::new(), refused: None }
    }

    /// A request starts, at `rate` a second where there is a pace.
    pub(super) fn starts(&mut self, now: Instant, rate: Option<f64>) {
        let idle = rate.map_or(IDLE, |rate| IDLE.max(Duration::from_secs_f64(3.0 / rate)));
        let rested = self.last.map(|last| now.saturating_duration_since(last));
        if self.began.is_none() || rested.is_some_and(|rested| rested > idle) {
            self.began = Some(now);
            self.rested = rested.map_or(f64::INFINITY, |rested| rested.as_secs_f64());
            self.served.clear();
        }
        self.last = Some(now);
    }

    /// One of its requests was served.
    pub(super) fn served(&mut self, started: Instant, now: Instant) {
        if self.began.is_none_or(|began| started < began) {
            return;
        }
        self.served.push_back(half_way(started, now));
        while self.served.front().is_some_and(|first| now.saturating_duration_since(*first) > self.look_back) {
            self.served.pop_front();
        }
    }

    /// One of its requests was refused.
    pub(super) fn refused(&mut self, started: Instant, now: Instant) {
        if self.began.is_none_or(|began| started < began) {
            return;
        }
        let at = half_way(started, now);
        self.refused = Some(self.refused.map_or(at, |refused| refused.max(at)));
    }

    /// What there was to see, once, where a refusal has ended it. The next request begins another.
    pub(super) fn take_emptied(&mut self) -> Option<Emptied> {
        let until = self.refused.take()?;
        let began = self.began.take().unwrap_or(until);
        let began = until.checked_sub(self.look_back).map_or(began, |earliest| began.max(earliest));
        let mut served: Vec<Instant> = std::mem::take(&mut self.served).into();
        served.sort();
        let seconds = |from: Instant| until.saturating_duration_since(from).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a count of requests in half a minute")]
        let window = |nth: usize, from: Instant| Window { n: (served.len() - nth) as f64, seconds: seconds(from) };
        let step = served.len() / WINDOWS + 1;
        let windows = served.iter().enumerate().rev().step_by(step).map(|(nth, from)| window(nth, *from)).collect();
        self.last = Some(until);
        Some(Emptied { seconds: seconds(began), until, rested: self.rested, whole: window(0, began), windows })
    }
}

impl Emptied {
    /// Requests a second over its whole length and the pause after it.
    pub(super) fn rate_over(&self, pause: Duration) -> f64 {
        (self.whole.n + 1.0) / (self.seconds + pause.as_secs_f64())
    }

    /// What the tenant's bucket must have held at some moment, if it fills at `rate`. Where it was full at one
    /// of them, this is what it can hold.
    pub(super) fn held(&self, rate: f64) -> f64 {
        self.windows.iter().map(|window| window.n - rate * window.seconds).fold(1.0, f64::max)
    }

    /// The rate of a bucket that was found empty at the end of both stretches and can hold no more in this one
    /// than in the `first`, when it was full: at most `most`.
    pub(super) fn rate(&self, first: &Self, most: f64) -> f64 {
        // Either it was full at some moment of this stretch, or it held at the beginning what had come
        // together since it was last found empty. Both guess low where they do not apply.
        let full = root(most, |rate| self.held(rate) - first.held(rate));
        let credit = |rate: f64| first.held(rate).min(rate * self.rested);
        let partly_full = root(most, |rate| self.whole.n - rate * self.whole.seconds - credit(rate));
        full.max(partly_full)
    }
}

fn half_way(from: Instant, until: Instant) -> Instant {
    from + until.saturating_duration_since(from) / 2
}

/// Where a falling function crosses zero, between 0 and `most`.
fn root(most: f64, surplus: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, most);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if surplus(middle) > 0.0 { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stretch of requests that were all served, at these seconds, and then one that was refused.
    fn emptied(stretch: &mut Stretch, start: Instant, served: impl IntoIterator<Item = f64>, refused: f64) -> Emptied {
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        for seconds in served {
            stretch.starts(at(seconds), None);
            stretch.served(at(seconds), at(seconds));
        }
        stretch.starts(at(refused), None);
        stretch.refused(at(refused), at(refused));
        stretch.take_emptied().unwrap()
    }

    /// What a bucket of `burst` that fills at `rate` and is `full` to this share serves of requests at `pace`,
    /// up to the first it refuses.
    fn bucket(burst: f64, rate: f64, full: f64, pace: f64, from: f64) -> (Vec<f64>, f64) {
        let (mut tokens, mut served, mut now) = (burst * full, Vec::new(), from);
        while tokens >= 1.0 {
            tokens -= 1.0;
            served.push(now);
            now += 1.0 / pace;
            tokens = (tokens + rate / pace).min(burst);
        }
        (served, now)
    }

    #[test]
    fn two_stretches_give_the_rate_of_a_bucket() {
        let start = Instant::now();
        for (burst, rate, pace, full) in [(10.0, 50.0, 80.0, 1.0), (10.0, 50.0, 80.0, 0.5), (100.0, 20.0, 35.0, 0.2)] {
            let mut stretch = Stretch::new(Duration::from_secs(1));
            let (served, refused) = bucket(burst, rate, 1.0, 1_000.0, 0.0);
            let first = emptied(&mut stretch, start, served, refused);
            assert!((first.held(rate) - burst).abs() < 1.5, "{first:?}");
            let (served, end) = bucket(burst, rate, full, pace, refused + burst * full / rate);
            let second = emptied(&mut stretch, start, served, end);
            let found = second.rate(&first, pace);
            assert!((found / rate - 1.0).abs() < 0.1, "{burst} {rate} {full}: {found}");
        }
    }

    #[test]
    fn what_is_answered_after_the_next_stretch_began_counts_for_neither() {
        let start = Instant::now();
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let mut stretch = Stretch::new(Duration::from_secs(1));
        emptied(&mut stretch, start, [0.0], 0.1);
        stretch.refused(at(0.1), at(0.5));
        assert!(stretch.take_emptied().is_none());
        stretch.starts(at(1.0), None);
        stretch.served(at(0.1), at(1.1));
        stretch.refused(at(0.1), at(1.1));
        assert!(stretch.take_emptied().is_none());
        assert_eq!(emptied(&mut stretch, start, [1.0], 1.2).whole.n, 1.0);
    }

    #[test]
    fn a_first_request_long_before_the_others_does_not_count_as_their_burst() {
        let start = Instant::now();
        let mut stretch = Stretch::new(Duration::from_secs(1));
        let (served, refused) = bucket(10.0, 50.0, 1.0, 1_000.0, 1.0);
        let first = emptied(&mut stretch, start, [0.0].into_iter().chain(served), refused);
        let (served, end) = bucket(10.0, 50.0, 1.0, 80.0, 2.0);
        let found = emptied(&mut stretch, start, served, end).rate(&first, 80.0);
        assert!((found / 50.0 - 1.0).abs() < 0.05, "{found}");
    }
}
