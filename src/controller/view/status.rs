//! How a controller and its environments stand: `/api/v1/status` is this struct, and the page is made from it.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::controller::{EnvironmentReport, FlowCounts, ReleaseReport, SyncResult};
use crate::plan::Hold;
use crate::revision::CommitId;

/// The JSON Schema of what `/api/v1/status` answers.
pub const STATUS_SCHEMA: &str = include_str!("status.schema.json");

/// A controller.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    /// Of flowsync.
    pub version: &'static str,
    /// When this process began.
    pub started: Timestamp,
    /// Which share of the environments is this process's, as `I/N`; absent where it is all of them.
    pub shard: Option<String>,
    /// What a person should know of the controller as a whole.
    pub alarms: Vec<String>,
    /// By name.
    pub environments: Vec<EnvironmentView>,
}

/// One of its environments.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentView {
    /// Its name.
    pub environment: String,
    /// How the last pass ended; absent before the first has.
    pub result: Option<SyncResult>,
    /// When the first of the passes ended that ended so one after the other.
    pub since: Option<Timestamp>,
    /// When the pass began that is under way, if one is.
    pub under_way: Option<Timestamp>,
    /// The last pass that ended.
    pub last_pass: Option<PassView>,
    /// When the next pass begins at the latest; absent while one is under way, and where nobody knows.
    pub next_pass: Option<Timestamp>,
    /// How many passes in a row ended otherwise than well.
    pub failed_passes: u32,
    /// The commit that the last pass looked at.
    pub commit: Option<CommitId>,
    /// The last deployment that this process made or ended.
    pub deployment_id: Option<String>,
    /// The commit that holds the closing record of that.
    pub record_commit: Option<CommitId>,
    /// What keeps it from being written to, and until when.
    pub held: Option<HeldView>,
    /// What went wrong in the last pass.
    pub error: Option<String>,
    /// What a person should know, by the last pass.
    pub alarms: Vec<String>,
    /// How many problems were found in its flows.
    pub problems: usize,
    /// Flows that git holds for it, as last seen.
    pub managed: Option<usize>,
    /// Managed flows that were changed behind git's back, as last seen.
    pub drifted: Option<usize>,
    /// What callers meet, as last seen, where that is a release.
    pub release: Option<ReleaseReport>,
}

/// A pass that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PassView {
    /// When it began; absent where none could be made.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Timestamp,
    /// What it took.
    pub seconds: f64,
}

/// What keeps an environment from being written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldView {
    /// What it is.
    #[serde(flatten)]
    pub hold: Hold,
    /// The same for people.
    pub text: String,
}

impl EnvironmentView {
    /// Of which nothing is known yet.
    #[must_use]
    pub fn new(environment: &str) -> Self {
        Self {
            environment: environment.to_owned(),
            result: None,
            since: None,
            under_way: None,
            last_pass: None,
            next_pass: None,
            failed_passes: 0,
            commit: None,
            deployment_id: None,
            record_commit: None,
            held: None,
            error: None,
            alarms: Vec::new(),
            problems: 0,
            managed: None,
            drifted: None,
            release: None,
        }
    }

    /// A pass begins.
    pub fn begin(&mut self, at: Timestamp) {
        self.under_way = Some(at);
        self.next_pass = None;
    }

    /// A pass has ended.
    pub fn end(&mut self, at: Timestamp, took: Duration, report: &EnvironmentReport) {
        let EnvironmentReport { result, deployment_id, commit, record_commit, error, held, alarms, .. } = report;
        if self.result != Some(*result) {
            self.result = Some(*result);
            self.since = Some(at);
        }
        let started = self.under_way.take();
        self.last_pass = Some(PassView { started, ended: at, seconds: took.as_secs_f64() });
        self.failed_passes = if result.is_success() { 0 } else { self.failed_passes.saturating_add(1) };
        if commit.is_some() {
            self.commit.clone_from(commit);
        }
        if deployment_id.is_some() {
            self.deployment_id.clone_from(deployment_id);
            self.record_commit.clone_from(record_commit);
        }
        self.held = held.clone().map(|hold| HeldView { text: hold.to_string(), hold });
        self.error.clone_from(error);
        self.alarms.clone_from(alarms);
        self.problems = report.problems.len();
        if let Some(FlowCounts { managed, drifted }) = report.counts {
            (self.managed, self.drifted) = (Some(managed), Some(drifted));
        }
        if report.release.is_some() {
            self.release.clone_from(&report.release);
        }
    }
}
