//! Simulations by the million: `cargo run --release --example simulate -- --seeds 1000000 --threads 8`.
//!
//! Each failure is told at once, with the line that repeats it, and does not end the run; the last line counts
//! everything. `--help` tells the rest.

#![allow(unreachable_pub, dead_code, reason = "a module shared by a test and an example")]
#![allow(clippy::disallowed_methods, reason = "a program of its own: its exit code is its verdict")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../tests/simulation/simulator/mod.rs"]
mod simulator;

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use simulator::{many, seeded};

/// Runs simulations of the whole engine, and says which of them went wrong.
#[derive(Parser)]
#[command(after_help = "Exits with 1 where one went wrong, with 64 where it was called wrongly.")]
struct Arguments {
    /// The first seed
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    from: u64,
    /// So many seeds
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    seeds: u64,
    /// Pairs of faults in one deployment instead of seeds: one of so many, with 1 all of them
    #[arg(long, value_name = "EVERY", conflicts_with_all = ["from", "seeds"])]
    pairs: Option<NonZeroU64>,
    /// Side by side [default: one for each processor]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Tells what happens in one seed, and runs nothing else
    #[arg(long, value_name = "SEED", conflicts_with_all = ["from", "seeds", "pairs", "threads"])]
    tell: Option<u64>,
}

impl Arguments {
    /// As the commands of flowsync end where they are called wrongly.
    fn of_this_process() -> Self {
        Self::try_parse().unwrap_or_else(|error| {
            _ = error.print();
            std::process::exit(if error.use_stderr() { 64 } else { 0 })
        })
    }
}

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
    let Arguments { from, seeds: n_seeds, pairs, threads, tell } = Arguments::of_this_process();
    let n_threads = threads.map_or_else(many::n_threads, NonZeroUsize::get);
    if let Some(seed) = tell {
        println!("{}", seeded::run(seed, true).story);
        return;
    }
    let start = Instant::now();
    let (failures, counted, variable, test) = if let Some(every) = pairs {
        let (failures, n_run) = many::run_pairs(every.get() as usize, n_threads, usize::MAX);
        (failures, format!("{n_run} pairs of faults"), "FLOWSYNC_SIM_CASE", "one_case")
    } else {
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
