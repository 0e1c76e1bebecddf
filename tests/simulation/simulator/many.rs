//! Many simulations at once, on threads.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::enumerated::{self, Which};
use super::invariant::Violation;

/// How a simulation ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was violated; nothing, if all is well.
    pub violations: Vec<Violation>,
    /// What happened, where it was asked for.
    pub story: String,
}

/// A simulation that went wrong.
pub struct Failure {
    /// Which: what `one_seed` or `one_case` is asked for to see it again.
    pub name: String,
    /// How.
    pub violations: Vec<String>,
}

/// Runs simulations `range` on `n_threads` threads; what went wrong, in order. Stops early after
/// `failures_max` of them.
pub fn run(
    range: Range<u64>,
    n_threads: usize,
    failures_max: usize,
    one: impl Fn(u64) -> Outcome + Sync,
) -> Vec<Failure> {
    let found = Mutex::new(Vec::new());
    on_threads(range, n_threads, |index| {
        let violations = guarded(|| one(index));
        let mut found = found.lock().unwrap();
        if !violations.is_empty() {
            found.push((index, Failure { name: index.to_string(), violations }));
        }
        found.len() < failures_max
    });
    in_order(found)
}

/// Runs about every `every`-th pair of faults; what went wrong, and how many were run.
pub fn run_pairs(every: usize, n_threads: usize, failures_max: usize) -> (Vec<Failure>, u64) {
    let singles = enumerated::singles(Which::FlowsV2);
    let found = Mutex::new(Vec::new());
    let n_run = AtomicU64::new(0);
    let (firsts, every) = (every.isqrt(), every.div_ceil(every.isqrt()));
    on_threads(0..singles.len() as u64, n_threads, |first| {
        if !(first as usize).is_multiple_of(firsts) {
            return true;
        }
        let pairs = enumerated::pairs(&singles[first as usize]);
        // Another beginning for each first fault, so that every operation is hit as a second one.
        for (second, case) in pairs.iter().enumerate().skip((first as usize * 7) % every).step_by(every) {
            n_run.fetch_add(1, Ordering::Relaxed);
            let violations = guarded(|| enumerated::run(case, false));
            let mut found = found.lock().unwrap();
            if !violations.is_empty() {
                found.push(((first, second), Failure { name: format!("{first}.{second}"), violations }));
            }
            if found.len() >= failures_max {
                return false;
            }
        }
        true
    });
    (in_order(found), n_run.into_inner())
}

/// The case of a failure's name, told.
pub fn run_case(which: Which, name: &str) -> Outcome {
    let (first, second) = name.split_once('.').unwrap_or((name, ""));
    let single = &enumerated::singles(which)[first.parse::<usize>().unwrap()];
    let case =
        second.parse::<usize>().map_or_else(|_| single.clone(), |second| enumerated::pairs(single)[second].clone());
    let mut outcome = enumerated::run(&case, true);
    outcome.story.insert_str(0, &format!("{case:?}\n"));
    outcome
}

/// As many threads as there are processors.
pub fn n_threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn on_threads(range: Range<u64>, n_threads: usize, go_on: impl Fn(u64) -> bool + Sync) {
    let next = AtomicU64::new(range.start);
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= range.end || !go_on(index) {
                next.store(range.end, Ordering::Relaxed);
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..n_threads {
            scope.spawn(work);
        }
    });
}

fn guarded(one: impl FnOnce() -> Outcome) -> Vec<String> {
    match catch_unwind(AssertUnwindSafe(one)) {
        Ok(outcome) => outcome.violations.iter().map(ToString::to_string).collect(),
        Err(panic) => vec![format!("panicked: {}", words(&*panic))],
    }
}

fn in_order<K: Ord>(found: Mutex<Vec<(K, Failure)>>) -> Vec<Failure> {
    let mut found = found.into_inner().unwrap();
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found.into_iter().map(|(_, failure)| failure).collect()
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
