//! A machine: a disk that survives, a clock that is wrong, and processes that come and go.

use std::sync::{Arc, Mutex};

use flowsync::config::{SubjectTemplate, SyncPolicy};
use flowsync::controller::{Engine, EnvironmentReport, PassOptions, Records};
use flowsync::flow::Comparison;
use flowsync::index::{FlowIndex, LiveReader};
use flowsync::local::{LocalState, MemoryState};
use flowsync::source::memory::MemorySource;
use jiff::SignedDuration;

use super::api::Desk;
use super::broken::{self, Broken, BrokenSource, BrokenTenant};
use super::clocks::{Clocks, while_awake};
use super::disk::Disk;
use super::script::{Latency, Schedule, Script};
use super::world::{ENVIRONMENT, World};

/// A machine of the world.
pub struct Machine {
    pub disk: MemoryState,
    pub clocks: Arc<Clocks>,
    holder: String,
    world: Arc<World>,
    policy: SyncPolicy,
    broken: Broken,
    desk: Arc<Desk>,
    /// Every run so far: what a task does to the tenant is its doing, however long it is dead.
    runs: Mutex<Vec<Arc<Script>>>,
    /// What its process remembers from pass to pass; a crash ends that.
    index: Mutex<FlowIndex>,
}

/// How a run ended.
pub enum Ended {
    Report(Box<EnvironmentReport>),
    Crashed,
}

type SimulatedEngine = Engine<BrokenTenant, BrokenSource, Disk>;

impl Machine {
    /// A machine whose clock is `skew` milliseconds ahead.
    pub fn new(world: &Arc<World>, policy: &SyncPolicy, skew: i64, seed: u64) -> Self {
        let disk = MemoryState::default();
        let holder = disk.holder(seed).unwrap();
        let clocks = Arc::new(Clocks::new(SignedDuration::from_millis(skew), seed));
        let index = Mutex::new(new_index(policy));
        let (world, policy) = (world.clone(), policy.clone());
        let desk = Desk::new(clocks.simulated.clone(), seed);
        Self { desk, disk, clocks, holder, world, policy, broken: Broken::default(), runs: Mutex::default(), index }
    }

    /// The same with engines that are broken.
    pub fn broken_by(self, broken: Broken) -> Self {
        Self { broken, ..self }
    }

    /// What one run of this machine goes through.
    pub fn script(&self, schedule: Schedule, latency: Latency) -> Arc<Script> {
        Script::new(self.world.clone(), self.disk.clone(), self.holder.clone(), self.clocks.clone(), schedule, latency)
    }

    pub fn engine(&self, script: &Arc<Script>) -> SimulatedEngine {
        let World { remote, api, folders, target, .. } = &*self.world;
        let broken = || self.broken.clone();
        let client = self.broken.client(api.client(&self.desk, script));
        let clone = MemorySource::new(remote.clone(), folders.clone(), script.clone()).in_format(api.format());
        let index = self.index.lock().unwrap().clone();
        let records = Records {
            environment: ENVIRONMENT.to_owned(),
            target: target.clone(),
            tenant_url: "memory".to_owned(),
            branch: folders.branch.clone(),
            folder: folders.records.clone(),
            seal_key: None,
            index: index.clone(),
            source: Arc::new(BrokenSource { clone, script: script.clone(), broken: broken() }),
        };
        Engine {
            records,
            subject: SubjectTemplate::default(),
            policy: self.broken.policy(&SyncPolicy { windows: self.world.windows(), ..self.policy.clone() }),
            reader: LiveReader::new(index),
            tenant: Arc::new(BrokenTenant { client, script: script.clone(), broken: broken() }),
            local: Arc::new(Disk { state: self.disk.clone(), script: script.clone(), broken: broken() }),
            clock: broken::clock(&self.clocks.simulated, &self.broken),
            progress: Arc::new(|_| {}),
            shutdown: self.broken.shutdown(&script.shutdown),
        }
    }

    /// One pass, to its end or to its crash.
    pub async fn pass(&self, script: &Arc<Script>, options: &PassOptions) -> Ended {
        script.allow(options);
        self.runs.lock().unwrap().push(script.clone());
        let engine = self.engine(script);
        let options = self.broken.options(options);
        let mut ended = tokio::select! {
            biased;
            // A pass is large where nothing is optimised, and would be moved about on a small stack.
            report = while_awake(script, Box::pin(engine.pass(&options))) => Ended::Report(Box::new(report)),
            () = script.crash() => Ended::Crashed,
        };
        if let Ended::Report(report) = &mut ended {
            self.broken.report(report);
            self.world.check_grace(script);
            self.world.reported(script, report);
        } else {
            drop(engine);
            self.desk.clear();
            *self.index.lock().unwrap() = new_index(&self.policy);
        }
        self.world.say(|| match &ended {
            Ended::Report(report) => {
                let errors = report.problems.iter().filter(|problem| problem.is_error());
                let problems: String = errors.map(|problem| format!(" [{problem}]")).collect();
                let error = report.error.as_deref().unwrap_or_default();
                format!("{}: {} {error}{problems}", self.holder, report.result.as_str())
            }
            Ended::Crashed => format!("{}: crashed", self.holder),
        });
        ended
    }
}

fn new_index(policy: &SyncPolicy) -> FlowIndex {
    FlowIndex::in_memory(Arc::new(Comparison::new(&policy.ignore).unwrap()))
}
