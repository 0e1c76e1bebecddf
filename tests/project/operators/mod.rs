//! What is in `deploy/` for whoever runs flowsync, held to the tools they use. `tests/operators/install` brings those that
//! are to be had; a test whose tool is missing says so and is left out.

mod kubernetes;
mod machines;
mod monitoring;
mod release;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::sources::root;

/// A tool, of `tests/operators/install` or of the machine.
#[allow(clippy::print_stderr, reason = "whoever runs the tests should know what was not tried")]
fn tool(name: &str) -> Option<PathBuf> {
    let installed = root().join("target/operators/bin").join(name);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::iter::once(installed).chain(std::env::split_paths(&path).map(|folder| folder.join(name)));
    let found = found.into_iter().find(|file| file.is_file());
    if found.is_none() {
        eprintln!("skipped: no `{name}` here; tests/operators/install and .ci/run bring what is to be had");
    }
    found
}

/// How a tool ended and all that it said.
fn run(program: &Path, arguments: &[&str], folder: &Path) -> Result<String, String> {
    let output: Output = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    if output.status.success() { Ok(stdout) } else { Err(stdout + &stderr) }
}

/// Every document of a YAML text.
#[track_caller]
fn documents(text: &str) -> Vec<Value> {
    let value = |part: &str| serde_json::to_value(serde_yaml::from_str::<serde_yaml::Value>(part).unwrap()).unwrap();
    text.split("\n---\n").map(value).collect()
}

/// The items of a list in a document; none where it has no such list.
fn list<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
    value[key].as_array().into_iter().flatten().collect()
}

/// A text in a document; empty where it has none.
fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
