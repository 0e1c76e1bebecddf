//! Carrying a plan out, and taking it back.
//!
//! `push` writes flows in the order of what they need, `verify` reads them back, `restore` puts back
//! what was there before; `release` has endpoints show a frozen copy of it. Nothing here decides what is to be done: that is the plan's. Every request
//! that changes the tenant has an intent record on the disk before it and an outcome record after it.

mod asked;
mod beside;
mod different;
mod jobs;
pub mod journal;
mod lease;
mod look;
mod looked;
mod push;
mod recover;
mod release;
mod restore;
mod sending;
#[cfg(test)]
mod tests;
mod verify;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::clock::in_future;
use crate::flow::{Comparison, EnvironmentId, FlowId};
use crate::index::LiveReader;
use crate::local::LocalState;
use crate::revision::CommitId;
use crate::shutdown::{Grace, Shutdown, Stage};
use crate::tenant::{Blame, CallLimits, Export, Failure, Tenant, TenantError};

pub use asked::{Asked, Before, JOURNAL_MEMBER};
pub use beside::{Beside, SideEffect};
pub use journal::{Journal, JournalFailed, LastRun, room_for};
pub use lease::{HANDOVER, LEASE, Lease, MARGIN, believed_until};
pub use looked::{LOOK_AGE, LOOK_SHARE, Looked, Looks};
pub use push::{Standing, first_form};
pub use recover::{Found, Recovery, look};
pub use release::{EndpointSwitch, Meant, ShownRelease};
pub use restore::{EXPORT_LAG, Restoration, Restored, Undo, overwritten};

/// Pauses before what is live is read again.
const FIRST_REREAD: Duration = Duration::from_millis(100);
const LONGEST_REREAD: Duration = Duration::from_secs(5);

/// What one deployment works with.
pub struct Deployer<'a, T, L> {
    /// The tenant.
    pub tenant: &'a T,
    /// The tenant's name of the environment.
    pub target: &'a EnvironmentId,
    /// How live flows are read.
    pub reader: LiveReader,
    /// Where intents and outcomes are recorded.
    pub journal: &'a Journal<L>,
    /// The lease, and the moment patience ends.
    pub limits: CallLimits,
    /// Most flows under way at once.
    pub concurrency: usize,
    /// How long one flow may stay under way, and how long a difference at the end is read again.
    pub verify_timeout: Duration,
    /// Turns true when nothing more may be started: the lease could not be renewed.
    pub stop: watch::Receiver<bool>,
    /// When the tenant was last looked at, and what was seen.
    pub looks: Looks,
    /// What was live before of the flows that are not written.
    pub beside: &'a Beside,
    /// Says in git that a flow to be created was somebody else's.
    pub disown: Disown<'a>,
    /// Asks this process to end.
    pub shutdown: &'a Shutdown,
    /// Told of every step.
    pub progress: &'a Progress,
}

/// Says in git, when its future is done, that a flow to be created was somebody else's; fails with the reason in words.
pub type Disown<'a> = Box<dyn Fn(&FlowId) -> BoxFuture<'a, Result<(), String>> + Send + Sync + 'a>;

/// Told of every step; shows a bar or a line.
pub type Progress = Arc<dyn Fn(ProgressStep<'_>) + Send + Sync>;

/// A step worth showing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressStep<'a> {
    /// A deployment is announced in git: from now on it may write.
    Began {
        /// Its id.
        deployment: &'a str,
        /// The commit it deploys, where its flows are of one.
        commit: Option<&'a CommitId>,
    },
    /// One that was interrupted goes on.
    Continued {
        /// Its id.
        deployment: &'a str,
    },
    /// A stage begins, with so many flows in it.
    Stage(&'static str, usize),
    /// A flow is done in this stage.
    Done(&'a FlowId),
    /// A flow failed in this stage.
    Failed(&'a FlowId),
    /// The deployment is over, however it ended.
    Over,
}

/// How one flow fared while it was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// Written, and the tenant says it is deployed. `existed`: a create that was answered as an update.
    Done {
        /// Whether somebody else's flow was there.
        existed: bool,
    },
    /// Not, and it may have been changed.
    Failed(FlowFailure),
    /// Not, and no request was made for it: whatever is live of it is somebody else's doing.
    Unsent(FlowFailure),
    /// Not begun.
    NotAttempted,
}

impl Pushed {
    /// Whether a create was answered as an update.
    #[must_use]
    pub fn existed(&self) -> bool {
        match self {
            Self::Done { existed } => *existed,
            Self::Failed(failure) | Self::Unsent(failure) => failure.existed,
            Self::NotAttempted => false,
        }
    }

    /// Why it failed, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<&FlowFailure> {
        match self {
            Self::Failed(failure) | Self::Unsent(failure) => Some(failure),
            Self::Done { .. } | Self::NotAttempted => None,
        }
    }

    /// The same of a flow to be created that is known to have been somebody else's.
    fn of_somebody(self) -> Self {
        match self {
            Self::Done { .. } => Self::Done { existed: true },
            Self::Failed(failure) => Self::Failed(FlowFailure { existed: true, ..failure }),
            Self::Unsent(failure) => Self::Unsent(FlowFailure { existed: true, ..failure }),
            Self::NotAttempted => Self::NotAttempted,
        }
    }
}

/// Why a flow, or a whole deployment, failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowFailure {
    /// Whose fault it is.
    pub blame: Blame,
    /// In words.
    pub message: String,
    /// Whether a create was answered as an update before it failed.
    pub existed: bool,
}

impl FlowFailure {
    fn of(error: &TenantError) -> Self {
        Self { blame: error.blame(), message: error.to_string(), existed: false }
    }

    fn journal(failed: &JournalFailed) -> Self {
        Self { blame: Blame::Transport, message: failed.to_string(), existed: false }
    }

    fn asked_to_end(grace: &Grace) -> Self {
        let message = format!("{}: this deployment was asked to end before everything was live", grace.by);
        Self { blame: Blame::Nobody, message, existed: false }
    }
}

/// How a push went, flow by flow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PushReport {
    /// By flow.
    pub flows: BTreeMap<FlowId, Pushed>,
    /// What ended it early, where that was no flow: patience, the lease, a final difference.
    pub failure: Option<FlowFailure>,
    /// Flows that were not written and changed all the same.
    pub side_effects: Vec<SideEffect>,
}

impl PushReport {
    /// Whether everything was done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failure.is_none() && self.flows.values().all(|flow| matches!(flow, Pushed::Done { .. }))
    }

    /// The first failure, the gravest blame of all, and the flows that failed.
    #[must_use]
    pub fn summary(&self) -> Option<(Blame, String, Vec<FlowId>)> {
        let failed: Vec<(&FlowId, &FlowFailure)> =
            self.flows.iter().filter_map(|(id, flow)| Some((id, flow.failure()?))).collect();
        let failures = || failed.iter().map(|(_, failure)| *failure).chain(&self.failure);
        let blame = failures().map(|failure| failure.blame).min()?;
        let message = failures().find(|failure| failure.blame == blame)?.message.clone();
        Some((blame, message, failed.into_iter().map(|(id, _)| id.clone()).collect()))
    }
}

/// How fast flows were done so far.
#[derive(Debug, Clone, Copy)]
struct Pace {
    since: Instant,
    n_done: usize,
    n_left: usize,
}

impl Pace {
    /// The time for what is left; unknown before anything is done.
    fn rest(self) -> Option<Duration> {
        let each = self.since.elapsed().checked_div(u32::try_from(self.n_done).ok()?)?;
        Some(each.saturating_mul(u32::try_from(self.n_left).unwrap_or(u32::MAX)))
    }
}

impl<T: Tenant, L: LocalState> Deployer<'_, T, L> {
    /// Everything live. A list that moves is read again until `verifyTimeout`: neighbours in the same tenant deploy
    /// as well, and come to rest.
    async fn export(&self) -> Result<Export, TenantError> {
        self.look().await.map(|(_, export)| export)
    }

    /// The same, and when the reading began that was whole.
    async fn look(&self) -> Result<(Looked, Export), TenantError> {
        let give_up_at = in_future(self.verify_timeout);
        let mut pause = FIRST_REREAD;
        loop {
            // What it takes to wait for the lease says nothing of how long a look takes.
            _ = self.limits.lease.holds().await;
            let began = Instant::now();
            let export = self.tenant.export(self.target, &self.reader, &self.limits).await;
            let moves = |error: &TenantError| matches!(error.failure.last(), Failure::Incomplete { .. });
            let rested = Instant::now() + pause;
            if !export.as_ref().is_err_and(moves) || rested > give_up_at || rested > self.limits.give_up_at {
                return export.map(|export| (Looked::since(began), export));
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_REREAD);
        }
    }

    /// How flows are compared, with all that the tenant was seen to add to them by now.
    fn comparison(&self) -> Arc<Comparison> {
        let comparison = self.reader.comparison();
        comparison.with_defaults(&self.tenant.defaults()).map_or(comparison, Arc::new)
    }

    /// Flows that were not written and are live in another form than before: each stands in the record.
    fn side_effects(&self, export: &Export) -> Vec<SideEffect> {
        let effects = self.beside.changed(export);
        effects.iter().for_each(|effect| self.journal.note(&effect.event()));
        effects
    }

    fn may_start(&self) -> Result<(), FlowFailure> {
        let failure =
            |message: &str| FlowFailure { blame: Blame::Transport, message: message.to_owned(), existed: false };
        if *self.stop.borrow() {
            return Err(failure("the lease could not be renewed"));
        }
        if Instant::now() >= self.limits.give_up_at {
            return Err(failure("the deployment took longer than `deployTimeout`"));
        }
        match self.shutdown.asked() {
            Some(grace) if Instant::now() >= grace.end_of(Stage::Forward) => Err(FlowFailure::asked_to_end(&grace)),
            _ => Ok(()),
        }
    }

    /// Whether one more flow may be begun. Once this process was asked to end, only while the rest takes no
    /// longer than what is left, at the pace so far: what cannot be finished is better not begun.
    fn may_take_on(&self, pace: impl FnOnce() -> Pace) -> Result<(), FlowFailure> {
        self.may_start()?;
        let Some(grace) = self.shutdown.asked() else { return Ok(()) };
        let is_near = pace().rest().is_some_and(|rest| in_future(rest) <= grace.end_of(Stage::Forward));
        if is_near { Ok(()) } else { Err(FlowFailure::asked_to_end(&grace)) }
    }

    /// Waits for a step on the way forward, unless the time for it ends first.
    async fn in_time<R>(&self, step: impl Future<Output = R>) -> Result<R, FlowFailure> {
        tokio::select! {
            biased;
            done = step => Ok(done),
            grace = self.shutdown.end_of(Stage::Forward) => Err(FlowFailure::asked_to_end(&grace)),
        }
    }
}
