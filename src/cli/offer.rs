//! What `adopt` and `promote` have in common: which branch may be used, and how an offer is told.

use serde_json::{Value, json};

use super::arguments::Form;
use super::output::{self, Failure, REFUSED};
use crate::config::{Config, Environment};
use crate::controller::{Offer, OfferedFlow};
use crate::forge::{About, FlowChange, Forge, Opened, PullRequest};
use crate::plan::Action;
use crate::problem::escape_terminal;
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
        if repository.branch == branch || is_records {
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

/// What was proposed on stdout, what was not on stderr.
fn show(offer: &Offer, opened: Option<&Opened>, form: Form) {
    match form {
        Form::Json => output::json(&document(offer, opened)),
        Form::Text => {
            output::print(&text(offer));
            if let Some(opened) = opened {
                output::print(&format!("pull request: {}\n", escape_terminal(&opened.address)));
            }
        }
    }
    for (id, reason) in &offer.left_out {
        output::say(&format!("left out: {id}: {}", escape_terminal(reason)));
    }
}

fn text(offer: &Offer) -> String {
    let Offer { environment, branch, flows, proposed, .. } = offer;
    let (n_flows, branch) = (flows.len(), escape_terminal(branch));
    let mut text = match proposed {
        Proposed::Made(commit) => {
            format!("{environment}: {n_flows} flow(s) proposed on branch {branch}, commit {}\n", commit.short())
        }
        Proposed::Held(commit) => {
            format!("{environment}: nothing new, branch {branch} holds it already, commit {}\n", commit.short())
        }
        Proposed::Nothing => return format!("{environment}: nothing to propose\n"),
    };
    for flow in flows {
        text.push_str(&format!("  {:6} {:24} {}\n", flow.action, flow.id, escape_terminal(&flow.path)));
    }
    text
}

fn document(offer: &Offer, opened: Option<&Opened>) -> Value {
    let (result, commit) = match &offer.proposed {
        Proposed::Made(commit) => ("proposed", Some(commit)),
        Proposed::Held(commit) => ("held", Some(commit)),
        Proposed::Nothing => ("nothing", None),
    };
    let flow =
        |flow: &crate::controller::OfferedFlow| json!({ "id": flow.id, "action": flow.action, "path": flow.path });
    let left_out = |(id, reason): &(String, String)| json!({ "id": id, "reason": reason });
    json!({
        "environment": offer.environment, "branch": offer.branch, "result": result, "commit": commit,
        "flows": offer.flows.iter().map(flow).collect::<Vec<_>>(),
        "pullRequest": opened.map(|opened| &opened.address),
        "leftOut": offer.left_out.iter().map(left_out).collect::<Vec<_>>(),
    })
}
