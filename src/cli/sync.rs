//! `flowsync sync`: one pass over each environment.

use serde_json::json;

use super::arguments::{Form, OnceArgs, SyncArgs};
use super::context::{Context, select};
use super::output::{self, Failure, complain};
use super::{panics, progress};
use crate::config::Environment;
use crate::controller::{EnvironmentReport, Outcome, PassOptions, SyncResult};
use crate::problem::escape_terminal;

impl OnceArgs {
    /// What it means for a pass.
    pub(super) fn options(&self, dry_run: bool) -> PassOptions {
        let Self { retry, take_over, allow_deletes, allow_rewind, adopt_records, grace: _ } = self.clone();
        PassOptions { dry_run, retry, take_over, allow_deletes, allow_rewind, adopt_records }
    }
}

pub(super) async fn run(context: &Context, arguments: &SyncArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let options = arguments.once.options(arguments.dry_run);
    let passes = select(&config, &arguments.env)?.into_iter().map(|(name, environment)| {
        let options = options.clone();
        async move { one(context, &name, environment, &options).await }
    });
    let reports = futures_util::future::join_all(passes).await;
    match arguments.output {
        Form::Json => output::json(&json!({ "environments": reports })),
        Form::Text => reports.iter().for_each(|report| output::print(&text(report))),
    }
    Ok(reports.iter().map(|report| report.result.exit_code()).max().unwrap_or(0))
}

async fn one(
    context: &Context,
    name: &str,
    environment: Result<&Environment, Failure>,
    options: &PassOptions,
) -> EnvironmentReport {
    let engine = environment
        .and_then(|environment| context.engine(environment, progress::of(context, name), options.allow_rewind));
    let report = match engine {
        Ok(engine) => panics::pass(name, engine.pass(options)).await,
        Err(failure) => EnvironmentReport {
            error: Some(failure.message),
            problems: failure.problems,
            ..EnvironmentReport::new(name, SyncResult::Error)
        },
    };
    tell(&report);
    report
}

/// What a person must hear, on stderr.
pub(super) fn tell(report: &EnvironmentReport) {
    output::show_problems(&report.problems);
    report.alarms.iter().for_each(|alarm| complain(&format!("alarm: {}", escape_terminal(alarm))));
    if let Some(error) = &report.error {
        complain(&format!("{}: {}: {}", report.environment, report.result.as_str(), escape_terminal(error)));
    }
}

/// The result for people, on stdout.
pub(super) fn text(report: &EnvironmentReport) -> String {
    let mut text = format!("{}: {}", report.environment, report.result.as_str());
    if let Some(deployment) = &report.deployment_id {
        text.push_str(&format!(", deployment {deployment}"));
    }
    if let Some(commit) = &report.commit {
        text.push_str(&format!(", commit {}", commit.short()));
    }
    text.push('\n');
    for flow in &report.flows {
        let outcome = match flow.outcome {
            Outcome::Deployed => "deployed",
            Outcome::Failed => "failed",
            Outcome::RolledBack => "rolled back",
            Outcome::NotRestored => "NOT RESTORED",
            Outcome::NotAttempted => "not attempted",
        };
        let error = flow.error.as_ref().map_or_else(String::new, |error| format!(": {}", escape_terminal(error)));
        text.push_str(&format!("  {:6} {:24} {outcome}{error}\n", flow.action, flow.id));
    }
    text
}
