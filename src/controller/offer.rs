//! What is proposed to people: flows as files, on a branch of their own.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Engine, PassError};
use crate::config::SubjectValues;
use crate::flow::FlowId;
use crate::local::LocalState;
use crate::plan::Action;
use crate::revision::CommitId;
use crate::source::{OUR_TRAILER, Proposal, Proposed, Rest, Source};
use crate::tenant::Tenant;

/// What was proposed, and what of it was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The environment whose branch it is for.
    pub environment: String,
    /// The branch that holds it.
    pub branch: String,
    /// The flows, by id.
    pub flows: Vec<OfferedFlow>,
    /// Flows that were thought of and are not in it, by id, and why.
    pub left_out: Vec<(String, String)>,
    /// What became of the branch.
    pub proposed: Proposed,
}

/// What is proposed for one flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OfferedFlow {
    /// Which.
    pub id: FlowId,
    /// What becomes of its file.
    pub action: Action,
    /// The file, from the root of the repository.
    pub path: String,
}

/// A flow with the files that change.
#[derive(Debug)]
pub(super) struct OfferedFiles {
    pub(super) flow: OfferedFlow,
    /// By their paths from the root of the repository; `None` removes one.
    pub(super) files: BTreeMap<String, Option<Vec<u8>>>,
}

impl OfferedFiles {
    /// Those of a flow that stands in one file.
    pub(super) fn one(flow: OfferedFlow, content: Vec<u8>) -> Self {
        Self { files: BTreeMap::from([(flow.path.clone(), Some(content))]), flow }
    }
}

/// The trailer that names a flow which somebody asked for by name: a later proposal of everything keeps it.
const NAMED_TRAILER: &str = "Flowsync-Named";

/// So many flows are named in a commit message.
const NAMED_MAX: usize = 200;

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Commits files to a branch, on top of `base`.
    pub(super) async fn offer(
        &self,
        base: &CommitId,
        branch: &str,
        status: &str,
        files: Vec<OfferedFiles>,
        named: &BTreeSet<FlowId>,
        left_out: Vec<(String, String)>,
    ) -> Result<Offer, PassError> {
        let flows: Vec<OfferedFlow> = files.iter().map(|file| file.flow.clone()).collect();
        let proposal = Proposal {
            branch: branch.to_owned(),
            base: base.clone(),
            rest: Rest::Goes,
            message: self.offer_message(base, status, &flows, named),
            files: files.into_iter().flat_map(|offered| offered.files).collect(),
            time: self.now(),
        };
        let proposed = match flows.is_empty() {
            true => Proposed::Nothing,
            false => self.records.source.propose(&proposal).await?,
        };
        let environment = self.records.environment.clone();
        Ok(Offer { environment, branch: branch.to_owned(), flows, left_out, proposed })
    }

    /// Ids alone: names and paths are other people's texts.
    fn offer_message(&self, base: &CommitId, status: &str, flows: &[OfferedFlow], named: &BTreeSet<FlowId>) -> String {
        let environment = self.records.environment.as_str();
        let subject = self.subject.fill(&SubjectValues {
            environment,
            status,
            deployment: "none",
            commit: base.short(),
            branch: &self.records.branch,
        });
        let mut lines: Vec<String> =
            flows.iter().take(NAMED_MAX).map(|flow| format!("{} {}", flow.action, flow.id)).collect();
        if flows.len() > NAMED_MAX {
            lines.push(format!("and {} more", flows.len() - NAMED_MAX));
        }
        let named = flows.iter().filter(|flow| named.contains(&flow.id)).take(NAMED_MAX);
        let named: String = named.map(|flow| format!("{NAMED_TRAILER}: {}\n", flow.id)).collect();
        let lines = lines.join("\n");
        format!("{subject}\n\n{lines}\n\n{OUR_TRAILER}: {environment}\nFlowsync-Source: {base}\n{named}")
    }

    /// The flows that somebody asked for by name, and that stand proposed on a branch.
    pub(super) async fn named_before(&self, branch: &str, base: &CommitId) -> Result<BTreeSet<FlowId>, PassError> {
        let message = self.records.source.standing_proposal(branch, base).await?.unwrap_or_default();
        let named = |line: &str| line.strip_prefix(NAMED_TRAILER)?.strip_prefix(": ")?.trim().parse().ok();
        Ok(message.lines().filter_map(named).collect())
    }

    /// `<id>.json` in the flows folder, or the next name of its kind that is free.
    pub(super) fn free_path(&self, id: &FlowId, taken: &BTreeSet<String>) -> String {
        let folder = self.records.source.flows_folder();
        let below = |name: String| if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let mut n = 1_u32;
        loop {
            let name = if n == 1 { format!("{id}.json") } else { format!("{id}-{n}.json") };
            let path = below(name);
            if !taken.contains(&path.to_lowercase()) {
                return path;
            }
            n += 1;
        }
    }

    /// Whatever stands in the flows folder of a commit, in lower case: on some file systems `a.json` and `A.json` are
    /// one file.
    pub(super) async fn taken_paths(&self, commit: &CommitId) -> Result<BTreeSet<String>, PassError> {
        let listing = self.records.source.list_flows(commit).await?;
        let entries = listing.entries.iter().map(|entry| entry.path.to_lowercase());
        Ok(entries.chain(listing.left_out.iter().map(|it| it.path.to_lowercase())).collect())
    }
}
