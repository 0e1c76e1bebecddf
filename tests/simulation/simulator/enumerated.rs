//! Every fault and every crash point of one deployment, one at a time and in pairs: three updates, two
//! creates, two deletes of flows that need each other, and a cycle of an old flow with a new one. In a project of the
//! vendor's own API: four flows, by either route.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use flowsync::config::{ApprovalPolicy, CognigyRest, MaxDeletes, Prune, SyncPolicy, WriteRoute};
use flowsync::controller::{PassOptions, SyncResult};
use flowsync::local::StateWrite;
use flowsync::revision::CommitId;
use flowsync::source::memory::{Folders, SourceFault};
use flowsync::tenant::memory::TenantFault;
use futures_util::future::join;
use tokio::time::{Instant, sleep};

use super::api::project::{Project, RequestFault};
use super::api::{Api, FlowsV2};
use super::broken::{Breakage, Broken};
use super::faults::{Fault, Happening, Op, faults_of, happenings_at};
use super::invariant::Invariant;
use super::machine::{Ended, Machine};
use super::many::Outcome;
use super::people::{People, by_hand};
use super::rest::{come_to_rest, quiet_pass, watched_pass};
use super::reviewers::Reviewers;
use super::script::{Latency, Schedule};
use super::simulate;
use super::windows;
use super::world::World;

/// What takes time takes so long.
const MILLIS: u64 = 47_123;

/// Who comes after a crash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Recovery {
    /// The same machine, at once.
    #[default]
    Same,
    /// Another at once, while the lease runs.
    Soon,
    /// Another, when the lease has ended.
    Other,
    /// Two others at once, who take over.
    Two,
}

/// Which deployment it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Which {
    #[default]
    FlowsV2,
    /// In a project, field by field.
    Nodes,
    /// In a project, by package.
    Packages,
}

/// What goes wrong: in the first run and, where that crashed, in the one after it.
#[derive(Debug, Clone, Default)]
pub struct Case {
    which: Which,
    first: BTreeMap<usize, Fault>,
    then: BTreeMap<usize, Fault>,
    recovery: Recovery,
    /// Whether changes must be approved.
    is_reviewed: bool,
    /// Whether a person suspends the environment, and resumes it only in the end.
    is_suspended: bool,
    /// Whether its windows are closed, until the end.
    is_closed: bool,
    /// What is broken in every engine.
    breakage: Option<Breakage>,
}

impl Case {
    /// Nothing goes wrong.
    pub fn of(which: Which) -> Self {
        Self { which, ..Self::default() }
    }

    /// The same, and something goes wrong at an operation.
    pub fn with(mut self, at: usize, fault: Fault) -> Self {
        self.first.insert(at, fault);
        self
    }

    /// The same, and something goes wrong at an operation of whoever comes after the crash.
    pub fn then_with(mut self, at: usize, fault: Fault) -> Self {
        self.then.insert(at, fault);
        self
    }

    pub fn recovered_by(self, recovery: Recovery) -> Self {
        Self { recovery, ..self }
    }

    pub fn reviewed(self) -> Self {
        Self { is_reviewed: true, ..self }
    }

    pub fn suspended(self) -> Self {
        Self { is_suspended: true, ..self }
    }

    pub fn closed(self) -> Self {
        Self { is_closed: true, ..self }
    }

    pub fn broken_by(self, breakage: Breakage) -> Self {
        Self { breakage: Some(breakage), ..self }
    }

    /// The same with engines that are whole.
    pub fn mended(self) -> Self {
        Self { breakage: None, ..self }
    }
}

struct Lived {
    outcome: Outcome,
    first: Vec<Op>,
    then: Vec<Op>,
    crashed: bool,
}

/// What the deployment does where nothing happens to it.
pub fn steps(which: Which) -> Vec<Op> {
    let clean = live(&Case::of(which), false);
    assert!(clean.outcome.violations.is_empty(), "{:?}", clean.outcome.violations);
    clean.first
}

/// Every single fault and crash point.
pub fn singles(which: Which) -> Vec<Case> {
    let mut cases = Vec::new();
    let is_asked = |op: &Op| which == Which::FlowsV2 || matches!(op, Op::Request(_));
    for (index, op) in steps(which).into_iter().enumerate().filter(|(_, op)| is_asked(op)) {
        let happenings = if which == Which::FlowsV2 { happenings_at(op, index) } else { edits_at(index) };
        for fault in everything(op).into_iter().chain(happenings) {
            let recoveries: &[Recovery] =
                if fault.is_crash() { &[Recovery::Same, Recovery::Other, Recovery::Two] } else { &[Recovery::Same] };
            let single = Case::of(which).with(index, fault);
            cases.extend(recoveries.iter().map(|recovery| single.clone().recovered_by(*recovery)));
        }
    }
    cases
}

/// One single fault.
pub fn run(case: &Case, talk: bool) -> Outcome {
    live(case, talk).outcome
}

/// Every second fault after a first.
pub fn pairs(single: &Case) -> Vec<Case> {
    let lived = live(single, false);
    let at = single.first.keys().next_back().copied().unwrap_or_default();
    let mut cases = Vec::new();
    let (ops, from) = if lived.crashed { (&lived.then, 0) } else { (&lived.first, at + 1) };
    for (index, op) in ops.iter().enumerate().skip(from) {
        for (turn, fault) in everything(*op).into_iter().enumerate() {
            let mut case = single.clone();
            if lived.crashed {
                case.then.insert(index, fault);
            } else {
                case.first.insert(index, fault);
                case.recovery = [Recovery::Same, Recovery::Other, Recovery::Two][(index + turn) % 3];
            }
            cases.push(case);
        }
    }
    cases
}

/// People who edit between two requests, and a machine that sleeps there.
fn edits_at(index: usize) -> Vec<Fault> {
    let edited = ["a", "b", "c", "d", "zz"].into_iter().skip(index % 2).step_by(2).map(Happening::Edited);
    let time = Duration::from_secs(600);
    let others = [
        Happening::Neighbour(["a", "d"][index % 2]),
        Happening::Sleeps { time, has_boot_clock: index.is_multiple_of(2) },
        Happening::Signal(Duration::from_secs(30)),
    ];
    edited.chain(others).map(Fault::Happens).collect()
}

fn everything(op: Op) -> Vec<Fault> {
    let crashes = if op.is_waited_for() { vec![Fault::CrashBefore, Fault::CrashAfter] } else { Vec::new() };
    let torn = (op == Op::State(StateWrite::Append)).then_some(Fault::Torn);
    // Not among what seeds choose of: the seeds that are kept would be others.
    let kept_back = matches!(op, Op::Request(_)).then_some(Fault::Request(RequestFault::KeptBack));
    faults_of(op, MILLIS).into_iter().chain(kept_back).chain(crashes).chain(torn).collect()
}

fn live(case: &Case, talk: bool) -> Lived {
    simulate(async {
        let policy = SyncPolicy {
            prune: Prune::Remove,
            max_deletes: MaxDeletes::Percent(100),
            concurrency: NonZeroUsize::new(3).unwrap(),
            approval: if case.is_reviewed { ApprovalPolicy::Manifest } else { ApprovalPolicy::None },
            ..SyncPolicy::default()
        };
        let folders = Folders {
            branch: "main".into(),
            records_branch: "main".into(),
            flows: "flows".into(),
            records: "deployments".into(),
        };
        let world = Arc::new(World::new(tenant(case.which), folders, &policy, talk));
        let broken = case.breakage.map(Broken::by).unwrap_or_default();
        let machines = [(0, 7), (60_000, 8), (-60_000, 9)]
            .map(|(skew, seed)| Machine::new(&world, &policy, skew, seed).broken_by(broken.clone()));
        match case.which {
            Which::FlowsV2 => begin(&world, &machines[0]).await,
            Which::Nodes | Which::Packages => begin_in_project(&world, &machines[0], case.which).await,
        }
        let mut reviewers = Reviewers::new(&world);
        if case.is_reviewed {
            reviewers.approve(&machines[0], || true).await;
        }
        if case.is_suspended {
            world.suspend();
        }
        if case.is_closed {
            world.set_windows(windows::closed());
        }
        let script = machines[0].script(Schedule::Exactly(case.first.clone()), Latency::None);
        let stalls = case.first.values().any(|fault| fault.is_stall());
        let first = PassOptions::default();
        let (ended, ()) = join(watched_pass(&world, &machines[0], &script, &first), async {
            // Whoever is stopped for so long finds that somebody else has gone on meanwhile.
            if stalls {
                sleep(Duration::from_secs(9 * 60)).await;
                quiet_pass(&world, &machines[1], &PassOptions::default()).await;
            }
        })
        .await;
        let mut lived = Lived { outcome: Outcome::default(), first: script.made(), then: Vec::new(), crashed: false };
        if matches!(ended, Ended::Crashed) {
            (lived.crashed, lived.then) = (true, recover(&world, &machines, case).await);
        }
        if case.is_reviewed {
            go_back_and_forth(&world, &machines[0], &mut reviewers).await;
        }
        check_alone(&world, case);
        machines.iter().for_each(|machine| machine.clocks.set_right());
        world.api.move_list_until(Instant::now());
        world.put_records_right(&world.newest);
        world.resume();
        world.set_windows(Vec::new());
        world.say(|| "quiet".into());
        let options = PassOptions::default();
        let mut result = come_to_rest(&world, &machines[0], &options).await;
        if result == SyncResult::Refused {
            let options = PassOptions { retry: true, ..options };
            result = come_to_rest(&world, &machines[0], &options).await;
        }
        if result != SyncResult::InSync {
            world
                .violated(Invariant::ComesToEnd, format!("nothing is wrong any more, and still `{}`", result.as_str()));
        }
        lived.outcome = Outcome { violations: world.violations(), story: world.story() };
        lived
    })
}

/// What one fault alone may do at most.
fn check_alone(world: &World, case: &Case) {
    let mut faults = case.first.values().chain(case.then.values());
    let (Some(fault), None) = (faults.next(), faults.next()) else { return };
    if world.n_incomplete.load(Ordering::Relaxed) > 0 {
        world.violated(Invariant::OneFault, "one fault alone left something that was not restored");
    }
    let is_harmless = match fault {
        Fault::Tenant(fault) => matches!(
            fault,
            TenantFault::Slow(_) | TenantFault::Storm(_) | TenantFault::Stale(_) | TenantFault::LostOnce
        ),
        Fault::Source(fault) => matches!(fault, SourceFault::Raced) || *fault == SourceFault::Slow(time()),
        Fault::Request(fault) => matches!(
            fault,
            RequestFault::Slow(_) | RequestFault::NotSent | RequestFault::Throttled { .. } | RequestFault::TaskSlow(_)
        ),
        Fault::Happens(happening) => matches!(happening, Happening::ClockSet(_) | Happening::Sleeps { .. }),
        fault => fault.is_crash(),
    };
    if is_harmless && world.n_failed.load(Ordering::Relaxed) > 0 {
        world.violated(Invariant::OneFault, format!("{fault:?} alone made a deployment fail"));
    }
}

fn time() -> Duration {
    Duration::from_millis(MILLIS)
}

/// Seven flows that are live and adopted, and a commit that changes seven.
async fn begin(world: &Arc<World>, machine: &Machine) {
    world.api.set_delay(Duration::from_millis(5));
    let mut people = People::with(
        world,
        &[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &["i"]), ("i", &["d"]), ("e", &["c"]), ("h", &["a", "e"])],
    );
    people.deploy_by_hand(|_| true);
    world.by_hand(&world.id("zz"), Some(by_hand("zz", world).as_bytes()));
    quiet_pass(world, machine, &PassOptions::default()).await;
    people.set("b", &["a"]);
    people.set("c", &["b"]);
    people.set("e", &["c", "f"]);
    people.set("f", &["e"]);
    people.set("g", &["f"]);
    people.remove("d");
    people.remove("i");
    people.commit();
}

fn tenant(which: Which) -> Arc<dyn Api> {
    let project = |write| -> Arc<dyn Api> { Project::new(CognigyRest { write, ..CognigyRest::default() }, 11) };
    match which {
        Which::FlowsV2 => FlowsV2::new(),
        Which::Nodes => project(WriteRoute::Auto),
        Which::Packages => project(WriteRoute::Package),
    }
}

/// Flows that are live and adopted, and a commit that changes four: field by field, or two of them by package while one
/// comes and one goes.
async fn begin_in_project(world: &Arc<World>, machine: &Machine, which: Which) {
    world.api.set_delay(Duration::from_millis(1_500));
    let mut people = People::with(world, &[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &["a"])]);
    if which == Which::Packages {
        people.remove("c");
        people.commit();
    }
    people.deploy_by_hand(|_| true);
    world.by_hand(&world.id("zz"), Some(by_hand("zz", world).as_bytes()));
    sleep(Duration::from_secs(10)).await;
    quiet_pass(world, machine, &PassOptions::default()).await;
    people.set("a", &[]);
    people.set("d", &["a"]);
    match which {
        Which::Packages => {
            people.set("c", &["a", "d"]);
            people.remove("b");
        }
        _ => {
            people.set("b", &["a"]);
            people.set("c", &["b"]);
        }
    }
    people.commit();
}

/// What was deployed is taken back, with an approval of its own, and comes again, with the one that was used.
async fn go_back_and_forth(world: &Arc<World>, machine: &Machine, reviewers: &mut Reviewers) {
    let branch = &world.folders.branch;
    let tip = world.remote.tip(branch).unwrap();
    let is_flows = |commit: &CommitId| world.remote.changes(commit).iter().any(|path| path.starts_with("flows/"));
    let newest = world.remote.history(&tip).into_iter().find(is_flows).unwrap();
    let back = world.remote.revert(branch, &newest, world.now());
    reviewers.approve(machine, || true).await;
    quiet_pass(world, machine, &PassOptions::default()).await;
    world.remote.revert(branch, &back, world.now());
    reviewers.bring_back(0);
    let report = quiet_pass(world, machine, &PassOptions::default()).await;
    world.say(|| format!("brought back, and `{}`", report.result.as_str()));
    reviewers.approve(machine, || true).await;
}

async fn recover(world: &World, machines: &[Machine; 3], case: &Case) -> Vec<Op> {
    let schedule = Schedule::Exactly(case.then.clone());
    let machine = &machines[usize::from(case.recovery != Recovery::Same)];
    let latency = if case.recovery == Recovery::Two { Latency::Even } else { Latency::None };
    let script = machine.script(schedule, latency);
    let options = PassOptions { take_over: case.recovery == Recovery::Two, ..PassOptions::default() };
    if case.recovery == Recovery::Other {
        sleep(Duration::from_secs(9 * 60)).await;
    }
    let run = async {
        watched_pass(world, machine, &script, &options).await;
    };
    if case.recovery == Recovery::Two {
        let other = machines[2].script(Schedule::Quiet, Latency::Even);
        join(run, watched_pass(world, &machines[2], &other, &options)).await;
    } else {
        run.await;
    }
    script.made()
}
