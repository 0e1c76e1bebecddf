//! `flowsync sync`: one pass over each environment.

use std::path::Path;

use serde_json::json;

use super::arguments::{Form, OnceArgs, SyncArgs};
use super::context::{Context, select};
use super::line::About;
use super::output::{self, Failure, complain_of};
use super::{panics, progress};
use crate::config::Environment;
use crate::controller::{EndpointReport, EnvironmentReport, Outcome, PassOptions, ReleaseReport, SyncResult};
use crate::disk::read_regular;
use crate::problem::escape_terminal;
use crate::record::MANIFEST_BYTES_MAX;
use crate::record::approval::{ApprovalsOf, PlanFile};

impl OnceArgs {
    /// What it means for a pass.
    pub(super) fn options(&self, dry_run: bool) -> PassOptions {
        let Self { retry, take_over, allow_deletes, allow_delete_protected, allow_rewind, adopt_records, grace: _ } =
            self.clone();
        let allow_delete_protected = allow_delete_protected.into_iter().collect();
        PassOptions {
            dry_run,
            retry,
            take_over,
            allow_deletes,
            allow_delete_protected,
            allow_rewind,
            adopt_records,
            plan: None,
            fetched_since: None,
        }
    }
}

pub(super) async fn run(context: &Context, arguments: &SyncArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let options = arguments.once.options(arguments.dry_run);
    let selected = select(&config, &arguments.env)?;
    if arguments.plan.is_some() && selected.len() != 1 {
        let message = "--plan is the plan of one environment: name it with --env";
        return Err(Failure { code: output::USAGE, ..Failure::other(message) });
    }
    let passes = selected.into_iter().map(|(name, environment)| {
        let options = options.clone();
        async move { one(context, &name, environment, options, arguments.plan.as_deref()).await }
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
    mut options: PassOptions,
    plan: Option<&Path>,
) -> EnvironmentReport {
    let engine = environment.and_then(|environment| {
        options.plan = plan.map(|file| plan_file(environment, file)).transpose()?;
        context.engine(environment, progress::of(context, name), options.allow_rewind)
    });
    let report = match engine {
        Ok(engine) => panics::pass(name, engine.pass(&options)).await,
        Err(failure) => EnvironmentReport {
            error: Some(failure.message),
            problems: failure.problems,
            ..EnvironmentReport::new(name, SyncResult::Error)
        },
    };
    tell(&report);
    report
}

/// Reads what `plan --out` wrote.
fn plan_file(environment: &Environment, file: &Path) -> Result<PlanFile, Failure> {
    let shown = escape_terminal(&file.display().to_string()).into_owned();
    let text = read_regular(file, MANIFEST_BYTES_MAX)
        .map_err(|error| Failure::other(format!("cannot read the plan `{shown}`: {error}")))?;
    let of = ApprovalsOf { environment: &environment.name, target: &environment.tenant.environment_id };
    PlanFile::read(of, &text)
        .map_err(|fault| Failure::other(format!("`{shown}` is no plan to carry out here: {fault}")))
}

/// What a person must hear, on stderr.
pub(super) fn tell(report: &EnvironmentReport) {
    let about = about(report);
    output::show_problems_of(about, &report.problems);
    let environment = &report.environment;
    let tell = |alarm| complain_of(about, &format!("alarm: {environment}: {}", escape_terminal(alarm)));
    report.alarms.iter().for_each(|alarm| tell(alarm));
    if let Some(error) = &report.error {
        let result = report.result.as_str();
        complain_of(about, &format!("{environment}: {result}: {}", escape_terminal(error)));
    }
}

/// What lines about a report are about.
pub(super) fn about(report: &EnvironmentReport) -> About<'_> {
    About::environment(&report.environment, report.deployment_id.as_deref())
}

/// What callers meet.
fn released(release: &ReleaseReport) -> String {
    let mut text = String::new();
    for EndpointReport { name, shows, drifted, outcome, error, .. } in &release.endpoints {
        let did = match outcome {
            None => String::new(),
            Some(outcome) => format!(", {}", shown(*outcome)),
        };
        let drifted = if *drifted { ", drifted" } else { "" };
        let error = error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
        let line = format!("  endpoint \"{name}\" shows {shows}{drifted}{did}{error}");
        text.push_str(&format!("{}\n", escape_terminal(&line)));
    }
    text
}

fn shown(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Deployed => "deployed",
        Outcome::Failed => "failed",
        Outcome::RolledBack => "rolled back",
        Outcome::NotRestored => "NOT RESTORED",
        Outcome::NotAttempted => "not attempted",
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
    if let Some(hold) = &report.held {
        text.push_str(&format!("  {}\n", escape_terminal(&hold.to_string())));
    }
    for flow in &report.flows {
        let outcome = shown(flow.outcome);
        let error = flow.error.as_ref().map_or_else(String::new, |error| format!(": {}", escape_terminal(error)));
        text.push_str(&format!("  {:6} {:24} {outcome}{error}\n", flow.action, flow.id));
    }
    report.release.iter().for_each(|release| text.push_str(&released(release)));
    text
}
