//! When the next pass runs: pure, but for the dice it is handed.

use std::time::Duration;

use jiff::Timestamp;

use super::SyncResult;

/// The first wait after a pass that could not do its work; it doubles with each further one.
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LONGEST_RETRY: Duration = Duration::from_secs(5 * 60);
/// An environment that somebody else holds is looked at again after this long.
const BUSY_RETRY: Duration = Duration::from_secs(15);

/// What a result means for the next pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Look again at the usual time.
    AtTheInterval,
    /// Something on the way failed: look again after this long, or at the interval if that is sooner.
    RetryAfter(Duration),
}

/// What the result of a pass, after `n_failures` failed ones in a row (itself included), means for the
/// next. A refusal waits for a commit, which wakes the controller by itself.
#[must_use]
pub fn advice(result: SyncResult, n_failures: u32) -> Advice {
    match result {
        SyncResult::Error => {
            let doubled = FIRST_RETRY * 2_u32.saturating_pow(n_failures.saturating_sub(1).min(16));
            Advice::RetryAfter(doubled.min(LONGEST_RETRY))
        }
        SyncResult::Busy => Advice::RetryAfter(BUSY_RETRY),
        SyncResult::InSync
        | SyncResult::Planned
        | SyncResult::Deployed
        | SyncResult::Drifted
        | SyncResult::Suspended
        | SyncResult::RolledBack
        | SyncResult::RollbackIncomplete
        | SyncResult::Refused => Advice::AtTheInterval,
    }
}

/// The time to the next pass: the interval, or sooner where `advice` says so, spread by up to a tenth
/// either way so that many controllers do not knock at the same moment.
#[must_use]
pub fn next_tick(interval: Duration, advice: Advice, random: u64) -> Duration {
    let wait = match advice {
        Advice::AtTheInterval => interval,
        Advice::RetryAfter(wait) => wait.min(interval),
    };
    let spread = wait / 5;
    let share = (random % 1_001) as u32;
    wait - wait / 10 + spread * share / 1_000
}

/// A wait that ends when something opens, where that is sooner.
#[must_use]
pub fn no_later_than(tick: Duration, opens: Option<Timestamp>, now: Timestamp) -> Duration {
    let wait = opens.and_then(|opens| Duration::try_from(opens.duration_since(now)).ok());
    wait.map_or(tick, |wait| wait.min(tick))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_when_a_window_opens() {
        let minute = Duration::from_secs(60);
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let wait = |opens: Option<&str>| no_later_than(minute, opens.map(|opens| opens.parse().unwrap()), now);
        assert_eq!(wait(None), minute);
        assert_eq!(wait(Some("2026-11-26T12:00:07.5Z")), Duration::from_millis(7_500));
        assert_eq!(wait(Some("2026-11-26T13:00:00Z")), minute);
        assert_eq!(wait(Some("2026-11-26T11:59:59Z")), minute, "it has opened, and the pass did not see it");
    }

    #[test]
    fn ticks_stay_within_a_tenth_of_the_interval() {
        let interval = Duration::from_secs(60);
        for random in 0..2_000 {
            let tick = next_tick(interval, Advice::AtTheInterval, random);
            assert!(tick >= Duration::from_secs(54) && tick <= Duration::from_secs(66));
        }
    }

    #[test]
    fn a_pass_that_failed_is_repeated_soon_then_less_and_less_often() {
        let hour = Duration::from_secs(3600);
        let wait = |n_failures| next_tick(hour, advice(SyncResult::Error, n_failures), 500).as_secs();
        assert_eq!([1, 2, 3, 4, 20].map(wait), [2, 4, 8, 16, 300]);
        assert_eq!(next_tick(Duration::from_secs(1), advice(SyncResult::Busy, 1), 500), Duration::from_secs(1));
        assert_eq!(advice(SyncResult::Refused, 9), Advice::AtTheInterval);
    }
}
