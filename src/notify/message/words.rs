//! What people read of a pass that ended, in plain words: the parts that Slack and Teams lay out.

use super::super::what::Ended;
use super::plain::{cut, plain};
use crate::config::NotificationEvent;
use crate::controller::{FlowReport, FlowSummary, Outcome};
use crate::plan::Action;

/// What is quoted of an error.
const ERROR_CHARS: usize = 1_500;
/// Problems told one by one.
const PROBLEMS_MAX: usize = 5;
/// What is quoted of each.
const PROBLEM_CHARS: usize = 250;
/// What is shown of an id: ids have no longest.
const ID_CHARS: usize = 80;

/// `1 to create, 2 to update, 1 failed`; nothing where there are none.
pub(super) fn in_words(summary: FlowSummary) -> String {
    let FlowSummary { create, update, delete, failed } = summary;
    let counts = [(create, "to create"), (update, "to update"), (delete, "to delete"), (failed, "failed")];
    let told = counts.into_iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}"));
    told.collect::<Vec<_>>().join(", ")
}

/// `production: rolled-back`; with what it was before, where all is well again.
pub(super) fn headline(ended: &Ended, events: &[NotificationEvent]) -> String {
    let result = ended.report.result.as_str();
    let environment = &ended.report.environment;
    match ended.previous {
        Some(previous) if events.contains(&NotificationEvent::Recovered) => {
            format!("{environment}: {result}, recovered (was {})", previous.as_str())
        }
        _ => format!("{environment}: {result}"),
    }
}

/// Commit, deployment and counts, as far as there are some.
pub(super) fn facts(ended: &Ended) -> Vec<String> {
    let report = &ended.report;
    let commit = report.commit.as_ref().map(|commit| format!("commit {}", commit.short()));
    let deployment = report.deployment_id.as_ref().map(|id| format!("deployment {}", plain(id, ID_CHARS)));
    let counts = Some(in_words(report.summary())).filter(|words| !words.is_empty());
    [commit, deployment, counts].into_iter().flatten().collect()
}

/// `flow_a updated`, one a flow.
pub(super) fn flows(ended: &Ended) -> impl Iterator<Item = String> {
    ended.report.flows.iter().map(|flow| format!("{} {}", cut(&flow.id.to_string(), ID_CHARS), outcome(flow)))
}

fn outcome(flow: &FlowReport) -> &'static str {
    match (flow.outcome, flow.action) {
        (Outcome::Deployed, Action::Create) => "created",
        (Outcome::Deployed, Action::Update) => "updated",
        (Outcome::Deployed, Action::Delete) => "deleted",
        (Outcome::Failed, _) => "failed",
        (Outcome::RolledBack, _) if flow.error.is_some() => "failed and was put back",
        (Outcome::RolledBack, _) => "put back",
        (Outcome::NotRestored, _) => "NOT RESTORED",
        (Outcome::NotAttempted, _) => "not attempted",
    }
}

/// What went wrong, a line each.
pub(super) fn errors(ended: &Ended) -> Vec<String> {
    let error = ended.report.error.iter().map(|error| plain(error, ERROR_CHARS));
    let wrong: Vec<_> = ended.report.problems.iter().filter(|problem| problem.is_error()).collect();
    let rest = wrong.len().saturating_sub(PROBLEMS_MAX);
    let more = (rest > 0).then(|| format!("and {rest} more"));
    let wrong = wrong.into_iter().take(PROBLEMS_MAX).map(|problem| plain(&problem.to_string(), PROBLEM_CHARS));
    error.chain(wrong).chain(more).collect()
}

/// As many of the lines as `fits` takes, and the count of the others.
pub(super) fn listed(lines: impl Iterator<Item = String>, mut fits: impl FnMut(&str) -> bool) -> Vec<String> {
    let (mut taken, mut n_left) = (Vec::new(), 0_usize);
    for line in lines {
        if n_left == 0 && fits(&line) {
            taken.push(line);
        } else {
            n_left += 1;
        }
    }
    if n_left > 0 {
        taken.push(format!("and {n_left} more flow{}", if n_left == 1 { "" } else { "s" }));
    }
    taken
}
