//! What `adopt` and `promote` have in common: which branch may be used, and how an offer is told.

use std::fmt;

use serde::Serialize;
use serde_json::json;

use super::arguments::Form;
use super::output::{self, Failure, REFUSED};
use crate::config::{Config, Environment};
use crate::controller::{Offer, OfferedFlow};
use crate::forge::{About, FlowChange, Forge, Opened, PullRequest};
use crate::plan::Action;
use crate::problem::escape_terminal;
use crate::revision::CommitId;
use crate::source::Proposed;

/// Refuses, before anything is asked, a branch that is deployed from, and a pull request where no forge is known.
pub(super) fn check(
    config: &Config,
    to: &Environment,
    branch: &str,
    pull_request: bool,
) -> Result<Option<Forge>, Failure> {
    for environment in config.environments.values() {
        let repository = &environment.repository;
        let is_records = repository.records_branch.as_deref() == Some(branch);
        if repository.branch == *branch || is_records {
            let what = if is_records { "holds the records of" } else { "is deployed to" };
            let message = format!("branch `{branch}` {what} `{}`: name another one with --branch", environment.name);
            return Err(Failure { code: REFUSED, ..Failure::other(message) });
        }
    }
    if !pull_request {
        return Ok(None);
    }
    Forge::open(&to.repository).map(Some).map_err(|error| {
        Failure::other(format!("no pull request can be opened, and nothing was pushed: {}", crate::error_chain(&error)))
    })
}

/// Sees to the pull request where one is wanted, and tells what was proposed. Where the forge fails, the branch stays.
pub(super) async fn review(
    forge: Option<&Forge>,
    offer: &Offer,
    to: &Environment,
    about: About<'_>,
    form: Form,
) -> Result<u8, Failure> {
    let opened = match (forge, &offer.proposed) {
        (None, _) | (_, Proposed::Nothing) => Ok(None),
        (Some(forge), Proposed::Made(_) | Proposed::Held(_)) => {
            let change = |flow: &OfferedFlow| (flow.id.clone(), change(flow.action));
            let flows: Vec<_> = offer.flows.iter().map(change).collect();
            forge.propose(&PullRequest::new(&offer.branch, &to.repository.branch, about, &flows)).await.map(Some)
        }
    };
    match opened {
        Ok(opened) => show(offer, opened.as_ref(), form),
        Err(error) => {
            if form == Form::Text {
                show(offer, None, form);
            }
            let branch = &offer.branch;
            return Err(Failure::other(format!("branch `{branch}` stands: {}", crate::error_chain(&error))));
        }
    }
    Ok(0)
}

fn change(action: Action) -> FlowChange {
    match action {
        Action::Create => FlowChange::Added,
        Action::Update => FlowChange::Changed,
        Action::Delete => FlowChange::Removed,
    }
}

/// What was proposed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfferView<'a> {
    environment: &'a str,
    branch: &'a str,
    result: OfferResult,
    /// What the branch holds.
    commit: Option<&'a CommitId>,
    flows: &'a [OfferedFlow],
    /// Its page.
    pull_request: Option<&'a str>,
    left_out: Vec<LeftOut<'a>>,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
enum OfferResult {
    /// A commit was made.
    Proposed,
    /// The branch holds it already.
    Held,
    Nothing,
}

/// A flow that was thought of and is not in it.
#[derive(Serialize)]
struct LeftOut<'a> {
    id: &'a str,
    reason: &'a str,
}

/// What was proposed on stdout, what was not on stderr.
fn show(offer: &Offer, opened: Option<&Opened>, form: Form) {
    let view = OfferView::new(offer, opened);
    match form {
        Form::Json => output::json(&json!(view)),
        Form::Text => output::print(&view.to_string()),
    }
    for LeftOut { id, reason } in &view.left_out {
        output::say(&format!("left out: {id}: {}", escape_terminal(reason)));
    }
}

impl<'a> OfferView<'a> {
    fn new(offer: &'a Offer, opened: Option<&'a Opened>) -> Self {
        let Offer { environment, branch, flows, left_out, proposed } = offer;
        let (result, commit) = match proposed {
            Proposed::Made(commit) => (OfferResult::Proposed, Some(commit)),
            Proposed::Held(commit) => (OfferResult::Held, Some(commit)),
            Proposed::Nothing => (OfferResult::Nothing, None),
        };
        Self {
            environment,
            branch,
            result,
            commit,
            flows,
            pull_request: opened.map(|opened| opened.address.as_str()),
            left_out: left_out.iter().map(|(id, reason)| LeftOut { id, reason }).collect(),
        }
    }
}

impl fmt::Display for OfferView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (environment, branch) = (self.environment, escape_terminal(self.branch));
        let (n_flows, commit) = (self.flows.len(), self.commit.map_or("", CommitId::short));
        match self.result {
            OfferResult::Proposed => {
                writeln!(f, "{environment}: {n_flows} flow(s) proposed on branch {branch}, commit {commit}")?;
            }
            OfferResult::Held => {
                writeln!(f, "{environment}: nothing new, branch {branch} holds it already, commit {commit}")?;
            }
            OfferResult::Nothing => return writeln!(f, "{environment}: nothing to propose"),
        }
        for OfferedFlow { id, action, path } in self.flows {
            writeln!(f, "  {action:6} {id:24} {}", escape_terminal(path))?;
        }
        self.pull_request.iter().try_for_each(|address| writeln!(f, "pull request: {}", escape_terminal(address)))
    }
}
