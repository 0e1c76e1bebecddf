//! How many items to ask for in one page: as many as the tenant makes in one go, and as there is room for.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::web::SHARE_BYTES_MAX;

/// What is expected of the first page.
const FIRST_BYTES: u64 = 1024 * 1024;

/// What the pages of one list have taught so far.
#[derive(Debug)]
pub(super) struct Fit {
    items_max: AtomicU64,
    /// Bytes of an item in the newest page; 0 before the first.
    bytes_each: AtomicU64,
}

impl Fit {
    pub(super) fn new(items_max: u64) -> Self {
        Self { items_max: AtomicU64::new(items_max.max(1)), bytes_each: AtomicU64::new(0) }
    }

    /// Items to ask for, from 1.
    pub(super) fn n_items(&self) -> u64 {
        let by_size = SHARE_BYTES_MAX / self.bytes_each.load(Ordering::Relaxed).max(1);
        self.items_max.load(Ordering::Relaxed).min(by_size).max(1)
    }

    /// Bytes that so many items are expected to have.
    pub(super) fn bytes_of(&self, n_items: u64) -> u64 {
        match self.bytes_each.load(Ordering::Relaxed) {
            0 => FIRST_BYTES,
            each => each.saturating_mul(n_items),
        }
    }

    /// A page of so many items came.
    pub(super) fn came(&self, bytes: u64, n_items: u64) {
        if let Some(each) = bytes.checked_div(n_items) {
            self.bytes_each.store(each.max(1), Ordering::Relaxed);
        }
    }

    /// The tenant cannot make larger pages.
    pub(super) fn at_most(&self, n_items: u64) {
        self.items_max.fetch_min(n_items.max(1), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_asked_for_by_what_items_weigh_and_never_larger_than_the_tenant_makes_them() {
        let fit = Fit::new(100);
        assert_eq!((fit.n_items(), fit.bytes_of(100)), (100, FIRST_BYTES));
        fit.came(100 * 1024, 100);
        assert_eq!((fit.n_items(), fit.bytes_of(100)), (100, 100 * 1024));
        fit.came(52 << 20, 50);
        assert_eq!(fit.n_items(), 3, "a little over one MiB each");
        fit.came(60 << 20, 1);
        assert_eq!((fit.n_items(), fit.bytes_of(1)), (1, 60 << 20));
        fit.at_most(12);
        fit.came(10, 10);
        assert_eq!(fit.n_items(), 12);
    }
}
