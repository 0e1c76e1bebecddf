//! Chance: pauses that two processes do not share, and names that nobody else takes.

use std::ops::Range;
use std::time::Duration;

/// A pause of so many milliseconds, the end left out.
pub(super) fn pause(millis: Range<u64>) -> Duration {
    Duration::from_millis(fastrand::u64(millis))
}

/// 16 hexadecimal digits.
pub(super) fn name() -> String {
    format!("{:016x}", fastrand::u64(..))
}
