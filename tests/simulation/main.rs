//! Proof by simulation: seeds by the thousand, and every fault and crash point of one deployment.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod simulator;

use simulator::{many, seeded};

const SEEDS: u64 = 3_000;

#[test]
fn whatever_happens_a_deployment_is_live_wholly_or_not_at_all() {
    let failures = many::run(0..SEEDS, many::n_threads(), 10, |seed| seeded::run(seed, false));
    for failure in &failures {
        eprintln!(
            "seed {}: {}\n  again: FLOWSYNC_SIM_SEED={} cargo test --test simulation one_seed -- --nocapture",
            failure.index, failure.violations[0], failure.index
        );
    }
    assert!(failures.is_empty(), "{} seeds failed", failures.len());
}

#[test]
fn one_seed() {
    let Some(seed) = std::env::var("FLOWSYNC_SIM_SEED").ok().and_then(|seed| seed.parse().ok()) else { return };
    let outcome = seeded::run(seed, true);
    eprintln!("{}", outcome.story);
    assert!(outcome.violations.is_empty(), "{}", outcome.violations.join("\n"));
}
