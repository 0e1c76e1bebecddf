//! Whatever is logged in a pass says of which environment, and of which deployment once there is one: each pass has a span.
//!
//! The stages of a pass have spans of their own below it, named as people are told of them. They carry no fields that the log
//! reads, and are there for traces alone.

use tracing::Span;
use tracing::field::Empty;

use super::ledger::Ledger;
use super::{EnvironmentReport, FlowSummary, Records};
use crate::local::LocalState;

/// The field of a pass's span for its deployment.
const DEPLOYMENT: &str = "deployment";

impl<S> Records<S> {
    /// The span of a pass, or of a rollback. It is there at every level of logging.
    pub(super) fn span(&self, name: &str) -> Span {
        tracing::error_span!(
            "pass",
            otel.name = name,
            environment = self.environment.as_str(),
            deployment = Empty,
            commit = Empty,
            result = Empty,
            flows.create = Empty,
            flows.update = Empty,
            flows.delete = Empty,
            flows.failed = Empty,
            flows.managed = Empty,
            flows.drifted = Empty,
            otel.status_code = Empty,
            otel.status_description = Empty,
        )
    }
}

impl<L: LocalState> Ledger<L> {
    /// From now on, this pass is about this deployment. It is said in the span of the pass: no stage is entered.
    pub(super) fn name_in_span(&self) {
        Span::current().record(DEPLOYMENT, self.manifest().deployment_id.as_str());
    }
}

impl EnvironmentReport {
    /// Says in the span of its pass how that has ended.
    pub(super) fn end_span(&self, span: &Span) {
        span.record("result", self.result.as_str());
        if let Some(commit) = &self.commit {
            span.record("commit", commit.0.as_str());
        }
        if let Some(deployment) = &self.deployment_id {
            span.record(DEPLOYMENT, deployment.as_str());
        }
        let FlowSummary { create, update, delete, failed } = self.summary();
        let changes =
            [("flows.create", create), ("flows.update", update), ("flows.delete", delete), ("flows.failed", failed)];
        let found = self.counts.map(|found| [("flows.managed", found.managed), ("flows.drifted", found.drifted)]);
        for (name, n_flows) in changes.into_iter().chain(found.into_iter().flatten()) {
            span.record(name, i64::try_from(n_flows).unwrap_or(i64::MAX));
        }
        if !self.result.is_success() {
            span.record("otel.status_code", "ERROR");
        }
        if let Some(error) = self.error.as_deref().filter(|_| !self.result.is_success()) {
            span.record("otel.status_description", error);
        }
    }
}
