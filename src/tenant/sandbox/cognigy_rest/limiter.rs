//! The rate limit: so many requests of one address in any window (vendor's reference).

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use super::rules::WindowLimit;

/// Addresses remembered before those are forgotten that have not asked within the window.
const ADDRESSES_MAX: usize = 1_000;

/// When each address asked, as far back as the window reaches; in milliseconds.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    asked: HashMap<IpAddr, VecDeque<u64>>,
}

impl Limiter {
    /// Lets a request in; the error is the time until there is room for one. A request turned away does not count.
    pub(super) fn admit(&mut self, limit: WindowLimit, from: IpAddr, now_ms: u64) -> Result<(), Duration> {
        let window_ms = u64::try_from(limit.window.as_millis()).unwrap_or(u64::MAX);
        if self.asked.len() > ADDRESSES_MAX {
            self.asked.retain(|_, asked| asked.back().is_some_and(|at| at.saturating_add(window_ms) > now_ms));
        }
        let asked = self.asked.entry(from).or_default();
        while asked.front().is_some_and(|at| at.saturating_add(window_ms) <= now_ms) {
            asked.pop_front();
        }
        if asked.len() < limit.requests {
            asked.push_back(now_ms);
            return Ok(());
        }
        let free_at = asked.front().map_or(now_ms, |at| at.saturating_add(window_ms));
        Err(Duration::from_millis(free_at.saturating_sub(now_ms)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_slides_and_each_address_has_its_own() {
        let limit = WindowLimit { requests: 2, window: Duration::from_secs(300) };
        let (one, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let mut limiter = Limiter::default();
        assert_eq!(limiter.admit(limit, one, 0), Ok(()));
        assert_eq!(limiter.admit(limit, one, 100_000), Ok(()));
        assert_eq!(limiter.admit(limit, one, 100_000), Err(Duration::from_secs(200)));
        assert_eq!(limiter.admit(limit, other, 100_000), Ok(()));
        assert_eq!(limiter.admit(limit, one, 300_000), Ok(()));
        assert_eq!(limiter.admit(limit, one, 300_001), Err(Duration::from_millis(99_999)));
    }
}
