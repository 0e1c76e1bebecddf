//! `flowsync status`: where each environment stands, from git alone.

use serde_json::{Value, json};

use super::arguments::{EnvironmentArgs, Form};
use super::context::{Context, select};
use super::output::{self, Failure};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Environment;
use crate::controller::{Seen, read_desired};
use crate::local::LocalState as _;
use crate::plan::{self, Hold, flows_digest};
use crate::problem::escape_terminal;
use crate::record::{FlowStatus, Manifest, QuarantineCause, Verdict};

pub(super) async fn run(context: &Context, arguments: &EnvironmentArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let names: Vec<String> = arguments.env.iter().cloned().collect();
    let mut documents = Vec::new();
    let mut code = 0;
    for (name, environment) in select(&config, &names)? {
        let status = match environment {
            Ok(environment) => one(context, environment).await,
            Err(failure) => Err(failure),
        };
        let document = status.unwrap_or_else(|failure| {
            code = code.max(failure.code);
            output::fail(&failure, context.color());
            json!({ "environment": name, "status": "unknown", "error": failure.message, "problems": failure.problems })
        });
        documents.push(document);
    }
    match arguments.output {
        Form::Json => output::json(&json!({ "environments": documents })),
        Form::Text => documents.iter().for_each(|document| output::print(&text(document))),
    }
    Ok(code)
}

async fn one(context: &Context, environment: &Environment) -> Result<Value, Failure> {
    let (records, local) = (context.records(environment)?, context.local(environment)?);
    let mut seen = records.observe().await?;
    let unsent = local.unsent().unwrap_or_else(|error| {
        seen.alarms.push(format!("whether a record waits to be sent cannot be told: {}", crate::error_chain(&error)));
        None
    });
    let held = records.hold_of(&seen.suspended).unwrap_or_else(|error| {
        seen.alarms.push(crate::error_chain(&error));
        None
    });
    let held = held.or_else(|| plan::closed(&environment.sync.windows, SystemClock.now()));
    let Some(manifest) = &seen.manifest else {
        return Ok(json!({
            "environment": records.environment, "status": "never-deployed", "commit": seen.tips.flows,
            "pendingCommit": seen.tips.flows, "held": shown(held.as_ref()), "alarms": seen.alarms,
        }));
    };
    let (desired, _) = read_desired(&*records.source, &seen.tips.flows, &records.index, &records.target).await?;
    let digest = flows_digest(&desired);
    let deployed = manifest.last_deployed.as_ref();
    Ok(json!({
        "environment": records.environment,
        "status": manifest.status(),
        "deploymentId": manifest.deployment_id,
        "commit": manifest.source.commit,
        "generatedAt": manifest.generated_at,
        "lastDeployed": deployed,
        "branchTip": seen.tips.flows,
        "flowsChangedSince": digest != manifest.source.flows_digest,
        "managedFlows": manifest.last_flows().len(),
        "notRestored": not_restored(manifest),
        "release": released(manifest),
        "holder": manifest.holder.as_ref().filter(|_| seen.interrupted),
        "failure": manifest.failure,
        "quarantine": manifest.quarantine,
        "quarantined": quarantined(&seen, &digest),
        "held": shown(held.as_ref()),
        "alarms": seen.alarms,
        "unsent": unsent.map(|unsent| unsent.deployment_id),
    }))
}

/// What keeps the environment from being written to, its words for people among the rest.
fn shown(hold: Option<&Hold>) -> Value {
    let Some(hold) = hold else { return Value::Null };
    let mut shown = json!(hold);
    shown["text"] = json!(hold.to_string());
    shown
}

fn not_restored(manifest: &Manifest) -> Vec<Value> {
    let open = manifest.flows.iter().filter(|flow| flow.status == FlowStatus::NotRestored);
    let endpoints = manifest.release.iter().flat_map(|release| &release.endpoints);
    let endpoints = endpoints.filter(|endpoint| endpoint.status == FlowStatus::NotRestored);
    let endpoints = endpoints.map(|it| json!({ "id": it.id, "name": it.name, "error": it.error }));
    open.map(|flow| json!({ "id": flow.id, "error": flow.error })).chain(endpoints).collect()
}

/// What callers are to meet, as the last deployment left it; null where that is what is live.
fn released(manifest: &Manifest) -> Value {
    let releases = manifest.releases();
    let Some((now, earlier)) = releases.split_first() else { return Value::Null };
    let earlier: Vec<_> = earlier.iter().map(|release| &release.name).collect();
    json!({ "name": now.name, "endpoints": now.endpoints.len(), "kept": earlier })
}

/// Why the newest commit is not tried, and until when; nothing where it may be.
fn quarantined(seen: &Seen, digest: &str) -> Option<String> {
    let quarantine = seen.manifest.as_ref()?.quarantine.as_ref()?;
    let until = match quarantine.verdict(digest, &quarantine.key, SystemClock.now()) {
        Verdict::Free => return None,
        Verdict::Waiting(until) => format!("until {until:.0}"),
        Verdict::Held => "until the flows in git change".to_owned(),
    };
    let why = match quarantine.cause {
        QuarantineCause::Flow => "the tenant refused it",
        QuarantineCause::Transport => "the way to the tenant failed",
        QuarantineCause::Incomplete => "something could not be restored",
        QuarantineCause::Rollback => "a person rolled it back",
    };
    Some(format!("{until} or --retry, because {why}: {}", quarantine.reason))
}

fn text(document: &Value) -> String {
    let word = |key: &str| document[key].as_str().unwrap_or_default();
    let mut text = format!("{}: {}", word("environment"), word("status"));
    if !word("deploymentId").is_empty() {
        text.push_str(&format!(", deployment {}", word("deploymentId")));
    }
    if !word("commit").is_empty() {
        text.push_str(&format!(", commit {}", word("commit").get(..10).unwrap_or_default()));
    }
    text.push('\n');
    if let Some(hold) = document["held"]["text"].as_str() {
        text.push_str(&format!("  {}\n", escape_terminal(hold)));
    }
    for (key, label) in [("failure", "failure"), ("quarantined", "quarantined"), ("unsent", "record not sent yet")] {
        if !word(key).is_empty() {
            text.push_str(&format!("  {label}: {}\n", escape_terminal(word(key))));
        }
    }
    if let Some(release) = document["release"]["name"].as_str() {
        let n_endpoints = &document["release"]["endpoints"];
        text.push_str(&format!("  release {}, shown by {n_endpoints} endpoint(s)\n", escape_terminal(release)));
    }
    for flow in document["notRestored"].as_array().into_iter().flatten() {
        let (id, error) = (flow["id"].as_str().unwrap_or_default(), flow["error"].as_str().unwrap_or_default());
        text.push_str(&format!("  not restored: {id}: {}\n", escape_terminal(error)));
    }
    for alarm in document["alarms"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        text.push_str(&format!("  alarm: {}\n", escape_terminal(alarm)));
    }
    if document["flowsChangedSince"] == true {
        text.push_str(&format!("  the branch has moved on to {}\n", word("branchTip").get(..10).unwrap_or_default()));
    }
    text
}
