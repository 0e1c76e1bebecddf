//! What of all that passes say is news: pure, one story an environment.
//!
//! News is a result that is another one, a deployment that ended, and a refusal of other flows; never that a pass found
//! what the last one had found. At the start, that all is in sync is none.

use jiff::Timestamp;

use crate::config::NotificationEvent;
use crate::controller::{EnvironmentReport, SyncResult};
use crate::revision::CommitId;
use crate::source::TreeId;

/// What somebody may want to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// A deployment has begun.
    Began(Began),
    /// A pass has ended.
    Ended(Box<Ended>),
}

/// A deployment that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Began {
    pub(super) environment: String,
    /// The commit that is deployed.
    pub(super) commit: CommitId,
}

/// A pass that ended in another way than the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    /// What happened, the first of them foremost. None where all is in sync at other flows: only the commit is told.
    pub(super) events: Vec<NotificationEvent>,
    /// How the last pass ended that says something; absent for the first.
    pub(super) previous: Option<SyncResult>,
    pub(super) report: EnvironmentReport,
    pub(super) time: Timestamp,
}

impl News {
    pub(super) fn environment(&self) -> &str {
        match self {
            Self::Began(began) => &began.environment,
            Self::Ended(ended) => &ended.report.environment,
        }
    }
}

/// What was last heard of one environment.
#[derive(Debug, Default)]
pub(super) struct Story(Option<Last>);

#[derive(Debug)]
struct Last {
    result: SyncResult,
    deployment: Option<String>,
    commit: Option<CommitId>,
    flows: Option<TreeId>,
}

impl Story {
    /// Goes on with a pass that ended, and says what is news in it.
    pub(super) fn hears(&mut self, report: &EnvironmentReport, time: Timestamp) -> Option<Ended> {
        if !says_something(report.result) {
            return None;
        }
        let now = Last {
            result: report.result,
            deployment: report.deployment_id.clone(),
            commit: report.commit.clone(),
            flows: report.flows_tree.clone(),
        };
        let last = self.0.replace(now);
        let now = self.0.as_ref()?;
        let events = events(last.as_ref(), now)?;
        Some(Ended { events, previous: last.map(|last| last.result), report: report.clone(), time })
    }
}

/// Whether a result says how the environment is. That another process holds it, or that nothing is to be written to it,
/// says nothing of that.
fn says_something(result: SyncResult) -> bool {
    match result {
        SyncResult::InSync
        | SyncResult::Deployed
        | SyncResult::Drifted
        | SyncResult::RolledBack
        | SyncResult::RollbackIncomplete
        | SyncResult::Refused
        | SyncResult::Error => true,
        SyncResult::Planned | SyncResult::Busy | SyncResult::Suspended => false,
    }
}

/// What happened between two passes; `None` where nothing did.
fn events(last: Option<&Last>, now: &Last) -> Option<Vec<NotificationEvent>> {
    let is_other_result = last.is_none_or(|last| last.result != now.result);
    let is_other_deployment = last.is_none_or(|last| last.deployment != now.deployment);
    let is_over = |was: &[SyncResult]| last.is_some_and(|last| was.contains(&last.result));
    match now.result {
        SyncResult::Deployed if is_other_result || is_other_deployment => {
            let recovered = is_over(&FAILURES).then_some(NotificationEvent::Recovered);
            Some(std::iter::once(NotificationEvent::Deployed).chain(recovered).collect())
        }
        SyncResult::RolledBack if is_other_result || is_other_deployment => Some(vec![NotificationEvent::RolledBack]),
        SyncResult::RollbackIncomplete if is_other_result || is_other_deployment => {
            Some(vec![NotificationEvent::RollbackIncomplete])
        }
        SyncResult::Refused if is_other_result || last.is_some_and(|last| has_other_flows(last, now)) => {
            Some(vec![NotificationEvent::Refused])
        }
        SyncResult::Drifted if is_other_result => Some(vec![NotificationEvent::Drifted]),
        SyncResult::Error if is_other_result => Some(vec![NotificationEvent::Error]),
        SyncResult::InSync if is_over(&FAILURES) || is_over(&[SyncResult::Drifted]) => {
            Some(vec![NotificationEvent::Recovered])
        }
        SyncResult::InSync if last.is_some_and(|last| has_other_flows(last, now)) => Some(Vec::new()),
        _ => None,
    }
}

/// What is over when all is well.
const FAILURES: [SyncResult; 4] =
    [SyncResult::Error, SyncResult::Refused, SyncResult::RolledBack, SyncResult::RollbackIncomplete];

/// Whether two passes looked at different flows. A commit with nothing but records, as other environments make them
/// all the time, is another commit and no other flows.
fn has_other_flows(last: &Last, now: &Last) -> bool {
    last.commit != now.commit && (last.flows.is_none() || last.flows != now.flows)
}
