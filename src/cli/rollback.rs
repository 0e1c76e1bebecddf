//! `flowsync rollback`: back to an earlier state, as a deployment of its own.

use serde_json::json;

use super::arguments::{Form, RollbackArgs};
use super::context::{Context, the_one};
use super::output::{self, Failure};
use super::{panics, progress, sync};

pub(super) async fn run(context: &Context, arguments: &RollbackArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let environment = the_one(&config, arguments.env.as_deref())?;
    let options = arguments.once.options(false);
    let engine = context.engine(environment, progress::of(context, &environment.name), options.allow_rewind)?;
    let rollback = engine.rollback(arguments.to.as_deref(), &options);
    let report = panics::pass(&environment.name, rollback).await;
    sync::tell(&report);
    match arguments.output {
        Form::Json => output::json(&json!({ "environments": [report] })),
        Form::Text => output::print(&sync::text(&report)),
    }
    Ok(report.result.exit_code())
}
