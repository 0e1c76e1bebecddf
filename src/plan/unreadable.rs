//! Live flows that a plan would replace or delete, and that could not be read.

use super::{Change, Plan, Step};
use crate::flow::Reading;
use crate::problem::{Place, Problem, Rule, Severity};

/// The rule of these problems.
const RULE: Rule = Rule::LiveUnreadable;

/// What a reviewer must hear of live flows that could not be read: warnings where their bytes are kept before
/// anything happens to them, errors where that is impossible.
#[must_use]
pub fn unreadable(plan: &Plan) -> Vec<Problem> {
    let acted = plan.changes.iter().filter_map(|change| problem(change, Fate::ActedOn));
    let left = plan.reported.iter().filter_map(|change| problem(change, Fate::LeftAlone));
    acted.chain(left).collect()
}

/// A change that the tenant cannot make at all, for a reason in words.
#[must_use]
pub fn objection(change: &Change, reason: String) -> Problem {
    let file = change.after().map_or_else(|| change.id.to_string(), |flow| flow.path.clone());
    Problem {
        place: Place { file, line: 1, column: 1, pointer: String::new() },
        rule: Rule::NotPossibleHere,
        severity: Severity::Error,
        message: reason,
        help: "make the change in the tenant, and take over with `flowsync pull` what is live then".to_owned(),
    }
}

/// What happens to a live flow.
#[derive(Clone, Copy)]
enum Fate {
    ActedOn,
    LeftAlone,
}

fn problem(change: &Change, fate: Fate) -> Option<Problem> {
    let before = change.before()?;
    let why = before.reading.unreadable()?;
    let cannot_be_kept = matches!(before.reading, Reading::Beginning { .. });
    let (severity, help) = match (&change.step, fate) {
        (_, Fate::LeftAlone) => (Severity::Warning, "mend it in the tenant; drift is only reported here"),
        _ if cannot_be_kept => (
            Severity::Error,
            "its bytes cannot be kept, so that nothing overwrites them: save what is needed of it, then delete it in \
             the tenant",
        ),
        (Step::Delete { .. }, _) => (Severity::Warning, "its bytes are kept before it is deleted"),
        _ => (Severity::Warning, "its bytes are kept before git's flow takes its place"),
    };
    Some(Problem {
        place: Place { file: change.id.to_string(), line: 1, column: 1, pointer: String::new() },
        rule: RULE,
        severity,
        message: format!("the live flow `{}` cannot be read: {why}", change.id),
        help: help.to_owned(),
    })
}
