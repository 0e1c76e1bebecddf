//! What is shown of the release of a plan.

use std::fmt;

use serde::Serialize;

use crate::plan::{EndpointAction, PlannedEndpoint, ReleasePlan, ReleaseTarget, UnmanagedDifference};
use crate::release::Shows;

/// What callers are to meet, as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseView<'a> {
    /// The release that counts so far.
    pub current: Option<&'a str>,
    /// The one that endpoints are to show; absent where it is made by the deployment.
    pub target: Option<&'a str>,
    /// Whether something is to be done.
    pub due: bool,
    /// Every endpoint of the configuration.
    pub endpoints: Vec<EndpointView<'a>>,
    /// Flows that nobody manages here and that differ from the current release: a new one shows them too.
    pub unmanaged: &'a [UnmanagedDifference],
}

/// An endpoint, as it is shown.
#[derive(Debug, Serialize)]
pub struct EndpointView<'a> {
    /// The tenant's id of it.
    pub id: &'a str,
    /// What people call it.
    pub name: &'a str,
    /// What it shows now.
    pub shows: &'a Shows,
    /// What is to be done.
    pub action: EndpointAction,
    /// Whether somebody pointed it elsewhere.
    pub drifted: bool,
}

impl<'a> ReleaseView<'a> {
    /// What is shown of a plan's.
    #[must_use]
    pub fn new(plan: &'a ReleasePlan) -> Self {
        let endpoint = |planned: &'a PlannedEndpoint| EndpointView {
            id: &planned.endpoint.id,
            name: &planned.endpoint.name,
            shows: &planned.endpoint.shows,
            action: planned.action,
            drifted: planned.is_drifted,
        };
        Self {
            current: plan.last.as_deref(),
            target: match &plan.target {
                ReleaseTarget::New => None,
                ReleaseTarget::Kept(name) => Some(name),
            },
            due: plan.is_due(),
            endpoints: plan.endpoints.iter().map(endpoint).collect(),
            unmanaged: &plan.unmanaged,
        }
    }

    /// What endpoints are to show, in words.
    #[must_use]
    pub fn target_words(&self) -> String {
        self.target.map_or_else(|| "a new release".to_owned(), |name| format!("the release {name}"))
    }
}

/// `switched, from what is live`, for a line that begins with its name
impl fmt::Display for EndpointView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let drifted = if self.drifted { ", where somebody pointed it" } else { "" };
        match self.action {
            EndpointAction::None => write!(f, "shows {}", self.shows),
            EndpointAction::Switch => write!(f, "is switched from {}{drifted}", self.shows),
            EndpointAction::Report => write!(f, "drifted: it shows {}; drift is only reported here", self.shows),
        }
    }
}
