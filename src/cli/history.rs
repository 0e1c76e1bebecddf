//! `flowsync history`: an environment's deployments, from git's history of its manifest.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::arguments::{EnvironmentArgs, Form};
use super::context::{Context, RealRecords, select};
use super::output::{self, Failure};
use crate::record::{DeploymentId, FlowAction, Manifest};
use crate::revision::CommitId;
use crate::source::Source as _;

pub(super) async fn run(context: &Context, arguments: &EnvironmentArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let names: Vec<String> = arguments.env.iter().cloned().collect();
    let mut documents = Vec::new();
    let mut code = 0;
    for (name, environment) in select(&config, &names)? {
        let records = environment.and_then(|environment| context.records(environment));
        let deployments = match records {
            Ok(records) => deployments(&records).await,
            Err(failure) => Err(failure),
        };
        documents.push(match deployments {
            Ok(deployments) => json!({ "environment": name, "deployments": deployments }),
            Err(failure) => {
                code = code.max(output::fail(&failure, context.color()));
                json!({ "environment": name, "deployments": [], "error": failure.message, "problems": failure.problems })
            }
        });
    }
    match arguments.output {
        Form::Json => output::json(&json!({ "environments": documents })),
        Form::Text => documents.iter().for_each(|document| output::print(&text(document))),
    }
    Ok(code)
}

/// The newest manifest of each deployment, newest first.
async fn deployments(records: &RealRecords) -> Result<Vec<Value>, Failure> {
    let Some(tip) = records.source.fetch().await?.records else {
        return Ok(Vec::new());
    };
    let (_, deployments) = records.fold_manifests(&tip, None, (BTreeSet::new(), Vec::new()), tell).await?;
    Ok(deployments)
}

/// Adds the manifest of a deployment that none was met of.
fn tell((known, deployments): &mut (BTreeSet<DeploymentId>, Vec<Value>), commit: &CommitId, manifest: Manifest) {
    if !known.insert(manifest.deployment_id.clone()) {
        return;
    }
    let count = |action| manifest.flows.iter().filter(|flow| flow.action == action).count();
    deployments.push(json!({
        "deploymentId": manifest.deployment_id, "status": manifest.status(), "kind": manifest.kind,
        "commit": manifest.source.commit, "recordCommit": commit, "generatedAt": manifest.generated_at,
        "create": count(FlowAction::Create), "update": count(FlowAction::Update),
        "delete": count(FlowAction::Delete), "failure": manifest.failure,
        "release": manifest.release.as_ref().and_then(|release| release.target.as_ref()?.name.clone()),
    }));
}

fn text(document: &Value) -> String {
    let mut text = format!("{}\n", document["environment"].as_str().unwrap_or_default());
    for deployment in document["deployments"].as_array().into_iter().flatten() {
        let word = |key: &str| deployment[key].as_str().unwrap_or_default();
        text.push_str(&format!(
            "  {}  {:20} {:9} commit {}  +{} ~{} -{}{}\n",
            word("deploymentId"),
            word("status"),
            word("kind"),
            word("commit").get(..10).unwrap_or("-"),
            deployment["create"],
            deployment["update"],
            deployment["delete"],
            match word("release") {
                "" => String::new(),
                release => format!("  release {}", crate::problem::escape_terminal(release)),
            } + &match word("failure") {
                "" => String::new(),
                failure => format!("  {}", crate::problem::escape_terminal(failure)),
            }
        ));
    }
    text
}
