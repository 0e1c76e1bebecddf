//! A flow that somebody has built by hand and that is one of git's: by which reference ids it goes here.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Call, CallLimits, Failure, TenantError};
use super::client::Client;
use super::compose::tree_of;
use super::heads::Project;
use super::node_plan;
use super::references::References;
use crate::flow::{EnvironmentId, FlowId};
use crate::format::cognigy::document::{Flow, FlowRef, NodeRef, is_marker};

/// Each look at two charts may tell more: settings name nodes and flows by their ids.
const LOOKS_MAX: usize = 8;

/// What makes a live flow one of git's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aliases {
    /// Git's reference ids, and those that stand for them: for `tenant.references`.
    pub references: BTreeMap<String, String>,
    /// Labels, or reference ids, of nodes of git's that no live node is like.
    pub only_in_git: Vec<String>,
    /// Live nodes that no node of git's is like.
    pub only_live: Vec<String>,
}

impl Client {
    /// Finds out by which reference ids a live flow is `git`'s: nodes at the same place and alike are one.
    ///
    /// # Errors
    /// The flow cannot be read, or is not there; or one of the two is no flow.
    pub async fn aliases(
        &self,
        environment: &EnvironmentId,
        live: &FlowId,
        git: &[u8],
        limits: &CallLimits,
    ) -> Result<Aliases, TenantError> {
        let calls = self.calls(Call::Export, environment, Some(live), limits);
        let impossible = |reason: String| calls.error(Failure::Impossible { reason });
        let desired = Flow::parse(git).map_err(|error| impossible(error.to_string()))?;
        let project = calls.project(environment.as_str()).await?;
        let is_it =
            |reference: FlowRef| reference.flow_id() == *live || self.references.git_flow(reference).flow_id() == *live;
        let head = project.flows.values().find(|head| head.reference_id.parse().is_ok_and(is_it));
        let head = head.ok_or_else(|| impossible(format!("there is no flow `{live}` in the project")))?;
        let text = self.reading(&calls, &project, environment).flow(head).await?.text;
        let read = Flow::parse(text.as_bytes());
        let mut found = read.map_err(|_| impossible(format!("the chart of `{}` cannot be read", head.name)))?;
        // As it is, whatever stands for it so far.
        self.references.live(&mut found);
        let base = project.locales.primary().map(|locale| locale.name.to_string()).unwrap_or_default();
        Ok(matched(&found, &desired, &base, &self.options.references))
    }

    /// Flows that another one stands for by an alias, by their reference ids.
    pub(super) fn doubles(&self, project: &Project) -> BTreeSet<String> {
        let aliased = project.flows.values().filter(|head| self.references.is_alias(&head.reference_id));
        let stood_for = aliased.filter_map(|head| head.reference_id.parse().ok());
        let stood_for: BTreeSet<String> =
            stood_for.map(|reference| self.references.git_flow(reference).to_string()).collect();
        let live = project.flows.values().map(|head| &head.reference_id);
        live.filter(|reference| stood_for.contains(*reference)).cloned().collect()
    }
}

/// Pairs the nodes of two flows, again while that tells more.
fn matched(live: &Flow, desired: &Flow, base: &str, known: &BTreeMap<String, String>) -> Aliases {
    let mut references: BTreeMap<String, String> = known.clone();
    if desired.reference.to_string() != live.reference.to_string() {
        references.insert(desired.reference.to_string(), live.reference.to_string());
    }
    for _ in 0..LOOKS_MAX {
        let mut as_git = live.clone();
        References::new(&references).git(&mut as_git);
        let Ok(plan) = node_plan::plan(&tree_of(&as_git, base), &tree_of(desired, base)) else { break };
        let mut is_more = false;
        for (git, live) in plan.aliases {
            if !references.contains_key(&git) && !references.values().any(|it| *it == live) {
                references.insert(git, live);
                is_more = true;
            }
        }
        if !is_more {
            break;
        }
    }
    let mut as_git = live.clone();
    References::new(&references).git(&mut as_git);
    let left = |flow: &Flow, other: &Flow| {
        let there: Vec<NodeRef> = other.nodes().map(|node| node.reference).collect();
        let alone = flow.nodes().filter(|node| !there.contains(&node.reference) && !is_marker(&node.kind));
        let named = alone.map(|node| match node.head.label.as_str() {
            "" => format!("{} {}", node.kind, node.reference),
            label => format!("{} `{label}`", node.kind),
        });
        named.collect()
    };
    let (only_in_git, only_live) = (left(desired, &as_git), left(&as_git, desired));
    references.retain(|git, _| !known.contains_key(git));
    Aliases { references, only_in_git, only_live }
}
