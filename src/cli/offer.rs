//! What `adopt` and `promote` have in common: which branch may be used, and how an offer is told.

use serde_json::{Value, json};

use super::arguments::Form;
use super::output::{self, Failure, REFUSED};
use crate::config::{Config, Environment};
use crate::controller::Offer;
use crate::problem::escape_terminal;
use crate::source::Proposed;

/// Refuses, before anything is asked, a branch that is deployed from, and a pull request where no forge is known.
pub(super) fn check(config: &Config, to: &Environment, branch: &str, pull_request: bool) -> Result<(), Failure> {
    for environment in config.environments.values() {
        let repository = &environment.repository;
        let is_records = repository.records_branch.as_deref() == Some(branch);
        if repository.branch == branch || is_records {
            let what = if is_records { "holds the records of" } else { "is deployed to" };
            let message = format!("branch `{branch}` {what} `{}`: name another one with --branch", environment.name);
            return Err(Failure { code: REFUSED, ..Failure::other(message) });
        }
    }
    if pull_request {
        return Err(Failure::other(format!(
            "`--pull-request` needs a forge, and none is configured for `{}`; nothing was pushed",
            to.name
        )));
    }
    Ok(())
}

/// What was proposed on stdout, what was not on stderr.
pub(super) fn show(offer: &Offer, form: Form) {
    match form {
        Form::Json => output::json(&document(offer)),
        Form::Text => output::print(&text(offer)),
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

fn document(offer: &Offer) -> Value {
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
        "leftOut": offer.left_out.iter().map(left_out).collect::<Vec<_>>(),
    })
}
