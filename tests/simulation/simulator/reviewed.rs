//! A life from a seed under `approval: manifest`: people review, some of it, and bring back what was used.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use flowsync::config::{ApprovalPolicy, SyncPolicy};
use flowsync::controller::{PassOptions, SyncResult};
use tokio::time::{Instant, sleep};

use super::api::FlowsV2;
use super::invariant::Invariant;
use super::machine::Machine;
use super::many::Outcome;
use super::people::People;
use super::rest::come_to_rest;
use super::reviewers::Reviewers;
use super::seeded::{any_folders, any_policy, meddle, run_some};
use super::simulate;
use super::world::World;

/// Lives through a seed.
pub fn run(seed: u64, talk: bool) -> Outcome {
    simulate(async move {
        let mut rng = Rng::with_seed(seed);
        let policy = SyncPolicy { approval: ApprovalPolicy::Manifest, ..any_policy(&mut rng) };
        let world = Arc::new(World::new(FlowsV2::new(), any_folders(&mut rng), &policy, talk));
        live(&world, &policy, &mut rng).await;
        Outcome { violations: world.violations(), story: world.story() }
    })
}

async fn live(world: &Arc<World>, policy: &SyncPolicy, rng: &mut Rng) {
    world.api.set_delay(Duration::from_millis([0, 700, 4_000][rng.usize(..3)]).min(policy.deploy_timeout / 40));
    let n_flows = rng.usize(1..7);
    let mut people = People::new(world, rng, n_flows);
    let mut reviewers = Reviewers::new(world);
    let is_live = rng.bool();
    people.deploy_by_hand(|_| is_live);
    let n_machines = rng.usize(1..4);
    let machines: Vec<Machine> =
        (0..n_machines).map(|_| Machine::new(world, policy, rng.i64(-60_000..60_001), rng.u64(..))).collect();
    for _ in 0..rng.usize(2..6) {
        round(world, &machines, &mut people, &mut reviewers, rng).await;
    }
    machines.iter().for_each(|machine| machine.clocks.set_right());
    world.api.move_list_until(Instant::now());
    world.put_records_right(&world.newest_ended);
    world.say(|| "quiet".into());
    let machine = &machines[rng.usize(..n_machines)];
    let options = PassOptions { retry: true, allow_deletes: Some(100), ..PassOptions::default() };
    come_to_rest(world, machine, &options).await;
    people.mend();
    // What was deployed before might be missing in the tenant, and drift only be reported.
    people.revise(1_000_000);
    reviewers.approve(machine, || true).await;
    let result = come_to_rest(world, machine, &options).await;
    if !matches!(result, SyncResult::InSync | SyncResult::Drifted) {
        world.violated(Invariant::ComesToEnd, format!("mended and approved, and still `{}`", result.as_str()));
    }
}

async fn round(
    world: &Arc<World>,
    machines: &[Machine],
    people: &mut People,
    reviewers: &mut Reviewers,
    rng: &mut Rng,
) {
    for _ in 0..rng.usize(0..3) {
        people.change(rng);
    }
    if rng.u32(0..4) == 0 {
        people.drift(rng);
    }
    let machine = &machines[rng.usize(..machines.len())];
    match rng.u32(0..8) {
        0..4 => reviewers.approve(machine, || true).await,
        4 => reviewers.approve(machine, || rng.bool()).await,
        5 => reviewers.bring_back(rng.usize(..100)),
        6 => {
            reviewers.approve(machine, || true).await;
            people.drift(rng);
        }
        _ => {}
    }
    if rng.u32(0..20) == 0 {
        meddle(world, rng);
    }
    if rng.bool() {
        world.put_records_right(&world.newest_ended);
    }
    let crashed = run_some(world, machines, people, rng, false).await;
    if rng.u32(0..3) == 0 {
        reviewers.bring_back(rng.usize(..100));
        people.revise(-1);
    }
    if crashed && rng.u32(0..3) == 0 {
        run_some(world, machines, people, rng, true).await;
    }
    let pause = [0, 5, 70, 200, 420, 900][rng.usize(..6)];
    sleep(Duration::from_secs(pause + u64::from(crashed))).await;
}
