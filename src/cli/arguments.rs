//! The command line as clap knows it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::sandbox::SandboxArgs;
use crate::config::{format_duration, parse_duration};
use crate::flow::FlowId;

/// Keep the conversation flows of a NICE Cognigy.AI tenant equal to a folder of JSON files in git
#[derive(Debug, Parser)]
#[command(name = "flowsync", version, about, long_about = None, disable_help_subcommand = true)]
#[command(
    after_help = "Exit codes: 0 done or nothing to do; 1 could not do it; 2 changes pending (plan --detailed-exitcode); \
3 refused, nothing was written; 4 failed and everything was restored; 5 failed and something could not be restored; \
6 another deployment holds the environment; 64 wrong usage"
)]
pub struct Arguments {
    /// What holds for every command.
    #[command(flatten)]
    pub globals: Globals,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command; may stand before or after it.
#[derive(Debug, Clone, Args)]
pub struct Globals {
    /// Configuration file [default: $FLOWSYNC_CONFIG, else ./flowsync.yaml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder for locks, journals and records not sent yet [default: $XDG_STATE_HOME/flowsync]
    #[arg(long, global = true, value_name = "DIR", env = "FLOWSYNC_STATE_DIR")]
    pub state_dir: Option<PathBuf>,
    /// Form of the log on stderr
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value = "text", env = "FLOWSYNC_LOG_FORMAT")]
    pub log_format: LogFormat,
    /// Log more; twice for every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Log errors only, show no progress
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// No colours
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check a folder of flows, offline
    Validate(ValidateArgs),
    /// Export live flows as files
    Pull(PullArgs),
    /// Show the flows as an environment gets them, overlays applied
    Build(BuildArgs),
    /// Show what a deployment would change
    Plan(PlanArgs),
    /// Make one pass: carry git to the tenant, then end
    Sync(SyncArgs),
    /// Keep making passes: the controller
    Run(RunArgs),
    /// Say where each environment stands
    Status(EnvironmentArgs),
    /// List an environment's deployments
    History(EnvironmentArgs),
    /// Go back to the state before the newest deployment, or after a named one
    Rollback(RollbackArgs),
    /// Propose for git what is live and drifted from it
    Adopt(AdoptArgs),
    /// Propose for one environment what is deployed to another
    Promote(PromoteArgs),
    /// Show or check the audit trail
    Audit(AuditArgs),
    /// Draw what refers to what
    Graph(GraphArgs),
    /// Run a Cognigy.AI stand-in to try flowsync against
    Sandbox(SandboxArgs),
    /// Show everything once, in a temporary folder
    Demo,
    /// Write a commented flowsync.yaml to start from
    Init(InitArgs),
    /// Check configuration, git, tenant and disk; what it writes to find out, it removes again
    Doctor(DoctorArgs),
    /// Print a JSON Schema
    Schema(SchemaArgs),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

impl Command {
    /// Whether stdout is to be one JSON document.
    #[must_use]
    pub fn wants_json(&self) -> bool {
        match self {
            Self::Validate(arguments) => matches!(arguments.format, ValidateForm::Json | ValidateForm::Sarif),
            Self::Plan(arguments) => arguments.output == PlanForm::Json,
            Self::Sync(arguments) => arguments.output == Form::Json,
            Self::Status(arguments) | Self::History(arguments) => arguments.output == Form::Json,
            Self::Rollback(arguments) => arguments.output == Form::Json,
            Self::Adopt(arguments) => arguments.proposal.output == Form::Json,
            Self::Promote(arguments) => arguments.proposal.output == Form::Json,
            Self::Audit(arguments) => arguments.form() == AuditForm::Json,
            Self::Graph(arguments) => arguments.format == GraphForm::Json,
            Self::Pull(_)
            | Self::Build(_)
            | Self::Run(_)
            | Self::Sandbox(_)
            | Self::Demo
            | Self::Init(_)
            | Self::Doctor(_)
            | Self::Schema(_)
            | Self::Completions { .. } => false,
        }
    }
}

/// Forms of `validate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ValidateForm {
    /// Code frames for people.
    Text,
    /// One JSON document.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow commands that GitHub shows beside the lines.
    Github,
}

/// `validate`
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Form of the result
    #[arg(long, alias = "output", value_enum, default_value = "text")]
    pub format: ValidateForm,
    /// With the overlays of this environment alone, and without a PATH its flows folder [default: all environments]
    #[arg(short, long, value_name = "NAME")]
    pub env: Option<String>,
    /// Folders of flows, or files; `-` reads one flow from stdin [default: the flows folders of the configuration, else
    /// ./flows]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// `pull`
#[derive(Debug, Args)]
pub struct PullArgs {
    /// Environment
    #[arg(short, long, value_name = "NAME")]
    pub env: Option<String>,
    /// Folder to write to; files there that are no flow of the tenant stay [default: the flows folder]
    #[arg(long, value_name = "DIR")]
    pub into: Option<PathBuf>,
    /// Remove the files of flows that are not live any more
    #[arg(long)]
    pub prune: bool,
}

/// `build`
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Environment
    #[arg(short, long, value_name = "NAME")]
    pub env: Option<String>,
    /// Write files into this folder, under the names that the flows have in git, instead of an array to stdout
    #[arg(long, value_name = "DIR")]
    pub into: Option<PathBuf>,
    /// Revision of the repository around the current directory, instead of its work tree
    #[arg(long = "ref", value_name = "REV")]
    pub reference: Option<String>,
}

/// Forms of `plan`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanForm {
    /// Coloured diffs for people.
    Text,
    /// One JSON document.
    Json,
    /// A comment for a pull request.
    Markdown,
}

/// `plan`
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Environment [default: all]
    #[arg(short, long, value_name = "NAME")]
    pub env: Option<String>,
    /// Plan this commit, branch or tag instead of the work tree
    #[arg(long = "ref", value_name = "REV")]
    pub reference: Option<String>,
    /// Plan what a merge into this commit, branch or tag would come to: of the work tree's commit, or of `--ref`
    #[arg(long, value_name = "REV")]
    pub merge_into: Option<String>,
    /// Form of the result
    #[arg(long, value_enum, default_value = "text")]
    pub output: PlanForm,
    /// Show changes as lines of JSON (text only)
    #[arg(long)]
    pub raw: bool,
    /// Write the plan as a `pending` manifest to this file (one environment)
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write the plan into the work tree as a file to be reviewed and merged: it approves these changes (see
    /// `sync.approval`)
    #[arg(long)]
    pub propose: bool,
    /// Instead of into the work tree, commit that file to this branch of the repository: on top of it, or on the planned
    /// commit where it does not exist
    #[arg(long, value_name = "BRANCH", requires = "propose")]
    pub push: Option<String>,
    /// Exit with 2 where changes are pending
    #[arg(long)]
    pub detailed_exitcode: bool,
}

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
pub struct RunArgs {
    /// Environment; may be repeated [default: all]
    #[arg(short, long, value_name = "NAME")]
    pub env: Vec<String>,
    /// Serve `/healthz` and `/readyz` on this address
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<std::net::SocketAddr>,
    /// How long a deployment may take to end, or to be taken back, after the first SIGTERM or SIGINT
    #[arg(long, value_name = "TIME", default_value = "4m", value_parser = grace)]
    pub grace: Duration,
}

/// `status` and `history`
#[derive(Debug, Args)]
pub struct EnvironmentArgs {
    /// Environment [default: all]
    #[arg(short, long, value_name = "NAME")]
    pub env: Option<String>,
    /// Form of the result
    #[arg(long, value_enum, default_value = "text")]
    pub output: Form,
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

/// `adopt`
#[derive(Debug, Args)]
pub struct AdoptArgs {
    /// Environment
    #[arg(short, long, value_name = "NAME")]
    pub env: Option<String>,
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

/// `audit`
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Show or check
    #[command(subcommand)]
    pub command: AuditCommand,
}

impl AuditArgs {
    /// The form asked for.
    #[must_use]
    pub fn form(&self) -> AuditForm {
        match &self.command {
            AuditCommand::Show { output, .. } => *output,
            AuditCommand::Verify { output, .. } => match output {
                Form::Text => AuditForm::Table,
                Form::Json => AuditForm::Json,
            },
        }
    }
}

/// Forms of `audit show`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuditForm {
    /// A table.
    #[value(alias = "text")]
    Table,
    /// One JSON document.
    Json,
    /// `time | LEVEL | message`.
    Log,
}

/// What to do with the trail.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Show the records
    Show {
        /// Environment
        #[arg(short, long, value_name = "NAME")]
        env: Option<String>,
        /// Form of the result
        #[arg(long, value_enum, default_value = "table")]
        output: AuditForm,
    },
    /// Check every record against its seal, its neighbours and git's history
    Verify {
        /// Environment [default: all]
        #[arg(short, long, value_name = "NAME")]
        env: Option<String>,
        /// Form of the result
        #[arg(long, value_enum, default_value = "text")]
        output: Form,
    },
}

/// Forms of `graph`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphForm {
    /// A Mermaid flowchart.
    Mermaid,
    /// Graphviz.
    Dot,
    /// One JSON document.
    Json,
}

/// `graph`
#[derive(Debug, Args)]
pub struct GraphArgs {
    /// Form of the result
    #[arg(long, alias = "output", value_enum, default_value = "mermaid")]
    pub format: GraphForm,
    /// Environment whose flows folder is drawn
    #[arg(short, long, value_name = "NAME")]
    pub env: Option<String>,
    /// Folder of flows [default: the flows folder of the configuration, else ./flows]
    pub path: Option<PathBuf>,
}

/// `init`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Folder to write to
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Write only the schemas and settings for editors: after an upgrade, or where the configuration is there
    #[arg(long)]
    pub editors: bool,
}

/// `doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Environment [default: all]
    #[arg(short, long, value_name = "NAME")]
    pub env: Option<String>,
}

/// `schema`
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Which
    pub which: WhichSchema,
}

/// The schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WhichSchema {
    /// A flow file.
    Flow,
    /// `flowsync.yaml`.
    Config,
    /// A manifest.
    Manifest,
}
