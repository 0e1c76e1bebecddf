//! Gathering what git knows of the flows that a manifest claims as owned.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::named::Named;
use super::{PassError, PassOptions, Records, read_desired};
use crate::flow::{Definition, FlowId};
use crate::problem::any_error;
use crate::record::{Claim, ClaimFacts, DEFINITION_BYTES_MAX, Held, HeldFlow, Manifest, Unproven};
use crate::revision::{CommitId, Origin};
use crate::source::{Source, SourceError};

/// So many flows are named where many do not count.
const NAMED_MAX: usize = 5;

/// The flows of a commit, and how many errors they have.
pub(super) struct Holding {
    pub(super) flows: BTreeMap<FlowId, HeldFlow>,
    pub(super) n_errors: usize,
}

/// What became of claims.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// Those that do not count.
    pub(super) doubted: BTreeMap<FlowId, Unproven>,
    /// Where git held those that the deployed commit alone does not prove.
    pub(super) held: BTreeMap<FlowId, Held>,
    /// The flows of the deployed commit.
    pub(super) flows: BTreeMap<FlowId, HeldFlow>,
}

/// Claims that do not count, in words.
pub(super) fn told(doubted: &BTreeMap<FlowId, Unproven>) -> String {
    let named: Vec<String> = doubted.iter().take(NAMED_MAX).map(|(id, why)| format!("`{id}` ({why})")).collect();
    let more = doubted.len() - named.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

impl<S: Source> Records<S> {
    /// Lets go of what a manifest claims as owned and git does not prove. In words: what that was.
    pub(super) async fn keep_what_is_proven(
        &self,
        tip: &CommitId,
        manifest: &mut Manifest,
        options: &PassOptions,
    ) -> Result<Option<String>, PassError> {
        let claims = manifest.claims();
        let commit = manifest.last_deployed.as_ref().and_then(|last| last.commit.clone());
        let Judged { doubted, .. } = self.judge_claims(tip, commit.as_ref(), &claims, options).await?;
        if doubted.is_empty() {
            return Ok(None);
        }
        manifest.disown(&doubted.keys().cloned().collect());
        Ok(Some(format!(
            "the manifest `{}` lists flows as deployed that git does not prove to have been, and they are not counted as \
             managed: {}",
            self.manifest_path(),
            told(&doubted)
        )))
    }

    /// Judges claims by the flows of the commit that was deployed and, where they are not enough, by earlier commits.
    pub(super) async fn judge_claims(
        &self,
        tip: &CommitId,
        deployed: Option<&CommitId>,
        claims: &[Claim],
        options: &PassOptions,
    ) -> Result<Judged, PassError> {
        let mut judged = Judged::default();
        if claims.is_empty() {
            return Ok(judged);
        }
        let flows = match deployed {
            Some(commit) if self.is_on_branch(tip, commit, options).await? => self.holding(commit).await?.flows,
            _ => BTreeMap::new(),
        };
        let mut facts = ClaimFacts { flows, ..ClaimFacts::default() };
        let rest: Vec<&Claim> = claims.iter().filter(|claim| !claim.is_plain(&facts.flows)).collect();
        for claim in &rest {
            let evidence = match (facts.flows.get(&claim.id), deployed) {
                (Some(HeldFlow { path, origin, .. }), Some(commit)) => {
                    Some(Held { commit: commit.clone(), path: path.clone(), blob: origin.blob.clone() })
                }
                _ => self.held_earlier(tip, claim, options).await?,
            };
            if let Some(held) = evidence {
                facts.held.insert(claim.id.clone());
                judged.held.insert(claim.id.clone(), held);
            }
        }
        let origins = rest.iter().filter_map(|claim| claim.origin.clone());
        for (origin, text) in self.read_documents(origins, DEFINITION_BYTES_MAX).await? {
            let Named::Text(text) = text else { continue };
            // What a rollback brought back may be what nobody could read: it is known by its bytes.
            let read = Definition::from_file(Arc::clone(&text), &self.index.comparison());
            if let Ok(definition) = read.or_else(|_| Definition::from_live(&text, &self.index.comparison())) {
                facts.contents.insert(origin, (definition.id, definition.content_hash));
            }
        }
        let doubted = claims.iter().filter_map(|claim| Some((claim.id.clone(), claim.doubt(&facts)?)));
        judged.doubted = doubted.collect();
        judged.flows = facts.flows;
        Ok(judged)
    }

    /// Where an earlier commit of the branch held a flow: where the claim says or, for records that do not say it,
    /// anywhere in the history of its file.
    async fn held_earlier(
        &self,
        tip: &CommitId,
        claim: &Claim,
        options: &PassOptions,
    ) -> Result<Option<Held>, PassError> {
        if let Some(held) = &claim.held {
            if !self.is_on_branch(tip, &held.commit, options).await? {
                return Ok(None);
            }
            if self.source.flow_blob(&held.commit, &held.path).await?.as_ref() == Some(&held.blob) {
                return Ok(self.is_flow(held, &claim.id).await?.then(|| held.clone()));
            }
            // Older versions named the file that a failed deployment had meant: the id says which flow it is.
            let flow = self.holding(&held.commit).await?.flows.remove(&claim.id);
            let flow = flow.filter(|flow| flow.origin.blob == held.blob);
            return Ok(flow.map(|HeldFlow { path, origin, .. }| Held {
                commit: held.commit.clone(),
                path,
                blob: origin.blob,
            }));
        }
        let (Some(path), Some(Origin { blob, .. })) = (&claim.path, &claim.origin) else { return Ok(None) };
        let history = self.source.flow_history(tip, path).await?;
        let found = history.into_iter().find(|entry| entry.blob.as_ref() == Some(blob));
        let Some(entry) = found else { return Ok(None) };
        let held = Held { commit: entry.commit, path: path.clone(), blob: blob.clone() };
        Ok(self.is_flow(&held, &claim.id).await?.then_some(held))
    }

    /// Whether the blob is this flow.
    async fn is_flow(&self, held: &Held, id: &FlowId) -> Result<bool, PassError> {
        let texts = self.read_named(std::iter::once(&held.blob), DEFINITION_BYTES_MAX).await?;
        let text: Option<Arc<[u8]>> = texts.get(&held.blob).and_then(Named::text).cloned();
        let definition = text.and_then(|text| Definition::from_file(text, &self.index.comparison()).ok());
        Ok(definition.is_some_and(|definition| definition.id == *id))
    }

    /// Whether a commit is on the tracked branch. Where a person accepts that the branch was rewound, a commit
    /// that it held once will do.
    pub(super) async fn is_on_branch(
        &self,
        tip: &CommitId,
        commit: &CommitId,
        options: &PassOptions,
    ) -> Result<bool, PassError> {
        if self.source.contains(tip, commit).await? {
            return Ok(true);
        }
        Ok(options.allow_rewind && self.source.flows_tree(commit).await.is_ok_and(|tree| tree.is_some()))
    }

    /// The flows of a commit. One without the flows folder holds none.
    pub(super) async fn holding(&self, commit: &CommitId) -> Result<Holding, PassError> {
        let (desired, problems) = match read_desired(&*self.source, commit, &self.index, &self.target).await {
            Ok(read) => read,
            Err(SourceError::NoFlowsFolder { .. }) => return Ok(Holding { flows: BTreeMap::new(), n_errors: 0 }),
            Err(error) => return Err(error.into()),
        };
        let flow = |(id, flow): (&FlowId, &crate::plan::DesiredFlow)| {
            let (path, content_hash) = (flow.path.clone(), flow.definition.content_hash);
            Some((id.clone(), HeldFlow { path, origin: flow.origin.clone()?, content_hash }))
        };
        let n_errors = if any_error(&problems) { problems.iter().filter(|it| it.is_error()).count() } else { 0 };
        Ok(Holding { flows: desired.flows.iter().filter_map(flow).collect(), n_errors })
    }
}
