//! The families of metrics: names, labels, and the series that are there from the start.
//!
//! A counter that appears with its first event shows no increase then; whatever an alert may ask for is therefore
//! there with 0 before anything happens.

use std::collections::HashMap;

use prometheus::core::{Collector, MetricVec, MetricVecBuilder};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};

use crate::controller::{Outcome, SyncResult};
use crate::plan::Action;
use crate::source::{GitOperation, GitOutcome};

/// The label that every family of an environment has.
const ENVIRONMENT: &str = "environment";

/// Upper bounds of the durations of passes, in seconds: from one that found nothing new to the longest deployment.
const PASS_SECONDS: [f64; 14] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1_800.0, 3_600.0];

/// What is done with git, each with what may come of it.
const GIT: [(GitOperation, &[GitOutcome]); 3] = [
    (GitOperation::Fetch, &[GitOutcome::Done, GitOutcome::Failed]),
    (GitOperation::Push, &[GitOutcome::Done, GitOutcome::Lost, GitOutcome::Declined, GitOutcome::Failed]),
    (GitOperation::Propose, &[GitOutcome::Done, GitOutcome::Lost, GitOutcome::Declined, GitOutcome::Failed]),
];

/// The kinds of notifications, as the configuration names them.
const NOTIFICATIONS: [&str; 5] = ["webhook", "slack", "teams", "github-status", "gitlab-status"];

/// What may come of a notification.
const NOTIFIED: [&str; 3] = ["sent", "failed", "dropped"];

/// Every metric there is.
#[derive(Debug)]
pub(super) struct Families {
    registry: Registry,
    pub(super) passes: IntCounterVec,
    pub(super) pass_seconds: HistogramVec,
    pub(super) last_success: IntGaugeVec,
    pub(super) changes: IntCounterVec,
    pub(super) managed: IntGaugeVec,
    pub(super) drifted: IntGaugeVec,
    pub(super) suspended: IntGaugeVec,
    pub(super) alarms: IntGaugeVec,
    pub(super) tenant_requests: IntCounterVec,
    pub(super) tenant_limit: IntGaugeVec,
    pub(super) git: IntCounterVec,
    pub(super) notifications: IntCounterVec,
}

impl Families {
    /// All of them, without an environment yet.
    ///
    /// # Errors
    /// A name or a label is no good, or there twice.
    pub(super) fn new(version: &str) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let families = Self {
            passes: counter(&registry, "passes_total", PASSES, &[ENVIRONMENT, "result"])?,
            pass_seconds: pass_seconds(&registry)?,
            last_success: gauge(&registry, "last_success_timestamp_seconds", LAST_SUCCESS, &[ENVIRONMENT])?,
            changes: counter(&registry, "changes_total", CHANGES, &[ENVIRONMENT, "action", "outcome"])?,
            managed: gauge(&registry, "managed_flows", MANAGED, &[ENVIRONMENT])?,
            drifted: gauge(&registry, "drifted_flows", DRIFTED, &[ENVIRONMENT])?,
            suspended: gauge(&registry, "suspended", SUSPENDED, &[ENVIRONMENT])?,
            alarms: gauge(&registry, "alarms", ALARMS, &[ENVIRONMENT])?,
            tenant_requests: counter(&registry, "tenant_requests_total", REQUESTS, &[ENVIRONMENT, "call", "status"])?,
            tenant_limit: gauge(&registry, "tenant_concurrency_limit", LIMIT, &[ENVIRONMENT])?,
            git: counter(&registry, "git_operations_total", GIT_OPERATIONS, &["operation", "outcome"])?,
            notifications: counter(&registry, "notifications_total", NOTIFICATIONS_HELP, &["kind", "outcome"])?,
            registry,
        };
        gauge(&families.registry, "build_info", BUILD, &["version"])?.with_label_values(&[version]).set(1);
        for (operation, outcome) in
            GIT.iter().flat_map(|(operation, outcomes)| outcomes.iter().map(move |it| (operation, it)))
        {
            families.git.with_label_values(&[operation.as_str(), outcome.as_str()]);
        }
        for (kind, outcome) in NOTIFICATIONS.iter().flat_map(|kind| NOTIFIED.iter().map(move |outcome| (kind, outcome)))
        {
            families.notifications.with_label_values(&[kind, outcome]);
        }
        Ok(families)
    }

    /// An environment comes: what can be counted of it stands at 0.
    pub(super) fn begin(&self, environment: &str) {
        for result in SyncResult::OF_THE_CONTROLLER {
            self.passes.with_label_values(&[environment, result.as_str()]);
        }
        for action in Action::ALL {
            for outcome in Outcome::ALL {
                self.changes.with_label_values(&[environment, action.as_str(), outcome.as_str()]);
            }
        }
        self.pass_seconds.with_label_values(&[environment]);
        for gauge in [&self.last_success, &self.suspended, &self.alarms] {
            gauge.with_label_values(&[environment]);
        }
    }

    /// An environment is gone, and with it all that was counted of it.
    pub(super) fn forget(&self, environment: &str) {
        for counters in [&self.passes, &self.changes, &self.tenant_requests] {
            remove(counters, environment);
        }
        for gauges in
            [&self.last_success, &self.managed, &self.drifted, &self.suspended, &self.alarms, &self.tenant_limit]
        {
            remove(gauges, environment);
        }
        remove(&self.pass_seconds, environment);
    }

    /// All of them in the text format 0.0.4, sorted.
    ///
    /// # Errors
    /// A family cannot be written so.
    pub(super) fn text(&self) -> prometheus::Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

/// Removes every series of an environment, whatever its other labels are.
fn remove<T: MetricVecBuilder>(family: &MetricVec<T>, environment: &str) {
    for metric in family.collect().iter().flat_map(|family| family.get_metric()) {
        let labels: HashMap<&str, &str> =
            metric.get_label().iter().map(|label| (label.name(), label.value())).collect();
        if labels.get(ENVIRONMENT) == Some(&environment) {
            // It was there a moment ago; nobody else removes any.
            _ = family.remove(&labels);
        }
    }
}

fn options(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("flowsync")
}

fn counter(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
    let family = IntCounterVec::new(options(name, help), labels)?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

fn gauge(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntGaugeVec> {
    let family = IntGaugeVec::new(options(name, help), labels)?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

fn pass_seconds(registry: &Registry) -> prometheus::Result<HistogramVec> {
    let options = HistogramOpts::from(options("pass_duration_seconds", DURATIONS)).buckets(PASS_SECONDS.to_vec());
    let family = HistogramVec::new(options, &[ENVIRONMENT])?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

const PASSES: &str = "Passes by how they ended.";
const DURATIONS: &str = "How long passes took.";
const LAST_SUCCESS: &str = "When the last pass ended that did what it was to do: in-sync, deployed, drifted or suspended; \
                            0 before the first since the start.";
const CHANGES: &str = "Flows of deployments by what was to be done with them and what came of it.";
const MANAGED: &str = "Flows that git holds for the environment, as the last pass that looked found them.";
const DRIFTED: &str = "Managed flows that were changed behind git's back, and are live so.";
const SUSPENDED: &str = "1 while a person has suspended the environment, else 0.";
const ALARMS: &str = "Alarms of the last pass, and one more while the configuration file is broken.";
const REQUESTS: &str =
    "Requests to the tenant by what they were for and the code of the answer; error where there was none.";
const LIMIT: &str = "How many requests at once the throttle lets go to the tenant now.";
const GIT_OPERATIONS: &str =
    "Fetches, pushes of records and of proposals by what came of them; what is lost to another push is made again.";
const NOTIFICATIONS_HELP: &str = "Notifications by what came of them.";
const BUILD: &str = "Always 1, with the version of this process.";
