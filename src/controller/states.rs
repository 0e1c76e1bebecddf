//! The states a rollback can go back to: what completed deployments left, or found, as far as git proves them.

use std::collections::BTreeMap;

use super::claims::{Judged, told};
use super::{PassError, PassOptions, Recorded, Records, Seen};
use crate::flow::{ContentHash, FlowId};
use crate::record::proof::ProvenState;
use crate::record::{Claim, FlowAction, Held, Kind, Manifest, ManifestFlow, RollbackState, RollbackTo, Status, paths};
use crate::revision::{CommitId, Origin};
use crate::source::Source;

/// So many deployments are named where the one asked for is not there.
const NAMED_MAX: usize = 5;

/// Flows by what holds each.
pub(super) type State = BTreeMap<FlowId, WantedFlow>;

/// A flow of a state.
#[derive(Debug, Clone)]
pub(super) struct WantedFlow {
    /// Where git holds it.
    pub(super) origin: Origin,
    /// Its hash.
    pub(super) content_hash: ContentHash,
    /// The file it had; empty where that is not known.
    pub(super) path: String,
    /// Where git held the flow, if not its content.
    pub(super) held: Option<Held>,
}

/// What a rollback goes back to, for its manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackTo {
    /// The state.
    pub to: RollbackTo,
    /// Where git held each of its flows.
    pub held: BTreeMap<FlowId, Held>,
}

impl<S: Source> Records<S> {
    /// The completed deployment with this id, as it was closed.
    pub(super) async fn completed(&self, records: &CommitId, id: &str) -> Result<Option<Recorded>, PassError> {
        let history = self.source.record_history(records, &paths::manifest(&self.environment)).await?;
        for entry in &history {
            let version = self.version(entry).await?;
            let is_it =
                |manifest: &Manifest| manifest.deployment_id.as_str() == id && manifest.status() == Status::Deployed;
            if let Some(version) = version.filter(|version| is_it(&version.manifest)) {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }

    /// That there is no such deployment, and which there are.
    pub(super) async fn unknown(&self, records: &CommitId, id: &str) -> Result<PassError, PassError> {
        let history = self.source.record_history(records, &paths::manifest(&self.environment)).await?;
        let mut known: Vec<String> = Vec::new();
        for entry in &history {
            let version = self.version(entry).await?.map(|version| version.manifest);
            if let Some(manifest) = version.filter(|manifest| manifest.status() == Status::Deployed) {
                let id = manifest.deployment_id.to_string();
                if !known.contains(&id) {
                    known.push(id);
                }
            }
            if known.len() == NAMED_MAX {
                break;
            }
        }
        let environment = &self.environment;
        Ok(PassError::NotFound(match (id, known.as_slice()) {
            ("", []) => format!("`{environment}` has no completed deployment to go back from"),
            (_, []) => format!("`{environment}` has no completed deployment `{id}`, nor any other"),
            _ => format!("`{environment}` has no completed deployment `{id}`; the newest are {}", known.join(", ")),
        }))
    }

    /// A state, seen from a completed deployment; or why git does not prove it.
    pub(super) async fn state(
        &self,
        tip: &CommitId,
        recorded: &Recorded,
        side: RollbackState,
        options: &PassOptions,
    ) -> Result<Result<State, String>, PassError> {
        self.whose(recorded, options)?;
        if let Some(altered) = self.altered(recorded).await? {
            return Ok(Err(altered));
        }
        let manifest = &recorded.manifest;
        let id = &manifest.deployment_id;
        let Some(commit) = manifest.source.commit.as_ref() else {
            return Ok(Err(format!("deployment {id} names no commit")));
        };
        if !self.is_on_branch(tip, commit, options).await? {
            return Ok(Err(format!("commit {commit} of deployment {id} is not in the history of `{}`", self.branch)));
        }
        let n_errors = self.holding(commit).await?.n_errors;
        if n_errors > 0 && manifest.kind != Kind::Rollback {
            return Ok(Err(format!("the flows of commit {commit} do not pass the checks ({n_errors} errors)")));
        }
        let claims: Vec<Claim> = manifest.flows.iter().filter_map(|flow| claim(manifest, flow, side)).collect();
        let Judged { doubted, held, flows } = self.judge_claims(tip, Some(commit), &claims, options).await?;
        if !doubted.is_empty() {
            return Ok(Err(format!("deployment {id} lists what git does not prove: {}", told(&doubted))));
        }
        let wanted = |claim: Claim| {
            let from_commit = flows.get(&claim.id).map(|flow| Held {
                commit: commit.clone(),
                path: flow.path.clone(),
                blob: flow.origin.blob.clone(),
            });
            let held = held.get(&claim.id).cloned().or(from_commit);
            let Claim { id, origin, content_hash, path, .. } = claim;
            Some((id, WantedFlow { origin: origin?, content_hash, path: path.unwrap_or_default(), held }))
        };
        Ok(Ok(claims.into_iter().filter_map(wanted).collect()))
    }

    /// The state that an unfinished rollback goes back to; or why git does not prove it.
    pub(super) async fn state_of(
        &self,
        seen: &Seen,
        manifest: &Manifest,
        options: &PassOptions,
    ) -> Result<Result<ProvenState, String>, PassError> {
        let (Some(RollbackTo { deployment_id, state }), Some(records)) = (&manifest.rollback, &seen.tips.records)
        else {
            return Ok(Err("it does not say which".to_owned()));
        };
        let Some(recorded) = self.completed(records, deployment_id.as_str()).await? else {
            return Ok(Err(format!("there is no completed deployment {deployment_id}")));
        };
        let state = self.state(&seen.tips.flows, &recorded, *state, options).await?;
        let flow = |(id, flow): (FlowId, WantedFlow)| (id, (flow.origin, flow.content_hash));
        Ok(state.map(|state| state.into_iter().map(flow).collect()))
    }
}

/// What was live of a flow, seen from a completed deployment; nothing where it was not there.
fn claim(manifest: &Manifest, flow: &ManifestFlow, side: RollbackState) -> Option<Claim> {
    let after = || (flow.origin(), flow.content_hash);
    let (origin, content_hash) = match (side, flow.action) {
        (RollbackState::After, FlowAction::Delete) => return None,
        (RollbackState::After, _) | (RollbackState::Before, FlowAction::None) => after(),
        // It was there, and what it was is not known: it stays.
        (RollbackState::Before, FlowAction::Create) if flow.existed => after(),
        (RollbackState::Before, FlowAction::Create) => return None,
        (RollbackState::Before, FlowAction::Update | FlowAction::Delete) => {
            (flow.before.clone().map(Origin::plain), flow.previous_hash)
        }
    };
    let held = flow.held.clone().or_else(|| flow.last_flow()?.held).or_else(|| {
        // What was deleted stood in the commit that was deployed before.
        let deleted = flow.action == FlowAction::Delete;
        let commit = manifest.previous_deployment.as_ref().filter(|_| deleted)?.commit.clone()?;
        Some(Held { commit, path: flow.path.clone()?, blob: flow.last_flow()?.blob? })
    });
    Some(Claim {
        id: flow.id.clone(),
        origin: Some(origin?),
        content_hash: content_hash?,
        held,
        path: flow.path.clone(),
    })
}
