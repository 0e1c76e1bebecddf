//! Many simulations at once, on threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Outcome;

/// A simulation that went wrong.
pub struct Failure {
    /// Which.
    pub index: u64,
    /// How.
    pub violations: Vec<String>,
}

/// Runs simulations `range` on `n_threads` threads; what went wrong, by number. Stops early after
/// `failures_max` of them.
pub fn run(
    range: std::ops::Range<u64>,
    n_threads: usize,
    failures_max: usize,
    one: impl Fn(u64) -> Outcome + Sync,
) -> Vec<Failure> {
    let next = AtomicU64::new(range.start);
    let failures = Mutex::new(Vec::new());
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= range.end || failures.lock().unwrap().len() >= failures_max {
                return;
            }
            let violations = match catch_unwind(AssertUnwindSafe(|| one(index))) {
                Ok(outcome) => outcome.violations,
                Err(panic) => vec![format!("panicked: {}", words(&*panic))],
            };
            if !violations.is_empty() {
                failures.lock().unwrap().push(Failure { index, violations });
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..n_threads {
            scope.spawn(work);
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort_by_key(|failure| failure.index);
    failures
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// As many threads as there are processors.
pub fn n_threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
