//! `flowsync plan`: what a deployment of the work tree, or of a commit, would change.

mod forms;
mod ground;

use std::sync::Arc;

use serde_json::{Value, json};

use self::forms::{document, markdown, text};
use self::ground::{Ground, local_ground, remote_ground};
use super::arguments::{PlanArgs, PlanForm};
use super::context::{Context, note, select};
use super::output::{self, Failure};
use crate::config::Environment;
use crate::controller::{PassError, PassOptions, Prepared, Seen};
use crate::problem::{any_error, escape_terminal};
use crate::record::Kind;
use crate::revision::CommitId;
use crate::source::{LocalRepository, Tips};

/// What was planned for one environment.
struct Planned {
    environment: String,
    target: String,
    commit: Option<CommitId>,
    prepared: Prepared,
    refused: Option<String>,
}

pub(super) async fn run(context: &Context, arguments: &PlanArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let names: Vec<String> = arguments.env.iter().cloned().collect();
    let selected = select(&config, &names)?;
    if arguments.out.is_some() && selected.len() != 1 {
        return Err(Failure {
            code: super::USAGE,
            ..Failure::other("--out writes one plan: name the environment with --env")
        });
    }
    let alone = selected.len() == 1;
    let mut documents = Vec::new();
    let mut code = 0;
    for (name, environment) in selected {
        let planned = match environment {
            Ok(environment) => one(context, environment, arguments).await,
            Err(failure) => Err(failure),
        };
        match planned {
            Ok(planned) => {
                code = code.max(exit_code(&planned, arguments.detailed_exitcode));
                show(context, arguments, &planned, &mut documents);
            }
            Err(failure) => {
                code = code.max(output::fail(&failure, context.color()));
                documents.push(json!({ "environment": name, "error": failure.message, "problems": failure.problems }));
            }
        }
    }
    if arguments.output == PlanForm::Json {
        match documents.pop() {
            Some(document) if alone => output::json(&document),
            last => {
                documents.extend(last);
                output::json(&json!({ "environments": documents }));
            }
        }
    }
    Ok(code)
}

fn exit_code(planned: &Planned, detailed: bool) -> u8 {
    match (&planned.refused, detailed && !planned.prepared.plan.changes.is_empty()) {
        (Some(_), _) => 3,
        (_, true) => 2,
        _ => 0,
    }
}

fn show(context: &Context, arguments: &PlanArgs, planned: &Planned, documents: &mut Vec<Value>) {
    match arguments.output {
        PlanForm::Json => documents.push(document(planned)),
        PlanForm::Text => output::print(&text(planned, context.color_stdout())),
        PlanForm::Markdown => output::print(&markdown(planned)),
    }
    if arguments.output != PlanForm::Json {
        output::show_problems(&planned.prepared.problems);
    }
    if let Some(reason) = &planned.refused {
        output::say(&format!("{}: refused: {}", planned.environment, escape_terminal(reason)));
    }
}

async fn one(context: &Context, environment: &Environment, arguments: &PlanArgs) -> Result<Planned, Failure> {
    let engine = context.engine(environment, Arc::new(|_| {}), false)?;
    let here = std::env::current_dir().map_err(|error| Failure::of(&error))?;
    let ground = match LocalRepository::find(&here)? {
        Some(repository) => local_ground(&engine, environment, &repository, arguments.reference.as_deref()).await?,
        None => {
            note(context, "not in a git work tree: planning the configured branch");
            remote_ground(&engine, arguments.reference.as_deref()).await?
        }
    };
    let Ground { desired, problems, manifest, commit } = ground;
    if any_error(&problems) {
        let n_errors = problems.iter().filter(|problem| problem.is_error()).count();
        return Err(PassError::Refused {
            reason: format!("{n_errors} problem(s) in the flows of `{}`", environment.name),
            problems,
            quarantined: false,
        }
        .into());
    }
    let mut prepared = engine.prepare(desired, manifest.as_ref()).await?;
    prepared.problems.extend(problems);
    prepared.problems.sort();
    let tips = Tips { flows: commit.clone().unwrap_or_else(|| CommitId(String::new())), records: None };
    let seen = Seen { tips, manifest, interrupted: false, adopts: false, alarms: Vec::new() };
    let refused = match engine.judge(&prepared, &seen, &PassOptions::default()) {
        Ok(()) => None,
        Err(PassError::Refused { reason, .. }) => Some(reason),
        Err(error) => return Err(error.into()),
    };
    if let Some(file) = &arguments.out {
        let mut pending = engine.new_manifest(&seen, &prepared.plan, &prepared, Kind::Sync).await?;
        pending.source.commit.clone_from(&commit);
        std::fs::write(file, pending.to_text())
            .map_err(|error| Failure::other(format!("cannot write `{}`: {error}", file.display())))?;
    }
    let (environment, target) = (environment.name.clone(), engine.target.to_string());
    Ok(Planned { environment, target, commit, prepared, refused })
}
