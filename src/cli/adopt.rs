//! `flowsync adopt`: what is live, proposed for git; or, with `--as`, found to be a flow that git has.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use super::arguments::{AdoptArgs, Form, ProposalArgs};
use super::context::{Context, the_one};
use super::offer;
use super::output::{self, Failure, USAGE};
use super::plan::flows_here;
use crate::config::Environment;
use crate::controller::adoption_branch;
use crate::flow::FlowId;
use crate::forge::About;
use crate::problem::escape_terminal;
use crate::source::LocalRepository;
use crate::tenant::CallLimits;
use crate::tenant::cognigy_rest::Aliases;

pub(super) async fn run(context: &Context, arguments: &AdoptArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let environment = the_one(&config, arguments.env.as_deref())?;
    if let Some(id) = &arguments.as_flow {
        return recognise(context, environment, &arguments.proposal, id).await;
    }
    let ProposalArgs { flows, branch, pull_request, output } = &arguments.proposal;
    let branch = branch.clone().unwrap_or_else(|| adoption_branch(&environment.name));
    let forge = offer::check(&config, environment, &branch, *pull_request)?;
    let engine = context.engine(environment, Arc::new(|_| {}), false)?;
    let named: BTreeSet<_> = flows.iter().cloned().collect();
    let offered = engine.adopt_live(&branch, &named).await?;
    let about = About::Adopt { environment: &environment.name };
    offer::review(forge.as_ref(), &offered, environment, about, *output).await
}

/// Finds out by which reference ids a live flow is one of git's, and prints them. Nothing is written.
async fn recognise(
    context: &Context,
    environment: &Environment,
    proposal: &ProposalArgs,
    id: &FlowId,
) -> Result<u8, Failure> {
    let [live] = proposal.flows.as_slice() else {
        let message = "expected one --flow beside --as: the live flow that is this flow of git's";
        return Err(Failure { code: USAGE, ..Failure::other(message) });
    };
    let here = std::env::current_dir().map_err(|error| Failure::of(&error))?;
    let repository = LocalRepository::find(&here)?;
    let repository = repository
        .ok_or_else(|| Failure::other("--as needs a git work tree around the current directory, found none"))?;
    let (desired, _) = flows_here(&repository, environment, None)?;
    let flow = desired
        .flows
        .get(id)
        .ok_or_else(|| Failure::other(format!("git has no flow `{id}` for `{}`", environment.name)))?;
    let engine = context.engine(environment, Arc::new(|_| {}), false)?;
    let body = flow.definition.body().map_err(|error| Failure::of(&error))?;
    let limits = CallLimits::before_deployment();
    let found = engine.tenant.aliases(&engine.records.target, live, body, &limits).await;
    let found = found.ok_or_else(|| {
        Failure::other("--as is for `api: cognigy-rest`: other flows go by the ids that git gives them")
    })?;
    let Aliases { references, only_in_git, only_live } = found.map_err(|error| Failure::of(&error))?;
    match proposal.output {
        Form::Json => output::json(&json!({
            "environment": environment.name, "flow": live, "as": id, "references": references,
            "onlyInGit": only_in_git, "onlyLive": only_live,
        })),
        Form::Text => {
            let lines: String = references.iter().map(|(git, live)| format!("        {git}: {live}\n")).collect();
            output::print(&format!("      references:    # {live} is {id}\n{lines}"));
        }
    }
    for (where_, nodes) in [("in git", only_in_git), ("in the project", only_live)] {
        nodes.iter().for_each(|node| output::say(&format!("only {where_}: {}", escape_terminal(node))));
    }
    Ok(0)
}
