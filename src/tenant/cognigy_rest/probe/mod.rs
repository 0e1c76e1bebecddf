//! What only a live tenant can tell: asked of flows of our own in a project, and told question by question.
//!
//! `asking` is a question and what comes of it, `ground` the flow that everything is tried on, and what goes again afterwards; `chart` asks about its nodes,
//! `whole` about packages, training and merges, `limits` about snapshots and the rate. Nothing that somebody else has
//! made is written to.

mod asking;
mod chart;
mod ground;
mod limits;
mod whole;

use super::super::{Call, CallLimits, TenantError};
use super::client::Client;
use super::names;
use crate::flow::EnvironmentId;
use asking::Asking;
pub use asking::{Finding, ProbeDepth, ProbeVerdict};
use chart::Chart;
use ground::Ground;
use whole::Whole;

/// Nothing was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeRefusal {
    /// Somebody else has flows in the project.
    #[error(
        "the project `{project}` has {n_flows} flow(s) that are not of a probe; it writes only into its own, but packages, training and \
         snapshots concern all of a project: take a scratch project, or say --yes"
    )]
    NotAScratchProject {
        /// Its name.
        project: String,
        /// How many.
        n_flows: usize,
    },
    /// The project cannot be looked at, or the flow of the probe cannot be made.
    #[error(transparent)]
    Tenant(#[from] TenantError),
}

impl Client {
    /// Finds out what is open about a tenant, in a project: `tell` hears of each answer. Everything that is made for it is
    /// removed again. `may_share` says that other people's flows may be in the project.
    ///
    /// # Errors
    /// Nothing was asked.
    pub async fn probe(
        &self,
        environment: &EnvironmentId,
        depth: ProbeDepth,
        may_share: bool,
        limits: &CallLimits,
        tell: &mut (dyn FnMut(Finding) + Send),
    ) -> Result<(), ProbeRefusal> {
        let calls = self.calls(Call::Import, environment, None, limits);
        let project = calls.project(environment.as_str()).await?;
        let others = project.flows.values().filter(|head| !names::is_probe(&head.name));
        let n_flows = others.filter(|head| !names::is_scaffold(&head.name)).count();
        if n_flows > 0 && !may_share {
            let project = calls.project_name(environment.as_str()).await?;
            return Err(ProbeRefusal::NotAScratchProject { project, n_flows });
        }
        // What is tried here is no reason to keep the project.
        *self.memory.frozen_for.lock().await = Some(self.memory.deployment());
        let mut asking = Asking { tell };
        let ground = Box::pin(Ground::make(self, &calls, environment, project)).await?;
        Box::pin(Chart { ground: &ground }.ask(&mut asking)).await;
        Box::pin(Whole { ground: &ground }.ask(&mut asking)).await;
        Box::pin(limits::ask_snapshots(&ground, depth, &mut asking)).await;
        let cleared = "everything that was made for this is gone";
        asking.ask("what is left behind", cleared, Box::pin(ground.clear())).await;
        Box::pin(limits::ask_rate(&ground, depth, &mut asking)).await;
        Ok(())
    }
}
