//! `flowsync status`: where each environment stands, from git alone.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::arguments::{EnvironmentArgs, Form};
use super::context::{Context, select};
use super::output::{self, Failure};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Environment;
use crate::controller::{Seen, read_desired};
use crate::local::LocalState as _;
use crate::plan::{self, Hold, flows_digest};
use crate::problem::{Problem, escape_terminal};
use crate::record::{
    DeploymentId, FlowStatus, Holder, LastDeployed, Manifest, Quarantine, QuarantineCause, QuarantineVerdict, Status,
};
use crate::revision::CommitId;

/// Where an environment stands.
#[derive(Serialize)]
struct StandingView {
    environment: String,
    #[serde(flatten)]
    standing: Standing,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Standing {
    Unknown(Unknown),
    Never(Never),
    Known(Box<Known>),
}

/// It cannot be told.
#[derive(Serialize)]
struct Unknown {
    /// Always `unknown`.
    status: &'static str,
    error: String,
    problems: Vec<Problem>,
}

/// Nothing was deployed to it yet.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Never {
    /// Always `never-deployed`.
    status: &'static str,
    commit: CommitId,
    /// The same: all of it is still to come.
    pending_commit: CommitId,
    held: Option<Held>,
    alarms: Vec<String>,
}

/// It has a manifest.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Known {
    status: Status,
    deployment_id: DeploymentId,
    commit: Option<CommitId>,
    generated_at: Timestamp,
    last_deployed: Option<LastDeployed>,
    branch_tip: CommitId,
    flows_changed_since: bool,
    managed_flows: usize,
    not_restored: Vec<NotRestored>,
    /// What callers are to meet, as the last deployment left it; none where that is what is live.
    release: Option<ReleaseView>,
    /// Who works on it.
    holder: Option<Holder>,
    failure: Option<String>,
    quarantine: Option<Quarantine>,
    /// Why the newest commit is not tried, in words.
    quarantined: Option<String>,
    held: Option<Held>,
    alarms: Vec<String>,
    /// The deployment whose closing record waits on this machine.
    unsent: Option<String>,
}

/// A flow, or an endpoint, that could not be put back.
#[derive(Serialize)]
struct NotRestored {
    id: String,
    /// Of an endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    error: Option<String>,
}

/// A release that endpoints show.
#[derive(Serialize)]
struct ReleaseView {
    name: Option<String>,
    /// How many show it.
    endpoints: usize,
    /// The names of those before it that are kept.
    kept: Vec<Option<String>>,
}

/// What keeps an environment from being written to, its words for people among the rest.
#[derive(Serialize)]
struct Held {
    #[serde(flatten)]
    hold: Hold,
    text: String,
}

pub(super) async fn run(context: &Context, arguments: &EnvironmentArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let names: Vec<String> = arguments.env.iter().cloned().collect();
    let mut views = Vec::new();
    let mut code = 0;
    for (environment, found) in select(&config, &names)? {
        let standing = match found {
            Ok(environment) => one(context, environment).await,
            Err(failure) => Err(failure),
        };
        let standing = standing.unwrap_or_else(|failure| {
            code = code.max(failure.code);
            output::fail(&failure, context.color());
            Standing::Unknown(Unknown { status: "unknown", error: failure.message, problems: failure.problems })
        });
        views.push(StandingView { environment, standing });
    }
    match arguments.output {
        Form::Json => output::json(&json!({ "environments": views })),
        Form::Text => views.iter().for_each(|view| output::print(&view.to_string())),
    }
    Ok(code)
}

async fn one(context: &Context, environment: &Environment) -> Result<Standing, Failure> {
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
    let held = held.map(|hold| Held { text: hold.to_string(), hold });
    let (branch_tip, alarms) = (seen.tips.flows.clone(), std::mem::take(&mut seen.alarms));
    let Some(manifest) = &seen.manifest else {
        let (status, pending_commit) = ("never-deployed", branch_tip.clone());
        return Ok(Standing::Never(Never { status, commit: branch_tip, pending_commit, held, alarms }));
    };
    let (desired, _) = read_desired(&*records.source, &seen.tips.flows, &records.index, &records.target).await?;
    let digest = flows_digest(&desired);
    Ok(Standing::Known(Box::new(Known {
        status: manifest.status(),
        deployment_id: manifest.deployment_id.clone(),
        commit: manifest.source.commit.clone(),
        generated_at: manifest.generated_at,
        last_deployed: manifest.last_deployed.clone(),
        branch_tip,
        flows_changed_since: digest != manifest.source.flows_digest,
        managed_flows: manifest.last_flows().len(),
        not_restored: not_restored(manifest),
        release: released(manifest),
        holder: manifest.holder.clone().filter(|_| seen.interrupted),
        failure: manifest.failure.clone(),
        quarantine: manifest.quarantine.clone(),
        quarantined: quarantined(&seen, &digest),
        held,
        alarms,
        unsent: unsent.map(|unsent| unsent.deployment_id),
    })))
}

fn not_restored(manifest: &Manifest) -> Vec<NotRestored> {
    let open = manifest.flows.iter().filter(|flow| flow.status == FlowStatus::NotRestored);
    let flows = open.map(|flow| NotRestored { id: flow.id.to_string(), name: None, error: flow.error.clone() });
    let endpoints = manifest.release.iter().flat_map(|release| &release.endpoints);
    let endpoints = endpoints.filter(|endpoint| endpoint.status == FlowStatus::NotRestored);
    let endpoints =
        endpoints.map(|it| NotRestored { id: it.id.clone(), name: Some(it.name.clone()), error: it.error.clone() });
    flows.chain(endpoints).collect()
}

fn released(manifest: &Manifest) -> Option<ReleaseView> {
    let releases = manifest.releases();
    let (now, earlier) = releases.split_first()?;
    let kept = earlier.iter().map(|release| release.name.clone()).collect();
    Some(ReleaseView { name: now.name.clone(), endpoints: now.endpoints.len(), kept })
}

/// Why the newest commit is not tried, and until when; nothing where it may be.
fn quarantined(seen: &Seen, digest: &str) -> Option<String> {
    let quarantine = seen.manifest.as_ref()?.quarantine.as_ref()?;
    let until = match quarantine.verdict(digest, &quarantine.key, SystemClock.now()) {
        QuarantineVerdict::Free => return None,
        QuarantineVerdict::Waiting(until) => format!("until {until:.0}"),
        QuarantineVerdict::Held => "until the flows in git change".to_owned(),
    };
    let why = match quarantine.cause {
        QuarantineCause::Flow => "the tenant refused it",
        QuarantineCause::Transport => "the way to the tenant failed",
        QuarantineCause::Incomplete => "something could not be restored",
        QuarantineCause::Rollback => "a person rolled it back",
    };
    Some(format!("{until} or --retry, because {why}: {}", quarantine.reason))
}

impl fmt::Display for StandingView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { environment, standing } = self;
        write!(f, "{environment}: ")?;
        match standing {
            Standing::Unknown(Unknown { status, .. }) => writeln!(f, "{status}"),
            Standing::Never(Never { status, commit, held, alarms, .. }) => {
                writeln!(f, "{status}, commit {}", commit.short())?;
                lines_of(f, held.as_ref())?;
                alarms.iter().try_for_each(|alarm| writeln!(f, "  alarm: {}", escape_terminal(alarm)))
            }
            Standing::Known(known) => known.fmt(f),
        }
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, deployment {}", self.status, self.deployment_id)?;
        if let Some(commit) = &self.commit {
            write!(f, ", commit {}", commit.short())?;
        }
        writeln!(f)?;
        lines_of(f, self.held.as_ref())?;
        let told =
            [("failure", &self.failure), ("quarantined", &self.quarantined), ("record not sent yet", &self.unsent)];
        for (label, text) in told.into_iter().filter_map(|(label, text)| Some((label, text.as_deref()?))) {
            writeln!(f, "  {label}: {}", escape_terminal(text))?;
        }
        if let Some(ReleaseView { name: Some(name), endpoints, .. }) = &self.release {
            writeln!(f, "  release {}, shown by {endpoints} endpoint(s)", escape_terminal(name))?;
        }
        for NotRestored { id, error, .. } in &self.not_restored {
            writeln!(f, "  not restored: {id}: {}", escape_terminal(error.as_deref().unwrap_or_default()))?;
        }
        for alarm in &self.alarms {
            writeln!(f, "  alarm: {}", escape_terminal(alarm))?;
        }
        if self.flows_changed_since {
            writeln!(f, "  the branch has moved on to {}", self.branch_tip.short())?;
        }
        Ok(())
    }
}

fn lines_of(f: &mut fmt::Formatter<'_>, held: Option<&Held>) -> fmt::Result {
    held.iter().try_for_each(|held| writeln!(f, "  {}", escape_terminal(&held.text)))
}
