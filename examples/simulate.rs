//! Simulations by the million: `cargo run --release --example simulate -- --seeds 1000000 --threads 8`.
//!
//! `--from N` begins at another seed; `--pairs EVERY` runs pairs of faults instead, `--pairs 1` all of
//! them. Each failure is told at once, with the line that repeats it, and does not end the run; the last line counts
//! everything. `--tell N` tells what happens in one seed.

#![allow(unreachable_pub, dead_code, reason = "a module shared by a test and an example")]
#![allow(clippy::disallowed_methods, reason = "a program of its own: its exit code is its verdict")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../tests/simulation/simulator/mod.rs"]
mod simulator;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use simulator::{many, seeded};

/// How far it is is told after every so many seeds.
const TOLD_EVERY: u64 = 10_000;

/// Runs a range of seeds; what went wrong, and in how many violations.
fn seeds(from: u64, n_seeds: u64, n_threads: usize) -> (Vec<many::Failure>, u64) {
    let (n_done, n_violations, start) = (AtomicU64::new(0), AtomicU64::new(0), Instant::now());
    let one = |seed| {
        let outcome = seeded::run(seed, false);
        let n_new = outcome.violations.len() as u64;
        let n_violated = n_violations.fetch_add(n_new, Ordering::Relaxed) + n_new;
        if let Some(violation) = outcome.violations.first() {
            eprintln!("seed {seed}: {violation}");
        }
        let n_done = n_done.fetch_add(1, Ordering::Relaxed) + 1;
        if n_done.is_multiple_of(TOLD_EVERY) {
            let rate = n_done as f64 / start.elapsed().as_secs_f64();
            eprintln!("{n_done} of {n_seeds} seeds, {rate:.0} a second, {n_violated} violations");
        }
        outcome
    };
    let failures = many::run(from..from.saturating_add(n_seeds), n_threads, usize::MAX, one);
    (failures, n_violations.into_inner())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).and_then(|value| value.parse::<u64>().ok())
    };
    let n_threads = option("--threads").map_or_else(many::n_threads, |threads| threads as usize);
    if let Some(seed) = option("--tell") {
        println!("{}", seeded::run(seed, true).story);
        return;
    }
    let start = Instant::now();
    let (failures, counted, variable, test) = if let Some(every) = option("--pairs") {
        let (failures, n_run) = many::run_pairs(every.max(1) as usize, n_threads, usize::MAX);
        (failures, format!("{n_run} pairs of faults"), "FLOWSYNC_SIM_CASE", "one_case")
    } else {
        let (from, n_seeds) = (option("--from").unwrap_or(0), option("--seeds").unwrap_or(100_000));
        let (failures, n_violations) = seeds(from, n_seeds, n_threads);
        let counted = format!("{n_seeds} seeds from {from}, a world each, {n_violations} violations");
        (failures, counted, "FLOWSYNC_SIM_SEED", "one_seed")
    };
    for many::Failure { name, violations } in &failures {
        println!("{variable}={name} cargo test --test simulation {test} -- --exact --nocapture\n  {}", violations[0]);
    }
    eprintln!("{counted} in {:.1} s: {} went wrong", start.elapsed().as_secs_f64(), failures.len());
    std::process::exit(i32::from(!failures.is_empty()));
}
