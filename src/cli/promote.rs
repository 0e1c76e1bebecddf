//! `flowsync promote`: what is deployed to one environment, proposed for another.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::arguments::{PromoteArgs, ProposalArgs};
use super::context::Context;
use super::offer;
use super::output::{Failure, USAGE};
use crate::config::Environment;
use crate::controller::promotion_branch;
use crate::forge::About;

pub(super) async fn run(context: &Context, arguments: &PromoteArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let (from, to) = (config.environment(&arguments.from)?, config.environment(&arguments.to)?);
    if is_one_place(from, to) {
        let message = format!(
            "`{}` and `{}` have one folder of flows on one branch: what is deployed to the one is there for the other",
            from.name, to.name
        );
        return Err(Failure { code: USAGE, ..Failure::other(message) });
    }
    if from.repository.format != to.repository.format {
        let message =
            format!("`{}` and `{}` are of two APIs: no flow of the one is a flow of the other", from.name, to.name);
        return Err(Failure { code: USAGE, ..Failure::other(message) });
    }
    let ProposalArgs { flows, branch, pull_request, output } = &arguments.proposal;
    let branch = branch.clone().unwrap_or_else(|| promotion_branch(&from.name, &to.name));
    let forge = offer::check(&config, to, &branch, *pull_request)?;
    let engine = |environment| context.engine(environment, Arc::new(|_| {}), false);
    let (source, target) = (engine(from)?, engine(to)?);
    let named: BTreeSet<_> = flows.iter().cloned().collect();
    let offered = target.promote_from(&source, &branch, &named).await?;
    let about = About::Promote { from: &from.name, to: &to.name };
    offer::review(forge.as_ref(), &offered, to, about, *output).await
}

fn is_one_place(one: &Environment, other: &Environment) -> bool {
    let place =
        |environment: &Environment| (environment.repository.branch.clone(), environment.repository.flows.clone());
    place(one) == place(other)
}
