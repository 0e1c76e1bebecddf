//! The rate limit: a bucket that holds `burst` requests and fills at `per_second`.

use std::time::Duration;

use tokio::time::Instant;

use super::settings::Rate;

/// How much of the burst is left.
#[derive(Debug)]
pub(super) struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn full(rate: Rate, now: Instant) -> Self {
        Self { left: f64::from(rate.burst), at: now }
    }

    /// Takes one request out; the error is the time until there is one to take.
    pub(super) fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        let filled = now.saturating_duration_since(self.at).as_secs_f64() * rate.per_second;
        self.left = (self.left + filled).min(f64::from(rate.burst));
        self.at = now;
        if self.left >= 1.0 {
            self.left -= 1.0;
            return Ok(());
        }
        Err(Duration::try_from_secs_f64((1.0 - self.left) / rate.per_second).unwrap_or(Duration::MAX))
    }
}

/// `Retry-After` in whole seconds, rounded up, at least 1.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_burst_passes_at_once_and_the_rest_at_the_rate() {
        let rate = Rate { per_second: 4.0, burst: 2 };
        let start = Instant::now();
        let mut bucket = Bucket::full(rate, start);
        assert_eq!(bucket.take(rate, start), Ok(()));
        assert_eq!(bucket.take(rate, start), Ok(()));
        assert_eq!(bucket.take(rate, start), Err(Duration::from_millis(250)));
        assert_eq!(bucket.take(rate, start + Duration::from_millis(250)), Ok(()));
        assert!(bucket.take(rate, start + Duration::from_millis(250)).is_err());
    }

    #[test]
    fn the_wait_is_rounded_up_to_whole_seconds() {
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(2)), 2);
        assert_eq!(whole_seconds(Duration::from_millis(2001)), 3);
    }
}
