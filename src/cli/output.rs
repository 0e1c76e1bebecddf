//! What reaches a person: results on stdout, failures on stderr, JSON whatever happens where it was asked for.

use std::error::Error;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde_json::{Value, json};

use super::line::{About, Line};
use crate::config::{ConfigError, EnvironmentError};
use crate::controller::PassError;
use crate::problem::Problem;

/// The exit code of wrong usage.
pub(super) const USAGE: u8 = 64;

/// The exit code of what is refused.
pub(super) const REFUSED: u8 = 3;

/// Why a command ended without its result.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// Exit code.
    pub code: u8,
    /// In words, causes included.
    pub message: String,
    /// The problems behind it.
    pub problems: Vec<Problem>,
}

impl Failure {
    /// An error that is neither refusal nor wrong usage.
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into(), problems: Vec::new() }
    }

    /// As a document; with an empty list of environments for a command that lists them.
    pub(super) fn document(&self, lists_environments: bool) -> Value {
        let mut document = json!({ "error": self.message, "problems": self.problems });
        if lists_environments {
            document["environments"] = json!([]);
        }
        document
    }

    /// An error with its causes.
    pub(crate) fn of(error: &dyn Error) -> Self {
        Self::other(crate::error_chain(error))
    }
}

impl From<PassError> for Failure {
    fn from(error: PassError) -> Self {
        let (code, message) = (error.result().exit_code(), crate::error_chain(&error));
        let problems = match error {
            PassError::Refused { problems, .. } => problems,
            _ => Vec::new(),
        };
        Self { code, message, problems }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Problems(problems) => {
                let message = format!("the configuration is not usable: {}", counted(&problems));
                Self { problems, ..Self::other(message) }
            }
            ConfigError::Read { .. } => Self::of(&error),
        }
    }
}

impl From<EnvironmentError> for Failure {
    fn from(error: EnvironmentError) -> Self {
        match error {
            EnvironmentError::Broken { name, problems } => {
                let message = format!("the environment `{name}` is not usable: {}", counted(&problems));
                Self { problems, ..Self::other(message) }
            }
            EnvironmentError::Unknown { .. } => Self::of(&error),
        }
    }
}

fn counted(problems: &[Problem]) -> String {
    match problems {
        [one] => format!("{}: {}", one.rule, one.message),
        many => format!("{} problems", many.len()),
    }
}

impl From<crate::source::SourceError> for Failure {
    fn from(error: crate::source::SourceError) -> Self {
        Self::of(&error)
    }
}

/// Whether something that was to stand on stdout does not.
static IS_OUTPUT_LOST: AtomicBool = AtomicBool::new(false);

/// Writes to stdout. What cannot be written shows in the [exit code](exit_code): the command goes on, because
/// what it does to a tenant must come to its end whoever listens.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    drop(out);
    if let Err(error) = written
        && !IS_OUTPUT_LOST.swap(true, Ordering::Relaxed)
        // Whoever closes a pipe early (`| head`) knows it.
        && error.kind() != ErrorKind::BrokenPipe
    {
        complain(&format!("error: cannot write the result to stdout: {error}; what is there is not all of it"));
    }
}

/// How the process ends, where its work ended with `code`: a result that could not be written is no success, and
/// "changes pending" is of no use without them. What is worse than that stays.
pub(super) fn exit_code(code: u8) -> u8 {
    match code {
        0 | 2 if IS_OUTPUT_LOST.load(Ordering::Relaxed) => 1,
        code => code,
    }
}

/// Writes a JSON document to stdout.
pub(crate) fn json(document: &Value) {
    print(&format!("{document:#}\n"));
}

/// A JSON document: laid out for people where that takes no more than `n_bytes`, else on one line.
pub(super) fn laid_out(document: &impl Serialize, n_bytes: usize) -> Result<String, Failure> {
    let failed = |error: serde_json::Error| Failure::of(&error);
    let mut text = serde_json::to_string_pretty(document).map_err(failed)?;
    if text.len() > n_bytes {
        text = serde_json::to_string(document).map_err(failed)?;
    }
    text.push('\n');
    Ok(text)
}

static JSON_LOG: AtomicBool = AtomicBool::new(false);

/// From now on, what is said is one JSON object a line, as the log is.
pub(super) fn say_in_json() {
    JSON_LOG.store(true, Ordering::Relaxed);
}

/// Whether what is said is one JSON object a line.
pub(super) fn is_json_log() -> bool {
    JSON_LOG.load(Ordering::Relaxed)
}

/// Writes to stderr.
pub(crate) fn say(text: &str) {
    say_of(About::default(), text);
}

/// Writes to stderr what is about something.
pub(crate) fn say_of(about: About<'_>, text: &str) {
    say_at("INFO", about, text);
}

/// Writes an error to stderr.
pub(crate) fn complain(text: &str) {
    complain_of(About::default(), text);
}

/// Writes an error about something to stderr.
pub(crate) fn complain_of(about: About<'_>, text: &str) {
    say_at("ERROR", about, text);
}

fn say_at(level: &str, about: About<'_>, text: &str) {
    let line = if is_json_log() {
        Line { level, target: "flowsync", about, message: text, fields: serde_json::Map::new() }.json()
    } else {
        text.to_owned()
    };
    _ = super::screen::aside(|| writeln!(std::io::stderr().lock(), "{line}"));
}

/// Shows a failure and returns its exit code.
pub(crate) fn fail(failure: &Failure, color: bool) -> u8 {
    show_problems(&failure.problems);
    let mark = if color { "\x1b[1;31merror\x1b[0m" } else { "error" };
    complain(&format!("{mark}: {}", crate::problem::escape_terminal(&failure.message)));
    failure.code
}

/// Shows problems on stderr, a line each.
pub(crate) fn show_problems(problems: &[Problem]) {
    show_problems_of(About::default(), problems);
}

/// Shows problems of something on stderr, a line each.
pub(crate) fn show_problems_of(about: About<'_>, problems: &[Problem]) {
    for problem in problems {
        complain_of(about, &crate::problem::escape_terminal(&problem.to_string()));
    }
}
