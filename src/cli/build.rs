//! `flowsync build`: what would be deployed to an environment, overlays applied.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::arguments::BuildArgs;
use super::context::{Context, shown, the_one};
use super::output::{self, Failure};
use super::plan::flows_here;
use crate::config::Environment;
use crate::controller::{PassError, read_desired_whole};
use crate::flow::{Keys, indented};
use crate::plan::{Desired, DesiredFlow};
use crate::problem::{Problem, any_error};
use crate::source::{LocalRepository, Source};

pub(super) async fn run(context: &Context, arguments: &BuildArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let environment = the_one(&config, arguments.env.as_deref())?;
    if arguments.into.is_some() && environment.repository.format.head().is_some() {
        let message = "flows that stand in folders are deployed as they stand: copy the folder, or leave --into out to see \
                       the composed flows";
        return Err(Failure::other(message));
    }
    let here = std::env::current_dir().map_err(|error| Failure::of(&error))?;
    let repository = LocalRepository::find(&here)?;
    let (desired, problems) = match &repository {
        Some(repository) => flows_here(repository, environment, arguments.reference.as_deref())?,
        None if arguments.reference.is_some() => {
            return Err(Failure::other("--ref needs a git work tree around the current directory, found none"));
        }
        None => flows_of_branch(context, environment).await?,
    };
    if any_error(&problems) {
        let n_errors = problems.iter().filter(|problem| problem.is_error()).count();
        let reason = format!("{n_errors} problem(s) in the flows of `{}`; nothing was built", environment.name);
        return Err(PassError::Refused { reason, problems, quarantined: false }.into());
    }
    output::show_problems(&problems);
    match &arguments.into {
        None => output::print(&array(&desired)?),
        Some(into) => {
            let sources = repository.as_ref().and_then(LocalRepository::work_dir);
            write(into, environment, &desired, sources)?;
            output::print(&format!("{} flows written to {}\n", desired.flows.len(), shown(into)));
        }
    }
    Ok(0)
}

/// The flows of the configured branch.
async fn flows_of_branch(context: &Context, environment: &Environment) -> Result<(Desired, Vec<Problem>), Failure> {
    let records = context.records(environment)?;
    let tips = records.source.fetch().await?;
    let read = read_desired_whole(&*records.source, &tips.flows, &records.index, &records.target).await;
    let (desired, problems) = read?;
    Ok((desired, problems.to_vec()))
}

/// All flows by their ids, numbers and strings as written.
fn array(desired: &Desired) -> Result<String, Failure> {
    let mut flows = Vec::new();
    for flow in desired.flows.values() {
        let text = laid_out(flow)?;
        let lines: Vec<String> = text.lines().map(|line| format!("  {line}")).collect();
        flows.push(lines.join("\n"));
    }
    Ok(if flows.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", flows.join(",\n")) })
}

fn laid_out(flow: &DesiredFlow) -> Result<String, Failure> {
    let body = flow.definition.body().map_err(|error| Failure::of(&error))?;
    indented(body, Keys::AsWritten)
        .ok_or_else(|| Failure::other(format!("the flow `{}` cannot be written as JSON", flow.definition.id)))
}

/// Writes each flow under the name of its file; one that is deployed as it stands is copied.
fn write(into: &Path, environment: &Environment, desired: &Desired, sources: Option<&Path>) -> Result<(), Failure> {
    let failed =
        |path: &Path, error: &std::io::Error| Failure::other(format!("cannot write `{}`: {error}", path.display()));
    fs::create_dir_all(into).map_err(|error| failed(into, &error))?;
    let into = into.canonicalize().map_err(|error| failed(into, &error))?;
    let repository = &environment.repository;
    for (key, folder) in [("flows", &repository.flows), ("overlays", &repository.overlays)] {
        if sources.is_some_and(|root| into.starts_with(root.join(folder.as_str()))) {
            let message =
                format!("expected a folder apart from the sources, found `{}` in `repository.{key}`", into.display());
            return Err(Failure::other(message));
        }
    }
    for flow in desired.flows.values() {
        let below = flow.path.strip_prefix(repository.flows.as_str()).unwrap_or(&flow.path).trim_start_matches('/');
        let below = PathBuf::from(below);
        if !below.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(Failure::other(format!("expected a path inside of the flows folder, found `{}`", flow.path)));
        }
        let file = into.join(below);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
        }
        if file.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            return Err(Failure::other(format!("cannot write `{}`: it is a symbolic link", file.display())));
        }
        let is_composed = flow.origin.as_ref().is_some_and(|origin| origin.composed.is_some());
        let body = flow.definition.body().map_err(|error| Failure::of(&error))?;
        let text = if is_composed { laid_out(flow)?.into_bytes() } else { body.to_vec() };
        fs::write(&file, text).map_err(|error| failed(&file, &error))?;
    }
    Ok(())
}
