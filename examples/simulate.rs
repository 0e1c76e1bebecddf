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

use clap::{Parser, ValueEnum};
use simulator::enumerated::{self, Which};
use simulator::{many, reviewed, seeded};

/// Whom the engine deploys to.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Api {
    FlowsV2,
    /// The vendor's own: flowsync's client against a project in the same process
    CognigyRest,
}

/// What keeps the engine from deploying at times.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Guard {
    /// `approval: manifest`: whatever is deployed was reviewed
    Approval,
    /// People suspend the environment, and resume it
    Suspension,
    /// It may be written to in windows only
    Windows,
}

/// The lives that seeds are of.
#[derive(Clone, Copy)]
struct Lives {
    api: Api,
    guard: Option<Guard>,
}

impl Lives {
    fn run(self, seed: u64, talk: bool) -> many::Outcome {
        match (self.api, self.guard) {
            (Api::CognigyRest, _) => seeded::run_project(seed, talk),
            (Api::FlowsV2, None) => seeded::run(seed, talk),
            (Api::FlowsV2, Some(Guard::Approval)) => reviewed::run(seed, talk),
            (Api::FlowsV2, Some(Guard::Suspension)) => seeded::run_suspended(seed, talk),
            (Api::FlowsV2, Some(Guard::Windows)) => seeded::run_in_windows(seed, talk),
        }
    }

    /// What repeats a seed.
    fn variable(self) -> (&'static str, &'static str) {
        match (self.api, self.guard) {
            (Api::CognigyRest, _) => ("FLOWSYNC_SIM_PROJECT", "one_seed_of_a_project"),
            (Api::FlowsV2, None) => ("FLOWSYNC_SIM_SEED", "one_seed"),
            (Api::FlowsV2, Some(Guard::Approval)) => ("FLOWSYNC_SIM_REVIEWED", "one_reviewed_seed"),
            (Api::FlowsV2, Some(Guard::Suspension)) => ("FLOWSYNC_SIM_SUSPENDED", "one_suspended_seed"),
            (Api::FlowsV2, Some(Guard::Windows)) => ("FLOWSYNC_SIM_WINDOWS", "one_seed_in_windows"),
        }
    }
}

/// Runs simulations of the whole engine, and says which of them went wrong.
#[derive(Parser)]
#[command(after_help = "Exits with 1 where one went wrong, with 64 where it was called wrongly.")]
struct Arguments {
    /// Whom it deploys to
    #[arg(long, value_enum, default_value_t = Api::FlowsV2)]
    api: Api,
    /// What keeps it from deploying at times, by `flows-v2`
    #[arg(long, value_enum, conflicts_with_all = ["api", "pairs", "requests"])]
    guard: Option<Guard>,
    /// The first seed
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    from: u64,
    /// So many seeds
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    seeds: u64,
    /// Pairs of faults in one deployment instead of seeds: one of so many, with 1 all of them
    #[arg(long, value_name = "EVERY", conflicts_with_all = ["from", "seeds", "api"])]
    pairs: Option<NonZeroU64>,
    /// Every fault of every request of one deployment instead of seeds, by either route of `cognigy-rest`
    #[arg(long, conflicts_with_all = ["from", "seeds", "pairs", "api"])]
    requests: bool,
    /// Side by side [default: one for each processor]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Tells what happens in one seed, and runs nothing else
    #[arg(long, value_name = "SEED", conflicts_with_all = ["from", "seeds", "pairs", "requests", "threads"])]
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
const TOLD_EVERY: u64 = 1_000;

/// Runs a range of seeds; what went wrong, and in how many violations.
fn seeds(lives: Lives, from: u64, n_seeds: u64, n_threads: usize) -> (Vec<many::Failure>, u64) {
    let (n_done, n_violations, start) = (AtomicU64::new(0), AtomicU64::new(0), Instant::now());
    let one = |seed| {
        let outcome = lives.run(seed, false);
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

/// Runs every fault of every request, by either route; whether all went well.
fn every_request(n_threads: usize) -> bool {
    let mut went_well = true;
    for (which, variable) in [(Which::Packages, "FLOWSYNC_SIM_PACKAGES"), (Which::Nodes, "FLOWSYNC_SIM_NODES")] {
        let start = Instant::now();
        let singles = enumerated::singles(which);
        let run = |index: u64| enumerated::run(&singles[index as usize], false);
        let failures = many::run(0..singles.len() as u64, n_threads, usize::MAX, run);
        for many::Failure { name, violations } in &failures {
            println!(
                "{variable}={name} cargo test --test simulation one_case -- --exact --nocapture\n  {}",
                violations[0]
            );
        }
        let (n_wrong, seconds) = (failures.len(), start.elapsed().as_secs_f64());
        eprintln!("{} faults, {which:?}, in {seconds:.1} s: {n_wrong} went wrong", singles.len());
        went_well &= failures.is_empty();
    }
    went_well
}

fn main() {
    let Arguments { api, guard, from, seeds: n_seeds, pairs, requests, threads, tell } = Arguments::of_this_process();
    let lives = Lives { api, guard };
    let n_threads = threads.map_or_else(many::n_threads, NonZeroUsize::get);
    if let Some(seed) = tell {
        println!("{}", lives.run(seed, true).story);
        return;
    }
    let start = Instant::now();
    if requests {
        std::process::exit(i32::from(!every_request(n_threads)));
    }
    let (failures, counted, variable, test) = if let Some(every) = pairs {
        let (failures, n_run) = many::run_pairs(every.get() as usize, n_threads, usize::MAX);
        (failures, format!("{n_run} pairs of faults"), "FLOWSYNC_SIM_CASE", "one_case")
    } else {
        let (failures, n_violations) = seeds(lives, from, n_seeds, n_threads);
        let counted = format!("{n_seeds} seeds from {from}, a world each, {n_violations} violations");
        let (variable, test) = lives.variable();
        (failures, counted, variable, test)
    };
    for many::Failure { name, violations } in &failures {
        println!("{variable}={name} cargo test --test simulation {test} -- --exact --nocapture\n  {}", violations[0]);
    }
    eprintln!("{counted} in {:.1} s: {} went wrong", start.elapsed().as_secs_f64(), failures.len());
    std::process::exit(i32::from(!failures.is_empty()));
}
