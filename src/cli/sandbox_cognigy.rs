//! `flowsync sandbox --api cognigy-rest`: what the stand-in for the vendor's own API is made of, and how to use it.

use std::io::{self, Write};
use std::path::PathBuf;

use super::arguments::{CognigyRestArgs, SandboxArgs};
use crate::tenant::sandbox::ReadError;
use crate::tenant::sandbox::StartError;
use crate::tenant::sandbox::cognigy_rest::rules::{Behaviour, WindowLimit};
use crate::tenant::sandbox::cognigy_rest::settings::{Key, Role, Settings};
use crate::tenant::sandbox::cognigy_rest::{CognigySandbox, FaultPlan, Running, Seed, SeedError};

/// The stand-in could not be started.
#[derive(Debug, thiserror::Error)]
pub enum CognigySandboxError {
    /// The seed cannot be read.
    #[error("cannot read the seed `{}`", path.display())]
    Seed {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SeedError,
    },
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
    /// A switch is unknown, or has another kind of value.
    #[error("cannot set `{name}`")]
    Switch {
        /// Which.
        name: String,
        /// What is wrong with it.
        source: ReadError,
    },
    /// The stand-in did not start.
    #[error("cannot start the sandbox")]
    Start(#[from] StartError),
}

/// Starts the stand-in.
pub(super) async fn start(args: SandboxArgs) -> Result<Running, CognigySandboxError> {
    let listen = args.listen;
    Ok(CognigySandbox::start(settings(args)?, listen).await?)
}

fn settings(args: SandboxArgs) -> Result<Settings, CognigySandboxError> {
    let SandboxArgs { state, seed, faults, latency, allow_remote, cognigy_rest, .. } = args;
    let CognigyRestArgs { key, requests, window, task_time, switches } = cognigy_rest;
    let defaults = Settings::default();
    let mut behaviour = Behaviour { latency, ..Behaviour::default() };
    if let Some(limit) = behaviour.limit {
        let limit =
            WindowLimit { requests: requests.unwrap_or(limit.requests), window: window.unwrap_or(limit.window) };
        behaviour.limit = (limit.requests > 0).then_some(limit);
    }
    behaviour.task_time = task_time.unwrap_or(behaviour.task_time);
    for (name, value) in switches {
        let changed = behaviour.changed_by(&format!("{name}: {value}"));
        behaviour = changed.map_err(|source| CognigySandboxError::Switch { name, source })?;
    }
    let seed = match seed {
        Some(path) => Seed::read(&path).map_err(|source| CognigySandboxError::Seed { path, source })?,
        None => Seed::default(),
    };
    let faults = faults.map(fault_plan).transpose()?.unwrap_or_default();
    let keys = key.map_or(defaults.keys, |key| vec![Key { key, role: Role::Full }]);
    let (clients, chance) = (defaults.clients, defaults.chance);
    Ok(Settings { keys, clients, behaviour, seed, faults, state_file: state, chance, allow_remote })
}

fn fault_plan(path: PathBuf) -> Result<FaultPlan, CognigySandboxError> {
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(CognigySandboxError::FaultsFile { path, source }),
    };
    FaultPlan::parse(&text).map_err(|source| CognigySandboxError::Faults { path, source })
}

/// Says how to use a stand-in that is running; `key` is what it accepts.
pub(super) fn introduce(running: &Running, key: &str, out: &mut dyn Write) -> io::Result<()> {
    let (url, address) = (running.base_url(), running.address());
    let projects = running.state().projects();
    let listed: Vec<String> = projects.iter().map(|(id, name)| format!("{id} ({name})")).collect();
    let project = projects.first().map_or("", |(id, _)| id.as_str());
    writeln!(
        out,
        "The sandbox listens on http://{address}; Ctrl-C stops it.

  projects       {}
  API            {url}
  token URL      {}
  OAuth2 client  sandbox-client / sandbox-secret
  API key        {key}
  look inside    curl http://{address}/sandbox/state

To try it, put this into flowsync.yaml and set SANDBOX_KEY={key}:

environments:
  sandbox:
    tenant:
      api: cognigy-rest
      url: {url}
      projectId: {project}
      auth:
        apiKey: {{ env: SANDBOX_KEY }}
",
        listed.join(", "),
        running.token_url(),
    )?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::*;
    use crate::tenant::sandbox::cognigy_rest::rules::MoveRoute;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: SandboxArgs,
    }

    fn behaviour(line: &str) -> Result<Behaviour, String> {
        let words = ["sandbox", "--api", "cognigy-rest"].into_iter().chain(line.split_whitespace());
        let args = Line::try_parse_from(words).map_err(|error| error.to_string())?.args;
        settings(args).map(|settings| settings.behaviour).map_err(|error| crate::error_chain(&error))
    }

    #[test]
    fn flags_become_settings() {
        let line =
            "--requests 50 --window 10s --task-time 1s --latency 5ms --set moveRoute=post --set descriptors=true";
        let expected = Behaviour {
            limit: Some(WindowLimit { requests: 50, window: Duration::from_secs(10) }),
            task_time: Duration::from_secs(1),
            latency: Duration::from_millis(5),
            move_route: MoveRoute::Post,
            descriptors: true,
            ..Behaviour::default()
        };
        assert_eq!(behaviour(line), Ok(expected));
        assert_eq!(behaviour("--requests 0").unwrap().limit, None);
        assert_eq!(behaviour(""), Ok(Behaviour::default()));
    }

    #[test]
    fn a_switch_that_is_unknown_is_named_with_the_nearest_one() {
        let error = behaviour("--set moveRout=post").unwrap_err();
        assert!(error.contains("cannot set `moveRout`") && error.contains("did you mean `moveRoute`?"), "{error}");
        assert!(behaviour("--set moveRoute").is_err());
    }

    #[tokio::test]
    async fn the_introduction_says_how_to_use_it() {
        let address = "127.0.0.1:0".parse().unwrap();
        let running = CognigySandbox::start(Settings::default(), address).await.unwrap();
        let mut out = Vec::new();
        introduce(&running, "secret", &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        for expected in [running.base_url().as_str(), "projectId: 64c0ffee0000000000000001", "SANDBOX_KEY=secret"] {
            assert!(text.contains(expected), "{text}");
        }
    }
}
