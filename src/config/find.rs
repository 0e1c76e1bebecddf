//! Finding things by name: the file, an environment, variables.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Config, Environment, EnvironmentError, nearest};

/// The name a configuration has where nobody says otherwise.
pub const FILE_NAME: &str = "flowsync.yaml";

/// The environment variables flowsync knows.
const VARIABLES: [&str; 3] = ["FLOWSYNC_CONFIG", "FLOWSYNC_LOG_FORMAT", "FLOWSYNC_STATE_DIR"];

/// Those that flowsync gives to a smoke test.
const GIVEN: [&str; 6] = [
    "FLOWSYNC_ENVIRONMENT",
    "FLOWSYNC_DEPLOYMENT",
    "FLOWSYNC_SNAPSHOT",
    "FLOWSYNC_SNAPSHOT_ID",
    "FLOWSYNC_ENDPOINT_URLS",
    "FLOWSYNC_ENDPOINT_TOKENS",
];

/// Where the configuration is: `--config`, else `FLOWSYNC_CONFIG` unless empty, else `./flowsync.yaml`.
#[must_use]
pub fn locate(flag: Option<&Path>, variable: Option<OsString>) -> PathBuf {
    let variable = variable.filter(|value| !value.is_empty()).map(PathBuf::from);
    flag.map(Path::to_path_buf).or(variable).unwrap_or_else(|| PathBuf::from(FILE_NAME))
}

/// One warning for each `FLOWSYNC_*` variable that flowsync does not know, sorted.
///
/// Not warned about: variables that `config` takes secrets from, and those that Kubernetes sets in every pod
/// for a service named `flowsync`.
pub fn unknown_variables(names: impl IntoIterator<Item = String>, config: Option<&Config>) -> Vec<String> {
    let secrets = config.map(Config::secret_variables).unwrap_or_default();
    let foreign = |name: &str| name.starts_with("FLOWSYNC_SERVICE_") || is_kubernetes_port(name);
    let mut unknown: Vec<String> = names
        .into_iter()
        .filter(|name| name.starts_with("FLOWSYNC_") && ![&VARIABLES[..], &GIVEN].concat().contains(&name.as_str()))
        .filter(|name| !foreign(name) && !secrets.contains(name.as_str()))
        .map(|name| match nearest(&name, VARIABLES) {
            Some(known) => format!("unknown environment variable `{name}`: did you mean `{known}`?"),
            None => format!("unknown environment variable `{name}`: known are `{}`", VARIABLES.join("`, `")),
        })
        .collect();
    unknown.sort();
    unknown
}

/// `FLOWSYNC_PORT`, `FLOWSYNC_PORT_8080_TCP_ADDR` and so on.
fn is_kubernetes_port(name: &str) -> bool {
    name.strip_prefix("FLOWSYNC_PORT").is_some_and(|rest| {
        rest.is_empty() || rest.strip_prefix('_').is_some_and(|it| it.starts_with(|c: char| c.is_ascii_digit()))
    })
}

impl Config {
    /// The environment of that name.
    ///
    /// # Errors
    /// Where there is none, with the nearest name; where its part of the file is broken, with its problems.
    pub fn environment(&self, name: &str) -> Result<&Environment, EnvironmentError> {
        if let Some(environment) = self.environments.get(name) {
            return Ok(environment);
        }
        if let Some(problems) = self.broken.get(name) {
            return Err(EnvironmentError::Broken { name: name.to_owned(), problems: problems.clone() });
        }
        let known: Vec<&str> = self.environments.keys().chain(self.broken.keys()).map(String::as_str).collect();
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are `{}`", known.join("`, `")),
        };
        Err(EnvironmentError::Unknown { name: name.to_owned(), hint })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_wins_over_the_variable_and_the_variable_over_the_default() {
        let (flag, variable) = (Path::new("a.yaml"), OsString::from("b.yaml"));
        assert_eq!(locate(Some(flag), Some(variable.clone())), Path::new("a.yaml"));
        assert_eq!(locate(None, Some(variable)), Path::new("b.yaml"));
        assert_eq!(locate(None, Some(OsString::new())), Path::new("flowsync.yaml"));
        assert_eq!(locate(None, None), Path::new("flowsync.yaml"));
    }

    #[test]
    fn unknown_variables_are_warned_about_with_the_nearest_name() {
        let names = [
            "FLOWSYNC_CONFIG",
            "FLOWSYNC_STATEDIR",
            "FLOWSYNC_X",
            "FLOWSYNC_SERVICE_HOST",
            "FLOWSYNC_PORT",
            "FLOWSYNC_PORT_8080_TCP",
            "FLOWSYNC_PORTS",
            "PATH",
        ];
        let warnings = unknown_variables(names.map(str::to_owned), None);
        assert_eq!(warnings.len(), 3, "{warnings:?}");
        assert_eq!(warnings[1], "unknown environment variable `FLOWSYNC_STATEDIR`: did you mean `FLOWSYNC_STATE_DIR`?");
    }
}
