//! The command line as clap knows it: what holds for every command, and the commands; their arguments stand in a file a
//! kind of command.

mod form;
mod looking;
mod sandbox;
mod setting_up;
mod shard;
mod writing;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(super) use form::Form;
pub(super) use looking::{
    AuditArgs, AuditCommand, AuditForm, BuildArgs, EnvironmentArgs, PlanArgs, PlanForm, PullArgs,
};
pub(super) use sandbox::{CognigyRestArgs, DemoArgs, FlowsV2Args, SandboxApi, SandboxArgs};
pub(super) use setting_up::{
    DoctorArgs, FmtArgs, GraphArgs, GraphForm, ImportArgs, InitArgs, SchemaArgs, ValidateArgs, ValidateForm,
    WhichSchema,
};
pub(super) use shard::Shard;
pub(super) use writing::{
    AdoptArgs, OnceArgs, PromoteArgs, ProposalArgs, RollbackArgs, RunArgs, SuspendArgs, SyncArgs,
};

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
    /// Leave an environment alone: observe it and write nothing, until it is resumed
    Suspend(SuspendArgs),
    /// Write to a suspended environment again
    Resume(SuspendArgs),
    /// Propose for git what is live and drifted from it
    Adopt(AdoptArgs),
    /// Propose for one environment what is deployed to another
    Promote(PromoteArgs),
    /// Show or check the audit trail
    Audit(AuditArgs),
    /// Bring flows that the vendor's own command line cloned into folders, to be committed
    Import(ImportArgs),
    /// Put flows that stand in folders into the one form that `pull` writes, and give new nodes an identity
    Fmt(FmtArgs),
    /// Draw what refers to what
    Graph(GraphArgs),
    /// Run a Cognigy.AI stand-in to try flowsync against
    Sandbox(SandboxArgs),
    /// Show everything once, in a temporary folder
    Demo(DemoArgs),
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
            Self::Suspend(arguments) | Self::Resume(arguments) => arguments.output == Form::Json,
            Self::Adopt(arguments) => arguments.proposal.output == Form::Json,
            Self::Promote(arguments) => arguments.proposal.output == Form::Json,
            Self::Audit(arguments) => arguments.form() == AuditForm::Json,
            Self::Graph(arguments) => arguments.format == GraphForm::Json,
            Self::Pull(_)
            | Self::Build(_)
            | Self::Import(_)
            | Self::Fmt(_)
            | Self::Run(_)
            | Self::Sandbox(_)
            | Self::Demo(_)
            | Self::Init(_)
            | Self::Doctor(_)
            | Self::Schema(_)
            | Self::Completions { .. } => false,
        }
    }
}
