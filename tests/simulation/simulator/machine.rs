//! A machine: a disk that survives, a clock that is wrong, and processes that come and go.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use flowsync::clock::SimulatedClock;
use flowsync::config::{SubjectTemplate, SyncPolicy};
use flowsync::controller::{Engine, EnvironmentReport, PassOptions};
use flowsync::deploy::LiveReader;
use flowsync::flow::Comparison;
use flowsync::index::FlowIndex;
use flowsync::local::{Guard, LocalError, LocalState, MemoryState, Room, Sighting, Unsent};
use flowsync::source::memory::MemorySource;
use flowsync::tenant::memory::MemoryClient;

use super::script::{Fault, Latency, Op, Schedule, Script};
use super::world::{ENVIRONMENT, World, origin};

/// A machine of the world.
pub struct Machine {
    pub disk: MemoryState,
    holder: String,
    skew: i64,
    clock: Arc<SimulatedClock>,
    world: Arc<World>,
    policy: SyncPolicy,
    /// What its process remembers from pass to pass; a crash ends that.
    index: Mutex<FlowIndex>,
}

/// How a run ended.
pub enum Ended {
    Report(Box<EnvironmentReport>),
    Crashed,
}

type SimulatedEngine = Engine<MemoryClient, MemorySource, Disk>;

impl Machine {
    /// A machine whose clock is `skew` milliseconds ahead.
    pub fn new(world: &Arc<World>, policy: &SyncPolicy, skew: i64, seed: u64) -> Self {
        let disk = MemoryState::default();
        let holder = disk.holder(seed).unwrap();
        let start = origin() + jiff::SignedDuration::from_millis(skew);
        let clock = Arc::new(SimulatedClock::starting_at(start, seed));
        let index = Mutex::new(new_index(policy));
        Self { disk, holder, skew, clock, world: world.clone(), policy: policy.clone(), index }
    }

    /// What one run of this machine goes through.
    pub fn script(&self, schedule: Schedule, latency: Latency) -> Arc<Script> {
        Script::new(self.world.clone(), self.disk.clone(), self.holder.clone(), self.skew, schedule, latency)
    }

    pub fn engine(&self, script: &Arc<Script>) -> SimulatedEngine {
        let World { remote, tenant, folders, target, .. } = &*self.world;
        Engine {
            environment: ENVIRONMENT.to_owned(),
            target: target.clone(),
            tenant_url: "memory".to_owned(),
            branch: folders.branch.clone(),
            records: folders.records.clone(),
            seal_key: None,
            subject: SubjectTemplate::default(),
            policy: self.policy.clone(),
            reader: LiveReader::new(self.index.lock().unwrap().clone()),
            tenant: Arc::new(MemoryClient::new(tenant.clone(), script.clone())),
            source: Arc::new(MemorySource::new(remote.clone(), folders.clone(), script.clone())),
            local: Arc::new(Disk { state: self.disk.clone(), script: script.clone() }),
            clock: self.clock.clone(),
            progress: Arc::new(|_| {}),
            shutdown: script.shutdown.clone(),
        }
    }

    /// One pass, to its end or to its crash.
    pub async fn pass(&self, script: &Arc<Script>, options: &PassOptions) -> Ended {
        script.allow(options);
        let engine = self.engine(script);
        let ended = tokio::select! {
            biased;
            report = engine.pass(options) => Ended::Report(Box::new(report)),
            () = script.crash() => Ended::Crashed,
        };
        if let Ended::Report(report) = &ended {
            self.world.reported(script, report);
        } else {
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

/// A disk that may be full, or lose the end of what was written when the power goes.
pub struct Disk {
    state: MemoryState,
    script: Arc<Script>,
}

impl LocalState for Disk {
    fn holder(&self, random: u64) -> Result<String, LocalError> {
        self.state.holder(random)
    }

    fn lock(&self) -> Result<Guard, LocalError> {
        self.state.lock()
    }

    fn secure(&self, deployment: &str, room: Room) -> Result<(), LocalError> {
        self.state.secure(deployment, room)
    }

    async fn append_journal(&self, deployment: &str, lines: Vec<u8>) -> Result<(), LocalError> {
        match self.script.decide(Op::Journal) {
            Some(Fault::DiskFull) => {
                self.script.knows().unwritten.insert(deployment.to_owned());
                let source = std::io::Error::other("no space left");
                Err(LocalError::Io { doing: "append to", path: PathBuf::from("journal"), source })
            }
            Some(Fault::CrashBefore) => std::future::pending().await,
            Some(Fault::Torn) => {
                self.state.append_journal(deployment, lines[..lines.len() / 2].to_vec()).await?;
                std::future::pending().await
            }
            Some(Fault::CrashAfter) => {
                self.state.append_journal(deployment, lines).await?;
                std::future::pending().await
            }
            _ => self.state.append_journal(deployment, lines).await,
        }
    }

    fn read_journal(&self, deployment: &str) -> Result<Option<Vec<u8>>, LocalError> {
        self.state.read_journal(deployment)
    }

    fn remove_journal(&self, deployment: &str) -> Result<(), LocalError> {
        self.state.remove_journal(deployment)
    }

    fn keep_unsent(&self, unsent: &Unsent) -> Result<(), LocalError> {
        self.state.keep_unsent(unsent)
    }

    fn unsent(&self) -> Result<Option<Unsent>, LocalError> {
        self.state.unsent()
    }

    fn drop_unsent(&self) -> Result<(), LocalError> {
        self.state.drop_unsent()
    }

    fn keep_sighting(&self, sighting: &Sighting) -> Result<(), LocalError> {
        self.state.keep_sighting(sighting)
    }

    fn sighting(&self) -> Result<Option<Sighting>, LocalError> {
        self.state.sighting()
    }
}
