//! A pass costs what changed, not what exists: counted, not timed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::clock::{Clock, SimulatedClock};
use crate::controller::in_memory::{MemoryEngine, Parts};
use crate::controller::{PassOptions, SyncResult, Verified};
use crate::flow::{Comparison, EnvironmentId, FlowId};
use crate::index::{Counts, FlowIndex};
use crate::local::MemoryState;
use crate::revision::CommitId;
use crate::source::memory::{Edits, MemoryRemote, Operation, SourceFault, SourceHook};
use crate::tenant::Call;
use crate::tenant::memory::{MemoryTenant, TenantFault, TenantHook};

const FLOWS: usize = 200;

#[derive(Default)]
struct Counting {
    calls: Mutex<BTreeMap<Call, u64>>,
    writes: AtomicU64,
}

impl TenantHook for Counting {
    fn next(&self, call: Call, _: Option<&FlowId>, _: Option<&[u8]>) -> TenantFault {
        *self.calls.lock().unwrap().entry(call).or_default() += 1;
        TenantFault::None
    }

    fn latency(&self) -> Duration {
        Duration::ZERO
    }

    fn wrote(&self, _: Call, _: &FlowId, _: Option<&[u8]>) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    fn dangled(&self, _: &FlowId, _: &str) {}
}

struct World {
    remote: MemoryRemote,
    tenant: MemoryTenant,
    target: EnvironmentId,
    local: MemoryState,
    index: FlowIndex,
    clock: Arc<SimulatedClock>,
}

fn text(index: usize, revision: usize) -> String {
    format!(
        r#"{{"id":"flow_{index}","name":"F","version":"1.{revision}.0","nodes":[{{"id":"s","type":"start","configuration":{{}}}},{{"id":"e","type":"end","configuration":{{}}}}],"edges":[{{"from":"s","to":"e","condition":null}}]}}"#
    )
}

impl World {
    fn new() -> Self {
        let world = Self {
            remote: MemoryRemote::default(),
            tenant: MemoryTenant::default(),
            target: EnvironmentId("env".into()),
            local: MemoryState::default(),
            index: FlowIndex::in_memory(Arc::new(Comparison::default())),
            clock: Arc::new(SimulatedClock::starting_at("2026-01-01T00:00:00Z".parse().unwrap(), 1)),
        };
        world.commit((0..FLOWS).map(|index| (index, 0)));
        world
    }

    fn commit(&self, flows: impl Iterator<Item = (usize, usize)>) {
        let edits: Edits = flows
            .map(|(index, revision)| (format!("flows/{index}.json"), Some(text(index, revision).into_bytes())))
            .collect();
        self.remote.commit("main", "flows", self.clock.now(), &edits);
    }

    /// One pass: its result, the calls it made, and what it parsed and kept.
    async fn pass(&self) -> (SyncResult, BTreeMap<Call, u64>, Counts) {
        let counting = Arc::new(Counting::default());
        let before = self.index.counts();
        let report = self.engine(counting.clone(), Arc::new(())).pass(&PassOptions::default()).await;
        let calls = counting.calls.lock().unwrap().clone();
        (report.result, calls, since(before, self.index.counts()))
    }

    fn engine(&self, counting: Arc<Counting>, hook: Arc<dyn SourceHook>) -> MemoryEngine {
        let Self { remote, tenant, target, local, index, clock } = self;
        let (index, local, clock) = (index.clone(), local.clone(), clock.clone());
        Parts { remote, tenant, target, index, local, clock }.engine(counting, hook)
    }
}

fn since(before: Counts, now: Counts) -> Counts {
    Counts {
        files_checked: now.files_checked - before.files_checked,
        live_parsed: now.live_parsed - before.live_parsed,
        live_bytes_parsed: now.live_bytes_parsed - before.live_bytes_parsed,
        live_recognised: now.live_recognised - before.live_recognised,
        texts_kept: now.texts_kept - before.texts_kept,
    }
}

#[tokio::test(start_paused = true)]
async fn a_pass_costs_what_changed() {
    let world = World::new();
    let (result, calls, counts) = world.pass().await;
    assert_eq!(result, SyncResult::Deployed);
    assert_eq!((calls[&Call::Import], counts.files_checked), (FLOWS as u64, FLOWS as u64));

    let (result, calls, counts) = world.pass().await;
    assert_eq!(result, SyncResult::InSync);
    assert_eq!(calls, BTreeMap::from([(Call::Export, 1)]), "one export and nothing else");
    assert_eq!((counts.files_checked, counts.texts_kept), (0, 0), "no file is read again, no text is kept");

    let (_, _, counts) = world.pass().await;
    let recognised = Counts { live_recognised: FLOWS as u64, ..Counts::default() };
    assert_eq!(counts, recognised, "what was seen before is known by its bytes");

    world.commit([(3, 1), (7, 1), (11, 1)].into_iter());
    let (result, calls, counts) = world.pass().await;
    assert_eq!(result, SyncResult::Deployed);
    assert_eq!((calls[&Call::Import], calls[&Call::Status], calls[&Call::Export]), (3, 3, 2));
    assert_eq!(counts.files_checked, 3, "only the blobs that are new");
    assert_eq!(counts.texts_kept, 6, "what is overwritten, and what it is read back as");
    assert_eq!((counts.live_parsed, counts.live_recognised), (6, 2 * (FLOWS as u64 - 3)), "and nothing else is parsed");
}

#[tokio::test(start_paused = true)]
async fn drift_in_one_flow_parses_one_flow() {
    let world = World::new();
    world.pass().await;
    world.pass().await;
    let drifted = text(5, 9);
    world.tenant.edit(&world.target, drifted.as_bytes());
    let (result, calls, counts) = world.pass().await;
    assert_eq!((result, calls[&Call::Import]), (SyncResult::Deployed, 1));
    assert_eq!(counts.live_recognised, 2 * (FLOWS as u64 - 1), "either export parses only what drifted");
    assert_eq!(counts.live_parsed, 2);
}

/// A repository that counts what is read of it.
#[derive(Default)]
struct Reads(AtomicU64);

impl SourceHook for Reads {
    fn next(&self, operation: Operation) -> SourceFault {
        self.0.fetch_add(u64::from(operation == Operation::Read), Ordering::Relaxed);
        SourceFault::None
    }

    fn latency(&self) -> Duration {
        Duration::ZERO
    }

    fn pushed(&self, _: &CommitId) {}

    fn read(&self, n_blobs: usize) {
        self.0.fetch_add(n_blobs as u64, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_correction_reads_no_records_older_than_what_it_counts() {
    let mut read = Vec::new();
    for n_deployments in [4, 16] {
        let world = World::new();
        for revision in 0..n_deployments {
            world.commit([(0, revision)].into_iter());
            world.pass().await;
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        world.tenant.edit(&world.target, text(5, 9).as_bytes());
        let reads = Arc::new(Reads::default());
        let engine = world.engine(Arc::new(Counting::default()), reads.clone());
        assert_eq!(engine.pass(&PassOptions::default()).await.result, SyncResult::Deployed);
        read.push(reads.0.load(Ordering::Relaxed));
    }
    assert_eq!(read[0], read[1]);
}

#[tokio::test(start_paused = true)]
async fn verifying_the_trail_reads_each_record_once() {
    let mut read = Vec::new();
    for n_deployments in [4, 8, 16] {
        let world = World::new();
        world.pass().await;
        for revision in 1..n_deployments {
            world.commit([(0, revision)].into_iter());
            assert_eq!(world.pass().await.0, SyncResult::Deployed);
        }
        let reads = Arc::new(Reads::default());
        let engine = world.engine(Arc::new(Counting::default()), reads.clone());
        let tip = world.remote.tip("main").unwrap();
        let Verified { n_records, faults, .. } = engine.records.verify_trail(&tip).await.unwrap();
        assert!(n_records >= 4 * n_deployments && faults.is_empty(), "{n_records} {faults:?}");
        read.push(reads.0.load(Ordering::Relaxed) as usize);
    }
    // Two manifests and one audit file a deployment, and a fixed number of questions.
    assert_eq!([read[1] - read[0], read[2] - read[1]], [3 * 4, 3 * 8]);
    assert!(read[0] < 3 * 4 + 12, "{read:?}");
}
