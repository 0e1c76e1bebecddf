//! `flowsync sandbox`: a Cognigy.AI stand-in in this process, until it is interrupted.

use std::io::{self, Write};
use std::path::PathBuf;

use super::arguments::{FlowsV2Args, SandboxApi, SandboxArgs};
use super::sandbox_cognigy::{self, CognigySandboxError};
use crate::tenant::sandbox::settings::{ApiKey, Client};
use crate::tenant::sandbox::{
    Behaviour, FaultPlan, Rate, ReadError, Running, Sandbox, Seed, SeedError, Settings, StartError,
};

/// Requests that may come at once where only a rate is given.
const BURST: u32 = 10;

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
    /// A flag that the API of `--api` has no use for.
    #[error("`{flag}` is no flag of `--api {api}`")]
    Flag {
        /// The flag.
        flag: &'static str,
        /// The API.
        api: &'static str,
    },
    /// The sandbox of the vendor's own API did not start.
    #[error(transparent)]
    Cognigy(#[from] CognigySandboxError),
    /// The sandbox did not start.
    #[error("cannot start the sandbox")]
    Start(#[from] StartError),
    /// Its messages cannot be written, or signals not be waited for.
    #[error("cannot talk to the terminal")]
    Terminal(#[from] io::Error),
}

impl SandboxError {
    /// Whether it was called in a way that cannot be meant.
    pub(super) fn is_misuse(&self) -> bool {
        matches!(self, Self::Flag { .. } | Self::Cognigy(CognigySandboxError::Switch { .. }))
    }
}

/// Runs the sandbox until SIGINT or SIGTERM. How to use it is written to `out`.
pub async fn run(args: SandboxArgs, out: &mut dyn Write) -> Result<(), SandboxError> {
    check_flags(&args)?;
    match args.api {
        SandboxApi::FlowsV2 => {
            let listen = args.listen;
            let running = Sandbox::start(settings(args)?, listen).await?;
            let interrupted = interruption()?;
            introduce(&running, out)?;
            interrupted.await;
            running.shutdown().await;
        }
        SandboxApi::CognigyRest => {
            let key = args.cognigy_rest.key.clone().unwrap_or_else(|| ApiKey::default().key);
            let running = sandbox_cognigy::start(args).await?;
            let interrupted = interruption()?;
            sandbox_cognigy::introduce(&running, &key, out)?;
            interrupted.await;
            running.shutdown().await;
        }
    }
    writeln!(out, "stopped")?;
    Ok(())
}

/// Refuses a flag that would do nothing.
fn check_flags(args: &SandboxArgs) -> Result<(), SandboxError> {
    let SandboxArgs { flows_v2, cognigy_rest, .. } = args;
    let (flags, api) = match args.api {
        SandboxApi::FlowsV2 => {
            let flags = [
                ("--key", cognigy_rest.key.is_some()),
                ("--requests", cognigy_rest.requests.is_some()),
                ("--window", cognigy_rest.window.is_some()),
                ("--task-time", cognigy_rest.task_time.is_some()),
                ("--set", !cognigy_rest.switches.is_empty()),
            ];
            (flags.to_vec(), "flows-v2")
        }
        SandboxApi::CognigyRest => {
            let flags = [
                ("--rate", flows_v2.rate.is_some()),
                ("--status-delay", flows_v2.status_delay.is_some()),
                ("--page-limit", flows_v2.page_limit.is_some()),
                ("--ignore-environment", flows_v2.ignore_environment),
                ("--no-delete", flows_v2.no_delete),
            ];
            (flags.to_vec(), "cognigy-rest")
        }
    };
    match flags.into_iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) => Err(SandboxError::Flag { flag, api }),
        None => Ok(()),
    }
}

fn settings(args: SandboxArgs) -> Result<Settings, SandboxError> {
    let SandboxArgs { latency, state: state_file, seed, faults, allow_remote, flows_v2, .. } = args;
    let FlowsV2Args { rate, burst, status_delay, page_limit, ignore_environment, no_delete } = flows_v2;
    let defaults = Behaviour::default();
    let behaviour = Behaviour {
        latency,
        rate: rate.map(|per_second| Rate { per_second, burst: burst.unwrap_or(BURST) }),
        status_delay: status_delay.unwrap_or(defaults.status_delay),
        page_limit: page_limit.map_or(defaults.page_limit, usize::from),
        ignore_environment,
        can_delete: !no_delete,
        ..defaults
    };
    let seed = seed.as_deref().map(Seed::read).transpose()?.unwrap_or_default();
    let faults = faults.map(fault_plan).transpose()?.unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
    fn a_flag_of_another_api_is_refused() {
        for (line, flag) in [("--key x", "--key"), ("--api cognigy-rest --rate 5", "--rate"), ("--set a=b", "--set")] {
            let error = check_flags(&parsed(line).unwrap()).unwrap_err().to_string();
            assert!(error.contains(flag), "{error}");
        }
        assert!(check_flags(&parsed("--api cognigy-rest --key x --latency 1s").unwrap()).is_ok());
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
