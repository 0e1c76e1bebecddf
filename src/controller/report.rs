//! What a pass says of itself: the shape of `sync --output json`.

use serde::Serialize;

use crate::flow::FlowId;
use crate::plan::{Action, EndpointAction, Hold, PlannedEndpoint, ReleasePlan};
use crate::problem::Problem;
use crate::record::{FlowAction, FlowStatus, Manifest, ManifestFlow, SwitchedEndpoint};
use crate::release::Shows;
use crate::revision::CommitId;
use crate::source::TreeId;

/// How a pass over one environment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyncResult {
    /// Nothing to do.
    InSync,
    /// A dry run found something to do.
    Planned,
    /// Done.
    Deployed,
    /// Live is not as git has it, and is left so for now: drift is only reported here, or a window is closed.
    Drifted,
    /// A person has suspended the environment: it is observed, and not written.
    Suspended,
    /// Failed; everything written was restored.
    RolledBack,
    /// Failed; something could not be restored.
    RollbackIncomplete,
    /// Refused before any write.
    Refused,
    /// Another deployment holds the environment.
    Busy,
    /// Could not do it.
    Error,
}

impl SyncResult {
    /// Every end that a pass of the controller may have: it makes no dry runs.
    pub const OF_THE_CONTROLLER: [Self; 9] = [
        Self::InSync,
        Self::Deployed,
        Self::Drifted,
        Self::Suspended,
        Self::RolledBack,
        Self::RollbackIncomplete,
        Self::Refused,
        Self::Busy,
        Self::Error,
    ];

    /// Whether a pass that ended so did what it was to do: it found git live, or made it so, or left it as a person or the
    /// policy wants it left.
    #[must_use]
    pub fn is_success(self) -> bool {
        self.exit_code() == 0
    }

    /// The process exit code it stands for.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::InSync | Self::Planned | Self::Deployed | Self::Drifted | Self::Suspended => 0,
            Self::Error => 1,
            Self::Refused => 3,
            Self::RolledBack => 4,
            Self::RollbackIncomplete => 5,
            Self::Busy => 6,
        }
    }

    /// The word in outputs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "in-sync",
            Self::Planned => "planned",
            Self::Deployed => "deployed",
            Self::Drifted => "drifted",
            Self::Suspended => "suspended",
            Self::RolledBack => "rolled-back",
            Self::RollbackIncomplete => "rollback-incomplete",
            Self::Refused => "refused",
            Self::Busy => "busy",
            Self::Error => "error",
        }
    }
}

/// How one flow of a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Live as git has it.
    Deployed,
    /// Failed, and never changed.
    Failed,
    /// Put back.
    RolledBack,
    /// Not put back.
    NotRestored,
    /// Not reached.
    NotAttempted,
}

impl Outcome {
    /// Every outcome there is.
    pub const ALL: [Self; 5] = [Self::Deployed, Self::Failed, Self::RolledBack, Self::NotRestored, Self::NotAttempted];

    /// The word in outputs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::Failed => "failed",
            Self::RolledBack => "rolled-back",
            Self::NotRestored => "not-restored",
            Self::NotAttempted => "not-attempted",
        }
    }
}

/// One flow of a pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FlowReport {
    /// Which.
    pub id: FlowId,
    /// What was to be done.
    pub action: Action,
    /// How it ended.
    pub outcome: Outcome,
    /// What went wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl FlowReport {
    /// How a flow of a closed manifest ended; `None` where nothing was to be done to it.
    #[must_use]
    pub fn of(flow: &ManifestFlow) -> Option<Self> {
        let action = match flow.action {
            FlowAction::Create => Action::Create,
            FlowAction::Update => Action::Update,
            FlowAction::Delete => Action::Delete,
            FlowAction::None => return None,
        };
        Some(Self { id: flow.id.clone(), action, outcome: outcome_of(flow.status), error: flow.error.clone() })
    }
}

/// How many flows a pass found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowCounts {
    /// Those that git holds for the environment.
    pub managed: usize,
    /// Those among them, or held once, that were changed behind git's back and are live so at the end.
    pub drifted: usize,
}

/// How many flows were, or were to be, changed in which way.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FlowSummary {
    /// To be created.
    pub create: usize,
    /// To be updated.
    pub update: usize,
    /// To be deleted.
    pub delete: usize,
    /// Those among them with which something went wrong.
    pub failed: usize,
}

/// What callers of an environment meet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReleaseReport {
    /// The release that counts; absent before there is one.
    pub name: Option<String>,
    /// The endpoints of the configuration, or, of a deployment, those that it switched.
    pub endpoints: Vec<EndpointReport>,
}

/// An endpoint of a pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndpointReport {
    /// The tenant's id of it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it shows.
    pub shows: Shows,
    /// Whether somebody pointed it elsewhere.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drifted: bool,
    /// How it ended; absent where nothing is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What went wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl ReleaseReport {
    /// Before anything is done.
    #[must_use]
    pub(super) fn planned(plan: &ReleasePlan) -> Self {
        let endpoint = |planned: &PlannedEndpoint| EndpointReport {
            id: planned.endpoint.id.clone(),
            name: planned.endpoint.name.clone(),
            shows: planned.endpoint.shows.clone(),
            drifted: planned.is_drifted,
            outcome: (planned.action != EndpointAction::None).then_some(Outcome::NotAttempted),
            error: None,
        };
        Self { name: plan.last.clone(), endpoints: plan.endpoints.iter().map(endpoint).collect() }
    }

    /// As a closed manifest says; nothing where its deployment had nothing to do with releases.
    #[must_use]
    pub(super) fn of(manifest: &Manifest) -> Option<Self> {
        let release = manifest.release.as_ref()?;
        let target = release.target.as_ref()?;
        let endpoint = |endpoint: &SwitchedEndpoint| {
            let shows = match (&target.name, endpoint.status) {
                (Some(name), FlowStatus::Deployed) => Shows::Release(name.clone()),
                _ => endpoint.before.clone(),
            };
            let outcome = Some(outcome_of(endpoint.status));
            let (id, name, error) = (endpoint.id.clone(), endpoint.name.clone(), endpoint.error.clone());
            EndpointReport { id, name, shows, drifted: false, outcome, error }
        };
        let name = manifest.releases().into_iter().next().and_then(|release| release.name);
        Some(Self { name, endpoints: release.endpoints.iter().map(endpoint).collect() })
    }

    /// Whether something was to be done and was not.
    pub(super) fn is_due(&self) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.outcome == Some(Outcome::NotAttempted))
    }
}

fn outcome_of(status: FlowStatus) -> Outcome {
    match status {
        FlowStatus::Deployed => Outcome::Deployed,
        FlowStatus::Failed => Outcome::Failed,
        FlowStatus::RolledBack => Outcome::RolledBack,
        FlowStatus::NotRestored => Outcome::NotRestored,
        FlowStatus::Pending | FlowStatus::NotAttempted => Outcome::NotAttempted,
    }
}

/// One environment of a pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentReport {
    /// Its name.
    pub environment: String,
    /// How it ended.
    pub result: SyncResult,
    /// The deployment, if there was one.
    pub deployment_id: Option<String>,
    /// The commit looked at.
    pub commit: Option<CommitId>,
    /// What that commit holds of flows, where whoever had the pass made has looked.
    #[serde(skip)]
    pub flows_tree: Option<TreeId>,
    /// The commit that holds the closing record.
    pub record_commit: Option<CommitId>,
    /// What went wrong.
    pub error: Option<String>,
    /// What keeps this environment from being written to, and until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Hold>,
    /// The flows that were, or would be, changed.
    pub flows: Vec<FlowReport>,
    /// What callers meet, where that is a release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseReport>,
    /// Problems found in the flows.
    pub problems: Vec<Problem>,
    /// Things a person should know although the pass went on.
    pub alarms: Vec<String>,
    /// How many flows it found; absent where it did not come to see them all.
    #[serde(skip)]
    pub counts: Option<FlowCounts>,
}

impl EnvironmentReport {
    /// A report with nothing in it yet.
    #[must_use]
    pub fn new(environment: &str, result: SyncResult) -> Self {
        Self {
            environment: environment.to_owned(),
            result,
            deployment_id: None,
            commit: None,
            flows_tree: None,
            record_commit: None,
            error: None,
            held: None,
            flows: Vec::new(),
            release: None,
            problems: Vec::new(),
            alarms: Vec::new(),
            counts: None,
        }
    }

    /// Its flows, counted.
    #[must_use]
    pub fn summary(&self) -> FlowSummary {
        let mut summary = FlowSummary::default();
        for flow in &self.flows {
            match flow.action {
                Action::Create => summary.create += 1,
                Action::Update => summary.update += 1,
                Action::Delete => summary.delete += 1,
            }
            let has_failed = matches!(flow.outcome, Outcome::Failed | Outcome::NotRestored);
            summary.failed += usize::from(has_failed || flow.error.is_some());
        }
        summary
    }

    /// The same of an environment that is held back.
    pub(super) fn held_by(self, hold: Hold) -> Self {
        let result = match &hold {
            Hold::Suspended { .. } => SyncResult::Suspended,
            // Where there is nothing to do, there is nothing to hold back.
            Hold::Window { .. }
                if self.flows.is_empty() && !self.release.as_ref().is_some_and(ReleaseReport::is_due) =>
            {
                return self;
            }
            Hold::Window { .. } => SyncResult::Drifted,
        };
        Self { result, held: Some(hold), ..self }
    }
}
