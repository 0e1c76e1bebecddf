//! `flowsync plan`: what a deployment of the work tree, or of a commit, would change.

use std::sync::Arc;

use serde_json::{Value, json};

use super::arguments::{PlanArgs, PlanForm};
use super::context::{Context, RealEngine, note, select};
use super::diff::{paint, unified};
use super::output::{self, Failure};
use crate::config::Environment;
use crate::controller::{PassError, PassOptions, Prepared, Seen, bad_entry, read_desired};
use crate::flow;
use crate::plan::{Change, Desired, DesiredFlow};
use crate::problem::{Problem, any_error, escape_terminal};
use crate::record::{Kind, Manifest, paths};
use crate::revision::CommitId;
use crate::source::LocalRepository;
use crate::source::{Source, SourceError, Tips};

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
            Err(failure) if alone => return Err(failure),
            Err(failure) => {
                code = code.max(output::fail(&failure, false, context.color()));
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
    let seen = Seen { tips, manifest, interrupted: false, alarms: Vec::new() };
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

/// What a plan stands on.
struct Ground {
    desired: Arc<Desired>,
    problems: Vec<Problem>,
    manifest: Option<Manifest>,
    commit: Option<CommitId>,
}

/// The repository around the current directory: a revision of it, or its work tree.
async fn local_ground(
    engine: &RealEngine,
    environment: &Environment,
    repository: &LocalRepository,
    reference: Option<&str>,
) -> Result<Ground, Failure> {
    let settings = &environment.repository;
    let branch = settings.records_branch.as_ref().unwrap_or(&settings.branch);
    let path = paths::manifest(&environment.name);
    let manifest = match repository.read_record(branch, &settings.records, &path)? {
        Some(text) => {
            let tip = repository.last_fetched(branch)?.unwrap_or_else(|| CommitId("the work tree".into()));
            Some(Manifest::from_text(&text, &format!("{}/{path}", settings.records), &tip).map_err(PassError::from)?)
        }
        None => None,
    };
    let (listing, commit) = match (reference, repository.work_tree()) {
        (Some(revision), _) => {
            let commit = repository.resolve(revision)?;
            (repository.list_flows(&commit, &settings.flows)?, Some(commit))
        }
        (None, Some(tree)) => (tree.list_flows(&settings.flows)?, None),
        (None, None) => {
            let commit = repository.resolve(&format!("refs/heads/{}", settings.branch))?;
            (repository.list_flows(&commit, &settings.flows)?, Some(commit))
        }
    };
    let mut files = Vec::new();
    for entry in &listing.entries {
        let bytes = match (&commit, repository.work_tree()) {
            (None, Some(tree)) => tree.read(&entry.path)?,
            _ => repository.read_blobs(std::slice::from_ref(&entry.blob))?.pop().flatten(),
        };
        let missing = || SourceError::Setting(format!("the flow file `{}` went away while it was read", entry.path));
        files.push((entry, bytes.ok_or_else(missing)?));
    }
    let checked = flow::check_all(
        files.iter().map(|(entry, bytes)| flow::File { path: &entry.path, bytes: bytes.clone() }),
        engine.reader.comparison(),
    );
    let mut problems: Vec<Problem> = listing.bad.iter().map(bad_entry).chain(checked.problems).collect();
    problems.sort();
    let blob = |path: &str| files.iter().find(|(entry, _)| entry.path == path).map(|(entry, _)| entry.blob.clone());
    let flows = checked
        .flows
        .into_iter()
        .map(|(id, flow)| {
            let blob = blob(&flow.path);
            (id, DesiredFlow { definition: Arc::new(flow.definition), path: flow.path, blob })
        })
        .collect();
    Ok(Ground { desired: Arc::new(Desired { flows }), problems, manifest, commit })
}

/// The configured branch of the configured repository, or another commit of its history.
async fn remote_ground(engine: &RealEngine, reference: Option<&str>) -> Result<Ground, Failure> {
    let seen = engine.observe().await?;
    let commit = match reference {
        None => seen.tips.flows.clone(),
        Some(name) if name == engine.branch => seen.tips.flows.clone(),
        Some(text) => {
            let commit = CommitId(text.to_owned());
            let full = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !full || !engine.source.contains(&seen.tips.flows, &commit).await? {
                return Err(Failure::other(format!(
                    "expected branch `{}` or a full commit id of its history, found `{text}`; other names need a git work tree around the current directory",
                    engine.branch
                )));
            }
            commit
        }
    };
    let (desired, problems) = read_desired(&*engine.source, &commit, engine.reader.index()).await?;
    Ok(Ground { desired, problems: problems.to_vec(), manifest: seen.manifest, commit: Some(commit) })
}

fn document(planned: &Planned) -> Value {
    let Prepared { plan, problems, .. } = &planned.prepared;
    let ids = |changes: &[Change]| changes.iter().map(change_document).collect::<Vec<_>>();
    json!({
        "environment": planned.environment,
        "targetEnvironment": planned.target,
        "commit": planned.commit,
        "summary": {
            "create": plan.count("create"), "update": plan.count("update"),
            "delete": plan.count("delete"), "unchanged": plan.unchanged.len(),
        },
        "changes": ids(&plan.changes),
        "drifted": ids(&plan.reported),
        "unmanaged": plan.unmanaged,
        "orphaned": plan.orphaned,
        "problems": problems,
        "refused": planned.refused,
        "planDigest": plan.digest,
    })
}

fn change_document(change: &Change) -> Value {
    let after = change.after();
    let before = change.before();
    json!({
        "id": change.id,
        "name": change.definition().name,
        "path": after.map(|flow| flow.path.as_str()),
        "action": change.action(),
        "cause": change.cause.as_str(),
        "version": after.map(|flow| flow.definition.version.as_str()),
        "previousVersion": before.map(|definition| definition.version.as_str()),
        "contentHash": after.map(|flow| flow.definition.content_hash),
        "previousHash": before.map(|definition| definition.content_hash),
        "wave": change.wave,
    })
}

fn text(planned: &Planned, color: bool) -> String {
    let plan = &planned.prepared.plan;
    let mut text = format!("{} ({})\n", planned.environment, planned.target);
    for change in &plan.changes {
        text.push_str(&headline(change, color));
        let before = change.before().and_then(|definition| definition.text.as_deref()).unwrap_or_default();
        let after = change.after().and_then(|flow| flow.definition.text.as_deref()).unwrap_or_default();
        if !before.is_empty() && !after.is_empty() {
            text.push_str(&unified(before, after, color));
        }
    }
    for change in &plan.reported {
        text.push_str(&format!("  ! {} drifted; drift is only reported here\n", change.id));
    }
    if !plan.orphaned.is_empty() {
        text.push_str(&format!("  {} flow(s) left git and stay live (prune is off)\n", plan.orphaned.len()));
    }
    if !plan.unmanaged.is_empty() {
        text.push_str(&format!("  {} live flow(s) are not managed here\n", plan.unmanaged.len()));
    }
    text.push_str(&format!(
        "{} to create, {} to update, {} to delete, {} unchanged\n",
        plan.count("create"),
        plan.count("update"),
        plan.count("delete"),
        plan.unchanged.len()
    ));
    text
}

fn headline(change: &Change, color: bool) -> String {
    let (mark, code) = match change.action() {
        "create" => ("+", "32"),
        "update" => ("~", "33"),
        _ => ("-", "31"),
    };
    let versions = match (change.before(), change.after()) {
        (Some(before), Some(after)) if before.version != after.definition.version => {
            format!("{} -> {}", before.version, after.definition.version)
        }
        _ => change.definition().version.clone(),
    };
    let name = escape_terminal(&change.definition().name).into_owned();
    let cause = change.cause.as_str();
    paint(color, code, &format!("  {mark} {} \"{name}\" {versions} ({cause}, wave {})\n", change.id, change.wave))
}

fn markdown(planned: &Planned) -> String {
    let plan = &planned.prepared.plan;
    let mut text = format!(
        "### flowsync plan: {}\n\n{} to create, {} to update, {} to delete, {} unchanged\n\n",
        cell(&planned.environment),
        plan.count("create"),
        plan.count("update"),
        plan.count("delete"),
        plan.unchanged.len()
    );
    if !plan.changes.is_empty() {
        text.push_str("| | flow | name | version | cause | wave |\n|---|---|---|---|---|---|\n");
    }
    for change in &plan.changes {
        let before = change.before().map_or("", |definition| definition.version.as_str());
        let after = change.after().map_or("", |flow| flow.definition.version.as_str());
        text.push_str(&format!(
            "| {} | {} | {} | {} → {} | {} | {} |\n",
            change.action(),
            change.id,
            cell(&change.definition().name),
            cell(before),
            cell(after),
            change.cause.as_str(),
            change.wave
        ));
    }
    text.push_str(&format!("\n`{}`\n", plan.digest));
    text
}

/// Text that means itself inside a Markdown table.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in escape_terminal(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            c if c.is_ascii_punctuation() && !matches!(c, '.' | ',' | '-' | '/' | ' ') => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
