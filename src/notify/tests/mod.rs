mod lanes;
mod limits;
mod messages;
mod stories;

use jiff::Timestamp;

use super::what::Ended;
use crate::config::NotificationEvent;
use crate::controller::{EnvironmentReport, FlowReport, Outcome, SyncResult};
use crate::plan::Action;
use crate::revision::CommitId;

/// A pass that ended at noon, with these flows, as `id action outcome`.
fn ended(
    result: SyncResult,
    previous: Option<SyncResult>,
    events: &[NotificationEvent],
    flows: Vec<FlowReport>,
) -> Ended {
    let report = EnvironmentReport {
        deployment_id: (!flows.is_empty()).then(|| "20261126T120000-3fa9".to_owned()),
        commit: Some(CommitId("1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d".to_owned())),
        flows,
        ..EnvironmentReport::new("production", result)
    };
    Ended { events: events.to_vec(), previous, report, time: "2026-11-26T12:00:00Z".parse::<Timestamp>().unwrap() }
}

fn flow(id: &str, action: Action, outcome: Outcome) -> FlowReport {
    FlowReport { id: id.parse().unwrap(), action, outcome, error: None }
}
