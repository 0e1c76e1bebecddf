//! Reading back: the status of one flow until it is deployed, and at the end everything by hash.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::different::Different;
use super::{Deployer, FIRST_REREAD, FlowFailure, LONGEST_REREAD, ProgressStep, PushReport, Pushed};
use crate::clock::in_future;
use crate::flow::FlowId;
use crate::local::LocalState;
use crate::plan::Change;
use crate::record::audit::{Event, EventKind};
use crate::tenant::{Blame, Export, FlowStatus, Tenant};

const FIRST_POLL: Duration = Duration::from_millis(10);
const LONGEST_POLL: Duration = Duration::from_secs(1);

impl<T: Tenant, L: LocalState> Deployer<'_, T, L> {
    /// Asks at once, then after 10 ms, doubling to 1 s, until the tenant says `deployed`, says
    /// something else, `verifyTimeout` has passed, or the caller may not go on.
    pub(super) async fn await_deployed(
        &self,
        id: &FlowId,
        may_go_on: impl Fn() -> Result<(), FlowFailure>,
    ) -> Result<(), FlowFailure> {
        let give_up_at = in_future(self.verify_timeout);
        let mut pause = FIRST_POLL;
        loop {
            let status = self.tenant.status(self.target, id, &self.limits).await;
            match status.map_err(|error| FlowFailure::of(&error))? {
                FlowStatus::Deployed => return Ok(()),
                FlowStatus::Failed { status, message } => return Err(refused(id, &status, &message)),
                FlowStatus::InProgress(status) if Instant::now() >= give_up_at => {
                    return Err(stuck(id, &status, self.verify_timeout));
                }
                FlowStatus::InProgress(_) => may_go_on()?,
            }
            sleep(pause.min(give_up_at.saturating_duration_since(Instant::now()))).await;
            pause = (pause * 2).min(LONGEST_POLL);
        }
    }

    /// Compares what is live with what was sent, reading again until `verifyTimeout` before a
    /// difference counts.
    pub(super) async fn verify(&self, changes: &[Change], report: &mut PushReport) {
        (self.progress)(ProgressStep::Stage("verify", changes.len()));
        let give_up_at = in_future(self.verify_timeout);
        let mut pause = FIRST_REREAD;
        let (different, export) = loop {
            let export = match self.export().await {
                Ok(export) => export,
                Err(error) => return report.failure = Some(FlowFailure::of(&error)),
            };
            let different: Vec<Different> =
                changes.iter().filter_map(|change| self.different(change, &export)).collect();
            if different.is_empty() || Instant::now() >= give_up_at {
                break (different, export);
            }
            if let Err(failure) = self.may_start() {
                return report.failure = Some(failure);
            }
            sleep(pause.min(give_up_at.saturating_duration_since(Instant::now()))).await;
            pause = (pause * 2).min(LONGEST_REREAD);
        };
        for different in different {
            self.journal.note(&different.event());
            let existed = matches!(report.flows.get(&different.id), Some(Pushed::Done { existed: true }));
            let failure = FlowFailure { blame: Blame::Flow, message: different.to_string(), existed };
            report.flows.insert(different.id, Pushed::Failed(failure));
        }
        report.side_effects = self.side_effects(&export);
        if report.is_complete() {
            self.journal.note(&Event::new(EventKind::Verified).with("flows", changes.len()));
        }
    }

    fn different(&self, change: &Change, export: &Export) -> Option<Different> {
        let want = change.after().map(|flow| flow.definition.as_ref());
        Different::of(&change.id, want, export, &self.comparison())
    }
}

fn refused(id: &FlowId, status: &str, message: &str) -> FlowFailure {
    let said = if message.is_empty() { String::new() } else { format!(": {message}") };
    FlowFailure {
        blame: Blame::Flow,
        message: format!("the tenant reports `{id}` as `{status}`{said}"),
        existed: false,
    }
}

fn stuck(id: &FlowId, status: &str, after: Duration) -> FlowFailure {
    FlowFailure {
        blame: Blame::Transport,
        message: format!("`{id}` was still `{status}` after {} s (`verifyTimeout`)", after.as_secs()),
        existed: false,
    }
}
