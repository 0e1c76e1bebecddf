//! Proof by simulation: seeds by the thousand, and every fault and crash point of one deployment.
//! `examples/simulate.rs` runs the same by the million.

#![allow(unreachable_pub, dead_code, reason = "a module shared by a test and an example")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod simulator;

use simulator::enumerated::Which;
use simulator::invariant::Invariant;
use simulator::{broken, enumerated, many, reviewed, seeded};

/// In an optimised build, of projects; the other has a fifth of it.
const PROJECT_SEEDS: u64 = 1_500;
/// Of all faults of a deployment to a project every so-manieth, in a build that is not optimised.
const FAULTS_EVERY: usize = 5;
/// In an optimised build; the other has a third of it.
const SEEDS: u64 = 6_000;
/// The same, under review.
const REVIEWED_SEEDS: u64 = 2_000;
/// Of all pairs every so-manieth, in an optimised build.
const PAIRS_EVERY: usize = 29;

const fn is_fast() -> bool {
    !cfg!(debug_assertions)
}

#[test]
fn whatever_happens_a_deployment_is_live_wholly_or_not_at_all() {
    let seeds = if is_fast() { SEEDS } else { SEEDS / 3 };
    check(many::run(0..seeds, many::n_threads(), 10, |seed| seeded::run(seed, false)), "FLOWSYNC_SIM_SEED", "one_seed");
}

#[test]
fn what_nobody_approved_is_never_deployed_and_what_was_approved_once() {
    let seeds = if is_fast() { REVIEWED_SEEDS } else { REVIEWED_SEEDS / 4 };
    let run = |seed| reviewed::run(seed, false);
    check(many::run(0..seeds, many::n_threads(), 10, run), "FLOWSYNC_SIM_REVIEWED", "one_reviewed_seed");
}

#[test]
fn what_is_suspended_is_left_alone() {
    let seeds = if is_fast() { REVIEWED_SEEDS } else { REVIEWED_SEEDS / 4 };
    let run = |seed| seeded::run_suspended(seed, false);
    check(many::run(0..seeds, many::n_threads(), 10, run), "FLOWSYNC_SIM_SUSPENDED", "one_suspended_seed");
}

#[test]
fn where_no_window_is_open_nothing_is_begun() {
    let seeds = if is_fast() { REVIEWED_SEEDS } else { REVIEWED_SEEDS / 8 };
    let run = |seed| seeded::run_in_windows(seed, false);
    check(many::run(0..seeds, many::n_threads(), 10, run), "FLOWSYNC_SIM_WINDOWS", "one_seed_in_windows");
}

#[test]
fn whatever_happens_a_deployment_to_a_project_is_live_wholly_or_not_at_all() {
    let seeds = if is_fast() { PROJECT_SEEDS } else { PROJECT_SEEDS / 5 };
    let run = |seed| seeded::run_project(seed, false);
    check(many::run(0..seeds, many::n_threads(), 10, run), "FLOWSYNC_SIM_PROJECT", "one_seed_of_a_project");
}

#[test]
fn every_fault_of_every_request_leaves_a_deployment_field_by_field_whole() {
    check_requests(Which::Nodes, "FLOWSYNC_SIM_NODES");
}

#[test]
fn every_fault_of_every_request_leaves_a_deployment_by_package_whole() {
    check_requests(Which::Packages, "FLOWSYNC_SIM_PACKAGES");
}

fn check_requests(which: Which, variable: &str) {
    let singles = enumerated::singles(which);
    let every = if is_fast() { 1 } else { FAULTS_EVERY };
    let indices: Vec<usize> = (0..singles.len()).filter(|index| index.is_multiple_of(every)).collect();
    let run = |nth: u64| enumerated::run(&singles[indices[nth as usize]], false);
    let mut failures = many::run(0..indices.len() as u64, many::n_threads(), 10, run);
    failures.iter_mut().for_each(|failure| failure.name = indices[failure.name.parse::<usize>().unwrap()].to_string());
    check(failures, variable, "one_case");
}

/// Seeds beyond the first thousands that once went wrong.
const WENT_WRONG: [u64; 48] = [
    264, 912, 1_034, 8_300, 10_203, 16_864, 21_731, 24_455, 25_380, 26_366, 33_479, 38_971, 39_068, 43_249, 54_431,
    200_930, 21_824, 1_018_942, 205_634, 59_402, 203_280, 12_738, 31_938, 40_346, 72_188, 87_464, 176_900, 212_158,
    1_030_979, 177_979, 1_202_647, 200_686, 1_044_058, 1_067_474, 1_056_183, 1_021_477, 1_245_375, 1_248_023,
    1_270_208, 277_058, 1_280_861, 1_293_914, 3_911, 7_822, 49_716, 446_040, 684_855, 914_149,
];

/// The same of projects.
const WENT_WRONG_IN_PROJECTS: [u64; 21] = [
    12, 22, 29, 79, 87, 230, 1_139, 3_971, 10_031, 11_024, 13_984, 20_461, 20_861, 29_884, 30_602, 30_941, 35_318,
    40_346, 44_206, 68_330, 112_651,
];

#[test]
fn what_went_wrong_once_does_not_again() {
    for seed in WENT_WRONG_IN_PROJECTS {
        let violations = seeded::run_project(seed, false).violations;
        assert!(violations.is_empty(), "seed {seed} of a project: {}", violations[0]);
    }
    for seed in WENT_WRONG {
        let violations = seeded::run(seed, false).violations;
        assert!(violations.is_empty(), "seed {seed}: {}", violations[0]);
    }
}

/// Else nobody could look at what went wrong.
#[test]
fn a_seed_has_one_life() {
    for seed in 300_040..300_080 {
        let live = || seeded::run(seed, true).story;
        assert!(live() == live(), "seed {seed}");
    }
    for seed in 300_040..300_045 {
        let live = || seeded::run_project(seed, true).story;
        assert!(live() == live(), "seed {seed} of a project");
    }
}

#[test]
fn every_fault_and_every_crash_point_leaves_a_deployment_whole() {
    let singles = enumerated::singles(Which::FlowsV2);
    let run = |index: u64| enumerated::run(&singles[index as usize], false);
    check(many::run(0..singles.len() as u64, many::n_threads(), 10, run), "FLOWSYNC_SIM_CASE", "one_case");
}

#[test]
fn faults_and_crashes_in_pairs_leave_a_deployment_whole() {
    let every = if is_fast() { PAIRS_EVERY } else { PAIRS_EVERY * 8 };
    check(many::run_pairs(every, many::n_threads(), 10).0, "FLOWSYNC_SIM_CASE", "one_case");
}

#[test]
fn each_invariant_catches_a_broken_engine_and_leaves_a_whole_one_alone() {
    let steps = enumerated::steps(Which::FlowsV2);
    for invariant in Invariant::ALL {
        let case = broken::against(invariant, &steps);
        let violated = enumerated::run(&case, false).violations;
        let is_caught = violated.iter().any(|violation| violation.invariant == invariant);
        assert!(is_caught, "{invariant:?} does not catch {case:?}: {violated:?}");
        let whole = enumerated::run(&case.mended(), false).violations;
        assert!(whole.is_empty(), "the engine that is whole violates {:?} beside {invariant:?}", whole[0]);
    }
}

#[test]
fn laws_of_a_project_catch_what_is_broken_and_leave_what_is_whole_alone() {
    let (nodes, packages) = (enumerated::steps(Which::Nodes), enumerated::steps(Which::Packages));
    for (invariant, case) in broken::in_projects(&nodes, &packages) {
        let violated = enumerated::run(&case, false).violations;
        let is_caught = violated.iter().any(|violation| violation.invariant == invariant);
        assert!(is_caught, "{invariant:?} does not catch {case:?}: {violated:?}");
        let whole = enumerated::run(&case.mended(), false).violations;
        assert!(whole.is_empty(), "the engine that is whole violates {:?} beside {invariant:?}", whole[0]);
    }
}

#[test]
fn one_suspended_seed() {
    if let Some(seed) = asked("FLOWSYNC_SIM_SUSPENDED") {
        tell(&seeded::run_suspended(seed.parse().unwrap(), true));
    }
}

#[test]
fn one_seed_in_windows() {
    if let Some(seed) = asked("FLOWSYNC_SIM_WINDOWS") {
        tell(&seeded::run_in_windows(seed.parse().unwrap(), true));
    }
}

#[test]
fn one_seed_of_a_project() {
    if let Some(seed) = asked("FLOWSYNC_SIM_PROJECT") {
        tell(&seeded::run_project(seed.parse().unwrap(), true));
    }
}

#[test]
fn one_seed() {
    if let Some(seed) = asked("FLOWSYNC_SIM_SEED") {
        tell(&seeded::run(seed.parse().unwrap(), true));
    }
}

#[test]
fn one_reviewed_seed() {
    if let Some(seed) = asked("FLOWSYNC_SIM_REVIEWED") {
        tell(&reviewed::run(seed.parse().unwrap(), true));
    }
}

#[test]
fn one_case() {
    let of = [
        ("FLOWSYNC_SIM_CASE", Which::FlowsV2),
        ("FLOWSYNC_SIM_NODES", Which::Nodes),
        ("FLOWSYNC_SIM_PACKAGES", Which::Packages),
    ];
    for (variable, which) in of {
        if let Some(case) = asked(variable) {
            tell(&many::run_case(which, &case));
        }
    }
}

fn asked(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn tell(outcome: &many::Outcome) {
    eprintln!("{}", outcome.story);
    let violations: Vec<String> = outcome.violations.iter().map(ToString::to_string).collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[track_caller]
fn check(failures: Vec<many::Failure>, variable: &str, test: &str) {
    for many::Failure { name, violations } in &failures {
        eprintln!("{variable}={name} cargo test --test simulation {test} -- --exact --nocapture\n  {}", violations[0]);
    }
    assert!(failures.is_empty(), "{} went wrong", failures.len());
}
