//! Drift into git: what is live is proposed for the branch that is deployed from.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::folders::InFolder;
use super::offer::{Offer, OfferedFiles, OfferedFlow};
use super::{Engine, PassError, PassOptions, Prepared, read_desired};
use crate::config::{Drift, Prune};
use crate::flow::overlay::base_of;
use crate::flow::{Definition, FlowId, in_the_files_hand};
use crate::local::LocalState;
use crate::plan::{Action, Cause, Change, Desired, DesiredFlow, Plan, Policy, Step};
use crate::problem::any_error;
use crate::revision::{BlobId, CommitId};
use crate::source::{Source, SourceError};
use crate::tenant::{CallLimits, Tenant};

/// A flow to be taken into git as it is live.
struct Taken {
    id: FlowId,
    /// `None`: it is not live any more.
    live: Option<Arc<Definition>>,
    /// Where git has it.
    file: Option<DesiredFlow>,
}

/// The branch on which drift of an environment is proposed where nobody names another.
#[must_use]
pub fn adoption_branch(environment: &str) -> String {
    format!("flowsync/adopt/{environment}")
}

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Proposes on `branch` what is live: managed flows that drifted and, of others, those named. Where drifted ones
    /// are among the named, no other drift is taken.
    ///
    /// # Errors
    ///
    /// Git or the tenant cannot be read, the flows in git are invalid, a deployment is under way, a named flow is
    /// nowhere, or the branch holds what the proposal would undo.
    pub async fn adopt_live(&self, branch: &str, named: &BTreeSet<FlowId>) -> Result<Offer, PassError> {
        let tips = self.look(self.records.source.fetch()).await?;
        let seen = self.look(self.records.seen_at(tips, &PassOptions::default())).await?;
        if seen.interrupted {
            return Err(PassError::Busy(self.who_holds(&seen)));
        }
        let commit = &seen.tips.flows;
        let reading = read_desired(&*self.records.source, commit, self.reader.index(), &self.records.target);
        let (desired, problems) = self.look(reading).await?;
        if any_error(&problems) {
            let reason = format!("the flows of commit {commit} have problems; nothing was proposed");
            return Err(PassError::Refused { reason, problems: problems.to_vec(), quarantined: false });
        }
        let last = self.look(self.records.last(seen.manifest.as_ref())).await?;
        let policy = Policy { target: &self.records.target, drift: Drift::Report, prune: Prune::Keep };
        let prepared = self.look(self.prepare_with(desired, &last, policy)).await?;
        self.look(self.offer_live(commit, &prepared, branch, named)).await
    }

    /// Proposes the drift of a plan whose drift is not corrected. Where nothing is named, what somebody named before and
    /// stands proposed stays so, as it is live now.
    pub(super) async fn offer_live(
        &self,
        commit: &CommitId,
        prepared: &Prepared,
        branch: &str,
        named: &BTreeSet<FlowId>,
    ) -> Result<Offer, PassError> {
        let plan = &prepared.plan;
        let before = if named.is_empty() { self.named_before(branch, commit).await? } else { BTreeSet::new() };
        let (mut taken, mut left_out) = take(plan, &before, named);
        let known: BTreeSet<&FlowId> =
            plan.reported.iter().chain(&plan.changes).map(|change| &change.id).chain(&plan.unchanged).collect();
        let others: BTreeSet<FlowId> = named.union(&before).filter(|id| !known.contains(id)).cloned().collect();
        taken.extend(self.others(&others, named).await?);
        let mut files = Vec::new();
        let mut paths = if others.is_empty() { BTreeSet::new() } else { self.taken_paths(commit).await? };
        for flow in taken {
            let unreadable = flow.live.as_ref().and_then(|live| live.reading.unreadable());
            if let Some(why) = unreadable {
                left_out.push((flow.id.to_string(), format!("what is live cannot be read: {why}")));
                continue;
            }
            let id = flow.id.clone();
            let found = match self.in_folders() {
                true => self.folder_of(flow, &prepared.desired, &paths).await?,
                false => self.file_of(flow, &paths).await?,
            };
            match found {
                Ok(file) => {
                    paths.insert(file.flow.path.to_lowercase());
                    files.push(file);
                }
                Err(why) => left_out.push((id.to_string(), format!("its file cannot say what is live: {why}"))),
            }
        }
        files.sort_by(|a, b| a.flow.id.cmp(&b.flow.id));
        left_out.sort();
        let named = named.union(&before).cloned().collect();
        self.offer(commit, branch, "adopt", files, &named, left_out).await
    }

    /// Live flows that git does not hold; those that are `wanted` must be there.
    async fn others(&self, ids: &BTreeSet<FlowId>, wanted: &BTreeSet<FlowId>) -> Result<Vec<Taken>, PassError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let limits = CallLimits::before_deployment();
        let reader = self.reader.only(ids.iter());
        let mut live = self.tenant.export(&self.records.target, &reader, &limits).await?.flows;
        let find = |id: &FlowId| match live.remove(id) {
            Some(flow) => Some(match flow.definition() {
                Ok(read) => Ok(Taken { id: id.clone(), live: Some(read.clone()), file: None }),
                Err(absent) => Err(absent.into()),
            }),
            None if !wanted.contains(id) => None,
            None => Some(Err(PassError::NotFound(format!(
                "there is no flow `{id}`: neither in git nor live in `{}`",
                self.records.environment
            )))),
        };
        ids.iter().filter_map(find).collect()
    }

    /// The file that a flow has or gets, and its content in that file's hand: what an overlay adds stays out of it, and
    /// `${environment}` in it. In words, why it cannot be had.
    async fn file_of(&self, flow: Taken, paths: &BTreeSet<String>) -> Result<Result<OfferedFiles, String>, PassError> {
        let Taken { id, live, file } = flow;
        let Some(live) = live else {
            let DesiredFlow { path, overlay, .. } = file.ok_or_else(|| nowhere(&id))?;
            let flow = OfferedFlow { id, action: Action::Delete, path: path.clone() };
            // An overlay is of no use without its flow.
            return Ok(Ok(OfferedFiles {
                flow,
                files: [Some(path), overlay].into_iter().flatten().map(|it| (it, None)).collect(),
            }));
        };
        let Some((DesiredFlow { path, .. }, origin)) = file.and_then(|file| Some((file.clone(), file.origin?))) else {
            let flow = OfferedFlow { action: Action::Create, path: self.free_path(&id, paths), id };
            return Ok(Ok(OfferedFiles::one(flow, in_the_files_hand(None, live.body()?))));
        };
        let overlay = origin.composed.and_then(|composed| composed.overlay);
        let old = self.text_of(&origin.blob, &path).await?;
        let overlay = match overlay {
            Some(overlay) => Some(self.text_of(&overlay, &path).await?),
            None => None,
        };
        let base = match base_of(&old, overlay.as_deref(), self.records.target.as_str(), live.body()?) {
            Ok(base) => base,
            Err(why) => return Ok(Err(why.to_string())),
        };
        let flow = OfferedFlow { id, action: Action::Update, path };
        Ok(Ok(OfferedFiles::one(flow, in_the_files_hand(Some(&old), &base))))
    }

    /// The same of a flow that stands in a folder, or gets one.
    async fn folder_of(
        &self,
        flow: Taken,
        desired: &Desired,
        paths: &BTreeSet<String>,
    ) -> Result<Result<OfferedFiles, String>, PassError> {
        let Taken { id, live, file } = flow;
        let (action, found) = match (live, file) {
            (None, None) => return Err(nowhere(&id)),
            (None, Some(file)) => (Action::Delete, Ok(self.without_folder(&file).await?)),
            (Some(live), Some(file)) => (Action::Update, self.folder_rewritten(&file, live.body()?, desired).await?),
            (Some(live), None) => {
                let taken = self.folders_taken(paths);
                (Action::Create, self.folder_written(live.body()?, desired, &taken).await?)
            }
        };
        Ok(found.map(|InFolder { path, files }| OfferedFiles { flow: OfferedFlow { id, action, path }, files }))
    }

    /// What a blob holds that the file of a flow is made from.
    async fn text_of(&self, blob: &BlobId, path: &str) -> Result<Arc<[u8]>, PassError> {
        let text = self.records.source.read_blobs(std::slice::from_ref(blob)).await?.into_iter().next().flatten();
        Ok(text.ok_or_else(|| SourceError::missing_blob(path, blob))?)
    }
}

fn nowhere(id: &FlowId) -> PassError {
    PassError::NotFound(format!("`{id}` is neither live nor in git"))
}

/// What of a plan is taken into git, and what is named and is not: drift, or the named part of it, and what is named or was
/// before.
fn take(plan: &Plan, before: &BTreeSet<FlowId>, named: &BTreeSet<FlowId>) -> (Vec<Taken>, Vec<(String, String)>) {
    let is_narrowed = plan.reported.iter().any(|change| named.contains(&change.id));
    let drifted = plan.reported.iter().filter(|change| !is_narrowed || named.contains(&change.id));
    let mut left_out = Vec::new();
    let mut taken: Vec<Taken> = drifted.map(taken_of).collect();
    for change in &plan.changes {
        if before.contains(&change.id) {
            taken.extend(change.before().is_some().then(|| taken_of(change)));
            continue;
        }
        match (named.contains(&change.id), &change.step, change.cause) {
            (true, Step::Create { .. }, Cause::Commit) => {
                left_out.push((change.id.to_string(), "git brings it, and it was never live".to_owned()));
            }
            (true, ..) => taken.push(taken_of(change)),
            (false, _, Cause::Both) => left_out.push((
                change.id.to_string(),
                "git changed it too since it was deployed; name it with --flow to propose what is live".to_owned(),
            )),
            (false, ..) => {}
        }
    }
    (taken, left_out)
}

fn taken_of(change: &Change) -> Taken {
    Taken { id: change.id.clone(), live: change.before().cloned(), file: change.after().cloned() }
}
