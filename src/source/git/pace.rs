//! How a fetch gets on: it ends where nothing comes any more, or where it takes longer than anybody waits, and it is
//! heard of while it lasts.
//!
//! libgit2 ends a silent connection by itself. A server that sends a byte a minute, or objects that take for ever to be
//! put together, would keep the clone's lock and its waiters all the same.

use std::cell::Cell;
use std::time::{Duration, Instant};

use git2::Progress;

/// A fetch in which nothing moves for so long is given up.
const STANDSTILL_MAX: Duration = Duration::from_secs(120);
/// A fetch that takes longer is given up.
const FETCH_MAX: Duration = Duration::from_secs(30 * 60);
/// A fetch that takes longer is told of, and again after each such time.
const SAID_EVERY: Duration = Duration::from_secs(10);

/// The pace of one conversation.
pub(super) struct Pace {
    started: Instant,
    moved: Cell<Instant>,
    said: Cell<Instant>,
    seen: Cell<Seen>,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) bytes: usize,
    pub(super) n_received: usize,
    pub(super) n_indexed: usize,
    pub(super) n_deltas: usize,
    pub(super) n_objects: usize,
}

impl Seen {
    pub(super) fn of(progress: &Progress<'_>) -> Self {
        Self {
            bytes: progress.received_bytes(),
            n_received: progress.received_objects(),
            n_indexed: progress.indexed_objects(),
            n_deltas: progress.indexed_deltas(),
            n_objects: progress.total_objects(),
        }
    }
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { started: now, moved: Cell::new(now), said: Cell::new(now), seen: Cell::default() }
    }

    /// Takes note of how far it has come, and says so now and then.
    ///
    /// # Errors
    /// Why it is given up, in words.
    pub(super) fn note(&self, url: &str, seen: Seen, now: Instant) -> Result<(), String> {
        if seen != self.seen.replace(seen) {
            self.moved.set(now);
        }
        let (lasts, stands) = (now - self.started, now - self.moved.get());
        let Seen { bytes, n_received, n_objects, .. } = seen;
        if now - self.said.get() >= SAID_EVERY {
            self.said.set(now);
            let (seconds, kib) = (lasts.as_secs(), bytes / 1024);
            tracing::warn!("fetching from `{url}` for {seconds} s: {n_received} of {n_objects} objects, {kib} KiB");
        }
        let so_far = format!("after {n_received} of {n_objects} objects and {} KiB", bytes / 1024);
        if stands > STANDSTILL_MAX {
            return Err(format!("nothing more came for {} s, {so_far}", STANDSTILL_MAX.as_secs()));
        }
        if lasts > FETCH_MAX {
            return Err(format!("it took more than {} minutes and is given up, {so_far}", FETCH_MAX.as_secs() / 60));
        }
        Ok(())
    }

    /// As [`Pace::note`], where nothing but a sign of life came.
    pub(super) fn note_alive(&self, url: &str, now: Instant) -> Result<(), String> {
        self.note(url, self.seen.get(), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(n: usize) -> Seen {
        Seen { bytes: n * 2048, n_received: n, n_indexed: n, n_deltas: 0, n_objects: 100_000 }
    }

    #[test]
    fn a_fetch_lasts_as_long_as_something_moves_and_no_longer_than_half_an_hour() {
        let start = Instant::now();
        let pace = Pace::new(start);
        let at = |minutes: u64| start + Duration::from_secs(60 * minutes);
        for minute in 0..=30 {
            pace.note("u", objects(minute as usize), at(minute)).unwrap();
        }
        let error = pace.note("u", objects(31), at(31)).unwrap_err();
        assert_eq!(error, "it took more than 30 minutes and is given up, after 31 of 100000 objects and 62 KiB");
    }

    #[test]
    fn a_fetch_that_stands_still_ends_whatever_else_is_said() {
        let start = Instant::now();
        let pace = Pace::new(start);
        pace.note("u", objects(7), start).unwrap();
        pace.note_alive("u", start + Duration::from_secs(119)).unwrap();
        let error = pace.note_alive("u", start + Duration::from_secs(121)).unwrap_err();
        assert_eq!(error, "nothing more came for 120 s, after 7 of 100000 objects and 14 KiB");
        let mut seen = objects(7);
        seen.n_deltas = 1;
        pace.note("u", seen, start + Duration::from_secs(122)).unwrap();
    }
}
