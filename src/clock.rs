//! The edge to time and chance: everything else is handed a [`Clock`].
//!
//! A machine has several clocks, and each may be wrong in its own way: the wall clock is set by people and
//! by NTP, the monotonic one stands still while the machine is suspended. A [`ClockReading`] looks at all of
//! them at once; how far two readings lie apart is what the clock that runs furthest says.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Wall time, time passed, and randomness. Two implementations: the machine's, and a simulation's.
pub trait Clock: Send + Sync + 'static {
    /// Wall time now.
    fn now(&self) -> Timestamp;
    /// Random bits, for ids and jitter.
    fn random(&self) -> u64;
    /// Every clock of the machine, now.
    fn reading(&self) -> ClockReading;
}

/// What every clock of a machine shows at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// The wall clock: it may be set, forwards and backwards.
    pub wall: Timestamp,
    /// Time since some fixed moment; it may stand still while the machine is suspended.
    pub monotonic: Duration,
    /// Time since the machine was started, time suspended included; absent where there is no such clock.
    pub boot: Option<Duration>,
}

/// How much time passed between two readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed {
    /// By the clock that says most.
    pub longest: Duration,
    /// How far the clocks disagree: a machine that slept, or a wall clock that was set.
    pub gap: Duration,
}

impl ClockReading {
    /// The time from `earlier` to this reading.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Elapsed {
        let signed = |time: Duration| SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        let forward = |now: Duration, then: Duration| signed(now.saturating_sub(then));
        let wall = self.wall.duration_since(earlier.wall);
        let monotonic = forward(self.monotonic, earlier.monotonic);
        let boot = self.boot.zip(earlier.boot).map_or(monotonic, |(now, then)| forward(now, then));
        let longest = wall.max(monotonic).max(boot);
        let shortest = wall.min(monotonic).min(boot);
        let gap = longest.saturating_sub(shortest);
        Elapsed { longest: longest.unsigned_abs(), gap: gap.unsigned_abs() }
    }
}

/// `time` so much later, or the last moment there is: times come from records that anybody can write.
#[must_use]
pub fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// `time` so much earlier, or the first moment there is.
#[must_use]
pub fn earlier(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_sub(by).unwrap_or(Timestamp::MIN)
}

/// A wait of this length ends after everything else.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// The instant so long from now, or one in a year where that is too far for the machine's clock.
#[must_use]
pub fn in_future(wait: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(wait.min(FAR)).unwrap_or(now)
}

/// The machine's clocks and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the edge")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn random(&self) -> u64 {
        fastrand::u64(..)
    }

    fn reading(&self) -> ClockReading {
        ClockReading { wall: self.now(), monotonic: machine::monotonic(), boot: machine::boot() }
    }
}

#[cfg(unix)]
mod machine {
    use std::time::Duration;

    use rustix::time::{ClockId, Timespec, clock_gettime};

    pub(super) fn monotonic() -> Duration {
        duration(clock_gettime(ClockId::Monotonic))
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn boot() -> Option<Duration> {
        use rustix::time::{DynamicClockId, clock_gettime_dynamic};
        clock_gettime_dynamic(DynamicClockId::Boottime).ok().map(duration)
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) fn boot() -> Option<Duration> {
        None
    }

    fn duration(time: Timespec) -> Duration {
        Duration::try_from(time).unwrap_or_default()
    }
}

#[cfg(not(unix))]
mod machine {
    use std::sync::OnceLock;
    use std::time::{Duration, Instant};

    pub(super) fn monotonic() -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }

    pub(super) fn boot() -> Option<Duration> {
        None
    }
}

/// Clocks for tests and simulations: they follow tokio's (pausable) time from a fixed start, until somebody
/// sets the wall clock or lets the machine sleep; chance comes from a seed.
#[derive(Debug)]
pub struct SimulatedClock {
    origin: Timestamp,
    start: Instant,
    random: std::sync::Mutex<fastrand::Rng>,
    moved: std::sync::Mutex<Moved>,
}

/// What happened to the clocks of a simulated machine.
#[derive(Debug, Clone, Copy, Default)]
struct Moved {
    /// How far the wall clock was set forward in all.
    wall: SignedDuration,
    /// How long the machine slept in all.
    asleep: Duration,
    no_boot_clock: bool,
}

impl SimulatedClock {
    /// A clock that shows `origin` now.
    #[must_use]
    pub fn starting_at(origin: Timestamp, seed: u64) -> Self {
        let random = std::sync::Mutex::new(fastrand::Rng::with_seed(seed));
        Self { origin, start: Instant::now(), random, moved: std::sync::Mutex::default() }
    }

    /// Sets the wall clock so much forward, or backward; the other clocks notice nothing.
    pub fn step(&self, by: SignedDuration) {
        self.change(|moved| moved.wall = moved.wall.saturating_add(by));
    }

    /// The machine slept for the last `time` that passed: the monotonic clock did not count it. Whoever
    /// says so has let that time pass, and nothing of this machine run meanwhile.
    pub fn slept(&self, time: Duration) {
        self.change(|moved| moved.asleep = moved.asleep.saturating_add(time));
    }

    /// From now on there is no clock that counts time suspended.
    pub fn lose_boot_clock(&self) {
        self.change(|moved| moved.no_boot_clock = true);
    }

    fn change(&self, change: impl FnOnce(&mut Moved)) {
        change(&mut self.moved.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    fn moved(&self) -> Moved {
        *self.moved.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        let wall = later(self.origin, self.start.elapsed());
        wall.checked_add(self.moved().wall).unwrap_or(wall)
    }

    fn random(&self) -> u64 {
        self.random.lock().unwrap_or_else(std::sync::PoisonError::into_inner).u64(..)
    }

    fn reading(&self) -> ClockReading {
        let (elapsed, moved) = (self.start.elapsed(), self.moved());
        ClockReading {
            wall: self.now(),
            monotonic: elapsed.saturating_sub(moved.asleep),
            boot: (!moved.no_boot_clock).then_some(elapsed),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::time::sleep;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn simulated() -> SimulatedClock {
        SimulatedClock::starting_at(Timestamp::UNIX_EPOCH, 1)
    }

    #[tokio::test(start_paused = true)]
    async fn clocks_that_nobody_moves_agree() {
        let clock = simulated();
        let before = clock.reading();
        sleep(MINUTE).await;
        assert_eq!(clock.reading().since(&before), Elapsed { longest: MINUTE, gap: Duration::ZERO });
    }

    #[tokio::test(start_paused = true)]
    async fn sleep_and_steps_in_either_direction_are_gaps_and_the_latest_clock_counts() {
        for has_boot_clock in [true, false] {
            let clock = simulated();
            if !has_boot_clock {
                clock.lose_boot_clock();
            }
            let before = clock.reading();
            sleep(MINUTE).await;
            clock.slept(MINUTE);
            assert_eq!(clock.reading().since(&before), Elapsed { longest: MINUTE, gap: MINUTE });
        }
        let clock = simulated();
        let before = clock.reading();
        clock.step(SignedDuration::from_mins(10));
        assert_eq!(clock.reading().since(&before), Elapsed { longest: 10 * MINUTE, gap: 10 * MINUTE });
        clock.step(SignedDuration::from_mins(-15));
        sleep(MINUTE).await;
        assert_eq!(clock.reading().since(&before), Elapsed { longest: MINUTE, gap: 5 * MINUTE });
    }

    #[test]
    fn the_machine_has_clocks() {
        let before = SystemClock.reading();
        let after = SystemClock.reading();
        assert!(after.monotonic >= before.monotonic && after.monotonic > Duration::ZERO);
        assert_eq!(after.boot.is_some(), cfg!(any(target_os = "linux", target_os = "android")));
    }

    proptest! {
        #[test]
        fn no_time_is_too_far(seconds in any::<i64>(), by in any::<u64>(), nanos in 0..1_000_000_000_u32) {
            let span = Duration::new(by, nanos);
            let time = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
            prop_assert!(later(time, span) >= time);
            prop_assert!(earlier(time, span) <= time);
            prop_assert!(in_future(span).elapsed() < Duration::from_secs(60));
            let reading = |wall, at| ClockReading { wall, monotonic: at, boot: Some(at) };
            let (first, last) = (reading(Timestamp::MIN, Duration::ZERO), reading(time, span));
            prop_assert!(last.since(&first).longest >= span.min(Duration::from_secs(i64::MAX as u64)));
            prop_assert_eq!(first.since(&last).longest, Duration::ZERO, "what went backwards took no time");
        }
    }
}
