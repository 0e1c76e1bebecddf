//! When the next pass runs: pure, but for the dice it is handed.

use std::time::Duration;

/// The time to the next pass: the interval, spread by up to a tenth either way so that many
/// controllers do not knock at the same moment.
#[must_use]
pub fn next_tick(interval: Duration, random: u64) -> Duration {
    let spread = interval / 5;
    let share = (random % 1_001) as u32;
    interval - interval / 10 + spread * share / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stay_within_a_tenth_of_the_interval() {
        let interval = Duration::from_secs(60);
        for random in 0..2_000 {
            let tick = next_tick(interval, random);
            assert!(tick >= Duration::from_secs(54) && tick <= Duration::from_secs(66));
        }
    }
}
