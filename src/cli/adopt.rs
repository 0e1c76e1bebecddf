//! `flowsync adopt`: what is live, proposed for git.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::arguments::{AdoptArgs, ProposalArgs};
use super::context::{Context, the_one};
use super::offer;
use super::output::Failure;
use crate::controller::adoption_branch;
use crate::forge::About;

pub(super) async fn run(context: &Context, arguments: &AdoptArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let environment = the_one(&config, arguments.env.as_deref())?;
    let ProposalArgs { flows, branch, pull_request, output } = &arguments.proposal;
    let branch = branch.clone().unwrap_or_else(|| adoption_branch(&environment.name));
    let forge = offer::check(&config, environment, &branch, *pull_request)?;
    let engine = context.engine(environment, Arc::new(|_| {}), false)?;
    let named: BTreeSet<_> = flows.iter().cloned().collect();
    let offered = engine.adopt_live(&branch, &named).await?;
    let about = About::Adopt { environment: &environment.name };
    offer::review(forge.as_ref(), &offered, environment, about, *output).await
}
