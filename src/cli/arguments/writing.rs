//! Arguments of the commands that write: to a tenant, or a proposal to git.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::form::Form;
use super::shard::Shard;
use crate::config::{format_duration, parse_duration};
use crate::flow::FlowId;
use crate::record::Reason;

/// `sync`
#[derive(Debug, Args)]
pub struct SyncArgs {
    /// Environment; may be repeated [default: all]
    #[arg(short, long, value_name = "NAME")]
    pub env: Vec<String>,
    /// Say what would be done, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Deploy exactly what this file of `plan --out` says, once, or nothing (one environment)
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Form of the result
    #[arg(long, value_enum, default_value = "text")]
    pub output: Form,
    /// What a person may say for one pass.
    #[command(flatten)]
    pub once: OnceArgs,
}

/// What a person may say for one pass.
#[derive(Debug, Clone, Default, Args)]
pub struct OnceArgs {
    /// Try again what is quarantined
    #[arg(long)]
    pub retry: bool,
    /// Take over another's unfinished deployment before its lease ends
    #[arg(long)]
    pub take_over: bool,
    /// Allow this many deletes, whatever `maxDeletes` says
    #[arg(long, value_name = "N")]
    pub allow_deletes: Option<usize>,
    /// Delete this flow although `protect` names it; may be repeated
    #[arg(long, value_name = "ID")]
    pub allow_delete_protected: Vec<FlowId>,
    /// Accept a branch that was rewound or force-pushed
    #[arg(long)]
    pub allow_rewind: bool,
    /// Take records of another environment, target, tenant or seal for this environment's
    #[arg(long)]
    pub adopt_records: bool,
    /// How long a deployment may take to end, or to be taken back, after the first SIGTERM, SIGINT or SIGHUP
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = grace)]
    pub grace: Duration,
}

/// No grace is longer.
const GRACE_MAX: Duration = Duration::from_secs(24 * 3600);

fn grace(text: &str) -> Result<Duration, String> {
    let grace = parse_duration(text).map_err(|error| error.to_string())?;
    if grace > GRACE_MAX {
        return Err(format!("expected at most `1d`, found `{}`", format_duration(grace)));
    }
    Ok(grace)
}

/// `run`
#[derive(Debug, Args)]
#[command(
    after_help = "A flowsync that is built with the feature `otlp` sends each pass as a trace to the collector that \
OTEL_EXPORTER_OTLP_ENDPOINT names; the same holds for `sync` and `rollback`"
)]
pub struct RunArgs {
    /// Environment; may be repeated [default: all]
    #[arg(short, long, value_name = "NAME")]
    pub env: Vec<String>,
    /// Serve health, webhooks and the like on this address
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<std::net::SocketAddr>,
    /// Look after a part of the environments only: this is process I, from 0, of N; the name of a StatefulSet's pod does for I
    #[arg(long, value_name = "I/N", allow_hyphen_values = true)]
    pub shard: Option<Shard>,
    /// How long a deployment may take to end, or to be taken back, after the first SIGTERM or SIGINT
    #[arg(long, value_name = "TIME", default_value = "4m", value_parser = grace)]
    pub grace: Duration,
}

/// `rollback`
#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// Environment
    #[arg(short, long, value_name = "NAME")]
    pub env: Option<String>,
    /// Go to the state after this deployment [default: before the newest one]
    #[arg(long, value_name = "DEPLOYMENT")]
    pub to: Option<String>,
    /// Form of the result
    #[arg(long, value_enum, default_value = "text")]
    pub output: Form,
    /// What holds for this pass only
    #[command(flatten)]
    pub once: OnceArgs,
}

/// `suspend` and `resume`
#[derive(Debug, Args)]
pub struct SuspendArgs {
    /// Environment
    #[arg(short, long, value_name = "NAME")]
    pub env: Option<String>,
    /// Why, in a line; committed with it
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<Reason>,
    /// Form of the result
    #[arg(long, value_enum, default_value = "text")]
    pub output: Form,
}

/// `adopt`
#[derive(Debug, Args)]
pub struct AdoptArgs {
    /// Environment
    #[arg(short, long, value_name = "NAME")]
    pub env: Option<String>,
    /// With `api: cognigy-rest`: the one live flow that --flow names is this flow of git's, built by hand; print what makes it
    /// so, for `tenant.references`, and propose nothing
    #[arg(long = "as", value_name = "ID", requires = "flows", conflicts_with_all = ["branch", "pull_request"])]
    pub as_flow: Option<FlowId>,
    /// What is proposed, and where
    #[command(flatten)]
    pub proposal: ProposalArgs,
}

/// `promote`
#[derive(Debug, Args)]
pub struct PromoteArgs {
    /// Environment to take flows from
    #[arg(long, value_name = "NAME")]
    pub from: String,
    /// Environment to propose them for
    #[arg(long, value_name = "NAME")]
    pub to: String,
    /// What is proposed, and where
    #[command(flatten)]
    pub proposal: ProposalArgs,
}

/// What is proposed on a branch.
#[derive(Debug, Args)]
pub struct ProposalArgs {
    /// Flow; may be repeated. `adopt`: a flow that is not managed is taken too, and of managed ones only those named;
    /// `promote`: only these [default: `adopt` all managed flows that drifted, `promote` all]
    #[arg(long = "flow", value_name = "ID")]
    pub flows: Vec<FlowId>,
    /// Branch to commit to [default: flowsync/adopt/<env>, flowsync/promote/<from>-to-<to>]
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
    /// Open a pull request for the branch, or bring the open one up to date
    #[arg(long)]
    pub pull_request: bool,
    /// Form of the result
    #[arg(long, value_enum, default_value = "text")]
    pub output: Form,
}
