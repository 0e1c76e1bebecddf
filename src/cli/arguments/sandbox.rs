//! `sandbox` and `demo`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::tenant::sandbox::Span;

/// Run a Cognigy.AI stand-in to try flowsync against
#[derive(Debug, Clone, Args)]
pub struct SandboxArgs {
    /// The API it speaks
    #[arg(long, value_enum, value_name = "API", default_value = "flows-v2")]
    pub api: SandboxApi,
    /// Address to listen on; port 0 takes any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8480")]
    pub listen: SocketAddr,
    /// Keep the state in this file between runs
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// YAML file of what is there from the start, unless the state file is there already
    #[arg(long, value_name = "FILE")]
    pub seed: Option<PathBuf>,
    /// YAML file of what goes wrong, and when
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Time before each request is looked at, for example 20ms
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub latency: Duration,
    /// Allow an address that other machines can reach, and answer to any name
    #[arg(long)]
    pub allow_remote: bool,
    /// What only `flows-v2` has.
    #[command(flatten)]
    pub flows_v2: FlowsV2Args,
    /// What only `cognigy-rest` has.
    #[command(flatten)]
    pub cognigy_rest: CognigyRestArgs,
}

/// `demo`
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// The API that the stand-in of the demo speaks
    #[arg(long, value_enum, value_name = "API", default_value = "flows-v2")]
    pub api: SandboxApi,
}

/// The API a sandbox speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SandboxApi {
    /// flow-api-v2.
    FlowsV2,
    /// The vendor's own REST API.
    CognigyRest,
}

/// Flags of `--api flows-v2`
#[derive(Debug, Clone, PartialEq, Args)]
#[command(next_help_heading = "Only with --api flows-v2")]
pub struct FlowsV2Args {
    /// Requests per second before answers are 429
    #[arg(long, value_name = "N", value_parser = rate)]
    pub rate: Option<f64>,
    /// Requests that may come at once, with --rate [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), requires = "rate")]
    pub burst: Option<u32>,
    /// Time from an import until the flow's status is `deployed` [default: 0s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub status_delay: Option<Duration>,
    /// The most items a page holds [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub page_limit: Option<u16>,
    /// Lists ignore `environmentId` and hold every environment
    #[arg(long)]
    pub ignore_environment: bool,
    /// Flows cannot be deleted (405)
    #[arg(long)]
    pub no_delete: bool,
}

/// Flags of `--api cognigy-rest`
#[derive(Debug, Clone, PartialEq, Args)]
#[command(next_help_heading = "Only with --api cognigy-rest")]
pub struct CognigyRestArgs {
    /// The API key that is accepted [default: sandbox-key]
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Requests of one address in any window before answers are 429; 0 is no limit [default: 1000]
    #[arg(long, value_name = "N")]
    pub requests: Option<usize>,
    /// How long a window is [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub window: Option<Duration>,
    /// How long a task takes [default: 200ms]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub task_time: Option<Duration>,
    /// Turn a switch, for example `moveRoute=post`; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = switch)]
    pub switches: Vec<(String, String)>,
}

fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<Span>().map(|span| span.0).map_err(|error| error.to_string())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.001..=1_000_000.0).contains(rate));
    rate.ok_or_else(|| format!("expected requests per second from 0.001 to 1000000, found `{text}`"))
}

fn switch(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let pair = pair.map(|(name, value)| (name.to_owned(), value.to_owned()));
    pair.ok_or_else(|| format!("expected `NAME=VALUE`, found `{text}`"))
}
