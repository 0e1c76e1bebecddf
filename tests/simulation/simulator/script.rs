//! What goes wrong in one run of one machine: a fault for each operation, in the order they are made.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use flowsync::clock::Clock;
use flowsync::controller::PassOptions;
use flowsync::flow::FlowId;
use flowsync::local::MemoryState;
use flowsync::revision::CommitId;
use flowsync::shutdown::Shutdown;
use flowsync::source::RecordCommit;
use flowsync::source::memory::{Edits, Folders, MemoryRemote, Operation, SourceFault, SourceHook};
use flowsync::tenant::memory::{TenantFault, TenantHook};
use flowsync::tenant::{Call, Imported};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::api::project::RequestFault;
use super::clocks::Clocks;
use super::faults::{Fault, Happening, Op, faults_of};
use super::forgery::Forgery;
use super::invariant::Invariant;
use super::people::by_hand;
use super::watch::Knowledge;
use super::world::World;

/// No run makes more operations than this.
const OPERATIONS_MAX: usize = 20_000;

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
    /// What happens in the world, and at which operation.
    pub happenings: BTreeMap<usize, Happening>,
    /// From which operation on somebody forges records, and how.
    pub forgery: Option<(usize, Forgery)>,
}

/// A machine that falls asleep is not answered before.
pub const DOZE: Duration = Duration::from_millis(1);

/// One run of one machine.
pub struct Script {
    world: Arc<World>,
    pub disk: MemoryState,
    pub holder: String,
    pub clocks: Arc<Clocks>,
    pub started: Instant,
    /// Asks this run to end.
    pub shutdown: Shutdown,
    latency: Latency,
    crashed: Notify,
    state: Mutex<State>,
    /// What somebody is about to write into the records.
    forgery: Mutex<Option<Forgery>>,
    /// How long the machine is about to sleep.
    nap: Mutex<Option<Duration>>,
    has_slept: AtomicBool,
    /// Writes to the tenant that are under way.
    n_under_way: AtomicUsize,
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
        clocks: Arc<Clocks>,
        schedule: Schedule,
        latency: Latency,
    ) -> Arc<Self> {
        let seed = clocks.simulated.now().as_millisecond().unsigned_abs();
        Arc::new(Self {
            world,
            disk,
            holder,
            clocks,
            started: Instant::now(),
            shutdown: Shutdown::default(),
            latency,
            crashed: Notify::new(),
            state: Mutex::new(State {
                last_fault: None,
                rng: fastrand::Rng::with_seed(seed),
                schedule,
                made: Vec::new(),
            }),
            forgery: Mutex::default(),
            nap: Mutex::default(),
            has_slept: AtomicBool::new(false),
            n_under_way: AtomicUsize::new(0),
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

    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// A request is made now, by the machine's clock.
    pub fn tells_the_time(&self) {
        self.knows().last_call = Some(self.clock());
    }

    /// How long one operation takes.
    pub fn latency_of_one(&self) -> Duration {
        self.take()
    }

    /// What this run has been shown and told.
    pub fn knows(&self) -> MutexGuard<'_, Knowledge> {
        self.knows.lock().unwrap()
    }

    /// What the machine's clock shows.
    pub fn clock(&self) -> Timestamp {
        self.clocks.simulated.now()
    }

    /// Waits for a write to the tenant.
    pub async fn under_way<R>(&self, write: impl Future<Output = R>) -> R {
        struct Done<'a>(&'a AtomicUsize);
        impl Drop for Done<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.n_under_way.fetch_add(1, Ordering::Relaxed);
        let _done = Done(&self.n_under_way);
        write.await
    }

    /// A push of records begins.
    pub fn proposes(&self, change: &RecordCommit) {
        self.world.proposed(change);
    }

    /// How a deployment ended is kept on the disk.
    pub fn keeps(&self, deployment: &str) {
        self.world.kept(self, deployment);
    }

    /// How long the machine sleeps from now on.
    pub fn falls_asleep(&self) -> Option<Duration> {
        if self.n_under_way.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let time = self.nap.lock().unwrap().take()?;
        self.world.say(|| format!("{}: falls asleep", self.holder));
        Some(time)
    }

    pub fn has_slept(&self) -> bool {
        self.has_slept.load(Ordering::Relaxed)
    }

    /// The machine has slept so long.
    pub fn wakes(&self, time: Duration) {
        self.has_slept.store(true, Ordering::Relaxed);
        self.clocks.simulated.slept(time);
        self.world.say(|| format!("{}: wakes", self.holder));
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
        if fault.is_some_and(Fault::is_crash) {
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
            Happening::Edited(name) => {
                self.world.drift(&self.world.id(name), Some(by_hand(name, &self.world).as_bytes()))
            }
            Happening::Neighbour(name) => self.world.rename(&self.world.id(name)),
            Happening::Garbled(name, how) => self.world.garble(&self.world.id(name), how),
            Happening::ListMoves(time) => self.world.api.move_list_until(Instant::now() + time),
            Happening::Signal(grace) => self.shutdown.ask("SIGTERM", grace),
            Happening::ClockSet(ahead) => self.clocks.set(ahead),
            Happening::Sleeps { time, has_boot_clock } => {
                if !has_boot_clock {
                    self.clocks.simulated.lose_boot_clock();
                }
                *self.nap.lock().unwrap() = Some(time);
            }
        }
    }
}

impl Chance {
    fn decide(&mut self, op: Op, index: usize) -> Option<Fault> {
        if self.crash_at == Some(index) && !op.is_waited_for() {
            self.crash_at = Some(index + 1);
        }
        if self.crash_at == Some(index) {
            return Some(if self.rng.bool() { Fault::CrashBefore } else { Fault::CrashAfter });
        }
        if op.is_about_branches()
            && let Some((_, how)) = self.forgery.take_if(|(from, _)| *from <= index)
        {
            return Some(Fault::Forged(how));
        }
        if let Some(happening) = self.happenings.remove(&index) {
            return Some(Fault::Happens(happening));
        }
        match op {
            Op::Source(Operation::Push | Operation::Fetch) if self.git_outage.contains(&index) => {
                return Some(Fault::Source(SourceFault::Unreachable));
            }
            Op::Tenant(_) if self.tenant_outage.contains(&index) => {
                return Some(Fault::Tenant(TenantFault::Unavailable));
            }
            Op::Request(_) if self.tenant_outage.contains(&index) => {
                return Some(Fault::Request(RequestFault::Unavailable));
            }
            _ => {}
        }
        let hit = self.rng.u32(0..1000) < self.per_mille;
        let faults = if hit { faults_of(op, self.rng.u64(1..200_000)) } else { Vec::new() };
        (!faults.is_empty()).then(|| faults[self.rng.usize(..faults.len())])
    }
}

impl SourceHook for Script {
    fn next(&self, operation: Operation) -> SourceFault {
        if operation == Operation::Fetch {
            self.knows().pushed = None;
        }
        match self.decide(Op::Source(operation)) {
            Some(Fault::Source(fault)) => fault,
            Some(Fault::CrashBefore) => SourceFault::CrashBefore,
            Some(Fault::CrashAfter) => SourceFault::CrashAfter,
            Some(Fault::Happens(Happening::Sleeps { .. })) => SourceFault::Slow(DOZE),
            Some(Fault::Forged(how)) => {
                *self.forgery.lock().unwrap() = Some(how);
                SourceFault::Forged
            }
            _ => SourceFault::None,
        }
    }

    fn latency(&self) -> Duration {
        self.take()
    }

    fn forgery(&self, _: &MemoryRemote, _: &Folders) -> (Edits, Timestamp) {
        let how = self.forgery.lock().unwrap().take();
        (how.map(|how| self.world.forge(how)).unwrap_or_default(), self.world.now())
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
            Some(Fault::Happens(Happening::Sleeps { .. })) if !Op::Tenant(call).changes_the_tenant() => {
                TenantFault::Slow(DOZE)
            }
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
