//! What is said of a commit beside it.
//!
//! <https://docs.github.com/en/rest/commits/statuses>, <https://docs.gitlab.com/api/commits/#set-commit-pipeline-status>,
//! <https://docs.gitea.com/api>

use reqwest::Method;
use serde_json::json;

use super::site::{Ask, Forge};
use crate::config::ForgeKind;
use crate::web::{Answer, ExchangeFault, FaultKind, Intake, Over, exchange};

/// What is read of an answer.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// What is said of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitStatus {
    /// The commit, in full.
    pub commit: String,
    /// How it stands.
    pub state: CommitState,
    /// Who says so: a later status of the same context takes the place of this one.
    pub context: String,
    /// One line.
    pub description: String,
}

/// How a commit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitState {
    /// Something is being done with it.
    Pending,
    /// It is as it should be.
    Success,
    /// It is not.
    Failure,
}

impl Forge {
    /// Asks once for a status to be set; what the answer means is for whoever asks.
    pub(crate) async fn set_status(&self, status: &CommitStatus) -> Result<Answer, ExchangeFault> {
        let nothing_sent = |detail: String| ExchangeFault { kind: FaultKind::NotSent, detail };
        let request = self.request(&self.ask_for(status)).map_err(|reason| nothing_sent(reason.to_string()))?;
        let intake = Intake { bytes_max: ANSWER_BYTES_MAX, over: Over::Cut, place: None };
        exchange(&self.http, request, intake, || true).await
    }

    fn ask_for(&self, status: &CommitStatus) -> Ask {
        let CommitStatus { commit, state, context, description } = status;
        let project: Vec<String> = match self.kind {
            ForgeKind::GitHub | ForgeKind::Gitea => {
                std::iter::once("repos").chain(self.project.split('/')).map(str::to_owned).collect()
            }
            ForgeKind::GitLab => vec!["projects".to_owned(), self.project.clone()],
        };
        let state = match (state, self.kind) {
            (CommitState::Pending, _) => "pending",
            (CommitState::Success, _) => "success",
            (CommitState::Failure, ForgeKind::GitHub | ForgeKind::Gitea) => "failure",
            (CommitState::Failure, ForgeKind::GitLab) => "failed",
        };
        let path = project.into_iter().chain(["statuses".to_owned(), commit.clone()]).collect();
        let body = json!({ "state": state, "context": context, "description": description });
        Ask { method: Method::POST, path, query: Vec::new(), body: Some(body) }
    }
}
