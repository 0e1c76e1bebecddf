//! Arguments of the commands that need no tenant, and of `doctor`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

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

/// `fmt`
#[derive(Debug, Args)]
pub struct FmtArgs {
    /// Write nothing; name what would be written, and exit with 1 where there is any
    #[arg(long)]
    pub check: bool,
    /// Folders of flows, or of one [default: the flows folders of the configuration, else ./flows]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// `import`
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// What the vendor's command line cloned to: its `agentDir`, or the folder `flows` in it
    #[arg(value_name = "DIR")]
    pub from: PathBuf,
    /// Folder to write to; a flow that is there already keeps its folder, its file names, and what a clone does not hold
    /// [default: the flows folder]
    #[arg(long, value_name = "DIR")]
    pub into: Option<PathBuf>,
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
    /// Environment whose flows folder is drawn, with its overlays
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
    /// With `api: cognigy-rest`: find out in a scratch project what only a live tenant can tell, by a flow of its own that
    /// goes again
    #[arg(long)]
    pub probe: bool,
    /// Find out limits too: requests until the tenant answers 429, snapshots until it takes no more
    #[arg(long, requires = "probe")]
    pub probe_limits: bool,
    /// Probe a project that has other flows, which are left alone
    #[arg(short, long, requires = "probe")]
    pub yes: bool,
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
    /// The `flow.json` of a flow that stands in a folder.
    CognigyFlow,
    /// What `/api/v1/status` answers.
    Status,
}
