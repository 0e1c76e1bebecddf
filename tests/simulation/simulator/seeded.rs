//! A life from a seed: people commit and meddle, machines run, crash and come back, everything fails;
//! then it is quiet, and everything must come to rest.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fastrand::Rng;
use flowsync::config::{CognigyRest, Drift, MaxDeletes, Prune, Scan, SyncPolicy, WriteRoute};
use flowsync::controller::{PassOptions, SyncResult};
use flowsync::source::memory::Folders;
use flowsync::tenant::memory::Garble;
use futures_util::future::join_all;
use jiff::SignedDuration;
use tokio::time::{Instant, sleep};

use super::api::project::Project;
use super::api::{Api, FlowsV2};
use super::faults::Happening;
use super::forgery::Forgery;
use super::invariant::Invariant;
use super::machine::{Ended, Machine};
use super::many::Outcome;
use super::people::{NAMES, People};
use super::rest::{come_to_rest, watched_pass};
use super::script::{Chance, Latency, Schedule};
use super::simulate;
use super::windows;
use super::world::World;

/// What keeps the environment from being written to at times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HeldBack {
    Never,
    /// People suspend it, and resume it.
    BySuspensions,
    ByWindows,
}

/// Lives through a seed.
pub fn run(seed: u64, talk: bool) -> Outcome {
    lives(seed, HeldBack::Never, talk)
}

/// The same in a project of the vendor's own API.
pub fn run_project(seed: u64, talk: bool) -> Outcome {
    simulate(async move {
        let mut rng = Rng::with_seed(seed);
        let policy = any_policy(&mut rng);
        // What is written takes many requests and tasks, and each of these its time.
        let (verify_timeout, deploy_timeout) =
            (policy.verify_timeout.max(MINUTE), policy.deploy_timeout.max(10 * MINUTE));
        let policy = SyncPolicy { verify_timeout, deploy_timeout, ..policy };
        let world = Arc::new(World::new(any_project(&mut rng), any_folders(&mut rng), &policy, talk));
        live(&world, &policy, HeldBack::Never, &mut rng).await;
        Outcome { violations: world.violations(), story: world.story() }
    })
}

const MINUTE: Duration = Duration::from_secs(60);

fn any_project(rng: &mut Rng) -> Arc<dyn Api> {
    let write = [WriteRoute::Auto, WriteRoute::Auto, WriteRoute::Package][rng.usize(..3)];
    let scan = [Scan::Auto, Scan::Nodes, Scan::Package][rng.usize(..3)];
    let project = Project::new(CognigyRest { write, scan, ..CognigyRest::default() }, rng.u64(..));
    project.handle().change(|behaviour| {
        behaviour.empty_patches = rng.bool();
        behaviour.stale_charts = rng.bool();
        behaviour.half_merges = rng.bool();
        behaviour.answer_writes = rng.bool();
        behaviour.locale_in_patches = rng.u32(0..4) > 0;
    });
    project
}

/// The same where people suspend the environment at times, and resume it.
pub fn run_suspended(seed: u64, talk: bool) -> Outcome {
    lives(seed, HeldBack::BySuspensions, talk)
}

/// The same where it may be written to in windows only.
pub fn run_in_windows(seed: u64, talk: bool) -> Outcome {
    lives(seed, HeldBack::ByWindows, talk)
}

fn lives(seed: u64, held: HeldBack, talk: bool) -> Outcome {
    simulate(async move {
        let mut rng = Rng::with_seed(seed);
        let policy = any_policy(&mut rng);
        let world = Arc::new(World::new(FlowsV2::new(), any_folders(&mut rng), &policy, talk));
        live(&world, &policy, held, &mut rng).await;
        Outcome { violations: world.violations(), story: world.story() }
    })
}

pub(super) fn any_policy(rng: &mut Rng) -> SyncPolicy {
    let pick = |rng: &mut Rng, seconds: &[u64]| Duration::from_secs(seconds[rng.usize(..seconds.len())]);
    SyncPolicy {
        prune: if rng.bool() { Prune::Remove } else { Prune::Keep },
        drift: if rng.u32(0..5) == 0 { Drift::Report } else { Drift::Correct },
        max_deletes: MaxDeletes::Percent(if rng.u32(0..5) == 0 { 30 } else { 100 }),
        concurrency: NonZeroUsize::new(rng.usize(1..9)).unwrap(),
        verify_timeout: pick(rng, &[5, 60, 60, 200]),
        deploy_timeout: pick(rng, &[60, 600, 1800]),
        ..SyncPolicy::default()
    }
}

pub(super) fn any_folders(rng: &mut Rng) -> Folders {
    Folders {
        branch: "main".into(),
        records_branch: if rng.u32(0..4) == 0 { "flowsync/records".into() } else { "main".into() },
        flows: "flows".into(),
        records: "deployments".into(),
    }
}

async fn live(world: &Arc<World>, policy: &SyncPolicy, held: HeldBack, rng: &mut Rng) {
    let delay = Duration::from_millis([0, 0, 700, 4_000, 50_000][rng.usize(..5)]);
    world.api.set_delay(delay.min(policy.verify_timeout.mul_f32(0.9)).min(policy.deploy_timeout / 40));
    let n_flows = rng.usize(1..7);
    let mut people = People::new(world, rng, n_flows);
    let share = rng.u32(0..3);
    people.deploy_by_hand(|name| share == 2 || share == 1 && name < "c");
    world.by_hand(&world.id("zz"), Some(world.api.foreign().as_bytes()));
    if held == HeldBack::ByWindows {
        world.set_windows(windows::any(rng));
    }
    let n_machines = rng.usize(1..4);
    let machines: Vec<Machine> =
        (0..n_machines).map(|_| Machine::new(world, policy, rng.i64(-60_000..60_001), rng.u64(..))).collect();
    for _ in 0..rng.usize(2..5) {
        round(world, &machines, &mut people, held, rng).await;
    }
    machines.iter().for_each(|machine| machine.clocks.set_right());
    world.api.move_list_until(Instant::now());
    // What was under way is set aside, as a refusal asks for: git proves no deployment that somebody brought back.
    world.put_records_right(&world.newest_ended);
    world.resume();
    world.set_windows(Vec::new());
    world.say(|| "quiet".into());
    let machine = &machines[rng.usize(..n_machines)];
    let result = come_to_rest(world, machine, &PassOptions::default()).await;
    if result == SyncResult::Refused {
        // Reverts of reverts may leave what git does not prove, and then a person is asked for.
        if world.meddled.load(Ordering::Relaxed) {
            world.put_records_back(&world.newest_ended);
        }
        let options = PassOptions { retry: true, allow_deletes: Some(100), ..PassOptions::default() };
        come_to_rest(world, machine, &options).await;
    }
    people.mend();
    let options = PassOptions { retry: true, allow_deletes: Some(100), ..PassOptions::default() };
    let result = come_to_rest(world, machine, &options).await;
    if !matches!(result, SyncResult::InSync | SyncResult::Drifted) {
        world.violated(Invariant::ComesToEnd, format!("mended, and still `{}`", result.as_str()));
    }
}

async fn round(world: &Arc<World>, machines: &[Machine], people: &mut People, held: HeldBack, rng: &mut Rng) {
    for _ in 0..rng.usize(0..3) {
        people.change(rng);
    }
    if rng.u32(0..3) == 0 {
        people.drift(rng);
    }
    if rng.u32(0..20) == 0 {
        meddle(world, rng);
    }
    if rng.bool() {
        world.put_records_right(&world.newest_ended);
    }
    if held == HeldBack::BySuspensions {
        match rng.u32(0..4) {
            0 => world.suspend(),
            1 | 2 => world.resume(),
            _ => {}
        }
    }
    let mut crashed = run_some(world, machines, people, rng, false).await;
    if crashed && rng.u32(0..3) == 0 {
        crashed = run_some(world, machines, people, rng, true).await;
    }
    let pause = [0, 5, 70, 200, 420, 900][rng.usize(..6)];
    sleep(Duration::from_secs(pause + u64::from(crashed))).await;
}

/// Some machines run at once while people go on; whether one crashed.
pub(super) async fn run_some(
    world: &Arc<World>,
    machines: &[Machine],
    people: &mut People,
    rng: &mut Rng,
    take_over: bool,
) -> bool {
    let n_runs = if take_over { 2 } else { rng.usize(1..4) };
    let mut seeds: Vec<Rng> = (0..n_runs).map(|_| Rng::with_seed(rng.u64(..))).collect();
    let runs = seeds.iter_mut().map(|rng| async move {
        let pause = [0, 0, rng.u64(0..5_000), rng.u64(0..400_000)][rng.usize(..4)];
        sleep(Duration::from_millis(if take_over { 0 } else { pause })).await;
        let machine = &machines[rng.usize(..machines.len())];
        // People take over who is dead. Who comes later finds somebody alive, and must not.
        let (schedule, latency) = if take_over {
            (Schedule::Quiet, Latency::Even)
        } else {
            (any_schedule(rng, machines.len(), world.api.operations()), Latency::Random)
        };
        let script = machine.script(schedule, latency);
        let options = PassOptions { take_over, retry: rng.u32(0..8) == 0, ..PassOptions::default() };
        match watched_pass(world, machine, &script, &options).await {
            Ended::Report(_) => false,
            Ended::Crashed => true,
        }
    });
    let mut others = Rng::with_seed(rng.u64(..));
    let disturbance = async {
        for _ in 0..others.usize(0..3) {
            sleep(Duration::from_millis(others.u64(0..20_000))).await;
            if others.bool() {
                people.change(&mut others);
            } else if others.bool() {
                people.drift(&mut others);
            }
        }
    };
    let (crashed, ()) = futures_util::future::join(join_all(runs), disturbance).await;
    crashed.contains(&true)
}

/// `n_ops` is how many operations a pass makes, about.
fn any_schedule(rng: &mut Rng, n_machines: usize, n_ops: usize) -> Schedule {
    let per_mille = [0, 0, 10, 50, 150][rng.usize(..5)] * 120 / n_ops as u32;
    let outage = |rng: &mut Rng| {
        let start = if rng.u32(0..5) == 0 { rng.usize(0..n_ops) } else { usize::MAX };
        start..start.saturating_add(rng.usize(1..40))
    };
    Schedule::Random(Chance {
        per_mille,
        crash_at: (rng.u32(0..3) == 0).then(|| rng.usize(0..n_ops)),
        git_outage: outage(rng),
        tenant_outage: outage(rng),
        happenings: (0..[0, 0, 0, 1, 2][rng.usize(..5)])
            .map(|_| (rng.usize(0..n_ops), any_happening(rng, n_machines)))
            .collect(),
        forgery: (rng.u32(0..120) == 0)
            .then(|| (rng.usize(0..n_ops / 2), Forgery::ALL[rng.usize(..Forgery::ALL.len())])),
        rng: Rng::with_seed(rng.u64(..)),
    })
}

/// Clocks that others must be able to go by differ by a minute at most.
fn any_happening(rng: &mut Rng, n_machines: usize) -> Happening {
    let seconds = |rng: &mut Rng, most| Duration::from_secs(rng.u64(0..most));
    match rng.u32(0..6) {
        5 => Happening::Neighbour(NAMES[rng.usize(..NAMES.len())]),
        0 => Happening::Garbled(NAMES[rng.usize(..NAMES.len())], Garble::ALL[rng.usize(..Garble::ALL.len())]),
        1 => Happening::ListMoves(seconds(rng, 200)),
        2 => Happening::Signal(Duration::from_secs([0, 1, 30, 240][rng.usize(..4)])),
        3 if n_machines == 1 => Happening::ClockSet(SignedDuration::from_secs(rng.i64(-3_600..3_600))),
        3 => Happening::ClockSet(SignedDuration::from_millis(rng.i64(-60_000..60_001))),
        _ => Happening::Sleeps { time: seconds(rng, 1_200), has_boot_clock: rng.bool() },
    }
}

/// Somebody reverts one of the newest commits to the records.
pub(super) fn meddle(world: &World, rng: &mut Rng) {
    let branch = &world.folders.records_branch;
    let Some(tip) = world.remote.tip(branch) else { return };
    let ours = |commit: &flowsync::revision::CommitId| world.manifest_at(commit).is_some();
    let history: Vec<_> = world.remote.history(&tip).into_iter().filter(ours).take(3).collect();
    if let Some(commit) = history.get(rng.usize(..3)) {
        world.meddled.store(true, Ordering::Relaxed);
        world.say(|| format!("somebody reverts {}", commit.short()));
        world.remote.revert(branch, commit, world.now());
    }
}
