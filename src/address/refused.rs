//! Why a text names nothing.

/// Why a text is no name of what it should name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found `{found}`: {why}")]
pub struct NameRefused {
    /// What it should be.
    pub expected: &'static str,
    /// What stood there, fit for a line of a terminal.
    pub found: String,
    /// What is wrong with it, or what to write instead.
    pub why: &'static str,
}

/// What is wrong with a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlProblem {
    /// It is none, or not a whole one.
    Malformed,
    /// Its scheme is not spoken.
    Scheme,
    /// It holds a user name or password that belongs elsewhere.
    Credentials,
    /// Its scheme does not protect what it carries, and the host is not this machine.
    Insecure,
}

/// Why a text is no URL that is used here. What may hold a secret is not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UrlRefused {
    /// What is wrong.
    pub problem: UrlProblem,
    /// The same in words.
    pub message: String,
    /// What to do.
    pub help: &'static str,
}

impl UrlRefused {
    pub(super) fn new(problem: UrlProblem, message: impl Into<String>, help: &'static str) -> Self {
        Self { problem, message: message.into(), help }
    }

    pub(super) fn malformed(message: impl Into<String>, help: &'static str) -> Self {
        Self::new(UrlProblem::Malformed, message, help)
    }
}

/// Text from outside, fit for one line of a terminal.
pub(crate) fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
