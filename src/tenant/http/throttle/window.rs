//! How many requests may be in flight: halved when the tenant says 429, won back one at a time.

use std::num::NonZeroUsize;

/// A window over the requests in flight.
#[derive(Debug)]
pub(super) struct Window {
    most: usize,
    allowed: usize,
    in_flight: usize,
    n_well: usize,
}

impl Window {
    pub(super) fn new(most: NonZeroUsize) -> Self {
        Self { most: most.get(), allowed: most.get(), in_flight: 0, n_well: 0 }
    }

    /// Allows for more than so far. What was lost to a 429 is still to be won back.
    pub(super) fn raise(&mut self, most: usize) {
        let more = most.saturating_sub(self.most);
        self.most += more;
        self.allowed += more;
    }

    pub(super) fn has_room(&self) -> bool {
        self.in_flight < self.allowed
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) fn allowed(&self) -> usize {
        self.allowed
    }

    pub(super) fn enter(&mut self) {
        self.in_flight += 1;
    }

    pub(super) fn leave(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// A request went well; a whole window of them wins one place back.
    pub(super) fn widen(&mut self) {
        self.n_well += 1;
        if self.n_well >= self.allowed {
            self.n_well = 0;
            self.allowed = (self.allowed + 1).min(self.most);
        }
    }

    pub(super) fn halve(&mut self) {
        self.n_well = 0;
        self.allowed = (self.allowed / 2).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_halves_to_one_and_wins_back_one_a_window() {
        let mut window = Window::new(NonZeroUsize::new(8).unwrap());
        let allowed = |window: &mut Window, step: fn(&mut Window)| {
            step(window);
            window.allowed
        };
        assert_eq!([(); 4].map(|()| allowed(&mut window, Window::halve)), [4, 2, 1, 1]);
        assert_eq!([(); 7].map(|()| allowed(&mut window, Window::widen)), [2, 2, 3, 3, 3, 4, 4]);
        for _ in 0..100 {
            window.widen();
        }
        assert_eq!(window.allowed, 8);
        window.halve();
        window.raise(3);
        assert_eq!(window.allowed, 4, "less is no reason to lower it");
        window.raise(10);
        assert_eq!(window.allowed, 6);
    }
}
