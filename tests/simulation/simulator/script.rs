//! What goes wrong in one run of one machine: a fault for each operation, in the order they are made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use flowsync::controller::PassOptions;
use flowsync::flow::FlowId;
use flowsync::local::MemoryState;
use flowsync::revision::CommitId;
use flowsync::shutdown::Shutdown;
use flowsync::source::memory::{Operation, SourceFault, SourceHook};
use flowsync::tenant::memory::{TenantFault, TenantHook};
use flowsync::tenant::{Call, Imported};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::invariant::Invariant;
use super::people::{by_hand, id};
use super::watch::Knowledge;
use super::world::{STALE_MAX, World};

/// No run makes more operations than this.
const OPERATIONS_MAX: usize = 20_000;

/// A process that is stopped for longer than any lease, and goes on as if nothing had happened.
pub const STALL: Duration = Duration::from_secs(15 * 60);

/// One thing a process does with the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Tenant(Call),
    Source(Operation),
    Journal,
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Tenant(TenantFault),
    Source(SourceFault),
    DiskFull,
    Torn,
    CrashBefore,
    CrashAfter,
    /// It goes as it should, and something else happens in the world just before.
    Happens(Happening),
}

/// What happens in the world while nobody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// Somebody writes a flow by hand.
    Edited(&'static str),
}

/// Where faults come from.
pub enum Schedule {
    /// Nowhere.
    Quiet,
    /// These operations, counted from 0.
    Exactly(BTreeMap<usize, Fault>),
    /// Chance.
    Random(Chance),
}

/// Random faults.
pub struct Chance {
    pub rng: fastrand::Rng,
    /// Of 1000 operations so many go wrong.
    pub per_mille: u32,
    /// The process stops at this operation.
    pub crash_at: Option<usize>,
    /// Every push from one operation to another fails.
    pub git_outage: std::ops::Range<usize>,
    /// Every call to the tenant from one operation to another fails.
    pub tenant_outage: std::ops::Range<usize>,
}

/// One run of one machine.
pub struct Script {
    world: Arc<World>,
    pub disk: MemoryState,
    pub holder: String,
    /// How far this machine's clock is ahead, in milliseconds.
    skew: i64,
    pub started: Instant,
    /// Asks this run to end.
    pub shutdown: Shutdown,
    latency: Latency,
    crashed: Notify,
    state: Mutex<State>,
    options: Mutex<PassOptions>,
    knows: Mutex<Knowledge>,
}

/// How long operations take when nothing happens to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Latency {
    None,
    /// All the same.
    Even,
    /// Between nothing and 40 ms.
    Random,
}

struct State {
    last_fault: Option<Instant>,
    rng: fastrand::Rng,
    schedule: Schedule,
    made: Vec<Op>,
}

impl Script {
    pub fn new(
        world: Arc<World>,
        disk: MemoryState,
        holder: String,
        skew: i64,
        schedule: Schedule,
        latency: Latency,
    ) -> Arc<Self> {
        Arc::new(Self {
            world,
            disk,
            holder,
            skew,
            started: Instant::now(),
            shutdown: Shutdown::default(),
            latency,
            crashed: Notify::new(),
            state: Mutex::new(State {
                last_fault: None,
                rng: fastrand::Rng::with_seed(skew.unsigned_abs()),
                schedule,
                made: Vec::new(),
            }),
            options: Mutex::default(),
            knows: Mutex::default(),
        })
    }

    /// A person says what this run may do.
    pub fn allow(&self, options: &PassOptions) {
        self.options.lock().unwrap().clone_from(options);
    }

    pub fn options(&self) -> PassOptions {
        self.options.lock().unwrap().clone()
    }

    /// What this run has been shown and told.
    pub fn knows(&self) -> MutexGuard<'_, Knowledge> {
        self.knows.lock().unwrap()
    }

    /// What the machine's clock shows.
    pub fn clock(&self) -> Timestamp {
        self.world.now() + SignedDuration::from_millis(self.skew)
    }

    /// When it was, truly, when the machine's clock showed this.
    pub fn true_time_of(&self, shown: Timestamp) -> Timestamp {
        shown - SignedDuration::from_millis(self.skew)
    }

    /// Every operation made so far.
    pub fn made(&self) -> Vec<Op> {
        self.state.lock().unwrap().made.clone()
    }

    /// Whether something went wrong at or after an instant.
    pub fn suffered_since(&self, when: Instant) -> bool {
        self.state.lock().unwrap().last_fault.is_some_and(|at| at >= when)
    }

    /// Waits for the crash.
    pub async fn crash(&self) {
        self.crashed.notified().await;
    }

    fn take(&self) -> Duration {
        match self.latency {
            Latency::None => Duration::ZERO,
            Latency::Even => Duration::from_millis(10),
            Latency::Random => Duration::from_millis(self.state.lock().unwrap().rng.u64(0..80).saturating_sub(40)),
        }
    }

    pub fn decide(&self, op: Op) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        let index = state.made.len();
        state.made.push(op);
        if index == OPERATIONS_MAX {
            self.world.violated(
                Invariant::ComesToEnd,
                format!("a run made {OPERATIONS_MAX} operations without coming to an end"),
            );
            self.crashed.notify_one();
            return Some(Fault::CrashBefore);
        }
        let fault = match &mut state.schedule {
            Schedule::Quiet => None,
            Schedule::Exactly(faults) => faults.get(&index).copied(),
            Schedule::Random(chance) => chance.decide(op, index),
        };
        if matches!(fault, Some(Fault::CrashBefore | Fault::CrashAfter | Fault::Torn)) {
            self.crashed.notify_one();
        }
        if let Some(fault) = fault {
            state.last_fault = Some(Instant::now());
            self.world.say(|| format!("{}: {op:?} #{index}: {fault:?}", self.holder));
        }
        drop(state);
        if let Some(Fault::Happens(happening)) = fault {
            self.happens(happening);
        }
        fault
    }

    fn happens(&self, happening: Happening) {
        match happening {
            Happening::Edited(name) => self.world.drift(&id(name), Some(by_hand(name, &self.world).as_bytes())),
        }
    }
}

impl Chance {
    fn decide(&mut self, op: Op, index: usize) -> Option<Fault> {
        if self.crash_at == Some(index) {
            return Some(if self.rng.bool() { Fault::CrashBefore } else { Fault::CrashAfter });
        }
        match op {
            Op::Source(Operation::Push | Operation::Fetch) if self.git_outage.contains(&index) => {
                return Some(Fault::Source(SourceFault::Unreachable));
            }
            Op::Tenant(_) if self.tenant_outage.contains(&index) => {
                return Some(Fault::Tenant(TenantFault::Unavailable));
            }
            _ => {}
        }
        let hit = self.rng.u32(0..1000) < self.per_mille;
        let faults = if hit { faults_of(op, self.rng.u64(1..200_000)) } else { Vec::new() };
        (!faults.is_empty()).then(|| faults[self.rng.usize(..faults.len())])
    }
}

/// Everything but a crash that can happen to an operation; what takes time takes `millis`.
pub fn faults_of(op: Op, millis: u64) -> Vec<Fault> {
    use TenantFault as T;
    let time = Duration::from_millis(millis);
    let call = Duration::from_millis(millis % 55_000);
    let reads = vec![T::Slow(call), T::Storm(time), T::Unavailable, T::Refused, T::Garbage];
    let effects = vec![T::Slow(call), T::Storm(time), T::Unavailable, T::LostAnswer, T::Refused, T::Garbage];
    let stores = vec![T::Corrupt, T::StatusFailed, T::StatusStuck];
    let faults = match op {
        Op::Journal => return vec![Fault::DiskFull],
        Op::Source(Operation::Read | Operation::Fetch) => {
            let all = [SourceFault::Slow(time), SourceFault::Slow(STALL), SourceFault::Unreachable];
            return all.into_iter().map(Fault::Source).collect();
        }
        Op::Source(Operation::Push) => {
            let all = [
                SourceFault::Slow(time),
                SourceFault::Slow(STALL),
                SourceFault::Unreachable,
                SourceFault::LostAnswer,
                SourceFault::Declined,
                SourceFault::Raced,
            ];
            return all.into_iter().map(Fault::Source).collect();
        }
        Op::Tenant(Call::Export) => {
            [reads, vec![T::Incomplete, T::Stale(Duration::from_millis(millis % STALE_MAX.as_millis() as u64))]]
                .concat()
        }
        Op::Tenant(Call::Import) => [effects, stores, vec![T::LostOnce]].concat(),
        Op::Tenant(Call::Rollback) => [effects, stores, vec![T::Unsupported]].concat(),
        Op::Tenant(Call::Delete) => [effects, vec![T::Unsupported]].concat(),
        Op::Tenant(_) => reads,
    };
    faults.into_iter().map(Fault::Tenant).collect()
}

impl SourceHook for Script {
    fn next(&self, operation: Operation) -> SourceFault {
        match self.decide(Op::Source(operation)) {
            Some(Fault::Source(fault)) => fault,
            Some(Fault::CrashBefore) => SourceFault::CrashBefore,
            Some(Fault::CrashAfter) => SourceFault::CrashAfter,
            _ => SourceFault::None,
        }
    }

    fn latency(&self) -> Duration {
        self.take()
    }

    fn pushed(&self, commit: &CommitId) {
        self.world.pushed(self, commit);
    }
}

impl TenantHook for Script {
    fn next(&self, call: Call, flow: Option<&FlowId>, body: Option<&[u8]>) -> TenantFault {
        self.knows().last_call = Some(self.clock());
        match (call, flow) {
            (Call::Import | Call::Rollback | Call::Delete, Some(flow)) => self.world.asked(self, call, flow, body),
            (Call::Status, Some(flow)) => self.world.asked_status(self, flow),
            (Call::Export, _) => self.knows().asks(),
            _ => {}
        }
        match self.decide(Op::Tenant(call)) {
            Some(Fault::Tenant(fault)) => fault,
            Some(Fault::CrashBefore) => TenantFault::CrashBefore,
            Some(Fault::CrashAfter) => TenantFault::CrashAfter,
            _ => TenantFault::None,
        }
    }

    fn latency(&self) -> Duration {
        self.take()
    }

    fn wrote(&self, call: Call, flow: &FlowId, body: Option<&[u8]>) {
        self.world.wrote(self, call, flow, body);
    }

    fn exported(&self, flows: &BTreeMap<FlowId, Arc<[u8]>>) {
        self.world.shown(self, flows);
    }

    fn imported(&self, flow: &FlowId, imported: &Imported) {
        self.world.answered(self, flow, imported);
    }

    fn dangled(&self, flow: &FlowId, missing: &str) {
        self.world.dangled(self, flow, missing);
    }
}
