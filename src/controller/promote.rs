//! Promotion: what was deployed to one environment, and is live there as it was deployed, is proposed for another.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::folders::{InFolder, in_place};
use super::offer::{Offer, OfferedFiles, OfferedFlow};
use super::{Engine, PassError, PassOptions, Seen, read_desired};
use crate::flow::{Comparison, Definition, FlowId, LiveFlow, in_the_files_hand, with_environment, with_placeholders};
use crate::format::Unit;
use crate::local::LocalState;
use crate::plan::{Action, Desired};
use crate::problem::any_error;
use crate::record::Manifest;
use crate::source::Source;
use crate::tenant::{CallLimits, Tenant};

/// A flow as git held it when it was deployed.
struct Deployed {
    id: FlowId,
    text: Arc<[u8]>,
    /// Its file, from its flows folder; of a flow that stands in a folder, the one that heads it.
    below: Option<String>,
    /// The files of its folder, where it stands in one.
    unit: Option<Unit>,
}

/// The branch on which a promotion is proposed where nobody names another.
#[must_use]
pub fn promotion_branch(from: &str, to: &str) -> String {
    format!("flowsync/promote/{from}-to-{to}")
}

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Proposes on `branch` for this environment what is live in `from` as it was last deployed there: all of it, or
    /// the named flows.
    ///
    /// # Errors
    ///
    /// Git or the tenant cannot be read, the flows in git are invalid, a deployment is under way in `from`, nothing was
    /// deployed there, a named flow is not there, or the branch holds what the proposal would undo.
    pub async fn promote_from(&self, from: &Self, branch: &str, named: &BTreeSet<FlowId>) -> Result<Offer, PassError> {
        let theirs = from.settled().await?;
        let Some(manifest) = &theirs.manifest else {
            let reason = format!("nothing was deployed to `{}` yet; nothing was proposed", from.records.environment);
            return Err(PassError::Refused { reason, problems: Vec::new(), quarantined: false });
        };
        let (deployed, mut left_out) = from.as_deployed(manifest, named).await?;
        let tips = self.look(self.records.source.fetch()).await?;
        let reading = read_desired(&*self.records.source, &tips.flows, self.reader.index(), &self.records.target);
        let (desired, problems) = self.look(reading).await?;
        if any_error(&problems) {
            let reason = format!("the flows of commit {} have problems; nothing was proposed", tips.flows);
            return Err(PassError::Refused { reason, problems: problems.to_vec(), quarantined: false });
        }
        let mut paths = self.taken_paths(&tips.flows).await?;
        let mut files = Vec::new();
        for flow in deployed {
            let id = flow.id.clone();
            let found = match self.in_folders() {
                true => self.folder_for(flow, &desired, &paths).await?,
                false => Ok(self.file_for(from, flow, &desired, &paths).await?),
            };
            match found {
                Ok(None) => {}
                Ok(Some(file)) => {
                    paths.insert(file.flow.path.to_lowercase());
                    files.push(file);
                }
                Err(why) => left_out.push((id.to_string(), format!("its folder cannot say what is deployed: {why}"))),
            }
        }
        let status = format!("promote from {}", from.records.environment);
        self.offer(&tips.flows, branch, &status, files, &BTreeSet::new(), left_out).await
    }

    /// What git says of this environment, where no deployment is under way.
    async fn settled(&self) -> Result<Seen, PassError> {
        let tips = self.look(self.records.source.fetch()).await?;
        let seen = self.look(self.records.seen_at(tips, &PassOptions::default())).await?;
        if seen.interrupted { Err(PassError::Busy(self.who_holds(&seen))) } else { Ok(seen) }
    }

    /// The flows that are live as they were last deployed, and why the others are not among them.
    async fn as_deployed(
        &self,
        manifest: &Manifest,
        named: &BTreeSet<FlowId>,
    ) -> Result<(Vec<Deployed>, Vec<(String, String)>), PassError> {
        let last = self.look(self.records.last(Some(manifest))).await?;
        let limits = CallLimits::before_deployment();
        let reader = self.reader.only(last.flows.keys());
        let export = self.look(self.tenant.export(&self.records.target, &reader, &limits)).await?;
        let live = export.flows;
        let environment = &self.records.environment;
        let all: BTreeSet<&FlowId> = last.flows.keys().chain(live.keys()).collect();
        if let Some(unknown) = named.iter().find(|id| !all.contains(id)) {
            return Err(PassError::NotFound(format!("there is no flow `{unknown}` in `{environment}`")));
        }
        let (mut deployed, mut left_out) = (Vec::new(), Vec::new());
        for id in all.into_iter().filter(|id| named.is_empty() || named.contains::<FlowId>(id)) {
            let why = match (live.get(id), last.flows.get(id)) {
                (Some(live), Some(last)) if live.equality_hash() == *last => {
                    deployed.push(self.deployed(manifest, live).await?);
                    continue;
                }
                (Some(_), Some(_)) => format!("what is live in `{environment}` is not what was last deployed"),
                (Some(_), None) => format!("flowsync never deployed it to `{environment}`"),
                (None, _) => format!("it is not live in `{environment}` any more"),
            };
            left_out.push((id.to_string(), why));
        }
        Ok((deployed, left_out))
    }

    /// A deployed flow's file as git has it: no overlay is in it, and it is in somebody's hand.
    async fn deployed(&self, manifest: &Manifest, live: &LiveFlow) -> Result<Deployed, PassError> {
        let last = manifest.last_flows().remove(live.id());
        let recorded = manifest.flows.iter().find(|flow| flow.id == *live.id());
        let path = last.as_ref().and_then(|last| last.path.clone()).or_else(|| recorded?.path.clone());
        let blob: Vec<_> = last.and_then(|last| last.blob).into_iter().collect();
        let unit = match (self.in_folders(), blob.first(), &path) {
            (true, Some(folder), Some(path)) => Some(self.unit_of(path, folder).await?),
            _ => None,
        };
        let file = self.records.source.read_blobs(&blob).await?.into_iter().next().flatten();
        let text = match file {
            Some(file) => file,
            None => live.body()?.clone(),
        };
        let folder = self.records.source.flows_folder();
        let below = |path: String| path.strip_prefix(folder).map(|path| path.trim_start_matches('/').to_owned());
        Ok(Deployed { id: live.id().clone(), text, below: path.and_then(below), unit })
    }

    /// The file that a flow has or gets here; `None` where it says the same already.
    async fn file_for(
        &self,
        from: &Self,
        flow: Deployed,
        desired: &Desired,
        paths: &BTreeSet<String>,
    ) -> Result<Option<OfferedFiles>, PassError> {
        let Deployed { id, text, below, unit: _ } = flow;
        let text = with_environment(&text, &from.records.target, &self.records.target);
        let here = desired.flows.get(&id);
        let action = if here.is_some() { Action::Update } else { Action::Create };
        let blob: Vec<_> = here.and_then(|here| Some(here.origin.clone()?.blob)).into_iter().collect();
        let old = self.records.source.read_blobs(&blob).await?.into_iter().next().flatten();
        let text = with_placeholders(&text, old.as_deref(), &self.records.target);
        if old.as_ref().is_some_and(|old| is_same(old, &text)) {
            return Ok(None);
        }
        let path = match (here, below) {
            (Some(here), _) => here.path.clone(),
            (None, Some(below)) => {
                let folder = self.records.source.flows_folder();
                let path = if folder.is_empty() { below } else { format!("{folder}/{below}") };
                if paths.contains(&path.to_lowercase()) { self.free_path(&id, paths) } else { path }
            }
            (None, None) => self.free_path(&id, paths),
        };
        let content = match &old {
            Some(old) => in_the_files_hand(Some(old), &text),
            None => text,
        };
        Ok(Some(OfferedFiles::one(OfferedFlow { id, action, path }, content)))
    }

    /// The same of a flow that stands in a folder. Reference ids are the same in both projects, so that nothing in it is
    /// written anew; in words, why it cannot be had.
    async fn folder_for(
        &self,
        flow: Deployed,
        desired: &Desired,
        paths: &BTreeSet<String>,
    ) -> Result<Result<Option<OfferedFiles>, String>, PassError> {
        let Deployed { id, text, below, unit } = flow;
        let taken = self.folders_taken(paths);
        let found = match (desired.flows.get(&id), unit, below.as_deref().and_then(folder_of)) {
            (Some(here), ..) => self.folder_rewritten(here, &text, desired).await?,
            // As it is there, where nothing else is called so here.
            (None, Some(unit), Some(folder)) if is_free(folder, &taken) => {
                let files = unit.files.into_iter().map(|(file, content)| (file, Some(content.to_vec()))).collect();
                self.head_below(folder).map(|path| InFolder { files: in_place(&path, files), path })
            }
            (None, ..) => self.folder_written(&text, desired, &taken).await?,
        };
        let action = if desired.flows.contains_key(&id) { Action::Update } else { Action::Create };
        let offered = |InFolder { path, files }| OfferedFiles { flow: OfferedFlow { id, action, path }, files };
        Ok(found.map(|found| Some(found).filter(|found| !found.files.is_empty()).map(offered)))
    }
}

/// The folder of a file that heads one.
fn folder_of(head: &str) -> Option<&str> {
    head.rsplit_once('/').map(|(folder, _)| folder)
}

/// Whether nothing stands where a folder is to be.
fn is_free(folder: &str, taken: &BTreeSet<String>) -> bool {
    folder.split('/').next().is_some_and(|first| !taken.contains(&first.to_lowercase()))
}

/// Whether two files say the same.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let hash = |text: &[u8]| Definition::from_live(text, &Comparison::default()).ok().map(|flow| flow.content_hash);
    hash(one).is_some() && hash(one) == hash(other)
}
