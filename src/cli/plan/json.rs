//! Plans as one JSON document.

use serde::Serialize;

use super::limits::PLAN_BYTES_MAX;
use crate::cli::output::Failure;
use crate::controller::view::PlanView;
use crate::flow::{BodyAbsent, Comparison};
use crate::problem::Problem;

/// What was found for one environment.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Document<'a> {
    /// A plan.
    Planned(Box<PlanView<'a>>),
    /// Why there is none.
    Failed { environment: &'a str, error: &'a str, problems: &'a [Problem] },
}

/// The documents of several environments.
#[derive(Debug, Serialize)]
pub(super) struct Documents<'a> {
    pub(super) environments: Vec<Document<'a>>,
}

/// A plan with what differs in its flows; `n_plans` share the space there is.
pub(super) fn planned<'a>(
    mut view: PlanView<'a>,
    comparison: &Comparison,
    n_plans: usize,
) -> Result<Document<'a>, BodyAbsent> {
    let n_bytes = serde_json::to_string(&view).map_or(0, |text| text.len());
    view.look_into(comparison, (PLAN_BYTES_MAX / n_plans.max(1)).saturating_sub(n_bytes))?;
    Ok(Document::Planned(Box::new(view)))
}

/// An environment that could not be planned.
pub(super) fn failed<'a>(environment: &'a str, failure: &'a Failure) -> Document<'a> {
    Document::Failed { environment, error: &failure.message, problems: &failure.problems }
}
