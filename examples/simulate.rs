//! Simulations by the million: `cargo run --release --example simulate -- --seeds 1000000 --threads 8`.
//!
//! `--from N` begins at another seed; `--pairs EVERY` runs pairs of faults instead, `--pairs 1` all of
//! them. Each failure is a line that repeats it; `--tell N` tells what happens in one seed.

#![allow(unreachable_pub, dead_code, reason = "a module shared by a test and an example")]
#![allow(clippy::disallowed_methods, reason = "a program of its own: its exit code is its verdict")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../tests/simulation/simulator/mod.rs"]
mod simulator;

use std::time::Instant;

use simulator::{many, seeded};

const FAILURES_MAX: usize = 20;

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
    let (failures, n_run, variable, test) = if let Some(every) = option("--pairs") {
        let (failures, n_run) = many::run_pairs(every.max(1) as usize, n_threads, FAILURES_MAX);
        (failures, n_run, "FLOWSYNC_SIM_CASE", "one_case")
    } else {
        let (from, seeds) = (option("--from").unwrap_or(0), option("--seeds").unwrap_or(100_000));
        let failures = many::run(from..from + seeds, n_threads, FAILURES_MAX, |seed| seeded::run(seed, false));
        (failures, seeds, "FLOWSYNC_SIM_SEED", "one_seed")
    };
    for many::Failure { name, violations } in &failures {
        println!("{variable}={name} cargo test --test simulation {test} -- --exact --nocapture\n  {}", violations[0]);
    }
    eprintln!("{n_run} simulations in {:.1} s, {} went wrong", start.elapsed().as_secs_f64(), failures.len());
    std::process::exit(i32::from(!failures.is_empty()));
}
