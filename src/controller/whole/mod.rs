//! The tenant ends whole whatever happens to this process or machine: at every step of a deployment, under
//! paused time.

mod asked;
mod clocks;
mod disowned;
mod journal;
mod moved;
mod signals;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::SimulatedClock;
use crate::config::SyncPolicy;
use crate::controller::in_memory::{MemoryEngine, Parts};
use crate::controller::{Engine, EnvironmentReport, PassOptions, SyncResult};
use crate::flow::{Comparison, EnvironmentId, FlowId};
use crate::index::FlowIndex;
use crate::local::{MemoryState, StateFault, StateHook, StateWrite};
use crate::record::Status;
use crate::revision::CommitId;
use crate::shutdown::Shutdown;
use crate::source::memory::{Edits, MemoryRemote, Operation, SourceFault, SourceHook};
use crate::tenant::Call;
use crate::tenant::memory::{MemoryTenant, TenantFault, TenantHook};

/// Each needs the one before.
const FLOWS: usize = 6;

/// One thing a process does with the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Tenant(Call),
    Source(Operation),
    State(StateWrite),
}

/// What happens when a process does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Tenant(TenantFault),
    Source(SourceFault),
    State(StateFault),
}

/// Told of each operation and its number, from 0, before it is made.
type Event = Box<dyn Fn(&Machine, Op, usize) -> Option<Fault> + Send + Sync>;

struct World {
    remote: MemoryRemote,
    tenant: MemoryTenant,
    target: EnvironmentId,
    start: Instant,
}

impl World {
    /// Flows of version 1 are deployed, and version 2 is committed.
    async fn new() -> Self {
        let (remote, tenant) = (MemoryRemote::default(), MemoryTenant::default());
        let world = Self { remote, tenant, target: EnvironmentId("env".into()), start: Instant::now() };
        world.commit(1);
        let report = Machine::new(&world, 1).pass().await;
        assert_eq!(report.result, SyncResult::Deployed);
        world.commit(2);
        world
    }

    fn commit(&self, version: usize) {
        let edits: Edits =
            (0..FLOWS).map(|n| (format!("flows/{n}.json"), Some(text(n, version).into_bytes()))).collect();
        self.remote.commit("main", "flows", origin() + self.start.elapsed(), &edits);
    }

    /// The versions that are live: one, if the tenant is whole.
    fn live(&self) -> BTreeSet<String> {
        let flows = self.tenant.flows(&self.target);
        assert_eq!(flows.len(), FLOWS);
        let comparison = Comparison::default();
        let version = |raw: &Arc<[u8]>| crate::flow::Definition::from_live(raw, &comparison).unwrap().version;
        flows.values().map(version).collect()
    }

    /// The version all flows have.
    #[track_caller]
    fn whole(&self, why: &str) -> String {
        let live = self.live();
        assert_eq!(live.len(), 1, "{why}: half of it is live: {live:?}");
        live.into_iter().next().unwrap()
    }

    async fn manifest(&self) -> crate::record::Manifest {
        let tip = self.remote.tip("main").unwrap();
        Machine::new(self, 99).engine().records.manifest_at(&tip).await.unwrap().unwrap()
    }

    async fn status(&self) -> Status {
        self.manifest().await.status()
    }
}

fn origin() -> jiff::Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn text(n: usize, version: usize) -> String {
    let needs = n
        .checked_sub(1)
        .map_or_else(String::new, |before| format!(r#"{{"type":"flow","id":"flow_{before}","environmentId":"env"}}"#));
    format!(
        r#"{{"id":"flow_{n}","name":"F","version":"{version}.0.0","nodes":[{{"id":"s","type":"start","configuration":{{}}}}],"edges":[],"externalReferences":[{needs}]}}"#
    )
}

/// A machine: a disk, clocks, and one process at a time.
#[derive(Clone)]
struct Machine {
    remote: MemoryRemote,
    tenant: MemoryTenant,
    target: EnvironmentId,
    disk: MemoryState,
    clock: Arc<SimulatedClock>,
    shutdown: Shutdown,
    hook: Arc<Hook>,
    policy: SyncPolicy,
}

#[derive(Default)]
struct Hook {
    /// How long each call to the tenant takes.
    latency: Mutex<Duration>,
    event: Mutex<Option<Event>>,
    machine: Mutex<Option<Machine>>,
    made: Mutex<Vec<Op>>,
    /// Nothing comes back from git before this moment: the machine sleeps.
    asleep_until: Mutex<Option<Instant>>,
}

impl Hook {
    fn op(&self, op: Op) -> Option<Fault> {
        let n = {
            let mut made = self.made.lock().unwrap();
            made.push(op);
            made.len() - 1
        };
        let machine = self.machine.lock().unwrap().clone()?;
        self.event.lock().unwrap().as_ref().and_then(|event| event(&machine, op, n))
    }
}

impl Machine {
    fn new(world: &World, seed: u64) -> Self {
        let World { remote, tenant, target, start } = world;
        let clock = SimulatedClock::starting_at(origin() + start.elapsed(), seed);
        let concurrency = NonZeroUsize::MIN;
        let machine = Self {
            remote: remote.clone(),
            tenant: tenant.clone(),
            target: target.clone(),
            disk: MemoryState::default(),
            clock: Arc::new(clock),
            shutdown: Shutdown::default(),
            hook: Arc::default(),
            policy: SyncPolicy { concurrency, ..SyncPolicy::default() },
        };
        *machine.hook.machine.lock().unwrap() = Some(Self { hook: Arc::default(), ..machine.clone() });
        machine
    }

    /// The same with something that happens.
    fn when(self, event: impl Fn(&Self, Op, usize) -> Option<Fault> + Send + Sync + 'static) -> Self {
        *self.hook.event.lock().unwrap() = Some(Box::new(event));
        self
    }

    /// The same with calls that take so long.
    fn taking(self, latency: Duration) -> Self {
        *self.hook.latency.lock().unwrap() = latency;
        self
    }

    /// The next process of this machine: nothing happens to it.
    fn again(&self) -> Self {
        let next = Self { shutdown: Shutdown::default(), hook: Arc::default(), ..self.clone() };
        *next.hook.machine.lock().unwrap() = Some(Self { hook: Arc::default(), ..next.clone() });
        next
    }

    fn engine(&self) -> MemoryEngine {
        let Self { remote, tenant, target, disk, clock, hook, .. } = self;
        let index = FlowIndex::in_memory(Arc::new(Comparison::default()));
        let (local, clock) = (disk.through(hook.clone()), clock.clone());
        let parts = Parts { remote, tenant, target, index, local, clock };
        let (policy, shutdown) = (self.policy.clone(), self.shutdown.clone());
        Engine { policy, shutdown, ..parts.engine(hook.clone(), hook.clone()) }
    }

    async fn pass(&self) -> EnvironmentReport {
        self.engine().pass(&PassOptions::default()).await
    }

    fn made(&self) -> Vec<Op> {
        self.hook.made.lock().unwrap().clone()
    }

    /// Sleeps from now on for so long: git is not heard of before, and the monotonic clock does not count it.
    fn sleeps(&self, hook: &Hook, time: Duration) {
        *hook.asleep_until.lock().unwrap() = Some(Instant::now() + time);
        let clock = self.clock.clone();
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            clock.slept(time);
        });
    }
}

impl TenantHook for Hook {
    fn next(&self, call: Call, _: Option<&FlowId>, _: Option<&[u8]>) -> TenantFault {
        match self.op(Op::Tenant(call)) {
            Some(Fault::Tenant(fault)) => fault,
            _ => TenantFault::None,
        }
    }

    fn latency(&self) -> Duration {
        *self.latency.lock().unwrap()
    }

    fn wrote(&self, _: Call, _: &FlowId, _: Option<&[u8]>) {}

    fn dangled(&self, flow: &FlowId, missing: &str) {
        panic!("{flow} was imported before {missing}");
    }
}

impl SourceHook for Hook {
    fn next(&self, operation: Operation) -> SourceFault {
        let asleep = self.asleep_until.lock().unwrap().filter(|until| *until > Instant::now());
        if let Some(until) = asleep {
            return SourceFault::Slow(until - Instant::now() + Duration::from_millis(1));
        }
        match self.op(Op::Source(operation)) {
            Some(Fault::Source(fault)) => fault,
            _ => SourceFault::None,
        }
    }

    fn latency(&self) -> Duration {
        Duration::ZERO
    }

    fn pushed(&self, _: &CommitId) {}
}

impl StateHook for Hook {
    fn next(&self, write: StateWrite) -> StateFault {
        match self.op(Op::State(write)) {
            Some(Fault::State(fault)) => fault,
            _ => StateFault::None,
        }
    }
}

/// Every operation of the deployment that nothing happens to.
async fn steps() -> Vec<Op> {
    let world = World::new().await;
    let machine = Machine::new(&world, 2);
    assert_eq!(machine.pass().await.result, SyncResult::Deployed);
    machine.made()
}

/// The next passes bring git to the tenant, whatever was left: nothing is held back.
async fn comes_right(world: &World, machine: &Machine, why: &str) {
    for _ in 0..3 {
        let report = machine.again().pass().await;
        if report.result == SyncResult::InSync {
            assert_eq!(world.whole(why), "2.0.0", "{why}");
            return;
        }
    }
    panic!("{why}: it does not come right");
}
