//! Arguments of the commands that look at an environment and change nothing in it.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::form::Form;

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
