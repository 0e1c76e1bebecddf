//! Engines that are broken on purpose, each at one of its seams: what watches the world must notice.
//!
//! A machine's engine reaches tenant, repository, disk and clock through what stands here; where nothing is
//! broken it hands everything on as it is.

mod clock;
#[cfg(test)]
mod project;
mod source;
#[cfg(test)]
mod table;
mod tenant;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use flowsync::config::{ApprovalPolicy, SyncPolicy};
use flowsync::controller::{EnvironmentReport, PassOptions, SyncResult};
use flowsync::flow::FlowId;
use flowsync::shutdown::Shutdown;
use tokio::time::Instant;

use super::api::Client;

pub use clock::clock;
#[cfg(test)]
pub use project::in_projects;
pub use source::BrokenSource;
#[cfg(test)]
pub use table::against;
pub use tenant::BrokenTenant;

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breakage {
    /// One import is answered and never made, and read back as if it had been.
    BelievesAnImport,
    /// Deletes are answered and never made, and read back as if they had been.
    BelievesDeletes,
    /// The first write is made after the second.
    SwapsWrites,
    /// The journal is written when the next lines come.
    BuffersTheJournal,
    /// An outcome is left out of the audit file that is pushed.
    LosesAnOutcome,
    /// Deletes go for what git never held, too.
    DeletesWhatIsUnknown,
    /// The push that takes the lock is answered and never made.
    BelievesThePush,
    /// The clocks that a lease is judged by stand still.
    StoppedClock,
    /// Every lease of somebody else counts as ended.
    TakesOver,
    /// Previous definitions are not committed.
    CommitsNoPrevious,
    /// What is imported has another name.
    RenamesFlows,
    /// What is overwritten is not kept.
    KeepsNothing,
    /// A flow that was there is taken for one's own creation.
    TakesAllForCreated,
    /// What was seen is seen again for two minutes.
    RemembersTheLook,
    /// A flow is deleted before it is imported.
    DeletesFirst,
    /// Whatever was rolled back is reported as deployed.
    ReportsSuccess,
    /// A closing record is not kept.
    LosesClosingRecords,
    /// A commit writes a record of another environment, too.
    WritesElsewhere,
    /// The manifest says another previous hash than what was live.
    MistakesHashes,
    /// What is held back is tried again.
    Retries,
    /// Every second look at git commits a sign of life.
    ShowsLife,
    /// A flow's status is asked for until it is deployed.
    WaitsForEver,
    /// Nobody can ask it to end.
    IgnoresSignals,
    /// Nothing has to be approved.
    AsksNobody,
    /// What was used is neither named nor removed.
    ForgetsApprovals,
    /// No environment is ever suspended.
    OverlooksSuspensions,
    /// No window is ever closed.
    OverlooksWindows,
    /// Requests are made however late it is.
    HeedsNoLease,
    /// After a failure nothing is imported or rolled back any more.
    GivesUp,
}

/// What is broken in the engines of a machine, if anything; clones share what they remember.
#[derive(Clone, Default)]
pub struct Broken {
    how: Option<Breakage>,
    memory: Arc<Mutex<Memory>>,
}

/// Flows as an export showed them.
type Shown = BTreeMap<FlowId, Arc<[u8]>>;

#[derive(Default)]
struct Memory {
    /// Imports that were never made, or not yet.
    imports: BTreeMap<FlowId, Vec<u8>>,
    /// Deletes that were never made.
    deletes: BTreeSet<FlowId>,
    has_swapped: bool,
    /// Lines of the journal that are not written yet.
    lines: Vec<u8>,
    look: Option<(Instant, Shown)>,
    n_fetches: usize,
    has_failed: bool,
}

impl Broken {
    pub fn by(how: Breakage) -> Self {
        Self { how: Some(how), ..Self::default() }
    }

    pub fn is(&self, how: Breakage) -> bool {
        self.how == Some(how)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }

    /// What the journal really gets of the lines that are written.
    pub fn written(&self, lines: Vec<u8>) -> Vec<u8> {
        match self.how {
            Some(Breakage::BuffersTheJournal) => std::mem::replace(&mut self.memory().lines, lines),
            Some(Breakage::KeepsNothing) => {
                let text = String::from_utf8(lines).unwrap();
                let kept = text.split_inclusive('\n').filter(|line| !line.contains("\"event\":\"overwritten\""));
                kept.collect::<String>().into_bytes()
            }
            _ => lines,
        }
    }

    /// What speaks to the tenant.
    pub fn client(&self, client: Client) -> Client {
        match client {
            Client::Project(mut project) => {
                project.heeds_no_lease = self.is(Breakage::HeedsNoLease);
                Client::Project(project)
            }
            client => client,
        }
    }

    /// By what a process is asked to end.
    pub fn shutdown(&self, shutdown: &Shutdown) -> Shutdown {
        if self.is(Breakage::IgnoresSignals) { Shutdown::default() } else { shutdown.clone() }
    }

    /// The policy that an engine goes by.
    pub fn policy(&self, policy: &SyncPolicy) -> SyncPolicy {
        let approval = if self.is(Breakage::AsksNobody) { ApprovalPolicy::None } else { policy.approval };
        let windows = if self.is(Breakage::OverlooksWindows) { Vec::new() } else { policy.windows.clone() };
        SyncPolicy { approval, windows, ..policy.clone() }
    }

    /// What a pass believes that a person said.
    pub fn options(&self, options: &PassOptions) -> PassOptions {
        let (take_over, retry) = (self.is(Breakage::TakesOver), self.is(Breakage::Retries));
        PassOptions { take_over: options.take_over || take_over, retry: options.retry || retry, ..options.clone() }
    }

    /// What a pass says of itself.
    pub fn report(&self, report: &mut EnvironmentReport) {
        if self.is(Breakage::ReportsSuccess) && report.result == SyncResult::RolledBack {
            report.result = SyncResult::Deployed;
        }
    }
}
