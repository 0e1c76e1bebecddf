//! JSON of our own, for machines: what it says is data, so nothing in it is changed but the length.

use serde::Serialize;

use super::super::what::Ended;
use super::plain::cut;
use crate::config::NotificationEvent;
use crate::controller::{FlowSummary, Outcome};
use crate::plan::Action;

/// What is quoted of an error.
const ERROR_CHARS: usize = 10_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    event: &'static str,
    environment: &'a str,
    result: &'static str,
    previous_result: Option<&'static str>,
    deployment_id: Option<&'a str>,
    commit: Option<&'a str>,
    record_commit: Option<&'a str>,
    summary: FlowSummary,
    flows: Vec<Flow<'a>>,
    error: Option<String>,
    time: String,
}

#[derive(Serialize)]
struct Flow<'a> {
    id: &'a str,
    action: Action,
    outcome: Outcome,
}

pub(super) fn body(ended: &Ended, events: &[NotificationEvent]) -> Vec<u8> {
    let report = &ended.report;
    let flows = report.flows.iter();
    let body = Body {
        event: events.first().map_or("", |event| event.as_str()),
        environment: &report.environment,
        result: report.result.as_str(),
        previous_result: ended.previous.map(|result| result.as_str()),
        deployment_id: report.deployment_id.as_deref(),
        commit: report.commit.as_ref().map(|commit| commit.0.as_str()),
        record_commit: report.record_commit.as_ref().map(|commit| commit.0.as_str()),
        summary: report.summary(),
        flows: flows.map(|flow| Flow { id: flow.id.as_str(), action: flow.action, outcome: flow.outcome }).collect(),
        error: report.error.as_ref().map(|error| cut(error, ERROR_CHARS).into_owned()),
        time: ended.time.to_string(),
    };
    // Strings and numbers: nothing of it can fail.
    serde_json::to_vec(&body).unwrap_or_default()
}
