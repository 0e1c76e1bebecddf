//! What becomes of spans, counted, so that each loss is told once and none too often.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many spans may wait to be sent, those under way included; whatever ends then is dropped.
pub(super) const WAITING_MAX: usize = 2_048;

/// Counts spans.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    n_waiting: usize,
    /// Those that could not be delivered since one last was.
    lost: Count,
    /// Those that found no room.
    dropped: Count,
    /// What is left was told: nothing is news any more.
    is_over: bool,
}

/// How many there were, and how many of them were told of.
#[derive(Debug, Default)]
struct Count {
    n: usize,
    n_told: usize,
}

impl Count {
    /// Whether it is to be told by now: the first time, and then each time there are twice as many.
    fn is_due(&mut self) -> bool {
        let is_due = self.n > 0 && self.n >= self.n_told * 2;
        if is_due {
            self.n_told = self.n;
        }
        is_due
    }
}

/// What a person should hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// So many could not be delivered since all last were.
    Lost(usize),
    /// They are delivered again, after so many that were not.
    Again(usize),
    /// So many found no room so far.
    Dropped(usize),
    /// It is over, and so many were not delivered that nobody was told of.
    Left(usize),
}

impl Tally {
    /// Takes one more span in, if there is room for it.
    pub(super) fn admits(&self) -> bool {
        let mut counts = self.counts();
        let has_room = counts.n_waiting < WAITING_MAX;
        *(if has_room { &mut counts.n_waiting } else { &mut counts.dropped.n }) += 1;
        has_room
    }

    /// Of a batch, so many were delivered, and so many are gone.
    pub(super) fn settled(&self, n_taken: usize, n_lost: usize) -> Vec<News> {
        let mut counts = self.counts();
        if counts.is_over {
            return Vec::new();
        }
        counts.n_waiting = counts.n_waiting.saturating_sub(n_taken + n_lost);
        counts.lost.n += n_lost;
        let news = if n_lost > 0 {
            counts.lost.is_due().then_some(News::Lost(counts.lost.n))
        } else {
            let lost = std::mem::take(&mut counts.lost);
            (lost.n > 0).then_some(News::Again(lost.n))
        };
        news.into_iter().chain(counts.dropped()).collect()
    }

    /// Nothing more is sent, and nothing told.
    pub(super) fn left(&self) -> Option<News> {
        let mut counts = self.counts();
        counts.is_over = true;
        let untold = |count: &Count| count.n - count.n_told;
        let n_left = counts.n_waiting + untold(&counts.lost) + untold(&counts.dropped);
        (n_left > 0).then_some(News::Left(n_left))
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn dropped(&mut self) -> Option<News> {
        self.dropped.is_due().then_some(News::Dropped(self.dropped.n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_again_and_again_is_told_each_time_there_is_twice_as_much() {
        let tally = Tally::default();
        (0..40).for_each(|_| assert!(tally.admits()));
        let told: Vec<News> = (0..8).flat_map(|_| tally.settled(0, 4)).collect();
        assert_eq!(told, [4, 8, 16, 32].map(News::Lost));
        assert_eq!(tally.settled(2, 2), [], "some of a batch");
        assert_eq!(tally.settled(4, 0), [News::Again(34)]);
        assert_eq!(tally.left(), None);
    }

    #[test]
    fn what_finds_no_room_is_dropped_and_told() {
        let tally = Tally::default();
        let n_admitted = (0..WAITING_MAX + 3).filter(|_| tally.admits()).count();
        assert_eq!(n_admitted, WAITING_MAX);
        assert_eq!(tally.settled(WAITING_MAX, 0), [News::Dropped(3)]);
        assert!(tally.admits(), "there is room again");
        assert_eq!(tally.settled(1, 0), [], "nothing new was dropped");
    }

    #[test]
    fn what_is_left_at_the_end_is_what_nobody_was_told_of() {
        let tally = Tally::default();
        (0..9).for_each(|_| assert!(tally.admits()));
        assert_eq!((tally.settled(0, 2), tally.settled(0, 1)), (vec![News::Lost(2)], Vec::new()));
        assert_eq!(tally.left(), Some(News::Left(7)), "six that wait, and one");
        assert_eq!(tally.settled(0, 6), [], "what is under way then is told already");
    }
}
