//! `flowsync sandbox`: a Cognigy.AI stand-in in this process, until it is interrupted.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::tenant::sandbox::settings::{ApiKey, Client};
use crate::tenant::sandbox::{
    Behaviour, FaultPlan, Rate, ReadError, Running, Sandbox, Seed, SeedError, Settings, Span, StartError,
};

/// Run a Cognigy.AI stand-in to try flowsync against
#[derive(Debug, Clone, Args)]
pub struct SandboxArgs {
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
    /// Requests per second before answers are 429
    #[arg(long, value_name = "N", value_parser = rate)]
    pub rate: Option<f64>,
    /// Requests that may come at once, with --rate
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..), requires = "rate")]
    pub burst: u32,
    /// Time from an import until the flow's status is `deployed`
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub status_delay: Duration,
    /// The most items a page holds
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub page_limit: u16,
    /// Lists ignore `environmentId` and hold every environment
    #[arg(long)]
    pub ignore_environment: bool,
    /// Flows cannot be deleted (405)
    #[arg(long)]
    pub no_delete: bool,
    /// Allow an address that other machines can reach, and answer to any name
    #[arg(long)]
    pub allow_remote: bool,
}

/// `flowsync sandbox` could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The seed cannot be read.
    #[error("cannot read the seed")]
    Seed(#[from] SeedError),
    /// The fault plan cannot be read.
    #[error("cannot read the fault plan `{}`", path.display())]
    FaultsFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The fault plan is not valid.
    #[error("the fault plan `{}` is not valid", path.display())]
    Faults {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ReadError,
    },
    /// The sandbox did not start.
    #[error("cannot start the sandbox")]
    Start(#[from] StartError),
    /// Its messages cannot be written, or signals not be waited for.
    #[error("cannot talk to the terminal")]
    Terminal(#[from] io::Error),
}

/// Runs the sandbox until SIGINT or SIGTERM. How to use it is written to `out`.
pub async fn run(args: SandboxArgs, out: &mut dyn Write) -> Result<(), SandboxError> {
    let listen = args.listen;
    let running = Sandbox::start(settings(args)?, listen).await?;
    let interrupted = interruption()?;
    introduce(&running, out)?;
    interrupted.await;
    running.shutdown().await;
    writeln!(out, "stopped")?;
    Ok(())
}

fn settings(args: SandboxArgs) -> Result<Settings, SandboxError> {
    let behaviour = Behaviour {
        latency: args.latency,
        rate: args.rate.map(|per_second| Rate { per_second, burst: args.burst }),
        status_delay: args.status_delay,
        page_limit: usize::from(args.page_limit),
        ignore_environment: args.ignore_environment,
        can_delete: !args.no_delete,
        ..Behaviour::default()
    };
    let seed = args.seed.as_deref().map(Seed::read).transpose()?.unwrap_or_default();
    let faults = args.faults.map(fault_plan).transpose()?.unwrap_or_default();
    let (state_file, allow_remote) = (args.state, args.allow_remote);
    Ok(Settings { behaviour, seed, faults, state_file, allow_remote, ..Settings::default() })
}

fn fault_plan(path: PathBuf) -> Result<FaultPlan, SandboxError> {
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(SandboxError::FaultsFile { path, source }),
    };
    FaultPlan::parse(&text).map_err(|source| SandboxError::Faults { path, source })
}

fn introduce(running: &Running, out: &mut dyn Write) -> io::Result<()> {
    let (url, token_url, address) = (running.base_url(), running.token_url(), running.address());
    let (Client { id, secret, .. }, ApiKey { key, .. }) = (Client::default(), ApiKey::default());
    let environments = running.environments().join(", ");
    writeln!(
        out,
        "The sandbox listens on http://{address}; Ctrl-C stops it.

  environments   {environments}
  API            {url}
  token URL      {token_url}
  OAuth2 client  {id} / {secret}
  API key        {key}
  look inside    curl http://{address}/sandbox/state

To try it, put this into flowsync.yaml and set SANDBOX_KEY={key}:

environments:
  sandbox:
    tenant:
      api: flows-v2
      url: {url}
      environmentId: env_prod
      auth:
        apiKey: {{ env: SANDBOX_KEY }}
"
    )?;
    out.flush()
}

/// Listens for signals from now on; the future ends with the first of them.
#[cfg(unix)]
fn interruption() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn interruption() -> io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}

fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<Span>().map(|span| span.0).map_err(|error| error.to_string())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.001..=1_000_000.0).contains(rate));
    rate.ok_or_else(|| format!("expected requests per second from 0.001 to 1000000, found `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: SandboxArgs,
    }

    fn parsed(line: &str) -> Result<SandboxArgs, String> {
        let words = std::iter::once("sandbox").chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| line.args).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_become_settings() {
        let line =
            "--rate 50 --burst 5 --latency 20ms --status-delay 2s --page-limit 7 --no-delete --ignore-environment";
        let behaviour = settings(parsed(line).unwrap()).unwrap().behaviour;
        let expected = Behaviour {
            rate: Some(Rate { per_second: 50.0, burst: 5 }),
            latency: Duration::from_millis(20),
            status_delay: Duration::from_secs(2),
            page_limit: 7,
            can_delete: false,
            ignore_environment: true,
            ..Behaviour::default()
        };
        assert_eq!(behaviour, expected);
        assert_eq!(settings(parsed("").unwrap()).unwrap().behaviour, Behaviour::default());
    }

    #[test]
    fn flags_out_of_range_are_refused() {
        for wrong in ["--rate 0", "--rate nan", "--burst 5", "--rate 1 --burst 0", "--page-limit 0", "--latency 5"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn the_introduction_says_how_to_use_it() {
        let running = Sandbox::start(Settings::default(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let mut out = Vec::new();
        introduce(&running, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        for expected in [running.base_url().as_str(), "sandbox-client / sandbox-secret", "env_prod, env_staging"] {
            assert!(text.contains(expected), "{text}");
        }
    }
}
