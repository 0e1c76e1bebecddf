//! `flowsync history`: an environment's deployments, from git's history of its manifest.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::arguments::{EnvironmentArgs, Form};
use super::context::{Context, RealRecords, select};
use super::output::{self, Failure};
use crate::problem::{Problem, escape_terminal};
use crate::record::{DeploymentId, FlowAction, Kind, Manifest, Status};
use crate::revision::CommitId;
use crate::source::Source as _;

/// The deployments of an environment.
#[derive(Serialize)]
struct HistoryView {
    environment: String,
    deployments: Vec<DeploymentView>,
    #[serde(flatten)]
    failed: Option<Failed>,
}

/// Why they cannot be told.
#[derive(Serialize)]
struct Failed {
    error: String,
    problems: Vec<Problem>,
}

/// A deployment, as its newest manifest has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeploymentView {
    deployment_id: DeploymentId,
    status: Status,
    kind: Kind,
    commit: Option<CommitId>,
    record_commit: CommitId,
    generated_at: Timestamp,
    create: usize,
    update: usize,
    delete: usize,
    failure: Option<String>,
    /// What it had endpoints show, once that had a name.
    release: Option<String>,
}

pub(super) async fn run(context: &Context, arguments: &EnvironmentArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let names: Vec<String> = arguments.env.iter().cloned().collect();
    let mut views = Vec::new();
    let mut code = 0;
    for (environment, found) in select(&config, &names)? {
        let records = found.and_then(|environment| context.records(environment));
        let deployments = match records {
            Ok(records) => deployments(&records).await,
            Err(failure) => Err(failure),
        };
        views.push(match deployments {
            Ok(deployments) => HistoryView { environment, deployments, failed: None },
            Err(failure) => {
                code = code.max(output::fail(&failure, context.color()));
                let failed = Failed { error: failure.message, problems: failure.problems };
                HistoryView { environment, deployments: Vec::new(), failed: Some(failed) }
            }
        });
    }
    match arguments.output {
        Form::Json => output::json(&json!({ "environments": views })),
        Form::Text => views.iter().for_each(|view| output::print(&view.to_string())),
    }
    Ok(code)
}

/// The newest manifest of each deployment, newest first.
async fn deployments(records: &RealRecords) -> Result<Vec<DeploymentView>, Failure> {
    let Some(tip) = records.source.fetch().await?.records else {
        return Ok(Vec::new());
    };
    let (_, deployments) = records.fold_manifests(&tip, None, (BTreeSet::new(), Vec::new()), tell).await?;
    Ok(deployments)
}

/// Adds the manifest of a deployment that none was met of.
fn tell(
    (known, deployments): &mut (BTreeSet<DeploymentId>, Vec<DeploymentView>),
    commit: &CommitId,
    manifest: Manifest,
) {
    if !known.insert(manifest.deployment_id.clone()) {
        return;
    }
    let count = |action| manifest.flows.iter().filter(|flow| flow.action == action).count();
    deployments.push(DeploymentView {
        status: manifest.status(),
        kind: manifest.kind,
        record_commit: commit.clone(),
        generated_at: manifest.generated_at,
        create: count(FlowAction::Create),
        update: count(FlowAction::Update),
        delete: count(FlowAction::Delete),
        deployment_id: manifest.deployment_id,
        commit: manifest.source.commit,
        failure: manifest.failure,
        release: manifest.release.and_then(|release| release.target?.name),
    });
}

impl fmt::Display for HistoryView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.environment)?;
        self.deployments.iter().try_for_each(|deployment| writeln!(f, "  {deployment}"))
    }
}

impl fmt::Display for DeploymentView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deployment_id, status, kind, commit, create, update, delete, failure, release, .. } = self;
        let commit = commit.as_ref().map_or("-", CommitId::short);
        let (status, kind) = (status.as_str(), kind.as_str());
        write!(f, "{deployment_id}  {status:20} {kind:9} commit {commit}  +{create} ~{update} -{delete}")?;
        release.iter().try_for_each(|release| write!(f, "  release {}", escape_terminal(release)))?;
        failure.iter().try_for_each(|failure| write!(f, "  {}", escape_terminal(failure)))
    }
}
