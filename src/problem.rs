//! One finding about what a person wrote: what is wrong, where, and what to do about it.
//!
//! Problems are collected, sorted and shown together; finding the first one never ends the search.
//! This module knows how a problem looks in text, and nothing about where problems come from.

mod escape;
mod markdown;
mod render;
mod rule;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use escape::escape_terminal;
pub use markdown::{code_block, code_span};
pub use render::{Colour, render};
pub use rule::Rule;

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The flows cannot be deployed until this is mended.
    Error,
    /// Worth a reviewer's eye; deployment goes on.
    Warning,
}

/// Where a problem stands. Lines and columns count from 1; columns count characters, not bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Path of the file as the user knows it, with `/` between its parts.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// JSON pointer (RFC 6901) to the value the problem is about; empty for the whole document.
    pub pointer: String,
}

/// One finding.
///
/// The order is the order of display: by file, then line and column, then rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "FlatProblem", into = "FlatProblem")]
pub struct Problem {
    /// Where; in outputs its members stand among the others.
    pub place: Place,
    /// The rule, by its stable name in kebab-case in outputs, for example `duplicate-key`.
    pub rule: Rule,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong: `expected X, found Y`, values in backticks, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// A problem as it is written.
#[derive(Serialize, Deserialize)]
struct FlatProblem {
    file: String,
    line: u32,
    column: u32,
    pointer: String,
    rule: Rule,
    severity: Severity,
    message: String,
    help: String,
}

impl From<Problem> for FlatProblem {
    fn from(problem: Problem) -> Self {
        let Problem { place: Place { file, line, column, pointer }, rule, severity, message, help } = problem;
        Self { file, line, column, pointer, rule, severity, message, help }
    }
}

impl From<FlatProblem> for Problem {
    fn from(written: FlatProblem) -> Self {
        let FlatProblem { file, line, column, pointer, rule, severity, message, help } = written;
        Self { place: Place { file, line, column, pointer }, rule, severity, message, help }
    }
}

impl Problem {
    /// Whether this problem forbids a deployment.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// The plain one-line form, `file:line:column: severity[rule] message`, understood by editors.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, line, column, .. } = &self.place;
        let (file, message) = (escape_terminal(file), escape_terminal(&self.message));
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{file}:{line}:{column}: {severity}[{}] {message}", self.rule)?;
        if self.help.is_empty() { Ok(()) } else { write!(f, " ({})", escape_terminal(&self.help)) }
    }
}

/// Whether any of these problems forbids a deployment.
#[must_use]
pub fn any_error(problems: &[Problem]) -> bool {
    problems.iter().any(Problem::is_error)
}
